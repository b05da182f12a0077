"""Whole runs of jobs: plain images, images that a task names, files kept between sessions, a workspace, secrets, time limits."""

from __future__ import annotations

from stepdig.local.secrets import LocalSecrets

TOOL = "image: shop/tool:3\nplain: true\nenvironment: {REGION_OF: '${AWS::Region} ${Environment}'}\n"


def notes(done):
    return [event["text"] for event in done.events if event["event"] == "note"]


def test_a_plain_job_is_given_its_command_and_the_parameters(run):
    done = run(
        """
        timezone: Asia/Tokyo
        params: {days: 1}
        _export:
          ecs: {job: tool}
          target: warehouse_${session_date_compact}
          rows: [1, 2]
        +all: {sh>: 'echo "$days ${days} $target $LEVEL $TZ [$rows] $REGION_OF"', _env: {LEVEL: "l ${days + 1}"}}
        +each:
          for_each>: {t: [users, orders]}
          _do:
            +run: {sh>: 'echo "$t $color $task_name"', color: red, shell: [bash, -eu]}
        +words:
          ecs_task.run>:
          command: [printf, "%s|", "a b", "${session_date}", '$HOME']
          environment: {A: b}
        """,
        "-p",
        "days=3",
        jobs_in_tool_in_job__yml=TOOL,
    )
    assert (done.code, done.output) == (
        0,
        [
            "3 3 warehouse_20261120 l 4 Asia/Tokyo [] us-east-1 local",
            "users red +w+each^sub+for-0=t=0=users+run",
            "orders red +w+each^sub+for-0=t=1=orders+run",
            "a b|2026-11-20|$HOME|",
        ],
    )
    assert notes(done) == [], "a folder describes the job, so what is meant is known"


def test_the_exit_code_of_a_plain_job_is_all_there_is(run):
    done = run(
        """
        +bad:
          sh>: exit 7
          ecs: {job: tool}
          _retry: 1
        _error:
          +told: {echo>: "${error.message}"}
        """,
        jobs_in_tool_in_job__yml=TOOL,
    )
    assert (done.code, done.states["+bad"], done.tries("+bad")) == (1, "error", 2)
    assert any("code 7" in line for line in done.output)


def test_a_program_that_is_not_there_and_a_command_that_nobody_knows_fail(run):
    jobs = {"jobs_in_tool_in_job__yml": TOOL}
    missing = run("+t: {ecs_task.run>: null, ecs: {job: tool}, command: [no-such-program]}", **jobs)
    unknown = run("+t: {ecs_task.run>: null, ecs: {job: tool}}", **jobs)
    assert (missing.code, unknown.code) == (1, 1)
    assert any('Cannot run program "no-such-program"' in line for line in missing.output)
    assert any("what the image itself would run is not known on this machine" in line for line in unknown.output)


def test_an_image_that_a_task_names_is_told_once_not_to_be_used(run):
    done = run(
        """
        _export: {docker: {image: "python:3.13-slim"}}
        +a: {sh>: "echo a"}
        +b: {py>: m.f}
        +c: {ecs_task.run>: null, command: [echo, c]}
        """,
        m__py="def f(): print('b')\n",
    )
    assert (done.code, done.output) == (0, ["a", "b", "c"])
    used = "the image python:3.13-slim is not used on this machine, but what is installed here"
    assert notes(done) == [f"job image-python-3-13-slim: {used}", f"job plain-python-3-13-slim: {used}"]


STATE = """
+load:
  for_each>: {t: [users, orders, items]}
  _parallel: true
  _do:
    +run:
      sh>: |
        cat diff.yml conf.txt 2> /dev/null; echo ${session_date_compact} ${t} >> diff.yml; echo $rest >> log-${t}.txt
        test "$FAIL" != ${t}
      ecs: {job: incremental}
"""


def test_files_of_state_are_found_by_the_next_session_row_by_row(run, tmp_path, monkeypatch):
    """Iterations that run at the same time write the same name, each its own file; a failed one keeps what was there."""
    files = {"jobs_in_incremental_in_job__yml": "state: [diff.yml]\n", "conf__txt": "conf\n"}
    first = run(STATE, **files)
    assert (first.code, first.output) == (0, ["conf"] * 3), "missing at first is fine"
    monkeypatch.setenv("FAIL", "users")
    second = run(STATE.replace("[users, orders, items]", "[items, orders, users]"), "--session", "2026-11-21", **files)
    kept = [f"20261120 {name}" for name in ("items", "orders", "users")]
    assert second.code == 1
    assert sorted(second.output)[:3] == kept
    state = tmp_path / f".stepdig/state/{tmp_path.name}-w/+load+run"
    assert {path.name: path.joinpath("diff.yml").read_text() for path in state.iterdir()} == {
        "t=users": "20261120 users\n",
        "t=orders": "20261120 orders\n20261121 orders\n",
        "t=items": "20261120 items\n20261121 items\n",
    }
    assert not (tmp_path / "diff.yml").exists(), "the project's own folder holds none of it"


