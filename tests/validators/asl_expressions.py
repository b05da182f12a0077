"""JSONata of a definition, checked without running it: it parses, calls known functions, reads what is there.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html and workflow-variables.html hold the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonata import Jsonata

# The functions of JSONata 2.0.6 less $eval, and those of Step Functions.
FUNCTION_NAMES = """abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl
decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase
formatInteger formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now
number pad parseInteger power random reduce replace reverse round shuffle sift single sort split spread sqrt
string substring substringAfter substringBefore sum toMillis trim type uppercase zip partition range hash uuid
parse"""
FUNCTIONS = frozenset(FUNCTION_NAMES.split())


@dataclass(frozen=True)
class Use:
    """A variable that an expression reads; `guarded` where `$exists` of it comes first, `step` the member it takes."""

    name: str
    guarded: bool
    step: str = ""


def is_expression(text: str) -> bool:
    """Say whether Step Functions evaluates the text: `{%` is its very beginning and `%}` its very end."""
    return text.startswith("{%") and text.endswith("%}")


def expressions(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield every text inside a field that is or tries to be an expression, with its place."""
    if isinstance(value, str):
        if "{%" in value or "%}" in value:
            yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from expressions(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from expressions(inner, f"{where}[{index}]")


def look(text: str) -> tuple[list[Use], list[str]]:
    """Return what an expression reads and what is wrong with it."""
    if not is_expression(text):
        return [], ["'{%' and '%}' must be the whole text"]
    try:
        ast = Jsonata(text[2:-2]).ast
    except Exception as error:  # the parser raises its own class and, for some texts, Python's
        return [], [f"does not parse: {error}"]
    walk = _Walk()
    walk.node(ast, bound=frozenset(), guarded=frozenset(), inside=False)
    return walk.uses, walk.found


class _Walk:
    """One walk over a syntax tree. `inside` is true where `$` and bare names mean something: behind a path's first step."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.found: list[str] = []

    def node(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        if node is None:
            return
        special = getattr(self, f"_{node.type}", None)
        if special:
            special(node, bound, guarded, inside)
        else:
            for child in _children(node):
                self.node(child, bound, guarded, inside)

    def _variable(
        self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool, step: str = ""
    ) -> None:
        if node.value in ("", "$"):
            if not inside:
                self.found.append("'$' and '$$' mean nothing at the top of an expression")
        elif node.value not in bound and node.value not in FUNCTIONS:
            self.uses.append(Use(node.value, node.value in guarded, step))
        for stage in [*(node.stages or []), *(node.predicate or [])]:
            self.node(stage, bound, guarded, True)

    def _name(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        if not inside:
            self.found.append(f"the name '{node.value}' has no '$' and nothing to be looked up in")
        for stage in [*(node.stages or []), *(node.predicate or [])]:
            self.node(stage, bound, guarded, True)

    def _path(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        first, *others = node.steps
        step = others[0].value if others and others[0].type == "name" else ""
        if first.type == "variable":
            self._variable(first, bound, guarded, inside, step)
        else:
            self.node(first, bound, guarded, inside)
        bound |= {name for each in node.steps for name in (each.focus, each.index) if name}
        for each in [*others, node.group]:
            self.node(each, bound, guarded, True)

    def _function(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        procedure = node.procedure
        if procedure.type == "variable" and procedure.value == "exists":
            guarded |= {name for argument in node.arguments for name in _roots(argument)}
        elif procedure.type == "variable" and procedure.value not in bound and procedure.value not in FUNCTIONS:
            self.found.append(f"there is no function '${procedure.value}'")
        elif procedure.type != "variable":
            self.node(procedure, bound, guarded, inside)
        for argument in node.arguments:
            self.node(argument, bound, guarded, inside)

    def _condition(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        self.node(node.condition, bound, guarded, inside)
        self.node(node.then, bound, guarded | set(_exist(node.condition)), inside)
        self.node(node._else, bound, guarded, inside)

    def _binary(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        self.node(node.lhs, bound, guarded, inside)
        more = set(_exist(node.lhs)) if node.value == "and" else set()
        self.node(node.rhs, bound, guarded | more, inside)

    def _block(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        for each in node.expressions:
            if each.type == "bind":
                bound |= {each.lhs.value}  # before its right side: a lambda may call itself
                self.node(each.rhs, bound, guarded, inside)
            else:
                self.node(each, bound, guarded, inside)

    def _lambda(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        self.node(node.body, bound | {argument.value for argument in node.arguments}, guarded, inside)

    def _transform(self, node: Any, bound: frozenset[str], guarded: frozenset[str], inside: bool) -> None:
        for each in (node.pattern, node.update, node.delete):
            self.node(each, bound, guarded, True)


def _children(node: Any) -> Iterator[Any]:
    """Yield the nodes right under a node, wherever the parser keeps them (lists of pairs for objects among them)."""
    todo = [value for key, value in vars(node).items() if not key.startswith("_outer")]
    while todo:
        value = todo.pop()
        if isinstance(value, list | tuple):
            todo += value
        elif hasattr(value, "position") and hasattr(value, "steps"):
            yield value


def _exist(condition: Any) -> Iterator[str]:
    """Yield the variables that are there whenever the condition holds: those under `$exists`, joined by `and`."""
    if condition.type == "function" and condition.procedure.value == "exists":
        yield from (name for argument in condition.arguments for name in _roots(argument))
    elif condition.type == "binary" and condition.value == "and":
        yield from _exist(condition.lhs)
        yield from _exist(condition.rhs)
    elif condition.type == "block" and len(condition.expressions) == 1:
        yield from _exist(condition.expressions[0])


def _roots(node: Any) -> Iterator[str]:
    first = node.steps[0] if node.type == "path" else node
    if first.type == "variable":
        yield first.value
