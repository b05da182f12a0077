"""The binary operators -> JSONata: its own operators where the types are known, helper functions where not."""

import re

from stepdig.expressions import conversions as convert
from stepdig.expressions import instants
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.nodes import Binary, Constant, Name
from stepdig.expressions.values import NOTHING, TEXTS, Any_, Instant, Value, literal

_NUMERIC_TEXT = re.compile(r"\s*(?:[-+]?(?:\d|\.\d|Infinity).*)?\Z", re.S)
_TAG = re.compile(r"\[object (Array|String|Number|Boolean|Object|Null)\]\Z")
_SIMPLE = TEXTS | {"num", "bool"}


def emit(e: Emitter, node: Binary) -> Any_:
    """Return the value of a binary operation."""
    operator = node.operator
    if operator in ("==", "!=", "===", "!=="):
        equal = _equality(e, node)
        if operator[0] == "=":
            return Value(equal, "bool", present=True)
        return Value({"true": "false", "false": "true"}.get(equal) or f"$not({equal})", "bool", present=True)
    if operator in ("in", "instanceof", "&", "|", "^", "<<", ">>", ">>>"):
        return _rare(e, node)
    left_value, right_value = e.value(node.left), e.value(node.right)
    if operator in ("<", ">", "<=", ">="):
        return _comparison(e, operator, left_value, right_value)
    if operator == "+":
        return _add(e, node, left_value, right_value)
    left, right = convert.numeric(e, left_value), convert.numeric(e, right_value)
    if _may_divide_by_zero(node):  # where JavaScript has Infinity or NaN, JSONata would raise; both print as null
        divisor = e.variable(right.code)
        return Value(f"({divisor}!=0?{left.code} {operator} {divisor})", "num", nan=True, present=True)
    return Value(f"({left.code} {operator} {right.code})", "num", left.nan or right.nan, present=True)


def _rare(e: Emitter, node: Binary) -> Any_:
    """Return `key in object`, `x instanceof Array` and `x | 0`; refuse the other operators on bits and classes."""
    if node.operator == "in":
        left, right = e.plain(node.left), e.plain(node.right)
        return Value(f"$exists($j_get({right.code},{convert.string(e, left)}))", "bool", present=True)
    if node.operator == "|" and isinstance(node.right, Constant) and node.right.value == 0:
        return Value(f"$j_cut({convert.numeric(e, e.value(node.left)).code})", "num", present=True)
    if node.operator == "instanceof" and isinstance(node.right, Name) and node.right.name == "Array":
        return Value(f"($type({e.plain(node.left).code})='array')", "bool", present=True)
    hints = {
        "instanceof": "use Array.isArray",
        ">>": "use Math.floor",
        ">>>": "use Math.floor",
        "|": "use Math.floor; filters are methods here, as x.toUpperCase()",
    }
    message = f"the operator {node.operator} is not supported in a state of the machine"
    return e.refuse(node, message, hints.get(node.operator, ""))


def _may_divide_by_zero(node: Binary) -> bool:
    divisor = node.right.value if isinstance(node.right, Constant) else 0
    return node.operator in ("/", "%") and not (isinstance(divisor, (int, float)) and divisor)


def _comparison(e: Emitter, operator: str, left: Any_, right: Any_) -> Any_:
    if operator in (">", ">="):
        left, right = right, left
    sign = "<" if operator in ("<", ">") else "<="
    numbers = [
        convert.numeric(e, side) if isinstance(side, Instant) or side.type == "num" else side for side in (left, right)
    ]
    if all(isinstance(side, Value) and side.type == "num" and not side.nan for side in numbers):
        return Value(f"({numbers[0].code} {sign} {numbers[1].code})", "bool", present=True)
    if left.type in TEXTS and right.type in TEXTS:
        return Value(f"({left.code} {sign} {right.code})", "bool", present=True)
    return Value(f"$j_{'lt' if sign == '<' else 'le'}({numbers[0].code},{numbers[1].code})", "bool", present=True)


