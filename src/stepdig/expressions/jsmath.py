"""`Math`, `parseInt` and `parseFloat`."""

import math
import re
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from stepdig.expressions.jsvalues import (
    INFINITY,
    NAN,
    to_integer,
    to_number,
    to_string,
    trim,
    whole,
)
from stepdig.expressions.natives import Call, Namespace, at, functions

if TYPE_CHECKING:
    from stepdig.expressions.scope import Context

_FLOAT = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def parse_int(args: List[Any]) -> float:
    """`parseInt(text, radix)`: the number a text begins with, else NaN."""
    text, radix = trim(to_string(at(args, 0))).lower(), int(to_integer(at(args, 1)))
    sign = -1 if text[:1] == "-" else 1
    text = text[1:] if text[:1] in ("+", "-") else text
    if text[:2] == "0x" and radix in (0, 16):
        text, radix = text[2:], 16
    radix = radix or 10
    digits = re.match(r"[0-9a-z]*", text)
    known = "0123456789abcdefghijklmnopqrstuvwxyz"[:radix]
    taken = ""
    for char in digits.group() if digits else "":
        if char not in known:
            break
        taken += char
    return whole(float(sign * int(taken, radix))) if taken and 2 <= radix <= 36 else NAN


def parse_float(args: List[Any]) -> float:
    """`parseFloat(text)`: the number a text begins with, else NaN."""
    match = _FLOAT.match(trim(to_string(at(args, 0))))
    return to_number(match.group()) if match else NAN


def _safe(compute: Callable[..., float]) -> Call:
    """Return a function of numbers that answers NaN where mathematics has no answer."""

    def call(args: List[Any]) -> float:
        try:
            return whole(compute(*(float(to_number(arg)) for arg in args)))
        except (ValueError, TypeError):
            return NAN
        except OverflowError:
            return INFINITY

    return call


def _rounding(compute: Callable[[float], float]) -> Call:
    return _safe(lambda number: number if not math.isfinite(number) else float(compute(number)))


def power(base: float, exponent: float) -> float:
    """Math.pow."""
    if math.isnan(exponent) or (abs(base) == 1 and math.isinf(exponent)):
        return NAN
    if base == 0 and exponent < 0:
        return INFINITY
    return math.pow(base, exponent)


def _log(number: float) -> float:
    return -INFINITY if number == 0 else math.log(number)


def _extreme(choose: Callable[[List[float]], float], none: float) -> Call:
    def call(args: List[Any]) -> float:
        numbers = [to_number(arg) for arg in args]
        if any(number != number for number in numbers):  # noqa: PLR0124  # NaN
            return NAN
        return choose(numbers) if numbers else none

    return call


def math_object(context: "Context") -> Namespace:
    """`Math`; its random numbers are those of the context."""
    constants = {"PI": math.pi, "E": math.e, "LN2": math.log(2), "LN10": math.log(10), "SQRT2": math.sqrt(2)}
    table: Dict[str, Call] = {
        "abs": _safe(abs),
        "ceil": _rounding(math.ceil),
        "exp": _safe(math.exp),
        "floor": _rounding(math.floor),
        "log": _safe(_log),
        "max": _extreme(max, -INFINITY),
        "min": _extreme(min, INFINITY),
        "pow": _safe(power),
        "random": lambda args: context.random(),
        "round": _rounding(lambda number: math.floor(number + 0.5)),
        "sqrt": _safe(math.sqrt),
        **{name: _safe(getattr(math, name)) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2")},
    }
    return Namespace("Math", {**constants, **functions(table)})
