"""`params:` at the top of a workflow: what it takes from outside, with types and defaults. Digdag has nothing like it.

params:
  target: dev                                         a default; its type is the parameter's
  region:                                             no default: must be given
  days: {type: integer, default: 1, description: how many days back}
  env: {values: [dev, prod], default: dev}
"""

from __future__ import annotations

import re

from stepdig.expressions import builtins
from stepdig.language.directives import is_template, shown
from stepdig.language.input_types import TYPES, WrongTypeError, convert
from stepdig.language.model import Input
from stepdig.problem import Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain

KEYS = ("type", "default", "values", "description", "required")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_TAKEN = (*builtins.NAMES, "task_name")


def declared(node: Node | None, export: Mapping | None, problems: Problems) -> tuple[Input, ...] | None:
    """Return the inputs that `params` declares; None without the key, so that anything may be given, as in Digdag.

    `export` is the top `_export` of the same file, which would hide an input of the same name.
    """
    if node is None:
        return None
    if not isinstance(node, Mapping):
        if not (isinstance(node, Scalar) and node.value is None):
            hint = "such as params: {days: 1}"
            problems.add(node.at, "SD221", f"'params' must be a mapping, not {shown(node)}", hint, node.length)
        return ()
    found = []
    for key, value in node:
        wrong = _wrong_name(str(key.value), export)
        if wrong:
            problems.add(key.at, *wrong, key.length)
        found.append(_input(key, value, problems))
    return tuple(found)


def refuse_unscheduled(inputs: tuple[Input, ...] | None, problems: Problems) -> None:
    """Note the inputs that a schedule, which gives nothing, cannot do without."""
    for it in inputs or ():
        if it.required:
            text = f"'{it.name}' must be given, but the schedule gives nothing: each of its runs would fail"
            problems.add(it.at, "SD229", text, "give it a default", len(it.name))


def _wrong_name(name: str, export: Mapping | None) -> tuple[str, str, str] | None:
    """Return code, text and hint of what is wrong with an input's name."""
    if name in _TAKEN:
        return "SD222", f"'{name}' is a built-in variable", "give the parameter another name"
    if not _NAME.fullmatch(name):
        return "SD222", f"'{name}' cannot be the name of a parameter", "letters, digits and _, a letter first"
    if export is not None and export.get(name) is not None:
        text = f"'{name}' stands in _export too, which always wins: what is given would have no effect"
        return "SD228", text, "remove it from _export"
    return None


def _input(key: Scalar, node: Node, problems: Problems) -> Input:
    """Return one input, of the short or the long form."""
    name = str(key.value)
    if not isinstance(node, Mapping):
        short = None if isinstance(node, Scalar) and node.value is None else node
        made = Input(name, key.at, _type_of(plain(short)), short, required=short is None)
        return _fitting(made, None, problems)
    for inner, _ in node:
        if inner.value not in KEYS:
            hint = did_you_mean(str(inner.value), KEYS) or "a default that is an object: {type: object, default: {...}}"
            problems.add(
                inner.at, "SD223", f"unknown key '{inner.value}' of the parameter '{name}'", hint, inner.length
            )
    given = node.get("default")
    default: Node | None = None if isinstance(given, Scalar) and given.value is None else given
    values = _values(node.get("values"), name, problems)
    type_name = _type(
        node.get("type"), name, plain(default) if default is not None else next(iter(values), None), problems
    )
    required = _required(node.get("required"), name, default, given is None, problems)
    described = node.get("description")
    text = str(described.value) if isinstance(described, Scalar) and described.value is not None else ""
    if isinstance(described, Mapping | Sequence):
        problems.add(described.at, "SD223", f"the description of '{name}' must be a text", "", described.length)
    made = Input(name, key.at, type_name, default, required, values, " ".join(text.split()))
    return _fitting(made, node.get("values"), problems)


