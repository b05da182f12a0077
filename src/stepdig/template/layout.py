"""A template as JSON has it -> YAML that reads well, the same bytes for the same template.

yaml.safe_dump breaks long texts, and its order and its quotes depend on which of its two writers is there. What is written here
is what every YAML reader takes alike: plain words, and texts in double quotes as JSON writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./+-]*(:{1,2}[A-Za-z0-9_/*-][A-Za-z0-9_./+*-]*)*")
_WORDS = re.compile(r"(?i:true|false|yes|no|on|off|null|y|n|nan|inf)")
_UNSEEN = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE = 110  # characters that a short mapping or list may take on one line
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def layout(sections: Mapping[str, Any], blocks: Iterable[str], head: str) -> str:
    """Return the text of a template below a comment: its sections, then resources as `block` gives them."""
    parts = [f"# {line}\n" for line in head.splitlines()]
    for section, content in sections.items():
        apart = "\n" if isinstance(content, dict) else ""
        parts.append(apart + "\n".join(_mapping({section: content}, 0)) + "\n")
    return "".join([*parts, "\nResources:\n", "\n".join(blocks)])


def block(resources: Mapping[str, Any]) -> str:
    """Return the text of some resources, a blank line between them."""
    return "\n".join("\n".join(_mapping({name: it}, 2)) + "\n" for name, it in resources.items())


def _mapping(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, inner in value.items():
        name = _scalar(key)
        short = _short(inner, _LINE - indent - len(name))
        if short is not None:
            yield f"{pad}{name}: {short}"
            continue
        yield f"{pad}{name}:"
        yield from _block(inner, indent + 2)


def _block(value: Any, indent: int) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, dict):
        yield from _mapping(value, indent)
        return
    for item in value:
        short = _short(item, _LINE - indent)
        if short is not None:
            yield f"{' ' * indent}- {short}"
            continue
        lines = _block(item, indent + 2)
        yield f"{' ' * indent}- {next(lines).lstrip(' ')}"
        yield from lines


def _short(value: Any, room: int) -> str | None:  # noqa: ANN401
    """Return a scalar, an intrinsic or something small on one line; None for what needs lines of its own."""
    if not isinstance(value, dict | list):
        return _scalar(value)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict) and not _is_intrinsic(value) and _depth(value) > 1:
        return None
    if isinstance(value, list) and _depth(value) > 1:
        return None
    line = _flow(value)
    return line if len(line) <= room or _is_intrinsic(value) else None


def _is_intrinsic(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _depth(value: object) -> int:
    if _is_intrinsic(value) or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0)


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
        return value
    return _UNSEEN.sub(lambda it: f"\\u{ord(it[0]):04x}", _quoted(value))
