"""The parts of docs/reference/ that are made of declarations: tables of values and options, between two comments of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stepdig.language import job_keys, keys
from stepdig.language.declared import Option, Schema
from stepdig.operators import TABLE

_PART = re.compile(r"(<!-- declared: ([\w. >]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WORDS = {"array": "a list", "object": "a mapping", "string": "a text", "null": "nothing"}
_GROUPS = {
    "keys of tasks": keys.TASK,
    "keys of commands": keys.COMMAND,
    "keys of loops": keys.LOOP,
    "keys of groups": keys.GROUP,
    "keys of workflows": keys.TOP,
    "keys of jobs": job_keys.KEYS,
}


def parts(page: str) -> list[str]:
    """Return what a page shows declarations of: `sh>`, `keys of tasks`."""
    return [match[2] for match in _PART.finditer(page)]


def renewed(page: str) -> str:
    """Return a page with its tables as the declarations have them."""
    return _PART.sub(lambda match: f"{match[1]}{table(match[2])}{match[3]}", page)


def table(part: str) -> str:
    """Return the table of an operator, or of a set of keys."""
    if part in _GROUPS:
        return _rows("key", _GROUPS[part])
    it = TABLE[part.removesuffix(">")]
    rows = _rows("key", (Option(f"{it.name}>", it.argument, it.help.removesuffix(".")), *it.options))
    others = "" if it.others else " Any other key is a parameter."
    return f"{rows}\nBeside them: the keys of [every task](language.md#keys-of-every-task).{others}\n"


def _rows(head: str, options: Iterable[Option]) -> str:
    rows = [f"| {head} | value | meaning |", "|---|---|---|"]
    for it in options:
        needed = " (needed)" if it.required else ""
        rows.append(f"| `{it.name}`{needed} | {_escaped(value(it.schema))} | {_escaped(it.help)} |")
    return "\n".join(rows) + "\n"


def value(schema: Schema) -> str:
    """Return what a schema takes, in words."""
    if "enum" in schema:
        return _listed(schema["enum"])
    if "patternErrorMessage" in schema and "object" not in schema["type"]:  # type: ignore[operator]
        return str(schema["patternErrorMessage"]).removeprefix("must be ").removesuffix(", written out")
    alternatives = schema.get("anyOf")
    if isinstance(alternatives, list) and "enum" in alternatives[0]:
        return _listed(alternatives[0]["enum"])
    if "errorMessage" in schema:
        return "nothing"
    if "$ref" in schema:
        return "a task or tasks"
    return _kinds(schema)


def _kinds(schema: Schema) -> str:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else list(types)  # type: ignore[call-overload]
    scalar = schema.get("patternErrorMessage")
    words = [str(scalar).removeprefix("must be ").removesuffix(", written out")] if scalar else []
    wanted = [_WORDS[kind] for kind in types if kind in _WORDS and not (scalar and kind == "string")]
    if "nothing" in wanted and len(wanted) > 1:
        wanted.remove("nothing")
    items = schema.get("items")
    if isinstance(items, Mapping) and items.get("type") == "object":
        wanted = ["a list of mappings" if it == "a list" else it for it in wanted]
    found = words + wanted
    return (", ".join(found[:-1]) + " or " if len(found) > 1 else "") + found[-1] if found else "anything"


def _listed(words: object) -> str:
    assert isinstance(words, list)
    return ", ".join(f"`{word}`" for word in words)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
