"""Whole runs of tasks that call AWS or a function: servers on loopback, folders in place of S3 and the Parameter Store."""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
from pathlib import Path

import pytest


def settings(smtp_server) -> None:
    folder = Path(".stepdig/secrets")
    folder.mkdir(parents=True)
    (folder / "mail.host").write_text("127.0.0.1")
    (folder / "mail.port").write_text(f"{smtp_server.port}\n")


def test_an_answer_is_read_by_states_and_by_commands(run, http_server):
    http_server.answer(200, '{"tables": ["users", "orders"]}')
    got = run(f"""
        +ask:
          http>: {http_server.url}/tables
          store_content: true
        +say:
          echo>: "${{http.last_status}} ${{JSON.parse(http.last_content).tables[1]}}"
        +shell:
          sh>: echo "${{http.last_content}}" $PREFIX
          _env: {{PREFIX: "${{http.last_status + 1}}"}}
        """)

    assert got.code == 0
    assert got.output == ["200 orders", "{tables: [users, orders]} 201"]


def test_only_what_a_later_command_may_read_goes_through_s3(run, http_server):
    got = run(f"""
        +first:
          sh>: echo before
        +ask:
          http>: {http_server.url}/echo
        +say:
          echo>: ${{http.last_status}}
        """)

    assert (got.code, got.output) == (0, ["before", "200"])
    assert not list(Path(".stepdig").rglob("+ask/output.json"))


def test_a_server_that_recovers_is_asked_again(run, http_server):
    http_server.answer(503, "later")
    got = run(f"""
        +ask:
          http>: {http_server.url}/echo
        """)

    assert got.code == 0
    assert got.tries("+ask") == 2
    assert len(http_server.requests) == 2


def test_a_post_is_not_repeated_but_by_its_own_retry(run, http_server):
    http_server.answer(503, "later")
    once = f"""
        +tell:
          http>: {http_server.url}/echo
          method: POST
          content: {{a: 1}}
        """
    failed = run(once)
    assert failed.code == 1
    assert len(http_server.requests) == 1
    words = f"HTTP 5XX Server Error: POST {http_server.url}/echo - 503 Service Unavailable: later"
    assert (failed.end["error"], json.loads(failed.end["cause"])["errorMessage"]) == ("HttpUnavailable", words)

    http_server.answer(503, "later")
    assert run(f"{once}  _retry: 1\n        ").code == 0
    assert len(http_server.requests) == 3


def test_a_failure_reaches_the_handler_in_plain_words_from_inside_a_list(run, http_server):
    got = run(f"""
        +each:
          for_each>: {{code: [404, 200]}}
          _parallel: true
          _do:
            http>: {http_server.url}/status/${{code}}
          _error:
            echo>: ${{error.message}}
        """)

    assert got.code == 1
    assert len(http_server.requests) == 2
    assert got.output[0].startswith(f"1 failed: #0 (HTTP 4XX Client Error: GET {http_server.url}/status/404")


def test_secrets_reach_the_server_and_nothing_of_the_run(run, http_server, monkeypatch):
    monkeypatch.setenv("STEPDIG_SECRET_API_TOKEN", "s3cr3t")
    got = run(f"""
        _export:
          auth: Bearer ${{secret:api.token}}
        +ask:
          http>: {http_server.url}/status/404?key=${{secret:api.token}}
          headers:
            - X-A: ${{auth}}
        """)

    assert got.code == 1
    assert (http_server.requests[0].path, http_server.requests[0].header("X-A")) == (
        "/status/404?key=s3cr3t",
        "Bearer s3cr3t",
    )
    assert "s3cr3t" not in json.dumps(got.events)
    assert not [path for path in Path(".stepdig").rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]


