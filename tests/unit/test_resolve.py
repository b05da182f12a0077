"""What a name means in a state of the machine: compiled, then evaluated over what tasks upstream stored."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stepdig.local.engine import Engine
from stepdig.local.integrations import Integrations
from stepdig.pipeline import compile_workflow

RUN = {"session_time": "2026-11-20T00:00:00+00:00", "params": {}, "prefix": "runs/w/1"}


def _state(text: str) -> dict[str, Any]:
    """Return the state `+s` of a workflow."""
    made = compile_workflow(lambda _: text.encode(), "w.dig", display=str, project="p", workflow="w", jobs=None)
    states: Any = made.definition["States"]
    return dict(states["+s"])


def _echoed(text: str, stores: list[dict[str, Any]], params: dict[str, Any] | None = None) -> str:
    """Return what `echo>` of the task `+s` shows after that many tasks have stored; the cause when it fails."""
    values = {"run": {**RUN, "params": params or {}}, **{f"o{n}": it for n, it in enumerate(stores, 1)}}
    first = {
        "Type": "Pass",
        "Assign": {name: f"{{% $states.input.{name} %}}" for name in values},
        "Output": {},
        "Next": "+s",
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "first", "States": {"first": first, "+s": _state(text)}}

    async def go() -> str:
        async with Engine(integrations=Integrations()) as engine:
            execution = await engine.start(definition, values, "r-1", "m").wait()
        if execution.status != "SUCCEEDED":
            return str(execution.cause)
        exits = [event["stateExitedEventDetails"] for event in execution.events if "stateExitedEventDetails" in event]
        return str(json.loads(exits[-1]["assignedVariables"]["echo"]))

    return asyncio.run(go())


def _after(count: int, shown: str, export: str = "") -> str:
    """Return a workflow in which `echo>` follows tasks that store."""
    tasks = "".join(f"+t{n}: {{py>: t.store}}\n" for n in range(count))
    return f'{export}\n{tasks}+s: {{echo>: "{shown}"}}\n'


@pytest.mark.parametrize(
    ("stores", "expected"),
    [
        ([{"o": {"a": 1}}], "1--"),
        ([{"o": {"a": 1}}, {"o": {"b": 2}}], "1-2-"),
        ([{"o": {"a": 1}}, {"o": {"b": 2}}, {"o": {"c": 3}}], "1-2-3"),
        ([{"o": {"a": 1, "b": 1}}, {}, {"o": {"b": 2}}, {"o": {"c": 3}}], "1-2-3"),
        ([{"o": {"a": 1}}, {"o": "text"}, {"o": {"c": 3}}], "--3"),
    ],
)
def test_objects_that_tasks_stored_under_one_name_merge(stores: list[dict[str, Any]], expected: str) -> None:
    """However many tasks store an object under a name, a state sees all its keys, the last value of each."""
    assert _echoed(_after(len(stores), "${o.a}-${o.b}-${o.c}"), stores) == expected


@pytest.mark.parametrize("exported", ["_export: {o: {a: 1}}", '_export: {x: 1, o: {a: "${x}"}}'])
def test_a_stored_object_merges_with_an_exported_one(exported: str) -> None:
    """An exported object keeps the keys that no task stored, also where only the whole object is read."""
    text = _after(1, "${Object.keys(o).length}", exported)

    assert _echoed(text, [{"o": {"b": 2}}]) == "2"
    assert _echoed(text, [{}]) == "1"


@pytest.mark.parametrize(
    ("exported", "shown", "expected"),
    [
        ('{x: outer, o: {x: inner, y: "${x}"}}', "${o.y}", "inner"),
        ('{x: outer, o: {y: "${x}", x: inner}}', "${o.y}", "outer"),
        ('{x: outer, o: {p: {x: 1}, y: "${p.x}"}}', "${o.y}", "1"),
        ('{x: outer, o: {p: {x: "${x}", y: "${x}"}, x: 2}}', "${o.p.x} ${o.p.y}", "outer outer"),
        ('{x: outer, o: {x: inner, y: "${z}"}, z: "${x}"}', "${o.y}", "outer"),
    ],
)
def test_a_text_in_an_object_sees_the_names_before_it(exported: str, shown: str, expected: str) -> None:
    """Before all others, and for itself alone: not for the exports that it names."""
    assert _echoed(f'_export: {exported}\n+s: {{echo>: "{shown}"}}\n', []) == expected


def test_a_text_in_an_object_sees_names_that_a_task_stored() -> None:
    """A stored value takes the place of the exported one also there."""
    text = _after(1, "${o.y}", '_export: {o: {x: inner, y: "<${x}>"}}')

    assert _echoed(text, [{"o": {"x": "stored"}}]) == "<stored>"
    assert _echoed(text, [{}]) == "<inner>"


@pytest.mark.parametrize("exported", ['{o: {a: 1, b: "<${o}>"}}', '{o: {a: 1, b: "<${p}>"}, p: "${o}"}'])
def test_an_object_may_name_itself(exported: str) -> None:
    """Inside of itself, the text that names it is null, as nothing weaker is there."""
    text = f'_export: {exported}\n+s: {{echo>: "${{o.b}}"}}\n'

    assert _echoed(text, []) == '<{"a":1,"b":null}>'


def test_a_field_behind_an_exported_object_is_no_mistake() -> None:
    """`o.a` is there, so `o.a.c` is undefined and prints nothing, whatever may have been stored."""
    assert _echoed(_after(1, "<${o.a.c}>", "_export: {o: {a: {b: 1}}}"), [{}]) == "<>"


def test_a_name_may_be_called_length() -> None:
    """`length` is a property only behind a dot."""
    assert _echoed('+s: {echo>: "${length.length}"}', [], {"length": "four"}) == "4"


def test_an_undefined_name_in_an_exported_list_or_object_fails() -> None:
    """What an export needs is asked for wherever it is read, also in the middle of a list."""
    for value, read in (("[1, '${nope}']", "${v.length}"), ("{a: '${nope}'}", "${Object.keys(v).length}")):
        text = f'_export: {{v: {value}}}\n+s: {{echo>: "{read}"}}'

        assert _echoed(text, []).endswith("ReferenceError: nope is not defined")


def test_what_a_task_stored_needs_nothing_of_the_export_under_it() -> None:
    """An export that cannot be evaluated does no harm where a task has stored the name."""
    text = _after(1, "${v}", '_export: {v: "${nope}"}')

    assert _echoed(text, [{"v": "stored"}]) == "stored"
