"""`_check`, `_after`, `_timeout`, `_ignore_failure`, `_env` of groups and numbers of directives that only the run knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

COUNT = "n=$(cat {0} 2>/dev/null || echo 0); echo $((n+1)) > {0}; echo {0} $((n+1))"


def test_a_failing_check_runs_the_task_again(run: Callable[..., Any]) -> None:
    """The check follows each success of the task; its failure counts as the task's."""
    dig = f"""
        +load:
          sh>: {COUNT.format("load")}
          _retry: 1
          _check:
            +count: {{sh>: '{COUNT.format("check")}; test $n -ge 1'}}
        +after: {{echo>: after}}
    """

    done = run(dig)

    assert done.code == 0
    assert done.output == ["load 1", "check 1", "load 2", "check 2", "after"]


def test_a_check_that_never_holds_fails_the_task(run: Callable[..., Any]) -> None:
    """Then `_error` of the task runs, and nothing after it."""
    dig = """
        +load:
          echo>: loaded
          _check: {fail>: "no rows"}
          _error: {echo>: "said ${error.message}"}
        +after: {echo>: after}
    """

    done = run(dig)

    assert (done.code, done.output) == (1, ["loaded", "said no rows"])
    assert (done.states["+load"], done.states["+load^check"]) == ("group_error", "error")


def test_after_orders_parallel_tasks(run: Callable[..., Any]) -> None:
    """A task waits for those it names, sees what they stored, and does not run when one of them failed."""
    dig = """
        +g:
          _parallel: true
          +a: {py>: t.f, name: a}
          +b: {py>: t.f, name: b}
          +both: {_after: [+a, +b], echo>: "${a}${b}"}
          +bad: {sh>: exit 1}
          +never: {_after: [+bad], echo>: never}
    """

    done = run(dig, t__py="import digdag\ndef f(name):\n    digdag.env.store({name: name})\n")

    assert (done.code, done.output) == (1, ["ab"])
    assert "+g+never" not in done.states


def test_a_graph_that_needs_a_barrier_keeps_its_order(run: Callable[..., Any]) -> None:
    """An N of four tasks is neither a sequence nor branches; each still runs after what it names."""
    dig = """
        +g:
          _parallel: true
          +a: {sh>: touch a.done}
          +b: {sh>: touch b.done}
          +c: {_after: [+a], sh>: test -e a.done}
          +d: {_after: [+a, +b], sh>: test -e a.done -a -e b.done}
    """

    assert run(dig).code == 0


def test_a_command_that_takes_too_long_is_stopped(run: Callable[..., Any]) -> None:
    """Its `_error` learns why; each try has the whole time."""
    dig = f"""
        +slow:
          sh>: {COUNT.format("try")}; [ $n -ge 1 ] || sleep 60
          _timeout: 1s
          _retry: 1
        +stuck:
          sh>: sleep 60
          _timeout: 1
          _error: {{echo>: "${{error.message}}"}}
    """

    done = run(dig)

    assert (done.code, done.output) == (1, ["try 1", "try 2", "it took longer than its _timeout"])
    assert done.states["+slow"] == "success"


def test_the_tasks_of_a_group_share_its_time(run: Callable[..., Any]) -> None:
    """Whatever runs when it is over is stopped, also a wait>; `_error` has time of its own."""
    dig = """
        +g:
          _timeout: 1s
          +a: {sh>: sleep 0.1}
          +b: {for_each>: {x: [1, 2]}, _parallel: true, _do: {sh>: sleep 60}}
          _error: {sh>: "sleep 1.2; echo told"}
        +never: {echo>: never}
    """
    waiting = "+g: {_timeout: 1s, +a: {wait>: 1h}, +b: {echo>: never}}\n"

    done, waited = run(dig), run(waiting)

    assert (done.code, done.output, done.states["+g"]) == (1, ["told"], "group_error")
    assert (waited.code, waited.output) == (1, [])
    assert "time limit" in waited.end["cause"]