def _type_of(value: object) -> str:
    """Return the type of a default, or of an allowed value."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "list"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "string"


def _type(node: Node | None, name: str, example: object, problems: Problems) -> str:
    """Return the declared type, else that of the example."""
    if node is None:
        return _type_of(example)
    written = node.value if isinstance(node, Scalar) else None
    if isinstance(written, str) and written in TYPES:
        return written
    hint = (did_you_mean(written, TYPES) if isinstance(written, str) else "") or f"one of {', '.join(TYPES)}"
    problems.add(node.at, "SD224", f"unknown type {shown(node)} of the parameter '{name}'", hint, node.length)
    return _type_of(example)


def _values(node: Node | None, name: str, problems: Problems) -> tuple[object, ...]:
    """Return the allowed values, as written."""
    if node is None:
        return ()
    constant = isinstance(node, Sequence) and all(isinstance(it, Scalar) and not is_template(it) for it in node.items)
    if not isinstance(node, Sequence) or not node.items or not constant:
        text = f"the allowed values of '{name}' must be a list of constants"
        problems.add(node.at, "SD226", text, "such as values: [dev, prod]", node.length)
        return ()
    return tuple(map(plain, node.items))


def _required(node: Node | None, name: str, default: Node | None, absent: bool, problems: Problems) -> bool:
    """Return whether the input must be given: where there is no default, unless `required: false` or `default: null`."""
    if node is None:
        return absent
    wanted = node.value if isinstance(node, Scalar) else None
    if not isinstance(wanted, bool):
        problems.add(
            node.at, "SD227", f"'required' of '{name}' must be true or false, not {shown(node)}", "", node.length
        )
    elif wanted and default is not None:
        text = f"the parameter '{name}' is required, so that its default is never used"
        problems.add(node.at, "SD227", text, "remove one of the two", node.length)
    return wanted is True


def _fitting(made: Input, values: Node | None, problems: Problems) -> Input:
    """Return an input whose default and allowed values are of its type, noting those that are not."""
    said = TYPES[made.type].said
    allowed: list[object] = []
    items = values.items if isinstance(values, Sequence) and made.values else ()
    for item in items:
        try:
            allowed.append(plain(item) if made.type in ("list", "object") else convert(made.type, plain(item)))
        except WrongTypeError:
            text = f"the allowed value {shown(item)} of '{made.name}' is not {said}"
            problems.add(item.at, "SD226", text, "change it, or the type", item.length)
    default = made.default
    if default is not None and not _fits(made.type, default, tuple(allowed), problems, made.name):
        default = None
    return Input(made.name, made.at, made.type, default, made.required, tuple(allowed), made.description)


def _fits(type_name: str, default: Node, values: tuple[object, ...], problems: Problems, name: str) -> bool:
    """Return whether a default is of the type and allowed, noting a mistake; a template is known when it is read."""
    if "${secret:" in str(plain(default)):
        text, hint = f"the default of '{name}' is a secret", "write ${secret:...} where it is used"
        problems.add(default.at, "SD225", text, hint, default.length)
        return False
    if isinstance(default, Scalar) and is_template(default):
        if type_name in ("string", "date"):
            return True
        text = f"a template gives a text, but '{name}' is {TYPES[type_name].said}"
        problems.add(default.at, "SD225", text, "write a constant", default.length)
        return False
    raw = plain(default)
    try:
        value = convert(type_name, raw)
    except WrongTypeError:
        value = None
    if type(value) is not type(raw) and not (type_name in ("integer", "number") and isinstance(raw, int | float)):
        text = f"the default {shown(default)} of '{name}' is not {TYPES[type_name].said}"
        problems.add(default.at, "SD225", text, "change it, or the type", default.length)
        return False
    wrong = [it for it in (value if isinstance(value, list) else [value]) if values and it not in values]
    if wrong:
        text = f"the default of '{name}' is none of its values: {', '.join(map(str, values))}"
        problems.add(
            default.at,
            "SD225",
            text,
            did_you_mean(str(wrong[0]), map(str, values)) or "add it to values",
            default.length,
        )
    return not wrong
