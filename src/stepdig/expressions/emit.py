"""Folded syntax tree -> JSONata: names, members, operators. Calls are in `calls`, `methods` and `moment_jsonata`."""

import re
from typing import Any, Callable, Dict, List, NoReturn, Set, Tuple

from stepdig.expressions import conversions as convert
from stepdig.expressions import members
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.jsjson import stringify
from stepdig.expressions.nodes import (
    ArrayLiteral,
    Assign,
    Binary,
    Call,
    Conditional,
    Constant,
    Failure,
    Function,
    Index,
    Logical,
    Member,
    Name,
    New,
    Node,
    ObjectLiteral,
    Regex,
    Sequence,
    Stored,
    This,
    Unary,
)
from stepdig.expressions.proofs import proves
from stepdig.expressions.shapes import Zone
from stepdig.expressions.snippets import with_snippets
from stepdig.expressions.values import NOTHING, PATH, TEXTS, Any_, Instant, Value, literal, quoted


class Emitter:
    """The state of translating one expression or text: variables, guards, and how certain evaluation is."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.needs_tz = False
        self.guards: Dict[str, str] = {}
        self.branches = 0  # above 0: what is emitted may not be evaluated
        self.frames: List[Dict[str, str]] = [{}]
        self.local: Dict[str, Any_] = {}
        self.proven: Set[str] = set()
        self.counter = 0

    def emit(self, node: Node) -> Any_:
        """Return the value of a node; raise ExpressionError for what cannot be translated."""
        return _EMIT[type(node)](self, node)

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

    def refuse(self, node: Node, message: str, hint: str = "") -> NoReturn:
        """Raise an ExpressionError at a node."""
        raise ExpressionError(message, node.start, node.end, hint)

    # --- variables

    def fresh(self) -> str:
        """Return a new variable."""
        self.counter += 1
        return f"$j{self.counter}"

    def variable(self, code: str) -> str:
        """Return a reference that may be repeated: the code itself when short, else a variable bound around the use."""
        if PATH.match(code) or code.isdigit():
            return code
        frame = self.frames[-1]
        known = next((name for name, bound in frame.items() if bound == code), None)
        if known is None:
            known = self.fresh()
            frame[known] = code
        return known

    def framed(self, emit: Callable[[], Any_]) -> Any_:
        """Return a value whose variables are bound inside its own code, since it may run elsewhere or not at all."""
        self.frames.append({})
        value = emit()
        frame = self.frames.pop()
        if isinstance(value, Value) and value.json:
            value = value._replace(json=_bound(value.json, frame))
        return value._replace(code=_bound(value.code, frame))

    def finish(self, code: str) -> str:
        """Return code that stands by itself: variables bound, helper functions in front."""
        tz = "" if self.zone.fixed else f"{self.zone.run}.tz"
        return with_snippets(_bound(code, self.frames[0]), tz, self.zone.base)

    # --- certainty

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


def _bound(code: str, frame: Dict[str, str]) -> str:
    """Return code in which every variable of the frame is bound; one used once is put in place."""
    lines: List[Tuple[str, str]] = []
    for name, value in reversed(list(frame.items())):
        pattern = re.compile(re.escape(name) + r"\b")
        uses = len(pattern.findall(";".join([*(line for _, line in lines), code])))
        if uses == 1:
            lines = [(other, _replaced(pattern, value, line)) for other, line in lines]
            code = _replaced(pattern, value, code)
        elif uses:
            lines.insert(0, (name, value))
    return f"({';'.join(f'{name}:={value}' for name, value in lines)};{code})" if lines else code


def _replaced(pattern: "re.Pattern[str]", value: str, code: str) -> str:
    return pattern.sub(lambda _: value, code)


# --- literals


def _array(e: Emitter, node: ArrayLiteral) -> Any_:
    items = [e.plain(item) for item in node.items]
    if all(
        item.type in TEXTS or item.type in ("bool", "null") or (item.type == "num" and not item.nan) for item in items
    ):
        return Value(f"[{','.join(item.code for item in items)}]", "arr", present=True)
    parts = [quoted("[")]
    for index, (item, written) in enumerate(zip(items, node.items)):
        known = quoted(str(stringify(written.value))) if isinstance(written, Constant) else convert.as_json(e, item)
        parts += [quoted(",")] * (index > 0) + [known]
    json = f"({' & '.join([*parts, quoted(']')])})"
    return Value(f"$parse({json})", "arr", present=True, json=json)


def _object(e: Emitter, node: ObjectLiteral) -> Any_:
    fields = {name: e.plain(value) for name, value in zip(node.names, node.values)}
    items = (f"{quoted(name)}:{value.code}" for name, value in fields.items() if value.type != "undef")
    return Value("{" + ",".join(items) + "}", "obj", present=True)


# --- operators


def _conditional(e: Emitter, node: Conditional) -> Any_:
    test = convert.boolean(e, e.value(node.test))
    if test in ("true", "false"):
        return e.value(node.yes if test == "true" else node.no)
    yes, no = e.branch(node.yes, proves(e, node.test, True)), e.branch(node.no, proves(e, node.test, False))
    return convert.chosen(e, node, test, yes, no)


def _logical(e: Emitter, node: Logical) -> Any_:
    left = e.value(node.left)
    both = node.operator == "&&"
    fixed = convert.boolean(e, left)
    if fixed in ("true", "false"):
        return e.value(node.right) if (fixed == "true") == both else left
    right = e.branch(node.right, proves(e, node.left, both))
    if left.type == "bool" and right.type == "bool":
        return Value(f"({left.code} {'and' if both else 'or'} {right.code})", "bool", present=True)
    if isinstance(left, Instant) or isinstance(right, Instant):
        e.refuse(node, f"{node.operator} with a moment", "call .format() on the moment")
    left = left._replace(code=e.variable(left.code), json="")
    test = convert.boolean(e, left)
    return convert.chosen(e, node, test, right if both else left, left if both else right)


def _unary(e: Emitter, node: Unary) -> Any_:
    if node.operator == "typeof":
        return _typeof(e, node)
    value = e.value(node.operand)
    if node.operator == "!":
        test = convert.boolean(e, value)
        known = {"true": "false", "false": "true"}.get(test)
        return Value(known or f"$not({test})", "bool", present=True)
    if node.operator == "void":
        return NOTHING
    if node.operator == "~":
        if isinstance(node.operand, Unary) and node.operand.operator == "~":
            return Value(f"$j_cut({convert.numeric(e, e.value(node.operand.operand)).code})", "num", present=True)
        e.refuse(node, "bit operators are not supported in a state of the machine", "use Math.floor")
    number_value = convert.numeric(e, value)
    return number_value if node.operator == "+" else number_value._replace(code=f"(-{number_value.code})")


def _typeof(e: Emitter, node: Unary) -> Any_:
    operand = node.operand
    value = Value(operand.code, operand.type) if isinstance(operand, Stored) else e.emit(operand)
    if isinstance(value, Instant):
        return literal("object")
    if value.type == "function":
        return literal("object" if value.code in ("Math", "JSON") else "function")
    return Value(f"$j_type({value.code})", "str", present=True)


def _binary(e: Emitter, node: Binary) -> Any_:
    from stepdig.expressions import binary  # loaded for those that have them

    return binary.emit(e, node)


def _sequence(e: Emitter, node: Sequence) -> Any_:
    e.value(node.left)
    return e.value(node.right)


def _call(e: Emitter, node: Call) -> Any_:
    from stepdig.expressions import calls  # loaded for those that have them

    return calls.call(e, node)


def _new(e: Emitter, node: New) -> Any_:
    from stepdig.expressions import calls  # loaded for those that have them

    return calls.construct(e, node)


def _function(e: Emitter, node: Function) -> Any_:
    return Value("a function", "function")


def _regex(e: Emitter, node: Regex) -> Any_:
    e.refuse(node, "a regular expression can only be an argument of replace, split, match, search or test")


def _assign(e: Emitter, node: Assign) -> Any_:
    e.refuse(node, "an assignment is not supported in a state of the machine", "use var, or ?:")


_EMIT: Dict[Any, Callable[[Emitter, Any], Any_]] = {
    Constant: members.constant,
    Stored: members.stored,
    Failure: members.failure,
    Name: members.name,
    This: members.this,
    Member: members.member,
    Index: members.index,
    ArrayLiteral: _array,
    ObjectLiteral: _object,
    Conditional: _conditional,
    Logical: _logical,
    Unary: _unary,
    Binary: _binary,
    Sequence: _sequence,
    Call: _call,
    New: _new,
    Function: _function,
    Regex: _regex,
    Assign: _assign,
}
