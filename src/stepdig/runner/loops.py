"""Loops around a task: the values of their variables, the iteration's index and Digdag's name for it.

A *loop* is an entry of the bundle's `loops`; a *loop input* is the state input of an iteration, the run object's `loop`
(docs/design.md).
"""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Sequence, Tuple
from urllib.parse import quote

from stepdig.runner.shapes import Json

_NAME_CHARS = 8  # Digdag cuts keys and values of an iteration's name here, in UTF-16 units
_INDEXES_KEPT = 64


class LoopError(ValueError):
    """A loop input that no iteration of the loop can have."""


def values(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> Dict[str, Json]:
    """Return the loop's variables by their exported names, whole rows included. Raises LoopError."""
    return {variable["name"]: _value(variable, loop_input) for variable in loop["variables"]}


def index(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return the iteration's index as it stands in the keys of outputs: `3`, or `0-2` in a loop of two variables.

    Raises LoopError.
    """
    return "-".join(str(position) for position in _positions(loop, loop_input))


def order(index_text: str) -> Tuple[int, ...]:
    """Return what sorts iterations in the order of the loop, from the text that `index` gave."""
    return tuple(int(part) for part in index_text.split("-"))


def iteration_name(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return Digdag's name of the iteration without its `+`: `for-0=t=0=users`, `loop-3`, `range-from=0&to=10`.

    Keys and values are cut to eight characters, then URL-encoded; https://docs.digdag.io/operators/for_each.html.
    Raises LoopError.
    """
    if loop["operator"] == "loop":
        return f"loop-{index(loop, loop_input)}"
    if loop["operator"] == "for_range":
        limits = _value(loop["variables"][0], loop_input)
        return f"range-from={limits['from']}&to={limits['to']}"
    positions = _positions(loop, loop_input)
    return "for-" + "&".join(
        f"{place}={_tag(variable['name'])}={positions[place]}={_tag(_value(variable, loop_input))}"
        for place, variable in enumerate(loop["variables"])
    )


def fill_name(name: str, bundle: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return a full task name with each `[+loop]` replaced by the iteration's name.

    A loop whose variables are not in the input (the name was asked for outside of it) is left as it stands.
    """
    for key, loop in bundle["loops"].items():
        place = f"[{key}]"
        if place in name and all(variable["input"] in loop_input for variable in loop["variables"]):
            name = name.replace(place, iteration_name(loop, loop_input))
    return name


def full_name(task: Mapping[str, Json], bundle: Mapping[str, Json], loop_input: Mapping[str, Json]) -> str:
    """Return Digdag's full name of a compiled task in one iteration, `+wf+sync^sub+for-0=t=0=users+load`."""
    name: str = task["name"]
    return fill_name(name, bundle, loop_input) if "[" in name else name


def _value(variable: Mapping[str, Json], loop_input: Mapping[str, Json]) -> Json:
    """Return the value of one variable: a row of the bundle, or what the state input holds."""
    given = _given(variable, loop_input)
    rows = variable.get("rows")
    return given if rows is None else rows[_position(variable, given, loop_input)]


def _positions(loop: Mapping[str, Json], loop_input: Mapping[str, Json]) -> List[int]:
    """Return the index of the iteration in each of the loop's lists."""
    variables: Sequence[Mapping[str, Json]] = loop["variables"]
    if loop["operator"] == "loop":
        return [int(_given(variables[0], loop_input))]
    if loop["operator"] == "for_range":
        return [int(_given(variables[0], loop_input)["index"])]
    return [_position(variable, _given(variable, loop_input), loop_input) for variable in variables]


def _given(variable: Mapping[str, Json], loop_input: Mapping[str, Json]) -> Json:
    try:
        return loop_input[variable["input"]]
    except KeyError:
        raise LoopError(f"the input of the state has no '{variable['input']}', the loop variable") from None


def _position(variable: Mapping[str, Json], given: Json, loop_input: Mapping[str, Json]) -> int:
    """Return the index of the row that the input names: its number where the input has one, else that of its label."""
    number = loop_input.get(variable["input"] + "#")
    if number is not None:
        return int(number)
    rows = variable.get("rows")
    if rows is None:
        raise LoopError(f"the input of the state has no '{variable['input']}#', the index in its list")
    label = variable.get("label")
    wanted = given[label] if label is not None and isinstance(given, dict) else given
    try:
        return _labels(rows, label)[_text(wanted)]
    except KeyError:
        raise LoopError(f"'{_text(wanted)}' is not in the list of '{variable['name']}'") from None


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
