"""Sizes under `ecs:` reach the RunTask call as the API takes them, whatever they are written as and wherever from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepdig import limits
from stepdig.local.jsonata import Variables, evaluate
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound


def _overrides(dig: str, params: dict[str, object], item: object = None) -> Any:
    """Return the Overrides of the task +x, its expressions evaluated."""
    made = compile_workflow({"w.dig": dig.encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=None)
    definition = json.loads(made.definition_text)
    states = definition["States"]
    if "+l" in states:
        states = states["+l"]["ItemProcessor"]["States"]
    found = next(state for state in states.values() if "Arguments" in state)["Arguments"]["Overrides"]
    variables = Variables(None, {"run": {"params": params, "prefix": "runs"}, "states": {"input": item}})
    return _evaluated(found, variables)


def _evaluated(value: Any, variables: Variables) -> Any:
    if isinstance(value, str) and value.startswith("{%"):
        return evaluate(value[2:-2], variables)
    if isinstance(value, dict):
        return {key: _evaluated(inner, variables) for key, inner in value.items()}
    return value


def _size(found: dict[str, Any]) -> tuple[object, object, object]:
    return found.get("Cpu"), found.get("Memory"), (found.get("EphemeralStorage") or {}).get("SizeInGiB")


WRITTEN = [
    ("{cpu: 1024}", ("1024", None, None)),
    ("{cpu: 0.25 vCPU, memory: 0.5 GB}", ("256", "512", None)),
    ("{cpu: 1vcpu, memory: 2GB}", ("1024", "2048", None)),
    ("{memory: '4096'}", (None, "4096", None)),
    ("{ephemeral_storage: 50}", (None, None, 50)),
    ("{ephemeral_storage: 200 GiB}", (None, None, 200)),
    ("{memory: ''}", (None, None, None)),
    ("{memory: }", (None, None, None)),
]


@pytest.mark.parametrize(("ecs", "expected"), WRITTEN)
def test_constants(ecs: str, expected: object) -> None:
    """A constant is in the definition as the API takes it."""
    assert _size(_overrides(f"+x: {{sh>: work, ecs: {ecs}}}", {})) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"c": "1 vCPU", "m": "2 GB", "s": "50 GB"}, ("1024", "2048", 50)),
        ({"c": "0.5 vCPU", "m": 1024, "s": 21}, ("512", "1024", 21)),
        ({"c": " 256 ", "m": "0.5gb", "s": ""}, ("256", "512", None)),
        ({"c": "", "m": "", "s": ""}, (None, None, None)),
    ],
)
def test_values_of_the_run(given: dict[str, object], expected: object) -> None:
    """What the run gives is read in the same forms; nothing means the size of the job, and the task stays itself."""
    found = _overrides("+x: {sh>: work, ecs: {cpu: '${c}', memory: '${m}', ephemeral_storage: '${s}'}}", given)

    assert _size(found) == expected
    environment = found["ContainerOverrides"][0]["Environment"]
    assert [it["Name"] for it in environment] == ["STEPDIG_TASK", "STEPDIG_RUN"]
    assert environment[0]["Value"] == "p-w +x"
    assert json.loads(environment[1]["Value"])["params"] == given


@pytest.mark.parametrize("given", ["x", "4 TB", "-1", "4 GB please", "1.25 GB", "1e3"])
def test_what_is_no_size_fails_with_words_of_ours(given: str) -> None:
    """The service would say something else, and later."""
    with pytest.raises(Exception, match=r"the memory of .x must be a size such as 2048 or 2 GB"):
        _overrides("+x: {sh>: work, ecs: {memory: '${m}'}}", {"m": given})


@pytest.mark.parametrize(
    ("rows", "item", "expected"),
    [
        ("[{t: a, m: 2048}, {t: b, m: 4096}]", {"t": {"t": "a", "m": 2048}}, (None, "2048", None)),
        ("[{t: a, m: 2048}, {t: b, m: 4 GB}]", {"t": {"t": "b", "m": "4 GB"}}, (None, "4096", None)),
        ("[{t: a, m: 2048}, {t: b}]", {"t": {"t": "b"}}, (None, None, None)),
    ],
)
def test_columns_of_rows(rows: str, item: object, expected: object) -> None:
    """Each row has its own size, or that of the job."""
    dig = f"+l:\n  for_each>: {{t: {rows}}}\n  _do:\n    +x: {{sh>: work, ecs: {{memory: '${{t.m}}'}}}}"

    assert _size(_overrides(dig, {}, item)) == expected


@pytest.mark.parametrize(
    "where", ["_export: {ecs: {memory: 3 GB}}\n+x: {sh>: work}", "+x: {sh>: work, ecs: {memory: 3 GB}}"]
)
def test_own_and_exported(where: str) -> None:
    """An export is for all tasks in scope."""
    assert _size(_overrides(where, {})) == (None, "3072", None)


def test_own_beats_exported() -> None:
    """Key by key."""
    dig = "_export: {ecs: {cpu: 512, memory: 3 GB}}\n+x: {sh>: work, ecs: {memory: 1 GB}}"

    assert _size(_overrides(dig, {})) == ("512", "1024", None)


@pytest.mark.parametrize("cpu", limits.FARGATE_MIB)
def test_every_pair_of_fargate_and_no_other(cpu: int) -> None:
    """All pairs of the table compile; one step above and below does not."""
    row = limits.FARGATE_MIB[cpu]
    for memory in row:
        assert _size(_overrides(f"+x: {{sh>: work, ecs: {{cpu: {cpu}, memory: {memory}}}}}", {}))[1] == str(memory)
    for memory in (row[0] // 2, row[-1] * 2):
        with pytest.raises(ProblemsFound, match=r"SD23[12]"):
            _overrides(f"+x: {{sh>: work, ecs: {{cpu: {cpu}, memory: {memory}}}}}", {})
