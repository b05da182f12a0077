"""The operators on values, by ES5 (11.4 to 11.9): equality, order, sums and the rest."""

import math
from typing import Any, Callable, Dict

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import (
    INFINITY,
    NAN,
    UNDEFINED,
    Js,
    Object,
    class_of,
    to_boolean,
    to_int32,
    to_number,
    to_primitive,
    to_string,
    type_of,
    whole,
)


def unary(operator: str, value: Js) -> Js:
    """Apply a unary operator to a value."""
    if operator == "!":
        return not to_boolean(value)
    if operator == "typeof":
        return type_of(value)
    if operator == "void":
        return UNDEFINED
    if operator == "~":
        return ~to_int32(value)
    number = to_number(value)
    if operator == "+":
        return whole(number)
    return -0.0 if number == 0 and not isinstance(number, float) else whole(-number)


def binary(operator: str, left: Js, right: Js) -> Js:
    """Apply a binary operator to two values."""
    return _BINARY[operator](left, right)


def loosely_equal(left: Js, right: Js) -> bool:
    """The operator `==`."""
    if left is None or left is UNDEFINED or right is None or right is UNDEFINED:
        return left in (None, UNDEFINED) and right in (None, UNDEFINED) if _is_nothing(left, right) else False
    kinds = type_of(left), type_of(right)
    if kinds[0] == kinds[1] or {*kinds} <= {"object", "function"}:
        return strictly_equal(left, right)
    if "object" in kinds or "function" in kinds:
        if kinds[0] in ("object", "function"):
            return loosely_equal(_default_primitive(left), right)
        return loosely_equal(left, _default_primitive(right))
    return to_number(left) == to_number(right)


def _is_nothing(left: Js, right: Js) -> bool:
    return (left is None or left is UNDEFINED) and (right is None or right is UNDEFINED)


def _default_primitive(value: Js) -> Js:
    """ToPrimitive without a hint: dates turn into text, everything else into a number first."""
    return to_primitive(value, number=getattr(value, "tag", "") != "Date")


def strictly_equal(left: Js, right: Js) -> bool:
    """The operator `===`: objects are equal only to themselves."""
    if type_of(left) != type_of(right):
        return False
    if isinstance(left, (list, dict, Object)) or left is None or right is None:
        return left is right
    return bool(left == right)


def less_than(left: Js, right: Js, or_equal: bool = False) -> bool:
    """The operators `<` and `<=`: texts by their letters, everything else as numbers."""
    a, b = to_primitive(left), to_primitive(right)
    if isinstance(a, str) and isinstance(b, str):
        return a <= b if or_equal else a < b
    x, y = to_number(a), to_number(b)
    return x <= y if or_equal else x < y


def add(left: Js, right: Js) -> Js:
    """The operator `+`."""
    a, b = _default_primitive(left), _default_primitive(right)
    if isinstance(a, str) or isinstance(b, str):
        return to_string(a) + to_string(b)
    return whole(float(to_number(a)) + float(to_number(b)))


def _arithmetic(compute: Callable[[float, float], float]) -> Callable[[Any, Any], float]:
    def apply(left: Js, right: Js) -> float:
        try:
            return whole(compute(float(to_number(left)), float(to_number(right))))
        except OverflowError:
            return NAN

    return apply


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if not left or math.isnan(left) or math.isnan(right):
        return NAN
    return math.copysign(INFINITY, left) * math.copysign(1, right)


def _remainder(left: float, right: float) -> float:
    if not right or math.isnan(left) or math.isnan(right) or math.isinf(left):
        return NAN
    return math.fmod(left, right)


def _has(left: Js, right: Js) -> bool:
    if isinstance(right, dict):
        return to_string(left) in right
    if isinstance(right, list):
        name = to_string(left)
        return name == "length" or (name.isdigit() and int(name) < len(right))
    raise EvaluationError(f"TypeError: {to_string(right)} is not an Object")


def _is_instance(left: Js, right: Js) -> bool:
    name = getattr(right, "name", None)
    if name is None:
        raise EvaluationError("TypeError: the right side of instanceof is not a function")
    if name == "Object":
        return type_of(left) in ("object", "function") and left is not None
    return class_of(left) == name and type_of(left) in ("object", "function")


_BINARY: Dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(_divide),
    "%": _arithmetic(_remainder),
    "==": loosely_equal,
    "!=": lambda a, b: not loosely_equal(a, b),
    "===": strictly_equal,
    "!==": lambda a, b: not strictly_equal(a, b),
    "<": less_than,
    ">": lambda a, b: less_than(b, a),
    "<=": lambda a, b: less_than(a, b, or_equal=True),
    ">=": lambda a, b: less_than(b, a, or_equal=True),
    "&": lambda a, b: to_int32(a) & to_int32(b),
    "|": lambda a, b: to_int32(a) | to_int32(b),
    "^": lambda a, b: to_int32(a) ^ to_int32(b),
    "<<": lambda a, b: to_int32(to_int32(a) << (to_int32(b) & 31)),
    ">>": lambda a, b: to_int32(a) >> (to_int32(b) & 31),
    ">>>": lambda a, b: (to_int32(a) & 0xFFFFFFFF) >> (to_int32(b) & 31),
    "in": _has,
    "instanceof": _is_instance,
}
