"""Runs that go on: what ran how often is counted by the commands themselves, in every kind of group."""

from __future__ import annotations

import random
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepdig.cli import main


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], dict[str, int]]:
    """Return a function that tells how often each task ran since it was asked last."""

    def read() -> dict[str, int]:
        path = tmp_path / "ran"
        found = Counter(path.read_text().split()) if path.exists() else Counter()
        path.unlink(missing_ok=True)
        return dict(found)

    return read


def once(*names: str) -> dict[str, int]:
    """Each of these once."""
    return dict.fromkeys(names, 1)


def sh(name: str, needs: str = "") -> str:
    """A command that counts itself, and fails while a file is not there."""
    return "{sh>: 'echo " + name + " >> ran" + (f"; test -e {needs}" if needs else "") + "'}"


def test_the_task_that_goes_on_is_shown_so(run: Callable[..., Any]) -> None:
    """A redriven task ends as what it is now, and with it the groups around."""
    dig = f"+g: {{+a: {sh('a')}, +b: {sh('b', 'ok')}}}\n+c: {{echo>: c}}\n"
    assert run(dig).states == {"": "group_error", "+g": "group_error", "+g+a": "success", "+g+b": "error"}

    again = run(dig, "--resume", ok="")

    assert (again.code, again.states) == (0, {"": "success", "+g": "success", "+g+b": "success", "+c": "success"})
    assert again.tries("+g+b") == 2


def test_parts_asked_for_are_kept(run: Callable[..., Any], ran: Callable[[], dict[str, int]], tmp_path: Path) -> None:
    """A run with --end, or of one task, goes on within what it was asked for, unchanged and changed."""
    dig = f"+a: {sh('a', 'ok')}\n+b: {sh('b', 'ok')}\n+c: {sh('c')}\n"
    assert run(dig, "--end", "+c").code == 1
    assert (run(dig, "--resume", ok="").code, ran()) == (0, {"a": 2, "b": 1})

    (tmp_path / "ok").unlink()
    assert run(dig, "+b").code == 1
    assert (run("# changed\n" + dig, "--resume").code, ran()) == (1, {"b": 2})
    assert (run(dig.replace("+c:", "+d: {echo>: d}\n+c:"), "--resume", ok="").code, ran()) == (0, {"b": 1})


