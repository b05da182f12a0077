"""Parts of a workflow, and runs that go on: what ran how often is counted by the commands themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NIGHT = """
    +prepare: {py>: t.prepare}
    +load:
      +users: {sh>: 'echo users >> ran; test "$go" = on || test -e users.done || ! touch users.done'}
      +tables:
        for_each>: {t: [a, b, c]}
        _parallel: true
        _do: {sh>: 'echo $t >> ran; test $t != b || test -e fixed'}
    +count: {py>: t.count, rows: "${rows}"}
    +tell: {echo>: "${rows} ${counted}"}
"""
CODE = """
import digdag
def prepare():
    print("prepare", file=open("ran", "a"))
    digdag.env.store(rows=3)
def count(rows):
    print("count", file=open("ran", "a"))
    digdag.env.store(counted=int(rows) + 1)
"""


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], Counter[str]]:
    """Return a function that tells how often each task ran since it was asked last."""

    def read() -> Counter[str]:
        path = tmp_path / "ran"
        found = Counter(path.read_text().split()) if path.exists() else Counter()
        path.unlink(missing_ok=True)
        return found

    return read


def test_a_failed_run_goes_on(run: Callable[..., Any], ran: Callable[[], Counter[str]], tmp_path: Path) -> None:
    """The same execution, from what failed: first a task, then one item of a list; nothing else runs again."""
    first = run(NIGHT, t__py=CODE)
    assert (first.code, ran()) == (1, Counter(["prepare", "users"]))

    second = run(NIGHT, "--resume")
    assert (second.code, ran()) == (1, Counter(["users", "a", "b", "c"]))

    (tmp_path / "fixed").touch()
    third = run(NIGHT, "--resume")
    assert (third.code, ran(), third.output) == (0, Counter(["b", "count"]), ["3 4"])

    assert run(NIGHT, "--resume").code == 2


def test_a_run_goes_on_with_a_changed_workflow(run: Callable[..., Any], ran: Callable[[], Counter[str]]) -> None:
    """Another machine runs what the old one has not done, with what that stored; twice in a row, too."""
    broken = NIGHT.replace("py>: t.count, rows", "fail>: 'not yet', rows")
    assert run(broken, "-p", "go=on", t__py=CODE).code == 1  # +users succeeds, +tables fails at b
    ran()

    fixed = broken.replace("test $t != b || test -e fixed", "true").replace('echo>: "', 'echo>: "told ')
    second = run(fixed, "--resume")
    assert (second.code, ran()) == (1, Counter(["b"]))

    third = run(fixed.replace("fail>: 'not yet'", "py>: t.count"), "--resume")
    assert (third.code, ran(), third.output) == (0, Counter(["count"]), ["told 3 4"])


def test_start_takes_what_was_done_before(run: Callable[..., Any], ran: Callable[[], Counter[str]]) -> None:
    """Earlier tasks that the last run of the session has done do not run; without such a run all do, as in Digdag."""
    good = NIGHT.replace("test $t != b || test -e fixed", "true")
    without = run(good, "--start", "+count", "-p", "go=on", t__py=CODE)
    assert (without.code, ran()["prepare"]) == (0, 1)

    again = run(good, "--start", "+load+tables", "-p", "go=on")
    assert (again.code, ran(), again.output) == (0, Counter(["a", "b", "c", "count"]), ["3 4"])

    goal = run(good, "--goal", "+load", "-p", "go=on")
    assert (goal.code, ran()) == (0, Counter(["users", "a", "b", "c"]))


def test_end_and_a_single_task(run: Callable[..., Any], ran: Callable[[], Counter[str]]) -> None:
    """`--end` leaves out a task and what follows; a task by itself runs with what was stored before, if anything was."""
    good = NIGHT.replace("test $t != b || test -e fixed", "true")
    ended = run(good, "--end", "+load+tables", "-p", "go=on", t__py=CODE)
    assert (ended.code, ran()) == (0, Counter(["prepare", "users"]))

    alone = run(good, "+count", "-p", "go=on")
    assert (alone.code, ran()) == (0, Counter(["count"]))


def test_what_iterations_and_branches_stored_outlives_a_redrive(run: Callable[..., Any], tmp_path: Path) -> None:
    """States see it as commands do: of those that ran again, and of those that did not."""
    dig = """
        +each:
          for_each>: {x: [a, b, c]}
          _parallel: true
          _do: {py>: t.f}
        +both:
          _parallel: true
          +x: {py>: t.g, name: x}
          +y: {py>: t.g, name: y}
        +seen: {echo>: "${a}${b}${c} ${bx}${by}"}
        +read: {sh>: 'echo "$a$b$c $bx$by"'}
    """
    code = """
        import digdag, os
        def f(x):
            assert x != "b" or os.path.exists("ok")
            digdag.env.store({x: x})
        def g(name):
            assert name != "y" or os.path.exists("fine")
            digdag.env.store({"b" + name: name})
    """
    assert run(dig, t__py=code).code == 1
    (tmp_path / "ok").touch()
    assert run(dig, "--resume").code == 1
    (tmp_path / "fine").touch()

    done = run(dig, "--resume")

    assert (done.code, done.output) == (0, ["abc xy", "abc xy"])


def test_groups_calls_and_handlers_that_are_done(run: Callable[..., Any]) -> None:
    """Stores of called files, parallel groups and retried groups are seen; what they did is not done again."""
    dig = """
        +call: {call>: sub.dig}
        +par:
          _parallel: true
          +x: {py>: t.f, n: 1}
          +y: {py>: t.f, n: 2}
        +tried: {_retry: 2, +z: {py>: t.flaky}}
        +last:
          +seen: {sh>: 'echo "$called $n $deep"; test -e ok'}
          _error: {echo>: told}
    """
    code = """
        import digdag, pathlib
        def f(n): digdag.env.store(n=n, deep={"k": {str(n): n}})
        def g(): digdag.env.store(called="${1+1}")
        def flaky():
            seen = pathlib.Path("flaky")
            if not seen.exists():
                seen.touch()
                raise Exception("once")
    """
    first = run(dig, sub__dig="+s: {py>: t.g}\n", t__py=code)
    second = run(dig.replace("told", "told again"), "--resume", ok="")

    assert (first.code, first.output[-1]) == (1, "told")
    assert (second.code, second.output) == (0, ['${1+1} 2 {"k":{"1":1,"2":2}}'])
    assert set(second.states) == {"", "+last", "+last+seen"}


def test_a_task_that_is_not_there(run: Callable[..., Any]) -> None:
    """The name is refused with a proposal; nothing runs."""
    done = run("+load: {sh>: touch ran}\n", "--start", "+laod")

    assert done.code == 1
    assert [(it["code"], it["hint"]) for it in done.events] == [("SD551", "did you mean '+load'?")]


def test_a_dry_run_runs_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    """It tells each task, with templates filled in where they are known."""
    dig = """
        +a: {sh>: 'touch ran ${session_date} $k', k: 1}
        +b: {loop>: 2, _do: {+c: {echo>: "${i}"}}}
    """

    done = run(dig, "--dry-run", "--show-params")

    told = [(it["task"], it["operator"], it["argument"]) for it in done.events]
    assert told == [("+w+a", "sh", "touch ran 2026-11-20 $k"), ("+w+b", "loop", 2), ("+w+b^sub+c", "echo", "${i}")]
    assert done.events[0]["params"]["k"] == 1
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / ".stepdig").exists()


def test_a_dry_run_looks_into_called_files(run: Callable[..., Any]) -> None:
    """Exports, declared inputs and stores of what is done are filled in; what only a run knows stays as written."""
    dig = """
        params: {days: {type: integer, default: 3}}
        _export: {to: "s3/${session_date}"}
        +a: {sh>: "echo n=${days} > $STEPDIG_OUTPUT", store: [n]}
        +g: {_export: {at: "${to}/x"}, +c: {call>: "sub/${days}"}, +l: {for_each>: {t: [1]}, _do: {+x: {echo>: "${t}"}}}}
        +b: {sh>: "echo ${n} ${secret:token}"}
    """
    sub = "+t: {echo>: '${at} ${workflow_name}'}\n+u: {if>: '${days > 2}', _do: {fail>: '${n}'}}\n"

    def told(*arguments: str) -> list[tuple[str, Any]]:
        done = run(dig, "--dry-run", *arguments, sub_in_3__dig=sub)
        return [(it["task"].removeprefix("+w"), it["argument"]) for it in done.events]

    called = [("+g+c", "sub/3"), ("+g+c^sub+t", "s3/2026-11-20/x w"), ("+g+c^sub+u", "true")]
    loop = [("+g+l", {"t": [1]}), ("+g+l^sub+x", "${t}")]
    first = told()
    assert first[0] == ("+a", "echo n=3 > $STEPDIG_OUTPUT")
    assert [first[4], first[-1]] == [("+g+c^sub+u^sub", "${n}"), ("+b", "echo ${n} ${secret:token}")]
    assert (first[1:4], first[5:-1]) == (called, loop)
    run(dig, "--end", "+g")
    assert told("--start", "+g") == [*called, ("+g+c^sub+u^sub", "3"), *loop, ("+b", "echo 3 ${secret:token}")]
