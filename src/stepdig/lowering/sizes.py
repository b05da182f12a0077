"""The size of one command task, over that of its job: `ecs: {cpu: 1024, memory: 4 GB, ephemeral_storage: 50}`.

Each is a constant or a template, of the task or of an export; an empty text means the job's own size. What is known when
compiling, the columns of known rows too, is held against the sizes of Fargate:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
"""

from __future__ import annotations

import re

from stepdig import plan
from stepdig.expressions import translate
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.shapes import NOT_CONSTANT
from stepdig.jsonata_text import literal
from stepdig.language.directives import is_template
from stepdig.language.fargate import KINDS, no_pair, no_such, number
from stepdig.lowering.values import Values
from stepdig.naming.bindings import Binding
from stepdig.naming.resolve import Names
from stepdig.source.nodes import Mapping, Node, Scalar


def sizes(values: Values) -> plan.Sizes | None:
    """Return the sizes that a task asks for; None where it takes those of its job."""
    found: dict[str, Node] = {}
    own = values.task.options.get("ecs")
    for name in KINDS:
        node = own.get(name) if isinstance(own, Mapping) else None
        node = node if node is not None else values.names.exported(("ecs", name))
        if node is not None and not (isinstance(node, Scalar) and node.value is None):
            found[name] = node
    if not found:
        return None
    rows = _rows(values, found)
    each: list[tuple[str, Names | _Row]] = [*rows] or [("", values.names)]
    for label, names in each:
        _check(values, found, names, label)
    templates = [node for node in found.values() if is_template(node)]
    digits = bool(rows) and all(
        re.fullmatch("[0-9]+", _constant(node, names, values)) for node in templates for _, names in rows
    )
    made = {name: _value(values, name, node, known=bool(rows), digits=digits) for name, node in found.items()}
    computed = [it for it in made.values() if isinstance(it, plan.Computed)]
    guards = tuple(guard for it in computed for guard in it.guards)
    optional = bool(computed) and not digits
    return plan.Sizes(made.get("cpu"), made.get("memory"), made.get("ephemeral_storage"), guards, optional)


def _check(values: Values, found: dict[str, Node], names: Names | _Row, label: str) -> None:
    """Note sizes that Fargate does not have, alone or together; what only the run knows is left to it."""
    known: dict[str, int] = {}
    for name, node in found.items():
        text = _constant(node, names, values)
        size = number(KINDS[name], text) if text else None
        if text and (size is None or not KINDS[name].allowed(size)):
            what, hint = no_such(name, text)
            values.problem(node.at, "SD231", label + what, hint, node.length)
        elif size is not None:
            known[name] = size
    wrong = no_pair(known["cpu"], known["memory"]) if "cpu" in known and "memory" in known else None
    if wrong is not None:
        values.problem(found["memory"].at, "SD232", label + wrong[0], wrong[1], found["memory"].length)


def _constant(node: Node, names: Names | _Row, values: Values) -> str:
    """Return a size as it is known when compiling, "" when it is not."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool):
        values.problem(node.at, "SD231", "a size must be a number or a text", "such as memory: 4 GB", node.length)
        return ""
    if not isinstance(node.value, str):
        return str(node.value)
    try:
        done = translate.text(node.value, names, values.scope.zone)
    except ExpressionError:
        return ""  # told by `_value`
    return "" if done.const is NOT_CONSTANT else str(done.const).strip()


def _value(values: Values, name: str, node: Node, *, known: bool, digits: bool) -> plan.Value:
    """Return a size as the API takes it; what the machine computes may be empty, unless it is known to be a number."""
    if not isinstance(node, Scalar):
        return plan.Constant("")  # told by `_constant`
    kind, value = KINDS[name], values.text(node)
    if isinstance(value, plan.Constant):
        size = number(kind, str(value.value).strip())
        return plan.Constant("" if size is None else size)
    if digits:
        return value
    text = f"$trim({value.code})"
    code = f"($v:={text};$contains($v,/{kind.unit}/i)?$string($number($match($v,/^[0-9.]+/).match)*{kind.factor}):$v)"
    if known:  # each row has been checked
        return plan.Computed(code, value.guards)
    test = f"$contains({text},/^({kind.pattern})?$/i)"
    words = f"the {name} of {values.name} must be a size such as {kind.such_as}"
    return plan.Computed(code, (*value.guards, (test, words)))


def _rows(values: Values, found: dict[str, Node]) -> list[tuple[str, _Row]]:
    """Return the rows of the one loop variable that the sizes come from, each with what to call it; else nothing."""
    text = " ".join(str(node.value) for node in found.values() if isinstance(node, Scalar))
    variables = {
        str(it["name"]): it["label"] for loop in values.scope.loops for it in values.scope.draft.loops[loop].variables
    }
    used = [name for name in variables if re.search(rf"\b{re.escape(name)}\b", text)]
    rows = values.names.rows(used[0]) if len(used) == 1 else None
    if rows is None:
        return []
    column = variables[used[0]]
    found_rows = [_Row(values.names, used[0], row) for row in rows]
    if any(_unknown(node, row, values) for node in found.values() for row in found_rows[:1]):
        return []
    labels = [str(row.get(column)) if isinstance(row, dict) and column is not None else str(row) for row in rows]
    return [(f"row {literal(label)[:40]}: ", row) for label, row in zip(labels, found_rows, strict=True)]


def _unknown(node: Node, row: _Row, values: Values) -> bool:
    """Return whether a size is known only at run time even for a known row."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return False
    try:
        return translate.text(node.value, row, values.scope.zone).const is NOT_CONSTANT
    except ExpressionError:
        return True


class _Row:
    """The names of a task in one iteration: a loop variable is the row itself."""

    def __init__(self, names: Names, variable: str, row: object) -> None:
        self._names, self._variable, self._row = names, variable, row

    def resolve(self, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Return what a path is bound to, and how many of its segments that covers."""
        if path[0] != self._variable:
            return self._names.resolve(path)
        value, covered = self._row, 1
        while covered < len(path) and isinstance(value, dict):
            value = value.get(path[covered])
            covered += 1
        return translate.Known(value), covered