def test_a_task_names_files_of_its_own_in_a_folder_and_with_a_first_content(run, tmp_path):
    dig = "+t: {sh>: 'cat state/seen.txt state/other.txt; echo more >> state/seen.txt', ecs: {state: [state/seen.txt]}}"
    files = {"state_in_seen__txt": "first\n", "state_in_other__txt": "other\n"}
    assert run(dig, **files).output == ["first", "other"]
    assert run(dig, "--session", "2026-11-21", **files).output == ["first", "more", "other"]
    assert (tmp_path / "state/seen.txt").read_text() == "first\n"


def test_tasks_of_all_runs_share_the_workspace_of_jobs_that_ask_for_one(run):
    dig = """
    +write: {sh>: 'echo x >> "$STEPDIG_WORKSPACE/f"', ecs: {job: shared}}
    +read: {sh>: 'cat "$STEPDIG_WORKSPACE/f"', ecs: {job: shared}}
    +other: {sh>: 'echo "[$STEPDIG_WORKSPACE]"'}
    """
    files = {"jobs_in_shared_in_job__yml": "workspace: true\n"}
    assert run(dig, **files).output == ["x", "[]"]
    assert run(dig, "--session", "2026-11-21", **files).output == ["x", "x", "[]"]


def test_secrets_of_job_yml_come_from_this_machine_as_variables_and_files(run, tmp_path):
    secrets = LocalSecrets(tmp_path)
    secrets.put("DB_PASSWORD", "hunter22")
    secrets.put("KEY_PATH", "-key-")
    done = run(
        """
        +use:
          sh>: echo "$DB_PASSWORD" | wc -c; cat "$KEY_PATH"; echo; stat -c %a "$KEY_PATH"; echo "$KEY_PATH" > where
          ecs: {job: load}
        +own: {sh>: 'test ! -e "$(cat where)" && echo gone; echo "[$DB_PASSWORD]"'}
        """,
        jobs_in_load_in_job__yml="secrets: {DB_PASSWORD: /shop/db, KEY_PATH: {file: /shop/key}, API_KEY: /shop/api}\n",
    )
    assert (done.code, done.output) == (0, ["9", "-key-", "600", "gone", "[]"])
    assert notes(done) == [], "nothing failed for want of API_KEY"


def test_secrets_that_are_not_here_are_told_once_and_only_when_a_command_of_the_job_failed(run):
    jobs = {
        "jobs_in_load_in_job__yml": "secrets: {API_KEY: /shop/api, CLOUD_ONLY: /shop/other}\n",
        "jobs_in_send_in_job__yml": "secrets: {WEBHOOK: /shop/hook}\n",
    }
    each = """
        +each:
          for_each>: {t: [a, b, c]}
          _parallel: true
          _do:
            +load: {sh>: 'test -n "$API_KEY"', ecs: {job: load}, _retry: 1}
            +send: {sh>: echo sent, ecs: {job: send}}
        """
    failed = run(each, **jobs)
    assert failed.code == 1
    assert notes(failed) == ["job load: API_KEY, CLOUD_ONLY are not set here: stepdig secrets --local --set API_KEY"]

    ignored = run("+t: {sh>: exit 1, ecs: {job: load}, _ignore_failure: true}", **jobs)
    assert (ignored.code, notes(ignored)) == (0, [])


def test_the_time_limit_of_a_job_is_that_of_its_tasks_without_one(run):
    done = run(
        """
        +slow: {sh>: sleep 600, ecs: {job: short}, _ignore_failure: true}
        +own: {sh>: echo in time, ecs: {job: short}, _timeout: 1h}
        """,
        jobs_in_short_in_job__yml="timeout: 1s\nstop_grace: 2\n",
    )
    assert (done.code, done.states["+slow"], done.output[-1]) == (0, "ignored", "in time")


def test_a_mistake_in_job_yml_keeps_a_run_from_starting(run, capsys, tmp_path):
    assert run("+t: {sh>: echo x}", jobs_in_load_in_job__yml="cpus: 1\n").code == 1
    assert not (tmp_path / ".stepdig").exists()