def test_stores_of_calls_in_a_list_are_apart_and_come_out(run, http_server):
    got = run(f"""
        +each:
          for_each>: {{n: [1, 2]}}
          _do:
            +ask:
              http>: {http_server.url}/n${{n}}
              store_content: true
            +tell:
              sh>: 'echo "${{JSON.parse(http.last_content).path}}"'
        +last:
          echo>: ${{JSON.parse(http.last_content).path}}
        """)

    assert got.code == 0, got.end
    assert got.output == ["/n1", "/n2", "/n2"]


def test_a_mail_with_a_template_and_a_file_of_the_project(run, smtp_server):
    settings(smtp_server)
    got = run(
        """
        _export:
          mail: {from: digdag@example.com}
        +prep:
          sh>: 'true'
        +done:
          mail>: body.txt
          subject: loaded ${session_date}
          to: [a@example.com, b@example.com]
          attach_files: [{path: report.csv, content_type: text/csv}]
        """,
        body__txt="${task_name} of ${session_date}\nis done",
        report__csv="a,b\n",
    )

    assert got.code == 0, got.end
    read = email.message_from_bytes(smtp_server.mails[0].data, policy=email.policy.default)
    assert smtp_server.mails[0].recipients == ["a@example.com", "b@example.com"]
    assert read["Subject"] == "loaded 2026-11-20"
    assert read.get_body().get_content().split() == ["+w+done", "of", "2026-11-20", "is", "done"]
    assert next(iter(read.iter_attachments())).get_content().split() == ["a,b"]


def test_a_refused_mail_fails_its_task_with_the_servers_words(run, smtp_server):
    settings(smtp_server)
    smtp_server.refuse["RCPT"] = "550 5.1.1 no such user"
    got = run("""
        +tell:
          mail>: {data: hello}
          subject: s
          from: a@example.com
          to: b@example.com
          _error:
            echo>: ${error.message}
        """)

    assert got.code == 1
    assert got.output == [
        f"127.0.0.1:{smtp_server.port} refused every recipient: b@example.com (550 5.1.1 no such user)"
    ]


def test_params_are_kept_from_run_to_run(run):
    workflow = """
        +get:
          param_get>:
          counter: seen
          never: nothing
        +say:
          echo>: "seen [${seen}] nothing [${nothing}]"
        +shell:
          sh>: echo "shell [${seen}]"
        +set:
          param_set>:
          counter: ${seen}x
        """
    assert run(workflow).output == ["seen [] nothing []", "shell []"]
    assert run(workflow).output == ["seen [x] nothing []", "shell [x]"]
    assert next(Path(".stepdig/params").rglob("counter")).read_text() == "xx"


def test_s3_wait_finds_an_object_and_tells_of_it(run):
    found = Path(".stepdig/s3/my-bucket/in/a.csv")
    found.parent.mkdir(parents=True)
    found.write_text("a,b\n")
    got = run("""
        +wait:
          s3_wait>: my-bucket/in/a.csv
        +say:
          echo>: "${s3.last_object.result} ${s3.last_object.metadata['Content-Length']}"
        +user:
          echo>: ${JSON.stringify(s3.last_object.user_metadata)}
        +shell:
          sh>: echo "${s3.last_object.metadata.ETag}"
        """)

    assert got.code == 0, got.end
    assert got.output == ["true 4", "{}", hashlib.md5(b"a,b\n").hexdigest()]


def test_s3_wait_waits_until_somebody_puts_the_object(run):
    Path(".stepdig/s3/my-bucket").mkdir(parents=True)
    got = run("""
        +both:
          _parallel: true
          +wait:
            s3_wait>: my-bucket/flag
            timeout: 1s
          +put:
            sh>: touch .stepdig/s3/my-bucket/flag
        """)

    assert got.code == 0, got.end


def test_s3_wait_ends_at_its_timeout(run):
    Path(".stepdig/s3/my-bucket").mkdir(parents=True)
    got = run("""
        +wait:
          s3_wait>: my-bucket/never
          timeout: 1s
          _error:
            echo>: ${error.message}
        """)

    assert got.code == 1
    assert got.output == ["Object 'my-bucket/never' does not yet exist"]
    assert got.tries("+wait") == 2


