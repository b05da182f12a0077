"""Compiling is pure: the same files give the same bytes, in this process, in another, and for any workflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound

ROOT = Path(__file__).parents[1]
CASE = ROOT / "workflows/nightly_sync"
CODE = """
import sys
from pathlib import Path
from stepdig.pipeline import compile_workflow
folder = Path(sys.argv[1])
read = lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None
made = compile_workflow(read, "nightly_sync.dig", display=str, project="p", workflow="w", jobs=None)
sys.stdout.write(made.definition_text)
"""

OPERATORS = st.sampled_from(
    ["sh>: run", "echo>: '${session_date} ${x}'", "fail>: no", "wait>: 1s", "py>: t.f", "slack>: {text: '${x}'}"]
)
OPTIONS = st.sampled_from(["", ", _retry: 2", ", _error: {echo>: '${error.message}'}", ", _export: {x: 1}"])
LOOPS = st.sampled_from(["loop>: 2", "for_each>: {x: [a, b]}", "for_each>: {x: '${list}'}", "if>: ${x == 1}"])
PARALLEL = st.sampled_from(["", ", _parallel: true", ", _parallel: {limit: 2}"])


def _group(children: list[str], head: str) -> str:
    inner = ", ".join(f"+t{number}: {child}" for number, child in enumerate(children))
    return "{" + ", ".join(part for part in (head.removeprefix(", "), inner) if part) + "}"


TASKS = st.recursive(
    st.builds(lambda operator, options: "{" + operator + options + "}", OPERATORS, OPTIONS),
    lambda inner: st.one_of(
        st.builds(_group, st.lists(inner, min_size=1, max_size=3), PARALLEL),
        st.builds(_group, st.lists(inner, min_size=1, max_size=3), OPTIONS),
        st.builds(lambda loop, way, body: "{" + loop + way + ", _do: " + body + "}", LOOPS, PARALLEL, inner),
    ),
    max_leaves=6,
)


def _compiled(text: str) -> str:
    try:
        return compile_workflow(
            lambda _: text.encode(), "w.dig", display=str, project="p", workflow="w", jobs=None
        ).definition_text
    except ProblemsFound as found:
        return str(found)


def test_another_process_gives_the_same_bytes() -> None:
    """Whatever the seed of its hashes."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", CODE, str(CASE)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outputs) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TASKS)
def test_any_workflow_compiles_twice_alike_and_soundly(task: str) -> None:
    """The definition is the same each time, its states lead to states that are there, and each names its source."""
    import json

    text = f"+top: {task}\n"
    first = _compiled(text)

    assert _compiled(text) == first
    if first.startswith("{"):
        _sound(json.loads(first))


def _sound(scope: dict[str, object]) -> None:
    """Hold each `Next`, `Default`, `Catch` against the states beside it."""
    states = scope["States"]
    assert isinstance(states, dict)
    assert scope["StartAt"] in states
    for state in states.values():
        assert state["Comment"]
        ways = [state.get("Next"), state.get("Default")]
        ways += [rule["Next"] for rule in (*state.get("Choices", ()), *state.get("Catch", ()))]
        assert all(way in states for way in ways if way is not None)
        assert state["Type"] in {"Fail", "Succeed", "Choice"} or ("Next" in state) != state.get("End", False)
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ())):
            if inner:
                _sound(inner)
