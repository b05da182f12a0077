"""Folded syntax tree -> JSONata: the way down a tree, and what is certain at each place of it."""

from typing import Any, Callable, Dict, List, Set

from stepdig.expressions import conversions as convert
from stepdig.expressions.nodes import Call, Node
from stepdig.expressions.shapes import Zone
from stepdig.expressions.values import Any_, Value
from stepdig.expressions.variables import Variables


class Emitter(Variables):
    """The state of translating one expression or text: variables, guards, and how certain evaluation is."""

    def __init__(self, zone: Zone, nodes: "Nodes") -> None:
        super().__init__(zone)
        self.nodes = nodes
        self.guards: Dict[str, str] = {}
        self.branches = 0  # above 0: what is emitted may not be evaluated
        self.local: Dict[str, Any_] = {}
        self.proven: Set[str] = set()

    def emit(self, node: Node) -> Any_:
        """Return the value of a node; raise ExpressionError for what cannot be translated."""
        return self.nodes[type(node)](self, node)

    def value(self, node: Node) -> Any_:
        """Return the value of a node that must not be a function."""
        return convert.refuse_function(self.emit(node), node.start, node.end)

    def plain(self, node: Node) -> Value:
        """Return the value of a node, moments as their JSON text."""
        return convert.plain(self, self.value(node))

    def arguments(self, node: Call, least: int = 0) -> List[Value]:
        """Return the values of the arguments of a call, which must have at least so many."""
        if len(node.arguments) < least:
            self.refuse(node, "an argument is missing")
        return [self.plain(argument) for argument in node.arguments]

    def guard(self, test: str, message: str) -> None:
        """Note a test that must hold before the code is evaluated."""
        if test not in self.proven:
            self.guards.setdefault(test, message)

    def branch(self, node: Node, proven: Set[str]) -> Any_:
        """Return the value of a node that may not be evaluated; `proven` holds then."""
        return self.within(lambda: self.value(node), proven)

    def within(self, emit: Callable[[], Any_], proven: Set[str]) -> Any_:
        """Return what `emit` gives for code that may not be evaluated."""
        before = self.proven
        self.proven = before | proven
        self.branches += 1
        try:
            return self.framed(emit)
        finally:
            self.branches -= 1
            self.proven = before


Nodes = Dict[Any, Callable[[Emitter, Any], Any_]]  # what each type of node is in JSONata
