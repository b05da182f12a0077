"""Names while folding: which path of names a chain of members is, and what it is bound to.

Names are bound by path, since one object may be partly known and partly stored.
"""

import re
from typing import List, Optional, Tuple

from stepdig.expressions import jsglobals
from stepdig.expressions.folder import Folder, Locals
from stepdig.expressions.jsvalues import UNDEFINED
from stepdig.expressions.nodes import (
    Constant,
    Failure,
    Index,
    Member,
    Name,
    Node,
    Stored,
    This,
)
from stepdig.expressions.shapes import Code, Known

_VARIABLE = re.compile(r"\$j(j*[0-9]+)\b")


def path_of(folder: Folder, node: Node, local: Locals) -> Optional[Tuple[str, ...]]:
    """Return the path of names and constant texts that a chain of members spells, or None."""
    if isinstance(node, Name):
        return None if node.name in local else (node.name,)
    if isinstance(node, This):
        return ()
    if isinstance(node, Member):
        base = path_of(folder, node.object, local)
        return None if base is None else (*base, node.name)
    if isinstance(node, Index):
        base = path_of(folder, node.object, local)
        key = folder.fold(node.key, local) if base is not None else None
        if base is not None and isinstance(key, Constant) and isinstance(key.value, str):
            return (*base, key.value)
    return None


def bound(folder: Folder, node: Node, path: Tuple[str, ...]) -> Optional[Node]:
    """Return what a path is bound to, with the members beyond the binding; None for a global function."""
    binding, covered = folder.names.resolve(path)
    covered = max(1, min(covered, len(path)))
    root = _root(node)
    if isinstance(root, Name) and binding is None and covered == 1 and jsglobals.is_global(path[0]):
        return None
    ends = _ends(node)[-len(path) :]  # without that of `this`, which no name stands for
    found: Node
    if binding is None:
        found = _unbound(root, path, covered, ends[covered - 1])
    elif isinstance(binding, Known):
        found = Constant(binding.value, root.start, ends[covered - 1])
    else:
        binding = _apart(binding)
        test = _test(folder, binding, path, covered, root)
        found = Stored(binding.text, binding.type, test, path[0], binding.guards, root.start, ends[covered - 1])
    for name, end in zip(path[covered:], ends[covered:]):
        found = folder.member(Member(found, name, root.start, end))
    return found


def _unbound(root: Node, path: Tuple[str, ...], covered: int, end: int) -> Node:
    if covered == 1 and isinstance(root, Name):
        return Failure(f"ReferenceError: {path[0]} is not defined", "", root.start, root.end)
    return Constant(UNDEFINED, root.start, end)


def _test(folder: Folder, code: Code, path: Tuple[str, ...], covered: int, root: Node) -> str:
    """Return the JSONata test that the variable itself exists; "" when it does or need not."""
    if not code.may_be_missing or isinstance(root, This):
        return ""
    if covered > 1:
        whole, _ = folder.names.resolve(path[:1])
        if isinstance(whole, Known):
            return ""
        if isinstance(whole, Code):
            return f"$exists({_apart(whole).text})" if whole.may_be_missing else ""
    return f"$exists({code.text})"


def _apart(code: Code) -> Code:
    """Return code whose own variables cannot meet ours: each `$j1` in it becomes `$jj1`."""
    if "$j" not in code.text:
        return code
    guards = tuple((_VARIABLE.sub(r"$jj\1", test), message) for test, message in code.guards)
    return code._replace(text=_VARIABLE.sub(r"$jj\1", code.text), guards=guards)


def _root(node: Node) -> Node:
    while isinstance(node, (Member, Index)):
        node = node.object
    return node


def _ends(node: Node) -> List[int]:
    """Return the end of each step of a chain of members, the root first."""
    found = [node.end]
    while isinstance(node, (Member, Index)):
        node = node.object
        found.append(node.end)
    return found[::-1]