def test_parallel_branches_and_what_waits_for_them(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """A redrive begins a failed branch anew; a changed workflow runs the tasks that are left."""
    dig = f"""
        +par:
          _parallel: true
          +x: {sh("x")}
          +y: {{+y1: {sh("y1")}, +y2: {sh("y2", "ok")}, +y3: {sh("y3")}}}
          +z: {sh("z")}
        +end: {sh("end")}
    """
    assert (run(dig).code, ran()) == (1, once("x", "y1", "y2", "z"))
    assert (run(dig.replace("echo end", "echo the end"), "--resume").code, ran()) == (1, once("y1", "y2"))
    changed = dig.replace("+end:", "+say: {echo>: hello}\n        +end:")
    assert (run(changed, "--resume", ok="").code, ran()) == (0, once("y2", "y3", "end"))


def test_called_files_and_choices(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """Tasks of a called file, and those in if>, count one by one."""
    dig = f"""
        +call: {{call>: sub.dig}}
        +if: {{if>: "${{1 == 1}}", _do: {{+m: {sh("m")}, +n: {sh("n", "ok")}}}}}
    """
    sub = f"+g: {{+s1: {sh('s1')}}}\n+s2: {sh('s2', 'fixed')}\n"
    assert (run(dig, sub__dig=sub).code, ran()) == (1, once("s1", "s2"))
    assert (run(dig, "--resume", sub__dig=sub + "+s3: {echo>: more}\n", fixed="").code, ran()) == (
        1,
        once("s2", "m", "n"),
    )
    assert (run(dig.rstrip(" ") + "        +o: {echo>: o}\n", "--resume", ok="").code, ran()) == (0, once("n"))


def test_retried_groups_and_handlers(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """What the last try of a group did counts; a handler runs again when its task fails again."""
    dig = f"""
        +g:
          _retry: 1
          +a: {sh("a")}
          +b: {sh("b", "ok")}
          _error: {sh("told")}
        +end: {{echo>: end}}
    """
    assert (run(dig).code, ran()) == (1, {"a": 2, "b": 2, "told": 1})
    changed = dig.replace("echo>: end", "echo>: the end").replace("_retry: 1", "_retry: 0")
    assert (run(changed, "--resume").code, ran()) == (1, once("b", "told"))
    assert (run(dig, "--resume", ok="").code, ran()) == (0, once("b"))


def test_a_check_that_failed(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """A task whose _check failed is not done."""
    dig = f"+a: {{sh>: echo a >> ran, _check: {sh('check', 'ok')}}}\n+b: {{echo>: b}}\n"
    assert (run(dig).code, ran()) == (1, once("a", "check"))
    assert (run(dig.replace("echo>: b", "echo>: c"), "--resume", ok="").code, ran()) == (0, once("a", "check"))


LISTS = """
    _export: {listed: [a, b, c, d]}
    +each:
      for_each>: {t: LIST}
      _parallel: PARALLEL
      _do:
        +one: {sh>: 'echo 1-$t >> ran'}
        +two: {sh>: 'echo 2-$t >> ran; test $t != b || test -e ok'}
    +end: {echo>: END}
"""


@pytest.mark.parametrize("kind", ["[a, b, c, d]", "${listed}"])
@pytest.mark.parametrize("parallel", ["true", "{limit: 2}", "false"])
def test_a_list_is_narrowed(
    run: Callable[..., Any], ran: Callable[[], dict[str, int]], kind: str, parallel: str
) -> None:
    """Iterations that succeeded are not run again, whatever else has changed: another list, too."""
    dig = LISTS.replace("LIST", kind if kind[0] == "[" else f'"{kind}"').replace("PARALLEL", parallel)
    run(dig.replace("END", "x"))
    first = ran()
    assert first == (
        once("1-a", "1-b", "2-a", "2-b") | (once("1-c", "1-d", "2-c", "2-d") if parallel != "false" else {})
    )

    longer = dig.replace("[a, b, c, d]", "[n, d, c, b, a]").replace("END", "y")
    second = run(longer, "--resume")
    not_done = once("1-n", "2-n") | (once("1-d", "2-d", "1-c", "2-c") if parallel == "false" else {})
    assert (second.code, ran()) == (1, once("1-b", "2-b") | not_done)

    third = run(longer.replace("echo>: y", "echo>: z"), "--resume", ok="")
    assert (third.code, ran(), third.output) == (0, once("1-b", "2-b"), ["z"])


def test_rows_go_by_their_label(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """A list in a file: other columns may change; products go by all their rows."""
    dig = """
        +each:
          for_each>: {t: {file: l.csv}, n: [1, 2]}
          _parallel: true
          _do: {sh>: 'echo ${t.name}-$n >> ran; test ${t.name}$n != b2 || test ${t.key} = good'}
    """
    assert (run(dig, l__csv="name,key\na,x\nb,bad\n").code, ran()) == (1, once("a-1", "a-2", "b-1", "b-2"))
    # The rows are no part of the machine, so that the very run goes on.
    assert (run(dig, "--resume", l__csv="name,key\na,y\nb,bad\n").code, ran()) == (1, once("b-2"))
    changed = dig.rstrip(" ") + "        +end: {echo>: end}\n"
    assert (run(changed, "--resume", l__csv="name,key\na,z\nb,good\n").code, ran()) == (0, once("b-2"))


def test_iterations_that_stored_run_again(
    run: Callable[..., Any], ran: Callable[[], dict[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Their values would be lost otherwise; a line says that the list runs whole."""
    dig = """
        +each:
          for_each>: {t: [a, b]}
          _parallel: true
          _do: {sh>: 'echo $t >> ran; echo seen=$t > $STEPDIG_OUTPUT; test $t = a || test -e ok', store: [seen]}
        +end: {sh>: 'echo END ${seen}'}
    """
    assert (run(dig).code, ran()) == (1, once("a", "b"))
    assert (run(dig, "--resume").code, ran()) == (1, once("b"))
    changed = dig.rstrip(" ") + "        +more: {echo>: more}\n"
    Path("w.dig").write_text(textwrap.dedent(changed), encoding="utf-8")
    assert (main(["run", "w.dig", "--resume"]), ran()) == (1, once("a", "b"))
    assert "nothing of +each, which runs whole" in capsys.readouterr().err
    assert run(changed, "--resume", ok="").output == ["END b", "more"]


@pytest.mark.parametrize("seed", range(8))
def test_what_was_stored_is_seen_in_its_order(run: Callable[..., Any], seed: int) -> None:
    """Of random groups, a task of which fails at first: a later task reads the same as if nothing had failed."""
    chance = random.Random(seed)
    names = iter(f"t{n}" for n in range(100))
    made: list[str] = []

    def group(deep: int, indent: str) -> str:
        lines = [f"{indent}_parallel: true\n"] if deep and chance.random() < 0.25 else []
        for _ in range(chance.randint(1, 3)):
            name = next(names)
            if deep < 3 and chance.random() < 0.5:
                lines.append(f"{indent}+{name}:\n{group(deep + 1, indent + '  ')}")
            else:
                made.append(name)
                key = chance.choice("xyz")
                # Those side by side store under names of their own: which of two came last is told by nothing.
                alone = not any("_parallel" in line for line in lines)
                stored = {name: "1", **({key: name, f"{name}_saw": f"${{{key}}}"} if alone else {})}
                words = "".join(f"echo {it}={value}; " for it, value in stored.items())
                command = f"test {name} != FAILS || test -e ok && {{ {words}}} > $STEPDIG_OUTPUT"
                lines.append(f"{indent}+{name}: {{sh>: '{command}', store: [{', '.join(stored)}]}}\n")
        return "".join(lines)

    body = "_export: {x: 0, y: 0, z: 0}\n" + group(0, "") + group(0, "")
    show = " ".join(
        f"{name}=${{typeof {name} == 'undefined' ? '-' : {name}}}"
        for name in ("x", "y", "z", *made, *(f"{it}_saw" for it in made))
    )
    dig = body.replace("FAILS", chance.choice(made)) + f'+end: {{sh>: "echo {show}"}}\n'
    failed = run(dig, "--session", "2026-11-19")
    resumed = run(dig + "+more: {echo>: more}\n", "--resume", "--session", "2026-11-19", ok="")
    whole = run(dig)

    assert (failed.code, resumed.code, whole.code) == (1, 0, 0)
    assert resumed.output[-2] == whole.output[-1]
    ran = {task for task, state in resumed.states.items() if state == "success"}
    again = {task for task, state in failed.states.items() if state == "success"} & ran
    assert not {task for task in again if not any(other.startswith(f"{task}+") for other in ran)}


def test_iterations_with_executions_of_their_own(run: Callable[..., Any]) -> None:
    """Their events lie in a file of their own, within the same milliseconds; what failed is not done."""
    items = ", ".join(f"n{number}" for number in range(60))
    dig = f"""
        +each:
          for_each>: {{t: [{items}]}}
          _parallel: {{limit: 50}}
          _do:
            +say: {{echo>: "hello ${{t}}"}}
            +if: {{if>: "${{t != 'n7' || ok == 'yes'}}", _else_do: {{fail>: no}}}}
    """
    assert run(dig, "-p", "ok=no").code == 1
    for more in ("a", "b"):
        again = run(dig.rstrip(" ") + f"        +{more}: {{echo>: {more}}}\n", "--resume")
        assert (again.code, [task for task in again.states if task.endswith("+say")]) == (
            1,
            ["+each^sub+for-0=t=7=n7+say"],
        )
    done = run(dig.rstrip(" ") + "        +c: {echo>: c}\n", "--resume", "-p", "ok=yes")
    assert (done.code, done.output) == (0, ["hello n7", "c"])


def test_required_workflows_have_tasks_of_their_own(run: Callable[..., Any]) -> None:
    """Names that both workflows have are told apart."""
    loop = "+each: {for_each>: {t: [a, b]}, _parallel: {limit: 50}, _do: {+x: {echo>: NAME}}}\n"
    dig = "+other: {require>: other}\n+f: {fail>: no}\n" + loop.replace("NAME", "mine")

    assert run(dig, other__dig=loop.replace("NAME", "theirs")).code == 1
    done = run(dig.replace("fail>: no", "echo>: ok"), "--resume")

    assert (done.code, done.output) == (0, ["ok", "mine", "mine"])


def test_what_failed_is_taken_off_the_list(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """Nothing is left to run of the loop; the workflow goes on behind it."""
    dig = """
        +each: {for_each>: {t: [a, b]}, _parallel: true, _do: {+x: {sh>: 'echo $t >> ran; test $t = a'}}}
        +end: {sh>: echo end >> ran}
    """
    assert (run(dig).code, ran()) == (1, once("a", "b"))
    assert (run(dig.replace("[a, b]", "[a]"), "--resume").code, ran()) == (0, once("end"))


def test_rows_alike_run_again(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """Which of two was done cannot be told."""
    dig = (
        "+each: {for_each>: {t: [1, 1, 2]}, _parallel: true, _do: {sh>: 'echo $t >> ran; test $t = 1 || test -e ok'}}\n"
    )
    assert (run(dig).code, ran()) == (1, {"1": 2, "2": 1})
    assert (run(dig + "+end: {echo>: end}\n", "--resume", ok="").code, ran()) == (0, {"1": 2, "2": 1})


def test_graphs_and_the_background(run: Callable[..., Any], ran: Callable[[], dict[str, int]]) -> None:
    """Tasks ordered by _after, and those beside others, are left out one by one."""
    dig = f"""
        +g:
          _parallel: true
          +a: {sh("a")}
          +b: {sh("b", "ok").replace("{sh", "{_after: [+a], sh")}
          +c: {sh("c").replace("{sh", "{_after: [+a], sh")}
          +d: {sh("d").replace("{sh", "{_after: [+b, +c], sh")}
        +e: {sh("e")}
        +f: {sh("f").replace("{sh", "{_background: true, sh")}
    """
    assert (run(dig, "--end", "+e").code, ran()) == (1, once("a", "b", "c"))
    start = run(dig, "--start", "+g+c", ok="")
    assert (start.code, ran()) == (0, once("b", "c", "d", "e", "f"))
