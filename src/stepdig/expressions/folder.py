"""The way down a tree while folding it: what is known is computed; can a part be computed by itself?

Anything whose parts are all known is computed with the evaluator, so folding cannot differ from running; only the time
and random numbers are left alone.
"""

from typing import Any, Callable, Dict, FrozenSet, List, Tuple

from stepdig.expressions import jsglobals
from stepdig.expressions.errors import EvaluationError, NeedsRuntime
from stepdig.expressions.evaluate import evaluate
from stepdig.expressions.functions import declared
from stepdig.expressions.jsdate import Date
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.jsvalues import Js, Object
from stepdig.expressions.moments import Moment
from stepdig.expressions.nodes import Constant, Failure, Function, Literal, Member, Name, Node, Regex, Stored, This
from stepdig.expressions.scope import Context
from stepdig.expressions.shapes import Names, Zone

Locals = FrozenSet[str]  # the parameters and variables of the functions around


class Folder:
    """Folds one expression: the names it may use and the zone dates are computed in."""

    def __init__(self, names: Names, zone: Zone, nodes: "Nodes") -> None:
        self.names = names
        self.nodes = nodes
        self.context = Context(zone.rows, None)
        self.done: Dict[int, Tuple[Node, Node]] = {}  # by id, so that the keys of a path are not folded at each step

    def fold(self, node: Node, local: Locals = frozenset()) -> Node:
        """Return the tree with names bound and known parts computed."""
        known = self.done.get(id(node))
        if known is not None and known[0] is node:
            return known[1]
        result = self.nodes[type(node)](self, node, local)
        self.done[id(node)] = (node, result)
        self.done[id(result)] = (result, result)
        return result

    def all(self, nodes: Tuple[Node, ...], local: Locals) -> Tuple[Node, ...]:
        """Fold several nodes."""
        return tuple(self.fold(node, local) for node in nodes)

    def computed(self, node: Node, *parts: Node) -> Node:
        """Return a Constant when all parts of the node are known, else the node."""
        for part in parts:
            if isinstance(part, Failure):
                return part
        if not all(map(_is_closed, parts)):
            return node
        try:
            value = evaluate(node, {}, self.context)
        except NeedsRuntime:
            return node
        except EvaluationError as error:
            return Failure(str(error), "", node.start, node.end)
        if isinstance(value, Object) and not isinstance(value, (Moment, Date, RegExp)):
            return node
        return Constant(value, node.start, node.end)

    def member(self, node: Node) -> Node:
        """Fold a member whose object is folded."""
        if not isinstance(node, Member):
            return node
        return self.computed(node, node.object)


Nodes = Dict[Any, Callable[[Folder, Any, Locals], Node]]  # how each type of node is folded


def _is_closed(node: Node) -> bool:
    """Tell whether a folded node can be computed by itself."""
    if isinstance(node, (Constant, Literal, Regex)):
        return True
    if isinstance(node, Name):
        return jsglobals.is_global(node.name)
    if isinstance(node, Member):
        return _is_closed(node.object)
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
