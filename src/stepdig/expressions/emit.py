"""What each node is in JSONata. Names and members are in `members`, calls in `calls`, `methods` and their like."""

from stepdig.expressions import conversions as convert
from stepdig.expressions import members
from stepdig.expressions.emitter import Emitter, Nodes
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
    ObjectLiteral,
    Regex,
    Sequence,
    Stored,
    This,
    Unary,
)
from stepdig.expressions.proofs import proves
from stepdig.expressions.shapes import Zone
from stepdig.expressions.values import NOTHING, TEXTS, Any_, Instant, Value, literal, quoted


def emitter(zone: Zone) -> Emitter:
    """Return what translates one expression or text, every node of it."""
    return Emitter(zone, _NODES)


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


_NODES: Nodes = {
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