def test_a_failure_that_does_not_matter(run: Callable[..., Any]) -> None:
    """The workflow goes on and succeeds; `_retry` and `_error` have run before."""
    dig = f"""
        +clean:
          _ignore_failure: true
          _retry: 1
          +a: {{sh>: '{COUNT.format("a")}; exit 3'}}
          +never: {{echo>: never}}
          _error: {{echo>: "told ${{error.message}}"}}
        +each:
          for_each>: {{x: [1, 2]}}
          _parallel: true
          _do:
            _ignore_failure: true
            +c: {{fail>: "${{x}}"}}
        +after: {{echo>: after}}
        +last: {{_ignore_failure: true, fail>: nobody minds}}
    """

    done = run(dig)

    assert (done.code, done.end["status"]) == (0, "SUCCEEDED")
    assert done.output == ["a 1", "a 2", "told Command failed with code 3 (runtime)", "after"]
    assert (done.states["+clean+a"], done.states["+clean"], done.states["+last"]) == ("error", "ignored", "ignored")
    assert done.end["failed"] == []


def test_env_of_groups_reaches_all_commands_inside(run: Callable[..., Any]) -> None:
    """The nearest wins; templates are those of the task; called files and loops too."""
    dig = """
        _env: {A: top, B: "${session_date}"}
        +g:
          _env: {A: group}
          +one: {sh>: 'echo $A $B'}
          +two: {sh>: 'echo $A', _env: {A: task}}
          +loop: {loop>: 2, _do: {_env: {I: "${i}"}, +t: {sh>: 'echo $A $I'}}}
          +call: {call>: other.dig}
        +out: {sh>: 'echo $A'}
    """

    done = run(dig, other__dig="+t: {sh>: 'echo called $A'}\n")

    expected = ["group 2026-11-20", "task", "group 0", "group 1", "called group", "top"]
    assert (done.code, done.output) == (0, expected)


def test_numbers_that_only_the_run_knows(run: Callable[..., Any]) -> None:
    """`_retry` of a command and `_parallel` of a loop take templates, as in Digdag."""
    dig = f"""
        +t: {{sh>: '{COUNT.format("t")}; [ $n -ge 2 ]', _retry: "${{tries}}"}}
        +in_turn:
          for_each>: {{x: [1, 2, 3]}}
          _parallel: "${{fast}}"
          _do: {{sh>: 'echo $x; [ $x != 2 ]'}}
    """

    stopped = run(dig, "-p", "tries=2", "-p", "fast=false")
    all_ran = run(
        "+p: {for_each>: {x: [a, b, c]}, _parallel: '${fast}', _do: {sh>: '[ $x != b ]'}}\n", "-p", "fast=true"
    )

    assert stopped.output == ["t 1", "t 2", "t 3", "1", "2"]
    assert stopped.code == 1
    assert all_ran.end["cause"] == "1 failed: b (exit code 1)"


def test_a_switch_that_is_none(run: Callable[..., Any]) -> None:
    """What is neither true nor false fails the loop, and says what it got."""
    done = run("+p: {for_each>: {x: [1]}, _parallel: '${p}', _do: {echo>: no}}\n", "-p", "p=maybe")

    assert (done.code, done.output) == (1, [])
    assert "_parallel of +p needs true or false, but got maybe" in done.end["cause"]


def test_call_of_a_file_that_only_the_run_knows(run: Callable[..., Any]) -> None:
    """It is chosen among those the template may name; its stores are seen afterwards."""
    dig = """
        +one: {call>: "load/${kind}.dig"}
        +seen: {echo>: "${rows}"}
        +each: {for_each>: {k: [users, orders]}, _do: {call>: "load/${k}"}}
    """
    files = {
        "load_in_users__dig": "+t: {py>: t.f, n: 3}\n",
        "load_in_orders__dig": "+t: {echo>: orders}\n",
        "load_in_t__py": "import digdag\ndef f(n):\n    print('users')\n    digdag.env.store(rows=n)\n",
        "other__dig": "+t: {echo>: not me}\n",
    }

    done = run(dig, "-p", "kind=users", **files)
    unknown = run(dig, "-p", "kind=nobody", **files)

    assert (done.code, done.output) == (0, ["users", "3", "users", "orders"])
    assert (unknown.code, unknown.end["cause"]) == (1, "File not found: load/nobody.dig (config)")
