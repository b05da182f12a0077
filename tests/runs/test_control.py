"""Order, loops and failures of whole runs."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAKY = "n=$(cat {0} 2>/dev/null || echo 0); echo $((n+1)) > {0}; echo run $((n+1)); [ $n -ge {1} ]"


def test_a_parallel_list_runs_all_and_names_what_failed(run: Callable[..., Any]) -> None:
    """One failing table stops no other; the run fails with its name."""
    tables = json.dumps([{"table": "users"}, {"table": "orders", "where": "1"}, {"table": "items"}])
    dig = """
        +sync:
          for_each>: {t: {file: lists/shop.json}}
          _parallel: {limit: 2}
          _do:
            +load: {sh>: 'echo "${t.table} [${t.where}]"; test ${t.table} != orders'}
        +after: {echo>: after}
    """

    done = run(dig, lists_in_shop__json=tables)

    assert done.code == 1
    assert sorted(done.output) == ["items []", "orders [1]", "users []"]
    assert (done.end["error"], done.end["cause"]) == ("ItemsFailed", "1 failed: orders (exit code 1)")
    assert "+after" not in done.states


def test_what_tasks_of_a_limited_group_stored_is_read_after_it(run: Callable[..., Any]) -> None:
    """The tasks are iterations of a Map, whose variables end with them; the later of two counts."""
    done = run(
        """
        +g:
          _parallel: {limit: 1}
          +first: {py>: s.add, n: 1}
          +second: {py>: s.add, n: 2}
        +after: {echo>: "${last} ${of_1} ${of_2}"}
        """,
        s__py="import digdag\ndef add(n):\n    digdag.env.store({'last': n, f'of_{n}': 'kept'})\n",
    )

    assert (done.code, done.output) == (0, ["2 kept kept"])


def test_lists_of_yaml_and_csv(run: Callable[..., Any]) -> None:
    """The same rows whatever the file's kind."""
    dig = """
        +y:
          for_each>: {t: {file: a.yml}}
          _do: {echo>: "${t.table} ${t.n}"}
        +c:
          for_each>: {t: {file: a.csv}}
          _do: {sh>: "echo ${t.table} ${t.n}"}
    """

    done = run(dig, a__yml="- {table: x, n: 1}\n- {table: y}\n", a__csv="table,n\nx,1\ny,\n")

    assert done.output == ["x 1", "y ", "x 1", "y"]


def test_a_sequential_loop_stops_at_the_first_failure(run: Callable[..., Any]) -> None:
    """Without `_parallel` later iterations do not start."""
    done = run('+l:\n  loop>: 4\n  _do: {sh>: "echo $i; [ $i -lt 2 ]"}\n')

    assert (done.code, done.output) == (1, ["0", "1", "2"])


def test_retry_of_a_task_counts_runs(run: Callable[..., Any]) -> None:
    """`_retry: 2` is three runs at most, and the run succeeds when one does."""
    done = run(f"+t:\n  _retry: 2\n  sh>: '{FLAKY.format('n', 2)}'\n")

    assert (done.code, done.output, done.tries("+t")) == (0, ["run 1", "run 2", "run 3"], 3)


def test_retry_of_a_group_runs_all_children_again(run: Callable[..., Any]) -> None:
    """Also those that had succeeded."""
    done = run(f"+g:\n  _retry: 3\n  +a: {{echo>: a}}\n  +b: {{sh>: '{FLAKY.format('n', 1)}'}}\n")

    assert (done.code, done.output) == (0, ["a", "run 1", "a", "run 2"])


def test_retry_of_a_call_and_of_a_choice(run: Callable[..., Any]) -> None:
    """`_retry` on call> and if> runs what they lead to again."""
    called = f"+x: {{sh>: '{FLAKY.format('n', 1)}'}}\n"
    counted = "pwd >> p; [ $(wc -l < p) -gt 1 ]"
    dig = f"+c:\n  call>: sub/c\n  _retry: 1\n+i:\n  if>: true\n  _retry: 1\n  _do: {{sh>: '{counted}'}}\n"

    done = run(dig, sub_in_c__dig=called)

    assert (done.code, done.output) == (0, ["run 1", "run 2"])


