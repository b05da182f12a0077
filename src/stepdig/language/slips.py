"""Slips of the pen that leave YAML as it is but mean something else: keys without `+`, `_`, `>` or a blank.

Each is told with what was probably meant, and the file is read on as if that stood there, so that nothing is told twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from stepdig.language.cron import FORMS
from stepdig.language.directives import shown
from stepdig.problem import Position, Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence

Keys = dict[str, tuple[Scalar, Node]]

_GLUED = re.compile(r"([+_]?[A-Za-z][\w.]*>?):(?![ \t\n]|\Z)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BLANK = re.compile("[\\s\u3000]")
_WITHOUT = {
    "do": "_do",
    "then": "_do",
    "else_do": "_else_do",
    "else": "_else_do",
    "error": "_error",
    "export": "_export",
    "check": "_check",
}


def hint_at_top(key: Scalar, value: Node, known: Collection[str], elsewhere: Collection[str]) -> str:
    """Return what to do about an unknown key of a workflow; `elsewhere` are those that tasks and groups have."""
    text = str(key.value)
    if key.text.startswith("+"):
        return f'write "{key.text}" in quotes: without them it is the number {text}'
    if (half := halfwidth(text)) != text:
        return f"write it in half-width letters: {half}"
    if text in ("include", "import") and isinstance(value, Scalar):
        return f"write !include : {value.text[:40]}"
    if is_body(value):
        return f"tasks begin with '+': '+{text}:'"
    if text.endswith(">"):
        return f"put it into a task: '+name:' and, indented below it, '{text}'"
    if text in elsewhere or text in ("_do", "_else_do"):
        return "put it into a task or group"
    return did_you_mean(text, known) or (
        "" if text.startswith("_") else "parameters go below '_export:', tasks begin with '+'"
    )


def hint_in_group(key: Scalar, value: Node, known: Collection[str]) -> str:
    """Return what to do about an unknown key of a group."""
    text = str(key.value)
    if key.text.startswith("+"):
        return f'write "{key.text}" in quotes: without them it is the number {text}'
    if (half := halfwidth(text)) != text:
        return f"write it in half-width letters: {half}"
    if text in ("_do", "_else_do"):
        return "it belongs to an operator: if>, loop>, for_each> or for_range>"
    if is_body(value) and not did_you_mean(text, known, 0.8):
        return f"tasks begin with '+': '+{text}:'"
    return did_you_mean(text, known) or ("" if text.startswith("_") else f"an operator ends in '>': '{text}>'")


def halfwidth(text: str) -> str:
    """Return a key with its full-width signs as those of a keyboard without kana."""
    from unicodedata import normalize  # only needed once something is wrong

    return normalize("NFKC", text).strip()


def is_body(node: Node) -> bool:
    """Return whether a value looks like a task or a group."""
    names = [str(key.value) for key, _ in node] if isinstance(node, Mapping) else []
    return any(name[-1:] == ">" or name[:1] == "+" for name in names)


def refuse_scalar(label: str, node: Scalar, at: Position, problems: Problems) -> None:
    """Note a task whose body is one text: `sh>:ls`, where YAML sees no key for want of a blank."""
    glued = _GLUED.match(node.text) if isinstance(node.value, str) and not node.style else None
    if glued:
        value = node.text[glued.end() :].split("\n")[0].strip("\u3000 ")
        hint = f"write a blank behind it: {glued[1]}: {value[:40]}"
        kind = "a blank" if not _BLANK.match(node.text[glued.end() :]) else "a blank, in place of the full-width one,"
        problems.add(node.at, "SD205", f"{kind} is missing behind '{glued[1]}:' in '{label}'", hint, glued.end())
        return
    hint = "write an operator below it, such as 'echo>: hello'"
    if node.value is None:
        problems.add(at, "SD205", f"'{label}' is empty", f"{hint}; {{}} is an empty group", len(label))
        return
    operator = re.match(r"([a-z_.]+>) +(\S.*)", node.text)
    if operator:
        hint = f"on the next line, indented: {operator[1]}: {operator[2][:40]}"
    problems.add(node.at, "SD205", f"'{label}' must be a mapping, not {shown(node)}", hint, node.length)


def put_right(keys: Keys, operator: str, bodies: Collection[str], problems: Problems) -> Keys:
    """Return the keys of an operator's task as they are meant, noting `do:` for `_do:`, and `_do:` inside of `for_each>:`."""
    made = dict(keys)
    argument = next((value for text, (_, value) in keys.items() if text.endswith(">")), None)
    inner = argument if isinstance(argument, Mapping) and bodies else Mapping(next(iter(keys.values()))[0].at, ())
    deep = [(key, value) for key, value in inner if str(key.value) in (*bodies, "_parallel")]
    for key, value in deep:
        text = f"'{key.value}' stands inside of '{operator}>'"
        problems.add(key.at, "SD782", text, f"indent it like '{operator}>:'", key.length)
        made.setdefault(str(key.value), (key, value))
    if deep:
        name = f"{operator}>"
        rest = tuple((key, value) for key, value in inner if str(key.value) not in (*bodies, "_parallel"))
        made[name] = (keys[name][0], Mapping(inner.at, rest))
    for text in (it for it in ("_do", "_else_do") if it in keys and it not in bodies and is_body(keys[it][1])):
        key = keys[text][0]
        hint = "it belongs to if>, loop>, for_each> or for_range>"
        problems.add(key.at, "SD782", f"'{operator}>' has no '{text}'", hint, key.length)
    for text, (key, value) in keys.items():
        meant = _WITHOUT.get(text, "")
        if meant in ("_do", "_else_do") and meant not in bodies:
            meant = ""
        if meant and meant not in keys and (is_body(value) or (meant == "_export" and isinstance(value, Mapping))):
            problems.add(key.at, "SD241", f"unknown key '{text}'", f"did you mean '{meant}'?", key.length)
            made[meant] = made.pop(text)
    return made


