"""Values of a task's keys at its place: texts, numbers, conditions, lists; constants, or what the machine computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from stepdig import plan
from stepdig.expressions import builtins, contexts, template, translate
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.shapes import NOT_CONSTANT
from stepdig.jsonata_text import literal
from stepdig.language import model
from stepdig.language.model import Task
from stepdig.lowering import payloads
from stepdig.naming.bindings import as_code, guards
from stepdig.naming.columns import refuse_missing
from stepdig.naming.resolve import Names
from stepdig.naming.scopes import ExportLayer, LoopLayer, Scope
from stepdig.operators import TABLE
from stepdig.problem import Position, did_you_mean
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

_COMPARES = re.compile(r"[=!]=|&&|\|\||[<>]|\b(and|or|not|in)\b")
Result = TypeVar("Result")
Meaning = TypeVar("Meaning", translate.Translated, contexts.Boolean, contexts.Checked)


@dataclass(slots=True)
class Values:
    """Reads the keys of one task in its scope; mistakes are noted where they stand.

    `earlier` are values that the operator names itself: earlier lists of a `for_each>`.
    """

    task: Task
    scope: Scope
    name: str
    comment: str
    earlier: dict[str, Node] = field(default_factory=dict, kw_only=True)

    @property
    def names(self) -> Names:
        """The names of this scope, with the keys of the task that stand before its operator."""
        at = self.task.operator_at or self.task.at
        before = {
            key: node for key, node in self.task.options.items() if not key.startswith("_") and _before(node.at, at)
        }
        return Names(self.scope, {**before, **self.earlier})

    def problem(
        self, at: Position, code: str, text: str, hint: str = "", length: int = 1, *, secret: bool = False
    ) -> None:
        """Note a user's mistake; a line with a `secret` is not shown."""
        self.scope.draft.problems.add(at, code, text, hint, length, secret=secret)

    def required(self, task: Task) -> Node | None:
        """Return the task's argument, noting a mistake when there is none."""
        if task.argument is None:
            at = task.operator_at or task.at
            self.problem(at, "SD402", f"{task.operator}> needs a value", "", len(task.operator or "") + 1)
        elif not isinstance(task.argument, Scalar) and TABLE[task.operator or ""].takes_text:
            hint = "quote it if it is meant as text"
            self.problem(task.argument.at, "SD403", f"{task.operator}> needs a text here", hint)
            return None
        return task.argument

    def text(self, node: Node) -> plan.Value:
        """Return a scalar's text, templates evaluated."""
        if not isinstance(node, Scalar):
            self.problem(
                node.at, "SD403", f"{self.task.operator}> needs a text here", "quote it if it is meant as text"
            )
            return plan.Constant("")
        if not isinstance(node.value, str):
            return plan.Constant("" if node.value is None else _printed(node.value))
        done = self._translated(node, translate.text)
        if done is None:
            return plan.Constant("")
        return plan.Computed(done.code, tuple(done.guards)) if done.const is NOT_CONSTANT else plan.Constant(done.const)

    def integer(self, node: Node) -> plan.Value:
        """Return a whole number as `loop>` reads one; floats are cut."""
        if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return plan.Constant(int(node.value))
        if isinstance(node, Scalar) and isinstance(node.value, str):
            done = self._translated(node, contexts.integer)
            if done is None or isinstance(done.const, int):
                return plan.Constant(done.const if done else 0)
            if done.const is NOT_CONSTANT:
                return _checked(done, f"{self.name} needs a whole number")
        shown = f", not {node.text!r}" if isinstance(node, Scalar) else ""
        self.problem(node.at, "SD404", f"{self.task.operator}> needs a whole number{shown}", "", node.length)
        return plan.Constant(0)

    def payload(self, node: Node, *, long: bool = False) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON for a function, secrets named (`payloads`); a `long` text in parts."""
        try:
            if long and isinstance(node, Scalar) and isinstance(node.value, str):
                return payloads.segments(node, self._piece)
            return payloads.payload(node, self._piece)
        except payloads.SecretUnclear as unclear:
            self.problem(unclear.node.at, "SD481", str(unclear), unclear.hint, unclear.node.length)
            return "", ()

    def _piece(self, node: Scalar, start: int, end: int) -> plan.Value:
        """Return a part of a scalar's text, templates evaluated."""

        def translated(source: str, names: Names, zone: translate.Zone) -> translate.Translated:
            try:
                return translate.text(source[start:end], names, zone)
            except ExpressionError as error:
                raise error.moved(start) from None

        done = self._translated(node, translated)
        if done is None:
            return plan.Constant("")
        return plan.Computed(done.code, tuple(done.guards)) if done.const is NOT_CONSTANT else plan.Constant(done.const)

    def exported(self, *path: str) -> Node | None:
        """Return what the nearest `_export` that has it holds under a path."""
        return self.names.exported(path)

    def condition(self, node: Node, what: str = "if>") -> plan.Condition | None:
        """Return the tests of an `if>` or a switch; None after noting a mistake."""
        if isinstance(node, Scalar) and isinstance(node.value, bool | int):
            return plan.Condition("true" if node.value else "false", None)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            outside = "".join(it.text for it in template.split(node.value) if isinstance(it, template.Text))
            if "${" in node.value and _COMPARES.search(outside):
                inside = node.value.replace("${", "").replace("}", "").strip()
                hint = f"put all of it inside: ${{{inside}}}"
                self.problem(
                    node.at, "SD422", f"{what} compares outside of ${{...}}, where it is a text", hint, node.length
                )
                return None
            done = self._translated(node, contexts.boolean)
            if done is None:
                return None
            if isinstance(done.const, bool):
                return plan.Condition("true" if done.const else "false", None)
            if done.const is NOT_CONSTANT:
                message = f"'{what} of {self.name} needs true or false, but got '&{done.text}"
                return plan.Condition(done.true, done.false, message, tuple(done.guards))
        shown = f", but got {node.text!r}" if isinstance(node, Scalar) else ""
        text = f"{what} needs true or false{shown}"
        self.problem(node.at, "SD422", text, "compare it: ${x == 1}", node.length)
        return None

    def items(self, node: Node) -> plan.Value:
        """Return a list as `for_each>` reads one: known rows, or JSONata."""
        if isinstance(node, Sequence):
            try:
                value = self.names.value(node)
            except ExpressionError as error:
                self._expression(node, error)
                return plan.Constant([])
            if isinstance(value, translate.Known):
                return plan.Constant(value.value)
            return plan.Computed(as_code(value), guards(value))
        if isinstance(node, Scalar) and isinstance(node.value, str):
            done = self._translated(node, contexts.items)
            if done is None or isinstance(done.const, list):
                return plan.Constant(done.const if done else [])
            if done.const is NOT_CONSTANT:
                return _checked(done, f"{self.name} needs a list")
        hint = "write [a, b], ${a stored list} or {file: source_table/shop.json}"
        self.problem(node.at, "SD452", "the values of for_each> are lists", hint, node.length)
        return plan.Constant([])

    def in_each(self, evaluate: Callable[[Self], Result]) -> dict[str, Result]:
        """Return what something is in each environment; nothing where the exports in sight tell none apart."""
        names = self.scope.environments
        return {name: evaluate(replace(self, scope=replace(self.scope, environment=name))) for name in names}

    def picked(self, texts: MappingOf[str, str]) -> str:
        """Return JSONata for the one of some JSONata, by environment, that is the run's."""
        *rest, last = texts.items()
        return f"({''.join(f'{self.scope.run}.env={literal(name)}?{text}:' for name, text in rest)}{last[1]})"

    def structure(self, node: Node) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON, with `plan.Computed` for what the machine computes, and the guards of that."""
        if isinstance(node, Mapping):
            pairs = [(str(key.value), self.structure(value)) for key, value in node]
            return {key: it[0] for key, it in pairs}, tuple(guard for _, it in pairs for guard in it[1])
        if isinstance(node, Sequence):
            parts = [self.structure(item) for item in node.items]
            return [it[0] for it in parts], tuple(guard for it in parts for guard in it[1])
        if not isinstance(node.value, str) or "$" not in node.value:
            return node.value, ()
        value = self.text(node)
        return (value.value, ()) if isinstance(value, plan.Constant) else (value, value.guards)

    def constant(self, node: Node, what: str) -> object:
        """Return a node's value that must be known when compiling; None after noting that it is not."""
        if isinstance(node, Scalar) and not isinstance(node.value, str):
            return node.value
        value = self.text(node) if isinstance(node, Scalar) else plan.Computed("")
        if isinstance(value, plan.Constant):
            return value.value
        text = f"{what} must be known when compiling"
        hint = "write it out, or take it from _export"
        if self.names.scope.environments:
            hint += ", where it is the same in every environment"
        self.problem(node.at, "SD405", text, hint, node.length)
        return None

    def _translated(self, node: Scalar, function: Callable[[str, Names, translate.Zone], Meaning]) -> Meaning | None:
        """Return what a template means here; None after noting a mistake in it where it stands."""
        names = self.names
        if self.scope.loops:
            refuse_missing(node, self.scope, names.local)
        try:
            done = function(str(node.value), names, self.scope.zone)
        except ExpressionError as error:
            self._expression(node, error)
            return None
        self.scope.draft.needs_zone |= done.needs_tz
        return done

    def _expression(self, node: Node, error: ExpressionError) -> None:
        """Note a mistake in an expression of a scalar."""
        own = node.position(error.start) if isinstance(node, Scalar) else node.at
        at = error.place if isinstance(error.place, Position) else own
        unknown = re.fullmatch(r"ReferenceError: (\w+) is not defined", error.message)
        near = did_you_mean(unknown[1], self._known_names()) if unknown else ""
        self.problem(at, "SD301", error.message, near or error.hint or "", max(1, (error.end or 0) - error.start))

    def _known_names(self) -> list[str]:
        """Return names that a person may have meant: declared inputs, exports, variables of loops, built-ins."""
        found = [it.name for defaults in self.scope.defaults for it in defaults.inputs]
        for layer in self.scope.layers:
            if isinstance(layer, ExportLayer):
                found += [str(name.value) for name, _ in layer.mapping]
            elif isinstance(layer, LoopLayer):
                found += [str(it["name"]) for it in self.scope.draft.loops[layer.loop].variables]
        return [*found, *builtins.NAMES]

    def number(self, value: model.Number) -> plan.Number:
        """Return a number of a directive, or what its template gives when the task runs."""
        if isinstance(value, int):
            return value
        number = self.integer(value)
        return number if isinstance(number, plan.Computed) else int(str(number.value))


def _checked(done: contexts.Checked, message: str) -> plan.Computed:
    """Return the value of a template whose value must be of a kind."""
    return plan.Computed(done.code, (*done.guards, (done.valid, message)))


def _before(at: Position, other: Position) -> bool:
    """Return whether a place stands before another, included files counting as before."""
    return at.path != other.path or (at.line, at.column) < (other.line, other.column)


def _printed(value: bool | int | float) -> str:
    """Return a number or a boolean as Digdag prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
