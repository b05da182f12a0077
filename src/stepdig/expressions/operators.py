"""The unary and binary operators on values."""

import math
from typing import Any, Callable, Dict

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import (
    INFINITY,
    NAN,
    UNDEFINED,
    Js,
    add,
    class_of,
    less_than,
    loosely_equal,
    strictly_equal,
    to_boolean,
    to_int32,
    to_number,
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
