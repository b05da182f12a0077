"""Loops around a task: the values of their variables, the iteration's index and Digdag's name for it.

A *loop* is an entry of the bundle's `loops`; a *loop input* is the state input of an iteration, the run object's `loop`
(docs/design.md).
"""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Sequence, Tuple
from urllib.parse import quote

from stepdig.runner.shapes import Json, TaskRun
from stepdig.runner.storage import Storage

_NAME_CHARS = 8  # Digdag cuts keys and values of an iteration's name here, in UTF-16 units
_INDEXES_KEPT = 64


class LoopError(ValueError):
    """A loop input that no iteration of the loop can have."""


def completed(at: TaskRun, storage: Storage) -> TaskRun:
    """Return the task with the values of its loops that the override had no room for: `lists` says where they are.

    Raises LoopError.
    """
    lists = at.run.get("lists")
    if not lists:
        return at
    loop_input = dict(at.loop_input)
    for number, key in lists.items():
        body = storage.get(key)
        if body is None:
            raise LoopError(f"the list of the loop is not at {key}")
        loop_input.update(json.loads(body.decode("utf-8"))["entries"][int(loop_input[number])])
    return TaskRun(at.bundle, at.key, {**at.run, "loop": loop_input})


def values(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> Dict[str, Json]:
    """Return the loop's variables by their exported names, whole rows included. Raises LoopError."""
    found = zip(loop["variables"], _elements(loop, loop_input))  # noqa: B905 - Python 3.8 has no strict=
    return {variable["name"]: value for variable, (_, value) in found}


def index(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> int:
    """Return the number of the iteration, from 0, as it stands in the keys of outputs. Raises LoopError."""
    first = loop["variables"][0]
    if loop["operator"] == "loop":
        return int(_given(first, loop_input))
    if loop["operator"] == "for_range":
        return int(_given(first, loop_input)["index"])
    number = loop_input.get(first["input"] + "#")
    if number is not None:
        return int(number)
    if first.get("rows") is None or len(loop["variables"]) > 1:
        raise LoopError(f"the input of the state has no '{first['input']}#', the number of the iteration")
    return _row_of_label(first, _given(first, loop_input))


def iteration_name(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return Digdag's name of the iteration without its `+`: `for-0=t=0=users`, `loop-3`, `range-from=0&to=10`.

    Keys and values are cut to eight characters, then URL-encoded; https://docs.digdag.io/operators/for_each.html. A row
    of a table list goes by its label (by Digdag's rule all would be `%7B%22table%22`). Raises LoopError.
    """
    if loop["operator"] == "loop":
        return f"loop-{index(loop, loop_input)}"
    if loop["operator"] == "for_range":
        limits = _given(loop["variables"][0], loop_input)
        return f"range-from={limits['from']}&to={limits['to']}"
    parts = []
    for number, (place, value) in enumerate(_elements(loop, loop_input)):
        variable = loop["variables"][number]
        label = variable.get("label")
        named = value[label] if label is not None and isinstance(value, dict) else value
        parts.append(f"{number}={_tag(variable['name'])}={place}={_tag(named)}")
    return "for-" + "&".join(parts)


def label(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return what names an iteration from session to session: the labels of its rows, not their places. Raises LoopError."""
    if loop["operator"] == "loop":
        return f"loop={index(loop, loop_input)}"
    if loop["operator"] == "for_range":
        limits = _given(loop["variables"][0], loop_input)
        return f"from={limits['from']},to={limits['to']}"
    parts = []
    for variable, (_, value) in zip(loop["variables"], _elements(loop, loop_input)):  # noqa: B905 - as above
        column = variable.get("label")
        named = value[column] if column is not None and isinstance(value, dict) else value
        parts.append(f"{variable['name']}={_text(named)}")
    return ",".join(parts)


def fill_name(name: str, bundle: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return a full task name with each `[+loop]` replaced by the iteration's name.

    A loop whose variables are not in the input (the name was asked for outside of it) is left as it stands.
    """
    for key, loop in bundle["loops"].items():
        place = f"[{key}]"
        first = loop["variables"][0]["input"]
        if place in name and (first in loop_input or f"{first}#" in loop_input):
            name = name.replace(place, iteration_name(loop, loop_input))
    return name


def full_name(task: Mapping[str, Json], bundle: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return Digdag's full name of a compiled task in one iteration, `+wf+sync^sub+for-0=t=0=users+load`."""
    name: str = task["name"]
    return fill_name(name, bundle, loop_input) if "[" in name else name


def _given(variable: Mapping[str, Json], loop_input: Mapping[str, Json]) -> Json:
    try:
        return loop_input[variable["input"]]
    except KeyError:
        raise LoopError(f"the input of the state has no '{variable['input']}', the loop variable") from None


def _elements(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> List[Tuple[int, Json]]:
    """Return for each variable its place in its list and its value: a row of the bundle, or what the input holds."""
    variables: Sequence[Mapping[str, Json]] = loop["variables"]
    if loop["operator"] != "for_each":
        return [(0, _given(variables[0], loop_input))]
    number = index(loop, loop_input)
    if any(variable.get("rows") is None for variable in variables):
        # How long the lists were is known no more: with several, the number of the iteration stands for each place.
        return [(number, loop_input.get(variable["input"])) for variable in variables]
    found: List[Tuple[int, Json]] = []
    for variable in reversed(variables):  # the last list runs fastest
        number, place = divmod(number, len(variable["rows"]))
        found.insert(0, (place, variable["rows"][place]))
    if number:
        raise LoopError(f"the list of '{variables[0]['name']}' is shorter than the number of the iteration says")
    return found


def _row_of_label(variable: Mapping[str, Json], given: Json) -> int:
    """Return the place of the row that a label, or an object with the label's column, names."""
    label = variable.get("label")
    wanted = _text(given[label] if label is not None and isinstance(given, dict) else given)
    try:
        return _labels(variable["rows"], label)[wanted]
    except KeyError:
        raise LoopError(f"'{wanted}' is not in the list of '{variable['name']}'") from None


# Rows by identity -> (the rows, held so that the identity stays theirs; label -> index): a walk along the list in each
# iteration would take the square of its length.
_indexes: Dict[Tuple[int, Json], Tuple[Sequence[Json], Dict[str, int]]] = {}


def _labels(rows: Sequence[Json], label: Json) -> Dict[str, int]:
    known = _indexes.get((id(rows), label))
    if known is not None:
        return known[1]
    found: Dict[str, int] = {}
    for position, row in enumerate(rows):
        found.setdefault(_text(row[label] if label is not None and isinstance(row, dict) else row), position)
    if len(_indexes) >= _INDEXES_KEPT:
        _indexes.clear()
    _indexes[(id(rows), label)] = (rows, found)
    return found


def _text(value: Json) -> str:
    """Return a value as Digdag puts it in a name: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tag(value: Json) -> str:
    """Cut to eight UTF-16 units and URL-encode as Java does, a blank as %20."""
    units = _text(value).encode("utf-16-le", "surrogatepass")[: 2 * _NAME_CHARS]
    return quote(units.decode("utf-16-le", "replace").replace("\ufffd", "?"), safe="*").replace("~", "%7E")
