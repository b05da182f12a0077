"""How operators and keys of the language say what may stand there: JSON Schema (draft 7) and one line of help.

A declaration is data. Of all of them `schema` makes what editors complete and underline with, and the tables of the reference.
They ask for no more than the compiler does and leave to it what only it can know. A scalar may always be a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Option:
    """A key of a task, a group or a workflow; `help` is one line without a full stop."""

    name: str
    schema: Schema
    help: str
    required: bool = False


TEMPLATE = r"\$\{"
_TRUTH = r"^\s*(true|True|false|False)?\s*$"
_WHOLE = r"^\s*[-+]?[0-9_]+(\.[0-9]*)?\s*$"
_DURATION = r"^\s*([0-9]+\s*[dhms]\s*)+$"


def matching(pattern: str, said: str, *types: str, template: bool = True) -> dict[str, object]:
    """Return the schema of a scalar whose text matches, or holds a template; `said` completes "must be"."""
    whole = f"{pattern}|{TEMPLATE}" if template else pattern
    return {"type": [*types, "string"], "pattern": whole, "patternErrorMessage": f"must be {said}"}


def word(*known: str) -> dict[str, object]:
    """Return the schema of one of some words, in letters of any case."""
    cases = "|".join("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in it) for it in known)
    return {"type": "string", "anyOf": [{"enum": list(known)}, {"pattern": f"^({cases})$|{TEMPLATE}"}]}


def list_of(items: Schema, *, alone: bool = False) -> dict[str, object]:
    """Return the schema of a list; `alone`: a text by itself will do."""
    return {"type": ["array", "string"] if alone else "array", "items": items}


def mapping_of(values: Schema, *, template: bool = False) -> dict[str, object]:
    """Return the schema of a mapping of any names; `template`: or a text that gives one."""
    if template:
        return {"type": ["object", "string"], "additionalProperties": values, "pattern": rf"^\s*\{{|{TEMPLATE}"}
    return {"type": "object", "additionalProperties": values}


def mapping(*options: Option, others: bool = False) -> dict[str, object]:
    """Return the schema of a mapping with these keys."""
    made: dict[str, object] = {"type": "object", "properties": properties(options)}
    needed = [it.name for it in options if it.required]
    return made | ({"required": needed} if needed else {}) | ({} if others else {"additionalProperties": False})


def properties(options: tuple[Option, ...]) -> dict[str, object]:
    """Return the properties of a JSON Schema, each with its help."""
    return {it.name: {**it.schema, "description": it.help} for it in options}


ANY: Schema = {}
TEXT: Schema = {"type": ["string", "number", "boolean"]}
VALUE: Schema = {"type": ["string", "number", "boolean", "null"]}
FLAG = matching(_TRUTH, "true or false", "boolean", "integer", "null")
SWITCH = matching(_TRUTH, "true or false, written out", "boolean", "integer", "null", template=False)
WHOLE = matching(_WHOLE, "a whole number", "number")
NUMBER = matching(_WHOLE, "a whole number, written out", "number", template=False)
DURATION = matching(_DURATION, "a duration such as 90s, 10m or 1h 30m")
SECONDS = matching(rf"{_DURATION}|^\s*[0-9]+\s*$", "a duration such as 90s or 10m, or seconds", "integer")
TIME_LIMIT = matching(_DURATION, "a duration such as 90s, 30m or 1h 30m, written out", "integer", template=False)
LIST = {**matching(r"^\s*\[", "a list, or ${name} of one"), "type": ["array", "string"]}
BODY: Schema = {"$ref": "#/definitions/body"}
ARGV = list_of(TEXT)


def refused(text: str) -> dict[str, object]:
    """Return the schema of a value that is never right, once there is one, with the reason an editor shows."""
    return {"type": "null", "errorMessage": text, "doNotSuggest": True}


def without(pattern: str, text: str) -> dict[str, object]:
    """Return the schema of a mapping without such keys, with the reason an editor shows."""
    return {"patternProperties": {pattern: False}, "errorMessage": text}
