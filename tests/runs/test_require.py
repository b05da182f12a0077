"""`require>`: another workflow of the project, once for each session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepdig.cli import main

COUNT = "n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n; echo run $((n+1)) $session_date"


def test_a_session_runs_once_whoever_asks(run: Callable[..., Any]) -> None:
    """In sequence, side by side and in loops: one execution for a session."""
    dig = """
        +first: {require>: other}
        +beside:
          _parallel: true
          +a: {require>: other}
          +b: {require>: other, params: {x: 1}}
        +each: {loop>: 2, _do: {require>: other}}
        +days:
          for_each>: {day: [1, 2, 1]}
          _do: {require>: other, session_time: "${moment(session_time).subtract(day, 'days').format()}"}
    """

    done = run(dig, other__dig=f"+x: {{sh>: '{COUNT}'}}\n")

    assert (done.code, done.output) == (0, ["run 1 2026-11-20", "run 2 2026-11-19", "run 3 2026-11-18"])


def test_two_that_ask_at_the_same_time(run: Callable[..., Any]) -> None:
    """The second waits for the one that the first started, also when it would have given other parameters."""
    dig = """
        +beside:
          _parallel: true
          +a: {require>: other, params: {x: 1}}
          +b: {require>: other, params: {x: 2}}
          +c: {require>: other, params: {x: 1}}
        +after: {sh>: cat done}
    """

    done = run(dig, other__dig="+x: {sh>: 'sleep 0.3; echo $x >> done'}\n")

    assert done.code == 0
    assert len(done.output) == 1


def test_what_is_handed_over(run: Callable[..., Any]) -> None:
    """Attempt parameters and `params`, nothing else; nothing comes back. Declared ones are a choice."""
    dig = """
        _export: {own: 1}
        +a: {require>: free, params: {given: ["${own}", 2]}}
        +b: {require>: strict, params: {days: "${own}"}}
        +c: {echo>: "${typeof stored}"}
    """
    files = {
        "free__dig": '+x: {echo>: "${typeof own} ${given} ${cli}"}\n+y: {py>: t.f}\n',
        "strict__dig": 'params: {days: {type: integer}}\n+x: {echo>: "${days + 1} ${typeof cli}"}\n',
        "t__py": "import digdag\ndef f():\n    digdag.env.store(stored=1)\n",
    }

    done = run(dig, "-p", "cli=c", **files)

    assert (done.code, done.output) == (0, ['undefined ["1",2] c', "2 undefined", "undefined"])


def test_a_failure_and_what_runs_it_again(run: Callable[..., Any]) -> None:
    """`_error` learns of it, `ignore_failure` goes on, `rerun_on` and `_retry` run it again under the next name."""
    other = f"+x: {{sh>: '{COUNT}; [ $n -ge 3 ]'}}\n"
    dig = """
        +ignored: {require>: other, ignore_failure: true}
        +attached: {require>: other, ignore_failure: true}
        +again: {require>: other, rerun_on: failed, ignore_failure: true}
        +tried: {require>: other, _retry: 3}
        +done: {require>: other}
        +all: {require>: other, rerun_on: all}
    """

    done = run(dig, other__dig=other)
    told = run("+a: {require>: bad, _error: {echo>: '${error.message}'}}\n", bad__dig="+x: {fail>: no}\n")

    assert (done.code, [line[:5] for line in done.output]) == (0, ["run 1", "run 2", "run 3", "run 4", "run 5"])
    assert told.output == ["Dependent workflow failed: bad, 20261120T000000Z-1"]
    assert (told.code, told.states["+a"]) == (1, "error")


def test_each_execution_has_tasks_of_its_own(run: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The same task in two sessions is two tasks with one try each; its reason is that of its own exception."""
    dig = """
        +today: {require>: bad, ignore_failure: true}
        +early: {require>: bad, session_time: "2026-01-01T00:00:00+00:00"}
    """
    files = {
        "bad__dig": "+t: {py>: boom.f}\n",
        "boom__py": "def f(session_date):\n    raise ValueError(session_date)\n",
    }

    done = run(dig, **files)
    main(["run", "w.dig", "--plain"])
    text = capsys.readouterr().out

    failed = [event for event in done.events if event["event"] == "task" and event.get("exit_code")]
    sessions = ["20261120T000000Z-1", "20260101T000000Z-1"]
    assert [(event["task"], event["execution"], event["try"]) for event in failed] == [
        ("+bad+t", s, 1) for s in sessions
    ]
    assert (done.end["tasks"], done.end["tries"], done.end["failed"].count("+bad+t")) == (4, 4, 2)
    assert "bad 20260101T000000Z-1 +t  exit code 1: 2026-01-01 (ValueError)" in text


def test_problems_of_the_other_workflow_are_told_before_anything_runs(run: Callable[..., Any]) -> None:
    """Also of those that it requires in turn."""
    done = run("+a: {require>: b}\n", b__dig="+x: {require>: c}\n", c__dig="+x: {ecko>: hello}\n")

    assert done.code == 1
    assert [event["path"] for event in done.events if event["event"] == "problem"] == ["c.dig"]


@pytest.mark.parametrize("first", ["", "+first: {require>: bad, ignore_failure: true}\n"], ids=["started", "attached"])
@pytest.mark.parametrize("around", ["+b: {echo>: after}", "_parallel: true"], ids=["alone", "beside"])
def test_the_task_that_required_what_failed_is_the_one_that_failed(
    run: Callable[..., Any], first: str, around: str
) -> None:
    """By itself, and told in words, whether or not something follows its failure."""
    words = "Dependent workflow failed: bad, 20261120T000000Z-1"

    done = run(f"{first}+g:\n  +a: {{require>: bad}}\n  {around}\n", bad__dig="+x: {fail>: no}\n")

    assert (done.code, done.states["+g+a"], done.states["+g"]) == (1, "error", "group_error")
    mine = [it for it in done.events if it.get("task") == "+w+g+a"]
    assert {it["state"] for it in mine} == {"running", "error"}
    assert {it["cause"] for it in mine if it["state"] == "error"} == {words}
    assert "ExecutionArn" not in done.end["cause"]


def test_workflows_of_like_names_are_told_apart(run: Callable[..., Any]) -> None:
    """No two come to the same substitution, whatever characters their names have."""
    names = ["a_b", "a-b", "a.b", "AB", "aB"]
    dig = "".join(f"+t{number}: {{require>: {name}}}\n" for number, name in enumerate(names))
    files = {name.replace(".", "__") + "__dig": f"+x: {{echo>: '{name}'}}\n" for name in names}

    done = run(dig, **files)

    assert (done.code, done.output) == (0, names)
