"""Bounds of what random workflows seldom are: tasks that share their launches, files that the run chooses, a run waited for."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from limited import Behaviour, Night, compiled, night, small_limits

from stepdig import limits
from stepdig.pipeline import Compiled, compile_workflow
from stepdig.plan import POOLED
from stepdig.runner.outputs import STORES_BYTES


def _worst(made: Compiled, limit: str = "events of the run") -> int:
    """Return how much of a limit the run may need, as the compiler says."""
    [row] = [row for row in made.bounds() if row.limit == limit]
    assert row.worst is not None
    return row.worst


def _said(files: Mapping[str, str]) -> Compiled:
    found = {name: text.encode() for name, text in files.items()}
    return compile_workflow(
        found.get, "w.dig", display=str, project="p", workflow="w", jobs=None, files=lambda: sorted(found)
    )


def _again(ran: Night) -> int:
    """Return how many tries there were beside the first of each command."""
    tries = ran.commands.tries.values()
    return sum(tries) - len(tries)


@pytest.mark.parametrize(("refused", "own"), [(0, 0), (1, 99), (3, 99), (25, POOLED)])
def test_tasks_share_as_many_launches_as_the_history_has_room_for(refused: int, own: int) -> None:
    """Forty commands in 1,000 events: hardly all of them fail to start; where they do, the run ends in time."""
    with small_limits():
        made = compiled({f"+t{number}": {"sh>": "work"} for number in range(40)})
        ran = night(made, {f"t{number}": Behaviour(refused=refused) for number in range(40)}, {})

        assert ran.execution.history.last <= _worst(made)
    [shared] = {int(it) for it in re.findall(r"launched<([0-9]+)", made.definition_text)}
    assert POOLED < shared < 40
    assert _again(ran) == min(shared, own)
    assert ran.execution.status == ("FAILED" if refused else "SUCCEEDED")


def test_of_files_that_the_run_chooses_the_dearest_counts() -> None:
    """One of them runs, and which it is nobody knows before."""
    small, large = "+a: {echo>: a}\n", "".join(f"+b{number}: {{sh>: work}}\n" for number in range(20))
    files = {"few/a.dig": small, "few/b.dig": large, "one/b.dig": large}
    chosen = _worst(_said({"w.dig": "+c: {call>: 'few/${kind}.dig'}\n", **files}))
    called = _worst(_said({"w.dig": "+c: {call>: one/b.dig}\n", **files}))

    assert called < chosen < called + 20  # what leads to the file, and what refuses one that is not there


def test_each_look_at_a_required_run_counts() -> None:
    """It may take as long as a run may: the circle of states that looks at it goes round as often as the definition says."""
    made = _said({"w.dig": "+r: {require>: other}\n", "other.dig": "+a: {echo>: a}\n"})
    [looks] = {int(it) for it in re.findall(r"looks[^<]*<=?\s*([0-9]+)", made.definition_text)}
    visits = 2 + 3 + 2 + 2  # a task with its call, a choice, a wait

    assert _worst(made) >= looks * visits


@pytest.mark.parametrize(("parallel", "at_once"), [("true", 6), ("{limit: 3}", 3), ("{limit: 40}", 6)])
def test_each_iteration_that_runs_at_once_has_variables_of_its_own(parallel: str, at_once: int) -> None:
    each = "+s: {py>: m.store}\n    +e: {echo>: '${text}'}\n"
    loop = f"+l:\n  for_each>: {{t: [a, b, c, d, e, f]}}\n  _parallel: {parallel}\n  _do:\n    {each}"
    made = _said({"w.dig": loop, "m.py": "def store(): pass\n"})

    kept_aside = limits.VARIABLES_TOTAL_BYTES // 10
    assert _worst(made, "all variables") - kept_aside == at_once * STORES_BYTES
