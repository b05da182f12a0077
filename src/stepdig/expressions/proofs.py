"""What a condition proves to be there, so that a branch behind it needs no guard."""

from typing import List, Set

from stepdig.expressions.emitter import Emitter
from stepdig.expressions.nodes import (
    Binary,
    Constant,
    Logical,
    Member,
    Node,
    Stored,
    Unary,
)
from stepdig.expressions.values import field


def proves(e: Emitter, test: Node, truth: bool) -> Set[str]:
    """Return the tests `$exists(...)` that hold when a condition is true (or false)."""
    if isinstance(test, Unary) and test.operator == "!":
        return proves(e, test.operand, not truth)
    if isinstance(test, Logical):
        if (test.operator == "&&") == truth:
            return proves(e, test.left, truth) | proves(e, test.right, truth)
        return proves(e, test.left, truth) & proves(e, test.right, truth)
    if isinstance(test, Binary) and test.operator in ("==", "===", "!=", "!=="):
        equal = (test.operator[0] == "=") == truth
        return _proven_by_comparison(test, equal)
    return _reference(test) if truth else set()


def _proven_by_comparison(test: Binary, equal: bool) -> Set[str]:
    for side, other in ((test.left, test.right), (test.right, test.left)):
        if not isinstance(other, Constant):
            continue
        if isinstance(side, Unary) and side.operator == "typeof" and isinstance(other.value, str):
            return _reference(side.operand) if equal == (other.value != "undefined") else set()
        nothing = not isinstance(other.value, (str, int, float))
        if equal != nothing and (nothing is False or len(test.operator) == 2 or other.value is not None):
            return _reference(side)
    return set()


def _reference(node: Node) -> Set[str]:
    """Return the tests for a stored value, or a member of one, being there."""
    names: List[str] = []
    while isinstance(node, Member):
        names.insert(0, node.name)
        node = node.object
    if not isinstance(node, Stored):
        return set()
    code, found = node.code, {f"$exists({node.code})"} | ({node.exists} if node.exists else set())
    for name in names:
        code = f"{code}.{field(name)}"
        found.add(f"$exists({code})")
    return found
