"""Misspelt columns: `${t.nmae}` of a loop none of whose known rows has one of that name, told before anything runs.

A name unlike all columns is an optional column that no row has at present: an empty text, as with Digdag. An expression
may ask whether a column is there (`t.where || '1 = 1'`, `typeof t.where`); then its absence is no mistake. What only some
rows have is left to the run, and so is a variable that a task or an `_export` below the loop may change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from stepdig.expressions import nodes, template
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.parse import parse
from stepdig.naming.scopes import ExportLayer, LoopLayer, Scope, StoresLayer
from stepdig.problem import did_you_mean
from stepdig.source.nodes import Scalar

# What every value has in JavaScript, beside its own: https://262.ecma-international.org/5.1/#sec-15.2.4
_OF_ANY = frozenset(
    ("constructor", "hasOwnProperty", "isPrototypeOf", "length", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf")
)  # fmt: skip
_COLUMNS_SHOWN = 12
_NEAR = 0.7  # `nmae` is 0.75 of `name`, `tabel` 0.8 of `table`; `where` is 0.6 of `share`
_WORKFLOWS = (".dig", ".dig.yml")


def refuse_missing(node: Scalar, scope: Scope, hidden: Collection[str] = ()) -> None:
    """Note each column in the templates of a text that no row has; `hidden` are names that mean something else here."""
    if not node.at.path.endswith(_WORKFLOWS):  # a file of SQL or Embulk serves many lists
        return
    text = str(node.value)
    for variable, rows in _rows(scope):
        if variable in hidden or re.search(rf"\b{re.escape(variable)}\s*[.\[]", text) is None:
            continue
        for part in template.split(text):
            if isinstance(part, template.Expression):
                _look(node, part, variable, rows, scope)


def _rows(scope: Scope) -> Iterator[tuple[str, list[object]]]:
    """Yield the loop variables whose rows are known and that nothing stronger or weaker may add columns to."""
    seen: set[str] = set()
    for level in range(len(scope.layers) - 1, -1, -1):
        layer = scope.layers[level]
        for variable in scope.draft.loops[layer.loop].variables if isinstance(layer, LoopLayer) else ():
            name, rows = str(variable["name"]), variable["rows"]
            if name not in seen and isinstance(rows, list) and rows and not _otherwise(name, level, scope):
                yield name, rows
            seen.add(name)


def _otherwise(name: str, level: int, scope: Scope) -> bool:
    """Return whether an `_export` has a name, too, or a task inside of the loop may store it."""
    for index, layer in enumerate(scope.layers):
        if isinstance(layer, ExportLayer) and any(it.get(name) is not None for it in layer.mapping.every):
            return True
        if isinstance(layer, StoresLayer) and index > level and any(it.may_hold(name) for it in layer.stores):
            return True
    return False


def _look(node: Scalar, part: template.Expression, variable: str, rows: list[object], scope: Scope) -> None:
    try:
        tree = parse(part.source)
    except ExpressionError:
        return  # told by who evaluates it
    reads: list[nodes.Member] = []
    asked: set[str] = set()
    _walk(tree, variable, False, reads, asked)
    for member in reads:
        if member.name in asked or _has(rows, member.name):
            continue
        text, hint = _said(variable, member.name, rows)
        if text:
            at = node.position(part.start + member.start)
            scope.draft.problems.add(at, "SD780", text, hint, max(1, member.end - member.start))


def _has(rows: list[object], name: str) -> bool:
    """Return whether a row has a column, or is something else that may have it."""
    return any(name in row if isinstance(row, dict) else not isinstance(row, str) for row in rows)


def _said(variable: str, name: str, rows: list[object]) -> tuple[str, str]:
    """Return what is wrong with a name that no row has, and what to write; "" where it may be an optional column."""
    if not any(isinstance(row, dict) for row in rows):
        text = f"the rows of '{variable}' are texts, which have no columns such as '{name}'"
        return text, f"write ${{{variable}}}, or rows such as {{{name}: ...}}"
    known = list(dict.fromkeys(str(column) for row in rows if isinstance(row, dict) for column in row))
    listed = ", ".join(known[:_COLUMNS_SHOWN]) + (", ..." if len(known) > _COLUMNS_SHOWN else "")
    near = did_you_mean(name, known, _NEAR)
    return (f"no row of '{variable}' has the column '{name}'", f"{near} there are {listed}") if near else ("", "")


def _walk(node: object, variable: str, asking: bool, reads: list[nodes.Member], asked: set[str]) -> None:
    """Gather the columns that an expression reads, and those of which it asks whether they are there."""
    if isinstance(node, nodes.Member) and isinstance(node.object, nodes.Name):
        if node.object.name == variable and node.name not in _OF_ANY:
            reads.append(node)
            asked.update([node.name] if asking else [])
        return
    if isinstance(node, nodes.Function) and variable in node.parameters:
        return
    asked.update(_sought(node, variable))
    if isinstance(node, nodes.Call) and isinstance(node.callee, nodes.Member):
        _walk(node.callee.object, variable, False, reads, asked)  # a method: `t.trim` is no column
        _walk(node.arguments, variable, False, reads, asked)
    elif isinstance(node, tuple):
        tested = _tested(node)
        all_of_it = asking and (type(node) is tuple or isinstance(node, nodes.Logical | nodes.Conditional))
        for inner in node:
            if isinstance(inner, tuple):
                _walk(inner, variable, all_of_it or any(inner is it for it in tested), reads, asked)


def _sought(node: object, variable: str) -> tuple[str, ...]:
    """Return the column that `'name' in t` or `t.hasOwnProperty('name')` asks for."""
    if isinstance(node, nodes.Binary) and node.operator == "in":
        whose, name = node.right, node.left
    elif isinstance(node, nodes.Call) and isinstance(node.callee, nodes.Member) and node.arguments:
        whose, name = node.callee.object, node.arguments[0]
    else:
        return ()
    asks = isinstance(whose, nodes.Name) and whose.name == variable and isinstance(name, nodes.Literal)
    return (str(name.value),) if asks and isinstance(name, nodes.Literal) else ()


def _tested(node: tuple[object, ...]) -> tuple[object, ...]:
    """Return the parts of an expression that may well be undefined."""
    if isinstance(node, nodes.Logical):
        return (node.left,)
    if isinstance(node, nodes.Conditional | nodes.If):
        return (node.test,)
    if isinstance(node, nodes.Unary) and node.operator in ("typeof", "!", "void"):
        return (node.operand,)
    if isinstance(node, nodes.Call) and isinstance(node.callee, nodes.Name) and node.callee.name == "Boolean":
        return (node.arguments,)
    if isinstance(node, nodes.Binary) and node.operator in ("==", "!=", "===", "!=="):
        sides = (node.left, node.right)
        return tuple(side for side, other in (sides, sides[::-1]) if _is_nothing(other))
    return ()


def _is_nothing(node: object) -> bool:
    """Return whether a value stands for one that is not there: null, undefined, an empty text."""
    return (isinstance(node, nodes.Literal) and node.value in (None, "")) or (
        isinstance(node, nodes.Name) and node.name == "undefined"
    )