def refuse_misspelt(key: Scalar, directives: Collection[str], problems: Problems) -> None:
    """Note a key of a task that is a directive but for a letter or two: Digdag takes it for a parameter nobody reads."""
    text = str(key.value)
    if text.startswith("_") and text not in directives:
        near = did_you_mean(text, directives, 0.8)
        if near:
            problems.add(key.at, "SD241", f"unknown key '{text}'", near, key.length)


def refuse_misplaced(keys: Keys, problems: Problems) -> None:
    """Note a `schedule:` of a task or group, which never starts anything; an included workflow may bring one."""
    for text in ("schedule", "sla"):
        key, value = keys.get(text, (None, None))
        says_when = (*FORMS, "time", "duration")
        same_file = key is not None and all(other.at.path == key.at.path for other, _ in keys.values())
        if (
            key is not None
            and same_file
            and isinstance(value, Mapping)
            and any(name.value in says_when for name, _ in value)
        ):
            hint = "move it to the top of the file, without indentation"
            problems.add(key.at, "SD783", f"'{text}' counts at the top of a workflow alone", hint, key.length)


def check_environment(node: Mapping, problems: Problems) -> None:
    """Note what cannot be a variable of `_env`: names that no shell reads, lists and mappings."""
    for key, value in node:
        name = str(key.value)
        if not _NAME.match(name):
            problems.add(
                key.at,
                "SD784",
                f"'{name}' cannot be the name of a variable",
                "letters, digits and _, no digit first",
                key.length,
            )
        if isinstance(value, Mapping | Sequence) or value.value is None:
            text = f"the variable '{name}' of '_env' must be a text, not {shown(value)}"
            problems.add(
                value.at if value.length > 1 else key.at, "SD784", text, 'write it as a text: "..."', key.length
            )
