"""A container's override stays below half of what RunTask takes, for every golden workflow and the demo, at its worst."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from limited import Behaviour, Night, compiled, night

from stepdig import limits
from stepdig.commands._compile import compile_one
from stepdig.local.integrations import ecs
from stepdig.pipeline import Compiled, compile_workflow
from stepdig.problem import ProblemsFound
from stepdig.project import find
from test_golden import CASES, JOBS

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = f"archives/p-{'0' * 16}.zip"


def golden(case: Path) -> Compiled | None:
    def read(path: str) -> bytes | None:
        file = case.parent / path
        return file.read_bytes() if file.is_file() else None

    def files() -> list[str]:
        return sorted(path.relative_to(case.parent).as_posix() for path in case.parent.rglob("*.dig"))

    try:
        return compile_workflow(
            read, case.name, display=str, project="golden", workflow=case.stem, jobs=JOBS, files=files
        )
    except ProblemsFound:
        return None


def worst(made: Compiled) -> list[int]:
    rows = [row for row in made.bounds() if row.limit == "container override"]
    assert all(row.most == 4_096 == limits.OVERRIDE_OURS_CHARS for row in rows)
    return [row.worst for row in rows if row.worst is not None]


def test_the_worst_of_every_golden_workflow_is_below_half_of_what_runtask_takes() -> None:
    made = [it for it in map(golden, CASES) if it is not None]
    found = [chars for it in made for chars in worst(it)]
    assert len(found) > 20
    assert max(found) <= 4_096 == limits.OVERRIDE_CHARS // 2


@pytest.mark.parametrize("workflow", find(str(ROOT)), ids=lambda it: it.machine)
def test_the_worst_of_the_demo_is_below_half_of_what_runtask_takes(workflow: Any) -> None:
    assert max(worst(compile_one(workflow))) <= 4_096


def measured(
    monkeypatch: pytest.MonkeyPatch, workflow: dict[str, Any], behaviour: dict[str, Behaviour], given: dict[str, Any]
) -> tuple[Night, list[int], int]:
    """Run a workflow; return its end, the characters of each override that RunTask was given, what the compiler told."""
    chars: list[int] = []
    request = ecs._request

    def heard(call: Any, arguments: Any, overrides: Any) -> Any:
        chars.append(len(json.dumps(overrides, ensure_ascii=False, separators=(",", ":"))))
        return request(call, arguments, overrides)

    monkeypatch.setattr(ecs, "_request", heard)
    made = compiled(workflow)
    bound = max(worst(made))
    archived = replace(made, definition_text=made.definition_text.replace("${Archive}", ARCHIVE))
    return night(archived, behaviour, given), chars, bound


def at_limit(**fixed: str) -> dict[str, Any]:
    """An input as long as a run takes, of signs that take most room in JSON inside JSON."""
    given = {"session_time": "2026-11-20T00:00:00+09:00", "params": {"p": "", **fixed}}

    def length() -> int:
        return len(json.dumps([json.dumps(given, separators=(",", ":"))], separators=(",", ":")))

    while length() <= limits.START_CHARS:
        given["params"]["p"] += '"'
    given["params"]["p"] = given["params"]["p"][:-1]
    while length() < limits.START_CHARS:
        given["params"]["p"] += "x"
    return given


def test_a_real_override_at_its_worst_is_below_what_the_compiler_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest name, input and error; loops around the task that fails, and the handler that is told of it."""
    rows = [{"name": f"table_{'x' * 20}_{number}", "size": "big"} for number in range(3)]
    work = {"py>": "m.store", "_error": {"+tell": {"sh>": "x"}}}
    loops = {
        "for_each>": {"t": rows},
        "_do": {
            "+in": {"for_each>": {"c": ["a" * 30, "b" * 30]}, "_do": {"+work": work, "+say": {"echo>": "${text}"}}}
        },
    }
    workflow = {"timezone": "Asia/Tokyo", "+all": {**loops, "_parallel": True}}
    ended, chars, bound = measured(monkeypatch, workflow, {"work": Behaviour(stores=600_000)}, at_limit())
    assert ended.execution.status == "FAILED"
    assert len(chars) == 6, (
        "the first task of three tables fails, since a state reads what it stores; three handlers hear of it"
    )
    assert max(chars) <= bound <= 4_096
    assert max(chars) > 2_300, "else nothing here is at its worst"


def test_an_input_that_is_longer_ends_the_run_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    given = at_limit()
    given["params"]["p"] += "x"
    ended, chars, _ = measured(monkeypatch, {"+t": {"sh>": "x"}}, {}, given)
    assert ended.execution.status == "FAILED"
    assert chars == []
    assert "1500 characters" in str(ended.execution.cause)


def test_long_elements_that_only_the_run_knows_are_left_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    each = {"for_each>": {"row": "${list}"}, "_do": {"+work": {"sh>": "x"}}}
    workflow = {"+make": {"py>": "m.store", "_export": {}}, "+each": each}
    ended, chars, bound = measured(
        monkeypatch, workflow, {"make": Behaviour(stores=30, rows=2, row_bytes=5_000)}, at_limit()
    )
    assert ended.execution.status == "SUCCEEDED", ended.execution.cause
    assert len(chars) == 3
    assert max(chars) <= bound == 4_096