def test_error_handlers_run_from_the_inside_out(run: Callable[..., Any]) -> None:
    """Each sees the message; none rescues."""
    dig = """
        _error: {echo>: "top ${error.message}"}
        +g:
          _error: {sh>: 'echo "group ${error.message}"'}
          +t:
            _error: {echo>: "task ${error.message}"}
            sh>: exit 3
          +u: {echo>: never}
    """

    done = run(dig)

    message = "Command failed with code 3 (runtime)"
    assert (done.code, done.output) == (1, [f"task {message}", f"group {message}", f"top {message}"])


def test_the_message_of_a_failing_function(run: Callable[..., Any]) -> None:
    """`error.message` of py> is Python's own."""
    done = run('+t:\n  py>: s.boom\n  _error: {echo>: "E ${error.message}"}\n',
               s__py="def boom():\n    raise ValueError('no such table')\n")  # fmt: skip

    assert done.code == 1
    assert "E Python command failed with code 1" in done.output
    assert "Error messages from python: no such table (ValueError)" in done.output


def test_background_starts_with_the_group(run: Callable[..., Any]) -> None:
    """A background task runs beside all earlier ones; the next waits for it: neither can end before both have begun."""
    meet = "touch {0}; for i in $(seq 200); do [ -e {1} ] && exit 0; sleep 0.05; done; exit 1"
    dig = (
        f"+a: {{sh>: '{meet.format('a', 'b')}'}}\n"
        f"+b: {{_background: true, sh>: '{meet.format('b', 'a')}'}}\n"
        "+c: {sh>: 'ls a b'}\n"
    )

    assert run(dig).output == ["a", "b"]


def test_a_called_file_runs_here(run: Callable[..., Any]) -> None:
    """It sees the caller's parameters, works in its own folder, and its export is gone afterwards."""
    done = run(
        "_export: {x: caller}\n+c: {call>: sub/c.dig}\n+after: {echo>: '${x}'}\n",
        sub_in_c__dig="_export: {x: callee}\n+in: {sh>: 'echo $x $(basename $PWD)'}\n",
    )

    assert done.output == ["callee sub", "caller"]


def test_slack_being_down_never_fails_a_run(run: Callable[..., Any], monkeypatch: Any) -> None:
    """A webhook that refuses connections costs a message, not the night."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("STEPDIG_SLACK_WEBHOOK", f"http://127.0.0.1:{port}/hook")
    monkeypatch.setattr("stepdig.local.functions.time.sleep", lambda _seconds: None)  # between its tries

    done = run("+s: {slack>: {text: hello}}\n+after: {echo>: after}\n")

    assert (done.code, done.output[-1]) == (0, "after")
    assert "SlackUnavailable: Slack could not be reached" in done.output[0]


def test_a_message_that_cannot_be_made_fails_the_run(run: Callable[..., Any]) -> None:
    """A blank in place of an undefined name would be noticed by nobody."""
    done = run('+s: {slack>: {text: "loaded ${nope}"}}\n+after: {echo>: after}\n')

    assert done.code == 1
    assert "ReferenceError: nope is not defined" in done.end["cause"]
    assert "+after" not in done.states


def test_every_run_leaves_its_folder(run: Callable[..., Any], tmp_path: Path) -> None:
    """History, status and the outputs stay."""
    run("+t: {sh>: echo hi}\n")

    kept = next((tmp_path / ".stepdig/runs").rglob("status.json"))
    assert json.loads(kept.read_text())["status"] == "SUCCEEDED"
    assert (kept.parent / "history.jsonl").read_text().count("\n") > 3
