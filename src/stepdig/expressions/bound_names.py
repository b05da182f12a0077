"""Names while folding: what a path of names is bound to, and whether a part of a tree needs names that only the run knows.

Names are bound by path, since one object may be partly known and partly stored.
"""

import re
from typing import TYPE_CHECKING, FrozenSet, List, Optional, Tuple

from stepdig.expressions import jsglobals
from stepdig.expressions.functions import declared
from stepdig.expressions.jsvalues import UNDEFINED, Js
from stepdig.expressions.nodes import (
    Constant,
    Failure,
    Function,
    Index,
    Literal,
    Member,
    Name,
    Node,
    Regex,
    Stored,
    This,
)
from stepdig.expressions.shapes import Code, Known

if TYPE_CHECKING:
    from stepdig.expressions.fold import Folder

Locals = FrozenSet[str]  # the parameters and variables of the functions around
_VARIABLE = re.compile(r"\$j(j*[0-9]+)\b")


def path_of(folder: "Folder", node: Node, local: Locals) -> Optional[Tuple[str, ...]]:
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


def bound(folder: "Folder", node: Node, path: Tuple[str, ...]) -> Optional[Node]:
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


def _test(folder: "Folder", code: Code, path: Tuple[str, ...], covered: int, root: Node) -> str:
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


def is_closed(node: Node) -> bool:
    """Tell whether a folded node can be computed by itself."""
    if isinstance(node, (Constant, Literal, Regex)):
        return True
    if isinstance(node, Name):
        return jsglobals.is_global(node.name)
    if isinstance(node, Member):
        return is_closed(node.object)
    return isinstance(node, Function) and _closed_function(node)


def _closed_function(node: Function) -> bool:
    """Tell whether a folded function uses nothing but its own variables, constants and globals."""
    own = {*node.parameters, node.name, "arguments", *declared(node.body)}
    return all(name in own or jsglobals.is_global(name) for name in _free_names(node.body))


def _free_names(part: Js) -> List[str]:
    """Return the names in a folded tree; what is stored, fails or is `this` counts as the name "this"."""
    if isinstance(part, Name):
        return [part.name]
    if isinstance(part, Constant):
        return []
    if isinstance(part, (Stored, Failure, This)):
        return ["this"]
    if isinstance(part, Function):
        own = {*part.parameters, part.name, "arguments", *declared(part.body)}
        return [name for name in _free_names(part.body) if name not in own]
    return [name for item in part if isinstance(item, tuple) for name in _free_names(item)]
