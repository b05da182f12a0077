"""Whether located YAML is what a declaration says: the part of JSON Schema that declarations use, with problems where they stand.

Editors read the same declarations (`schema`), so what they underline and what `check` says cannot drift apart.
https://json-schema.org/draft-07
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from stepdig.language.declared import Schema
from stepdig.language.directives import shown
from stepdig.problem import Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence

_TYPES: dict[str, Callable[[Node], bool]] = {
    "object": lambda it: isinstance(it, Mapping),
    "array": lambda it: isinstance(it, Sequence),
    "null": lambda it: isinstance(it, Scalar) and it.value is None,
    "boolean": lambda it: isinstance(it, Scalar) and isinstance(it.value, bool),
    "integer": lambda it: isinstance(it, Scalar) and type(it.value) is int,
    "number": lambda it: isinstance(it, Scalar) and type(it.value) in (int, float),
    "string": lambda it: isinstance(it, Scalar) and isinstance(it.value, str),
}
_WORDS = {
    "object": "a mapping", "array": "a list", "null": "empty", "boolean": "true or false", "integer": "a whole number",
    "number": "a number", "string": "a text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of problems: of a key that is not known, and of a value that is not taken."""

    key: str
    value: str


def conform(node: Node, schema: Schema, name: str, codes: Codes, problems: Problems) -> bool:
    """Return whether a value is what its schema says, noting everything in it that is not; `name` is its key."""
    words = _unlike(node, schema)
    if words:
        text = f"'{name}' must be {words}, not {shown(node)}"
        problems.add(node.at, codes.value, text, _near(node, schema), node.length)
        return False
    before = len(problems)
    if isinstance(node, Mapping):
        _keys(node, schema, name, codes, problems)
    elif isinstance(node, Sequence):
        items = schema.get("items")
        for item in node.items if isinstance(items, dict) else ():
            conform(item, items, name, codes, problems)  # type: ignore[arg-type] # the condition says so
        if isinstance(schema.get("minItems"), int) and not node.items:
            problems.add(node.at, codes.value, f"'{name}' is an empty list", "leave the key out", node.length)
    return len(problems) == before


def _unlike(node: Node, schema: Schema) -> str:
    """Return what a value must be where it is not, else an empty text."""
    kinds = schema.get("type")
    known = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    if known and not any(_TYPES[str(kind)](node) for kind in known):
        return _said(schema, known)
    value = node.value if isinstance(node, Scalar) else None
    allowed = schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        return "one of " + ", ".join(map(str, allowed))
    pattern = schema.get("pattern")
    if isinstance(value, str) and isinstance(pattern, str) and not re.search(pattern, value, re.ASCII):
        return _said(schema, known)
    if type(value) is int:
        least, most = schema.get("minimum"), schema.get("maximum")
        if (isinstance(least, int) and value < least) or (isinstance(most, int) and value > most):
            return f"{least:,} to {most:,}"
    return ""


def _near(node: Node, schema: Schema) -> str:
    """Return a hint for a value that is almost right: a word in other letters, a duration in words, `yes` for true."""
    text, allowed, kinds = node.text if isinstance(node, Scalar) else "", schema.get("enum"), schema.get("type")
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(allowed, list) and type(value) is int and all(type(it) is int for it in allowed):
        return f"did you mean {min(allowed, key=lambda it: abs(it - value))}?"
    if isinstance(allowed, list):
        return did_you_mean(text, map(str, allowed))
    if isinstance(kinds, list | str) and "boolean" in kinds and text.lower() in _TRUTHS:
        return f"did you mean {_TRUTHS[text.lower()]}?"
    span = re.fullmatch(r"(\d+)\s*(second|minute|hour|day|sec|min)s?", text.lower())
    return f"did you mean {span[1]}{span[2][0]}?" if span and "duration" in _said(schema, ()) else ""


_TRUTHS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def _said(schema: Schema, kinds: Collection[object]) -> str:
    message = schema.get("patternErrorMessage")
    if isinstance(message, str):
        return message.removeprefix("must be ")
    return " or ".join(_WORDS[str(kind)] for kind in kinds)


def _keys(node: Mapping, schema: Schema, name: str, codes: Codes, problems: Problems) -> None:
    """Check the keys of a mapping and what stands under them."""
    known, others = schema.get("properties"), schema.get("additionalProperties", {})
    assert isinstance(known, dict | None)
    names = schema.get("propertyNames")
    for key, value in node:
        text = str(key.value)
        inner = (known or {}).get(text, others)
        if inner is False:
            hint = did_you_mean(text, known or ()) or f"known: {', '.join(known or ())}"
            problems.add(key.at, codes.key, f"unknown key '{text}' in '{name}'", hint, key.length)
        elif isinstance(names, dict) and (words := _unlike(Scalar(key.at, text, text), names)):
            problems.add(key.at, codes.value, f"a key of '{name}' must be {words}, not \"{text}\"", "", key.length)
        else:
            assert isinstance(inner, dict)
            conform(value, inner, text, codes, problems)
    needed = schema.get("required")
    for missing in (it for it in needed if node.get(str(it)) is None) if isinstance(needed, list) else ():
        problems.add(node.at, codes.value, f"'{name}' needs '{missing}'", "", node.length)