def test_s3_wait_may_go_on_after_its_timeout(run):
    Path(".stepdig/s3/my-bucket").mkdir(parents=True)
    got = run("""
        +wait:
          s3_wait>: my-bucket/never
          timeout: 1s
          continue_on_timeout: true
        +say:
          if>: ${s3.last_object.result}
          _do: {fail>: found}
          _else_do: {echo>: late}
        +shell:
          sh>: echo "${s3.last_object.result}"
        """)

    assert got.code == 0, got.end
    assert got.output == ["late", "false"]
    assert got.states["+wait"] == "success"


@pytest.mark.parametrize(("bucket", "output"), [("my-bucket", ["true"]), ("my-other", [])])
def test_s3_wait_looks_only_in_the_buckets_that_are_listed(run, bucket, output):
    for name in ("my-bucket", "my-other"):
        flag = Path(f".stepdig/s3/{name}/in/flag")
        flag.parent.mkdir(parents=True)
        flag.write_text("")
    got = run(f"""
        +which:
          sh>: echo "bucket={bucket}" > "$STEPDIG_OUTPUT"
          store: [bucket]
        +wait:
          s3_wait>: ${{bucket}}/in/flag
          buckets: [my-bucket, your-bucket]
        +say:
          echo>: ${{s3.last_object.result}}
        """)

    assert got.output == output
    if not output:
        assert got.code == 1
        assert "s3_wait> may not look in the bucket my-other" in str(got.end)


def test_stores_of_a_parallel_list_reach_commands_after_it(run, http_server):
    got = run(f"""
        +each:
          for_each>: {{n: [1, 2]}}
          _parallel: true
          _do:
            http>: {http_server.url}/n${{n}}
            store_content: true
        +last:
          sh>: 'echo "${{JSON.parse(http.last_content).path}}"'
        """)

    assert got.code == 0, got.end
    assert got.output == ["/n2"]


def test_other_names_of_secrets(run, http_server, monkeypatch):
    monkeypatch.setenv("STEPDIG_SECRET_API_TOKEN", "s3cr3t")
    got = run(f"""
        +ask:
          http>: {http_server.url}/x
          _secrets: {{http: {{authorization: api.token}}, t: api.token}}
          headers:
            - X-A: ${{secret:t}}
        """)

    assert got.code == 0, got.end
    assert [http_server.requests[0].header(name) for name in ("Authorization", "X-A")] == ["s3cr3t", "s3cr3t"]


def test_a_new_try_of_a_group_asks_anew(run, http_server):
    http_server.answer(200, "first")
    got = run(f"""
        +all:
          _retry: 1
          +ask:
            http>: {http_server.url}/echo
            store_content: true
          +check:
            if>: ${{http.last_content == 'first'}}
            _do:
              sh>: exit 1
        +after:
          sh>: 'echo "${{JSON.parse(http.last_content).path}}"'
        """)

    assert got.code == 0, got.end
    assert got.output == ["/echo"]
    assert len(http_server.requests) == 2


def test_a_failing_call_may_be_ignored(run, http_server):
    got = run(f"""
        +ask:
          http>: {http_server.url}/status/404
          _ignore_failure: true
        +after:
          echo>: on
        """)

    assert (got.code, got.output) == (0, ["on"])


def test_a_retry_that_only_the_run_knows(run, http_server):
    for _ in range(2):
        http_server.answer(500, "no")
    got = run(
        f"""
        +tell:
          http>: {http_server.url}/echo
          method: POST
          _retry: ${{tries}}
        """,
        "-p",
        "tries=2",
    )

    assert got.code == 0, got.end
    assert len(http_server.requests) == 3


def test_a_server_that_does_not_answer_within_the_tasks_time(run, http_server):
    http_server.answer(-1)
    got = run(f"""
        +ask:
          http>: {http_server.url}/echo
          _timeout: 1s
          _error:
            echo>: ${{error.message}}
        """)

    assert got.code == 1
    assert got.output == ["it took longer than its _timeout"]
