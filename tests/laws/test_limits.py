"""The claim of `bounds`: what the compiler calls safe never meets a limit of AWS, and needs no more than it says.

Random workflows with random commands (launches refused again and again, tries that fail, stores and lists of any size)
are compiled and run under limits made small, so that both the compiler and the engine reach them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from limited import Behaviour, Commands, Night, compiled, night, small_limits

from stepdig.pipeline import Compiled
from stepdig.problem import ProblemsFound

# What a run that meets a limit of AWS fails with; `ItemsFailed`, `States.TaskFailed` and our own words are no such thing.
LIMITS = {"States.DataLimitExceeded", "States.Runtime", "ECS.InvalidParameterException"}

texts = st.integers(0, 1500).map(lambda n: "é" * n)
rows = st.lists(st.integers(1, 300), min_size=1, max_size=30).map(
    lambda sizes: [f"{n}" + "r" * s for n, s in enumerate(sizes)]
)


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """Return a workflow: groups, branches, loops of every kind, retries, handlers, commands that store, states that read."""
    names = count(1)

    def task(depth: int) -> tuple[str, dict[str, Any]]:
        name = f"+t{next(names)}"
        kind = draw(
            st.sampled_from(
                ["sh", "py", "py", "echo", "if", *(["group", "each", "stored", "loop"] * 2 if depth else [])]
            )
        )
        body = dict(_leaf(kind)) if kind in ("sh", "py", "echo", "if") else nested(kind, depth)
        if kind != "echo" and draw(st.booleans()):
            body["_retry"] = draw(st.integers(0, 3))
        if draw(st.integers(0, 5)) == 0:
            body["_error"] = {"echo>": "failed: ${error.message}"} if draw(st.booleans()) else {"sh>": "tell"}
        return name, body

    def nested(kind: str, depth: int) -> dict[str, Any]:
        inner = dict(task(depth - 1) for _ in range(draw(st.integers(1, 3))))
        parallel = draw(st.sampled_from([{}, {"_parallel": True}, {"_parallel": {"limit": 2}}]))
        if kind == "group":
            return {**inner, **parallel}
        loop = {"loop>": draw(st.integers(1, 12))} if kind == "loop" else {"for_each>": {"v": draw(rows)}}
        return {**({"for_each>": {"v": "${list}"}} if kind == "stored" else loop), **parallel, "_do": inner}

    tasks = dict(task(2) for _ in range(draw(st.integers(1, 4))))
    # Names that states read are always there; tasks that store them make them larger.
    return {"_export": {"text": "", "list": ["a"], "flag": True}, **tasks}


def _leaf(kind: str) -> Mapping[str, Any]:
    return {
        "sh": {"sh>": "work"},
        "py": {"py>": "m.store"},
        "echo": {"echo>": "${text} and ${text}"},
        "if": {"if>": "${flag}", "_do": {"echo>": "${text}"}},
    }[kind]


behaviours = st.builds(
    Behaviour,
    refused=st.sampled_from([0, 0, 1, 2, 25]),
    fails=st.sampled_from([0, 0, 0, 1, 9]),
    stores=st.sampled_from([0, 10, 300, 9_000, 30_000]),
    rows=st.sampled_from([0, 1, 7, 60]),
    row_bytes=st.sampled_from([0, 5, 400, 3_000]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(workflow=workflows(), does=st.lists(behaviours, min_size=1, max_size=5), params=texts)
def test_what_compiles_meets_no_limit_and_needs_no_more_than_was_said(
    workflow: dict[str, Any], does: list[Behaviour], params: str
) -> None:
    with small_limits():
        made = _safe(workflow)
        if made is None:
            return
        behaviour = {f"t{n}": does[n % len(does)] for n in range(1, 60)}
        ran = night(made, behaviour, {"params": {"p": params}} if params else {})
        event(ran.execution.status)

        _meets_no_limit(ran)
        bounds = {row.limit: row.worst for row in made.bounds()}
        for execution in ran.executions:
            loop = execution.machine.rpartition("/")[2] if "/" in execution.machine else ""
            most = bounds[f"events of an item of {loop}" if loop else "events of the run"]
            assert most is not None
            assert execution.history.last <= most, f"{loop or 'run'}: {execution.history.last} events, {most} were said"


def _safe(workflow: dict[str, Any]) -> Compiled | None:
    """Return a workflow compiled, None when it is refused for its limits and for nothing else."""
    try:
        return compiled(workflow)
    except ProblemsFound as found:
        refused = {it.code for it in found.problems}
    event(f"refused: {sorted(refused)}")
    assert refused <= {"SD503", "SD504", "SD505", "SD506", "SD507"}
    return None


def _meets_no_limit(ran: Night) -> None:
    met = ran.errors() & LIMITS
    causes = [it.cause for it in ran.executions if it.error in LIMITS]
    assert not met, f"{met}: {causes}"
    assert not any(it.history.full for it in ran.executions)


def test_the_law_can_fail() -> None:
    """Without the room that the compiler leaves, and the runner holds it to, the same run meets a limit."""
    each = {"for_each>": {"v": ["a", "b", "c"]}, "_parallel": True, "_do": {"+t1": {"py>": "m.store"}}}
    workflow = {"_export": {"text": ""}, "+each": each, "+say": {"echo>": "${text}"}}
    behaviour = {"t1": Behaviour(stores=12_000)}
    with small_limits():
        made = compiled(workflow)
        held = night(made, behaviour, {})
        del made.bundle["tasks"]["+each+t1"]["fetch_bytes"]  # type: ignore[attr-defined,index]
        free = night(made, behaviour, {})

    assert held.execution.error == "ItemsFailed"
    assert "States.DataLimitExceeded" in free.errors()
    assert isinstance(held.commands, Commands)