def _add(e: Emitter, node: Binary, left: Any_, right: Any_) -> Any_:
    if isinstance(left, Instant) or isinstance(right, Instant):
        if left.type in TEXTS or right.type in TEXTS:
            return Value(f"({_summand(e, left)} & {_summand(e, right)})", "str", present=True)
        e.refuse(node, "+ with a moment", "use .add(n, unit) or .format()")
    if left.type in TEXTS or right.type in TEXTS:
        return Value(f"({convert.string(e, left)} & {convert.string(e, right)})", "str", present=True)
    if left.type == "num" and right.type == "num":
        return Value(f"({left.code} + {right.code})", "num", left.nan or right.nan, present=True)
    known = {"num", "bool", "null", "undef"}
    if left.type in known and right.type in known:
        if "undef" in (left.type, right.type):
            return Value(NOTHING.code, "num", nan=True, present=True)
        a, b = convert.numeric(e, left), convert.numeric(e, right)
        return Value(f"({a.code} + {b.code})", "num", a.nan or b.nan, present=True)
    if left.type in ("arr", "obj") or right.type in ("arr", "obj"):
        return Value(f"({convert.string(e, left)} & {convert.string(e, right)})", "str", present=True)
    return Value(f"$j_add({left.code},{right.code})", "any", nan=True, present=True)


def _summand(e: Emitter, value: Any_) -> str:
    """Return the text that `+` makes of a value beside a text: a moment counts as its milliseconds, a Date does not."""
    if isinstance(value, Instant) and not value.is_date:
        return convert.string(e, Value(f"({instants.utc(e, value)})", "num", value.doubtful))
    return convert.string(e, value)


def _equality(e: Emitter, node: Binary) -> str:
    """Return code of `==` or `===` between the two sides."""
    left, right = e.value(node.left), e.value(node.right)
    for side, other in ((left, node.right), (right, node.left)):
        if isinstance(other, Constant) and isinstance(other.value, str) and isinstance(side, Value):
            special = _asked_for_type(side.code, other.value)
            if special:
                return special
    if isinstance(node.left, Constant):
        left, right = right, left
        return _compared(e, left, right, node.left, len(node.operator) == 3)
    return _compared(e, left, right, node.right, len(node.operator) == 3)


def _asked_for_type(code: str, word: str) -> str:
    """Return short code for `typeof x == 'undefined'` and for the usual test whether something is an array."""
    if code.startswith("$j_type(") and word in ("undefined", "string", "number", "boolean"):
        asked = code[len("$j_type(") : -1]
        return f"$not($exists({asked}))" if word == "undefined" else f"($type({asked})='{word}')"
    match = _TAG.match(word) if code.startswith("$j_tag(") else None
    return f"($type({code[len('$j_tag(') : -1]})='{match.group(1).lower()}')" if match else ""


def _compared(e: Emitter, left: Any_, right: Any_, known: object, strict: bool) -> str:
    if left.type in ("null", "undef") and right.type not in ("null", "undef"):
        left, right = right, left
    if right.type in ("null", "undef"):
        return _with_nothing(e, left, right, strict)
    if isinstance(left, Instant) or isinstance(right, Instant):
        if isinstance(left, Instant) and isinstance(right, Instant):
            return "false"
        sides = [Value(convert.string(e, side), "str") if isinstance(side, Instant) else side for side in (left, right)]
        return "false" if strict else f"$j_eq({sides[0].code},{sides[1].code})"
    objects = {"arr", "obj"}
    if left.type in objects and right.type in objects:
        return "false"
    if isinstance(known, Constant) and right.type not in objects and (strict or _is_word(known.value)):
        return f"({left.code} = {right.code})"
    if strict:
        simple = left.type in _SIMPLE or right.type in _SIMPLE
        return f"({left.code} = {right.code})" if simple else f"$j_same({left.code},{right.code})"
    if (left.type == "num" and right.type == "num") or (left.type in TEXTS and right.type in TEXTS):
        return f"({left.code} = {right.code})"
    return f"$j_eq({left.code},{right.code})"


def _is_word(value: object) -> bool:
    """Tell whether a text can equal nothing but the same text: it is no number, and no array's or object's text."""
    return isinstance(value, str) and not _NUMERIC_TEXT.match(value) and value != "[object Object]"


def _with_nothing(e: Emitter, value: Any_, nothing: Any_, strict: bool) -> str:
    if isinstance(value, Instant):
        return "false"
    if value.type in ("null", "undef"):
        return "true" if value.type == nothing.type or not strict else "false"
    if value.type != "any":
        return "false" if not value.nan else literal(False).code
    if strict:
        return f"($type({value.code})='null')" if nothing.type == "null" else f"$not($exists({value.code}))"
    code = e.variable(value.code)
    return f"($not($exists({code})) or $type({code})='null')"
