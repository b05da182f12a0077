"""`if>`, `loop>`, `for_each>` and `for_range>` among subtasks: the bodies that run, with their names and variables."""

from __future__ import annotations

import json
from itertools import product
from typing import Dict, List, Mapping, NamedTuple

from stepdig.runner import loops
from stepdig.runner.shapes import Json, TaskError


class Body(NamedTuple):
    """One run of a body: what it adds to the task's name, the variables it sees, its tasks as written."""

    name: str
    variables: Dict[str, Json]
    config: Json


def bodies(operator: str, params: Mapping[str, Json]) -> List[Body]:
    """Return what a control task runs; `params` are its parameters, evaluated. Raises TaskError."""
    argument = params.get(f"{operator}>")
    if operator == "if":
        body = params.get("_do" if _boolean(argument) else "_else_do")
        return [] if body is None else [Body("", {}, body)]
    if "_do" not in params:
        raise TaskError("Parameter '_do' is required but not set (config)")
    if operator == "loop":
        variables: List[Dict[str, Json]] = [{"i": number} for number in range(_integer(argument, "_command"))]
    elif operator == "for_range":
        variables = [{"range": part} for part in _range(argument)]
    else:
        return _for_each(argument, params["_do"])
    loop = {"operator": operator, "variables": [{"input": next(iter(variables[0]))}]} if variables else {}
    return [Body("+" + loops.iteration_name(loop, it), it, params["_do"]) for it in variables]


def _for_each(argument: Json, body: Json) -> List[Body]:
    """Return an iteration for each combination, the last list running fastest."""
    lists = {name: _list(name, values) for name, values in _object(argument).items()}
    loop = {
        "operator": "for_each",
        "variables": [{"name": name, "input": name, "rows": rows} for name, rows in lists.items()],
    }
    found = []
    for number, values in enumerate(product(*lists.values()) if lists else ()):
        variables = dict(zip(lists, values))  # noqa: B905 - Python 3.8 has no strict=
        name = loops.iteration_name(loop, {f"{next(iter(lists))}#": number, **variables})
        found.append(Body(f"+{name}", variables, body))
    return found


def _range(argument: Json) -> List[Dict[str, int]]:
    """Return the parts of a range, `{from, to, step}` or `{from, to, slices}`."""
    limits = _object(argument)
    if ("step" in limits) == ("slices" in limits):
        raise TaskError("step or slices option is required for for_range (config)")
    start, stop = _integer(limits.get("from"), "from"), _integer(limits.get("to"), "to")
    name = "step" if "step" in limits else "slices"
    part = _integer(limits[name], name)
    if part < 1:
        raise TaskError(f"{name} option must be same or greater than 1 but got {part} (config)")
    step = part if name == "step" else max(1, -(-(stop - start) // part))
    begins = range(start, stop, step)
    return [{"from": at, "to": min(at + step, stop), "index": number} for number, at in enumerate(begins)]


def _boolean(value: Json) -> bool:
    """Return a value as `if>` reads it."""
    if isinstance(value, (bool, int)):
        return bool(value)
    text = value.strip() if isinstance(value, str) else None
    if text in ("true", "True"):
        return True
    if text in ("", "false", "False"):
        return False
    raise TaskError(f"Expected 'true' or 'false' for key '_command' but got {json.dumps(value)} (config)")


def _integer(value: Json, name: str) -> int:
    try:
        if not isinstance(value, bool):
            return int(float(value))
    except (TypeError, ValueError, OverflowError):
        pass
    raise TaskError(f"Expected integer (int) type for key '{name}' but got {json.dumps(value)} (config)")


def _object(value: Json) -> Dict[str, Json]:
    found = _parsed(value)
    if not isinstance(found, dict):
        raise TaskError("Parameter '_command' must be an object (config)")
    return found


def _list(name: str, value: Json) -> List[Json]:
    found = _parsed(value)
    if not isinstance(found, list):
        raise TaskError(f"Expected array type for key '{name}' but got {json.dumps(value)} (config)")
    return found


def _parsed(value: Json) -> Json:
    """Return what a text holds as JSON, any other value as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
