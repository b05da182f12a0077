"""The text of a definition: one state's field a line, small values on one line, so that a diff reads like the workflow."""

from __future__ import annotations

import json

_EXPANDED = {"States", "ItemProcessor", "Branches"}


def layout(definition: dict[str, object], *, dense: bool = False) -> str:
    """Return the definition as JSON text, deterministic to the byte, with a line feed at the end.

    A `dense` text has no blanks.
    """
    if dense:
        return json.dumps(definition, ensure_ascii=False, separators=(",", ":")) + "\n"
    return _object(definition, 0) + "\n"


def _object(value: dict[str, object], depth: int) -> str:
    if not value:
        return "{}"
    pad = " " * (depth + 1)
    inner = ",\n".join(f"{pad}{_flat(key)}: {_value(item, depth + 1, key)}" for key, item in value.items())
    return f"{{\n{inner}\n{' ' * depth}}}"


def _value(value: object, depth: int, name: str) -> str:
    if isinstance(value, dict) and (name in _EXPANDED or _is_state(value)):
        return _object(value, depth)
    if name == "Branches" and isinstance(value, list):
        pad = " " * (depth + 1)
        return "[\n" + ",\n".join(pad + _object(branch, depth + 1) for branch in value) + f"\n{' ' * depth}]"
    return _flat(value)


def _is_state(value: dict[str, object]) -> bool:
    return isinstance(value.get("Type"), str) and "Comment" in value


def _flat(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
