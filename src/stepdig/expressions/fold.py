"""Syntax tree + what names are bound to -> tree in which everything known is a Constant.

The way down is in `folder`, names are in `bound_names`.
"""

from typing import Optional, Tuple

from stepdig.expressions import jsglobals
from stepdig.expressions.bound_names import bound, path_of
from stepdig.expressions.evaluate import source
from stepdig.expressions.folder import Folder, Locals, Nodes
from stepdig.expressions.functions import declared
from stepdig.expressions.jsvalues import to_boolean, to_string
from stepdig.expressions.nodes import (
    ArrayLiteral,
    Assign,
    Binary,
    Call,
    Conditional,
    Constant,
    Declare,
    Do,
    Failure,
    Function,
    If,
    Index,
    Literal,
    Logical,
    Member,
    Name,
    New,
    Node,
    ObjectLiteral,
    Regex,
    Return,
    Sequence,
    Statement,
    Stored,
    This,
    Unary,
)
from stepdig.expressions.shapes import Names, Zone


def folding(names: Names, zone: Zone) -> Folder:
    """Return what folds an expression: the names it may use, and the zone that dates are computed in."""
    return Folder(names, zone, _NODES)


def _literal(folder: Folder, node: Literal, local: Locals) -> Node:
    return folder.computed(node)


def _name(folder: Folder, node: Name, local: Locals) -> Node:
    if node.name in local:
        if jsglobals.is_global(node.name):
            return Failure(
                f"a parameter named '{node.name}' hides what JavaScript means by it", "", node.start, node.end
            )
        return node
    return bound(folder, node, (node.name,)) or folder.computed(node)


def _member(folder: Folder, node: Node, local: Locals) -> Node:
    path = path_of(folder, node, local)
    if path:
        found = bound(folder, node, path)
        if found is not None:
            return found
    if isinstance(node, Member):
        return folder.member(node._replace(object=folder.fold(node.object, local)))
    if not isinstance(node, Index):
        return node
    base, key = folder.fold(node.object, local), folder.fold(node.key, local)
    if isinstance(key, Constant) and isinstance(key.value, str):
        return folder.member(Member(base, key.value, node.start, node.end))
    return folder.computed(node._replace(object=base, key=key), base, key)


def _call(folder: Folder, node: Call, local: Locals) -> Node:
    callee = node.callee
    if isinstance(callee, Member):
        callee = callee._replace(object=folder.fold(callee.object, local))
        parts: Tuple[Node, ...] = (callee.object,)
    elif isinstance(callee, Index):
        callee = callee._replace(object=folder.fold(callee.object, local), key=folder.fold(callee.key, local))
        if isinstance(callee.key, Constant):
            callee = Member(callee.object, to_string(callee.key.value), callee.start, callee.end)
        parts = (callee.object,)
    else:
        callee = folder.fold(callee, local)
        parts = (callee,)
    arguments = folder.all(node.arguments, local)
    found = folder.computed(node._replace(callee=callee, arguments=arguments), *parts, *arguments)
    if isinstance(found, Failure) and isinstance(node.callee, (Member, Index)):
        return found._replace(message=found.message.replace("(intermediate value)", source(node.callee.object)))
    return found


def _new(folder: Folder, node: New, local: Locals) -> Node:
    arguments = folder.all(node.arguments, local)
    return folder.computed(node._replace(arguments=arguments), *arguments)


def _unary(folder: Folder, node: Unary, local: Locals) -> Node:
    operand = folder.fold(node.operand, local)
    if node.operator == "typeof":
        if isinstance(operand, Failure) and isinstance(node.operand, Name):
            return Constant("undefined", node.start, node.end)
        if isinstance(node.operand, Name) and node.operand.name in local:
            return node
        if (
            isinstance(node.operand, Name)
            and not isinstance(operand, Constant)
            and jsglobals.is_global(node.operand.name)
        ):
            return folder.computed(node, operand)
    return folder.computed(node._replace(operand=operand), operand)


def _binary(folder: Folder, node: Binary, local: Locals) -> Node:
    left, right = folder.fold(node.left, local), folder.fold(node.right, local)
    return folder.computed(node._replace(left=left, right=right), left, right)


def _logical(folder: Folder, node: Logical, local: Locals) -> Node:
    left = folder.fold(node.left, local)
    if isinstance(left, Failure):
        return left
    if isinstance(left, Constant):
        return folder.fold(node.right, local) if to_boolean(left.value) == (node.operator == "&&") else left
    return node._replace(left=left, right=folder.fold(node.right, local))


def _conditional(folder: Folder, node: Conditional, local: Locals) -> Node:
    test = folder.fold(node.test, local)
    if isinstance(test, Failure):
        return test
    if isinstance(test, Constant):
        return folder.fold(node.yes if to_boolean(test.value) else node.no, local)
    return node._replace(test=test, yes=folder.fold(node.yes, local), no=folder.fold(node.no, local))


def _sequence(folder: Folder, node: Sequence, local: Locals) -> Node:
    left, right = folder.fold(node.left, local), folder.fold(node.right, local)
    return folder.computed(node._replace(left=left, right=right), left, right)


def _items(folder: Folder, node: ArrayLiteral, local: Locals) -> Node:
    items = folder.all(node.items, local)
    return folder.computed(node._replace(items=items), *items)


def _object(folder: Folder, node: ObjectLiteral, local: Locals) -> Node:
    values = folder.all(node.values, local)
    return folder.computed(node._replace(values=values), *values)


def _function(folder: Folder, node: Function, local: Locals) -> Node:
    inner = local | set(node.parameters) | {node.name, "arguments"} | set(declared(node.body))
    return node._replace(body=_statements(folder, node.body, inner))


def _statements(folder: Folder, statements: Tuple[Statement, ...], local: Locals) -> Tuple[Statement, ...]:
    return tuple(_statement(folder, statement, local) for statement in statements)


def _statement(folder: Folder, statement: Statement, local: Locals) -> Statement:
    def maybe(node: Optional[Node]) -> Optional[Node]:
        return None if node is None else folder.fold(node, local)

    if isinstance(statement, (Declare, Return)):
        return statement._replace(value=maybe(statement.value))
    if isinstance(statement, Do):
        return statement._replace(value=folder.fold(statement.value, local))
    if isinstance(statement, If):
        yes, no = _statements(folder, statement.yes, local), _statements(folder, statement.no, local)
        return If(folder.fold(statement.test, local), yes, no, statement.start, statement.end)
    first, body = _statements(folder, statement.first, local), _statements(folder, statement.body, local)
    return statement._replace(first=first, test=maybe(statement.test), step=maybe(statement.step), body=body)


_NODES: Nodes = {
    Literal: _literal,
    Constant: lambda folder, node, local: node,
    Stored: lambda folder, node, local: node,
    Failure: lambda folder, node, local: node,
    Regex: lambda folder, node, local: node,
    This: lambda folder, node, local: node,
    Name: _name,
    Member: _member,
    Index: _member,
    Call: _call,
    New: _new,
    Unary: _unary,
    Binary: _binary,
    Logical: _logical,
    Conditional: _conditional,
    Sequence: _sequence,
    ArrayLiteral: _items,
    ObjectLiteral: _object,
    Function: _function,
    Assign: lambda folder, node, local: node._replace(value=folder.fold(node.value, local)),
}
