"""Fields of a state that may hold `{% expressions %}`, made ready once and evaluated often.

A template without an expression gives the very value of the definition; values are never changed in place anywhere
in the engine, so nothing is copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from stepdig.local import jsonata
from stepdig.local.errors import StateError, query_error
from stepdig.local.jsonata import Variables
from stepdig.local.payload import Json, encode

Evaluate = Callable[[Variables], Any]
_PATH = re.compile(r"\$([A-Za-z_]\w*)((?:\.(?:[A-Za-z_]\w*|`[^`]+`))*)", re.ASCII)  # names a value, computes nothing
_STEP = re.compile(r"\.(?:`([^`]+)`|(\w+))", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")


class Template:
    """A field ready to evaluate; `text` is the JSON text of a constant one, else None."""

    __slots__ = ("constant", "evaluate", "field", "source", "text", "value")

    def __init__(self, source: Json, field: str, problems: list[str]) -> None:
        self.source = source
        self.field = field
        build = _build(source, field, problems)
        self.constant = build is None
        self.value = source
        self.text = encode(source) if build is None else None
        self.evaluate: Evaluate = build or (lambda _: source)

    @property
    def expression(self) -> str | None:
        """Return the text of the expression when the whole field is one, else None."""
        return expression_of(self.source)


def expression_of(value: Json) -> str | None:
    """Return the expression of a text `{% ... %}`, or None; a blank before `{%` makes it a literal, as on AWS."""
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}") and len(value) >= 4:
        return value[2:-2].strip()
    return None


def _build(source: Json, field: str, problems: list[str]) -> Evaluate | None:
    """Return the function that gives the field its value, or None when the source is its own value."""
    text = expression_of(source)
    if text is not None:
        return _expression(text, field, problems)
    if isinstance(source, dict):
        parts = {k: (v, _build(v, f"{field}/{k}", problems)) for k, v in source.items()}
        if any(build for _, build in parts.values()):
            return lambda variables: {k: build(variables) if build else v for k, (v, build) in parts.items()}
    elif isinstance(source, list):
        items = [(v, _build(v, f"{field}[{i}]", problems)) for i, v in enumerate(source)]
        if any(build for _, build in items):
            return lambda variables: [build(variables) if build else v for v, build in items]
    return None


def _expression(text: str, field: str, problems: list[str]) -> Evaluate:
    try:
        jsonata.compiled(text)
    except jsonata.JsonataError as e:
        problems.append(f"The JSONata expression '{text}' specified for the field '{field}' is not valid. {e}")
    path = _PATH.fullmatch(text)
    if path:
        return _lookup(text, field, path[1], [quoted or word for quoted, word in _STEP.findall(path[2])])
    if _NUMBER.fullmatch(text):
        number = int(text)
        return lambda _: number
    return lambda variables: _evaluated(text, field, variables)


def _lookup(text: str, field: str, name: str, steps: list[str]) -> Evaluate:
    """Return the short way for an expression that only names a value: most of a compiled definition's are.

    What is not plainly there, a missing field, a null, a list on the way, is left to JSONata.
    """

    def look(variables: Variables) -> Json:
        try:
            value = variables.get(name)
            for step in steps:
                value = value[step] if type(value) is dict else None
        except KeyError:
            return _evaluated(text, field, variables)
        return value if value is not None or not steps else _evaluated(text, field, variables)

    return look


def _evaluated(text: str, field: str, variables: Variables) -> Json:
    try:
        return jsonata.evaluate(text, variables)
    except jsonata.Undefined:
        raise _failed(text, field, "returned nothing (undefined).") from None
    except jsonata.NotJson:
        raise _failed(text, field, "returned an unsupported result type.") from None
    except jsonata.JsonataError as e:
        raise _failed(text, field, f"threw an error during evaluation. {e}") from None


def _failed(text: str, field: str, what: str) -> StateError:
    return query_error(f"The JSONata expression '{text}' specified for the field '{field}' {what}", field)


_KINDS: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "string": (str,),
    "number": (int, float),
    "object": (dict,),
}


def typed(template: Template, variables: Variables, expected: str) -> Json:
    """Return the value of a template that must be an `expected` ('array', 'boolean', 'string', 'number', 'object')."""
    value = template.evaluate(variables)
    if isinstance(value, _KINDS[expected]) and (expected == "boolean" or not isinstance(value, bool)):
        return value
    text = template.expression if template.expression is not None else encode(template.source)
    raise query_error(
        f"The JSONata expression '{text}' specified for the field '{template.field}' returned an unexpected result "
        f"type. Expected '{expected}', but was '{kind_of(value)}' for value: {encode(value)}",
        template.field,
    )


def kind_of(value: Json) -> str:
    """Return JSON's word for the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return next((word for word, types in _KINDS.items() if isinstance(value, types)), type(value).__name__)
