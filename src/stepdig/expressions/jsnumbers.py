"""The methods of numbers and booleans, by ES5 (15.6 and 15.7): digits, exponents, other radices."""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Callable, Dict, List

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, number_text, to_integer, to_number, to_string
from stepdig.expressions.natives import at, own_member

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def number_member(name: str) -> Js:
    """Return a method of numbers."""
    method = NUMBER_METHODS.get(name)
    return own_member(name) if method is None else Function(name, lambda this, args: method(to_number(this), args))


def boolean_member(name: str) -> Js:
    """Return a method of booleans."""
    if name == "toString":
        return Function(name, lambda this, args: to_string(this))
    return Function(name, lambda this, args: this) if name == "valueOf" else own_member(name)


def _digits(args: List[Any], least: int, most: int, name: str) -> int:
    digits = to_integer(at(args, 0))
    if not least <= digits <= most:
        raise EvaluationError(f"RangeError: {name}() argument must be between {least} and {most}")
    return int(digits)


def _to_fixed(number: float, args: List[Any]) -> str:
    digits = _digits(args, 0, 20, "toFixed")
    if not math.isfinite(number) or abs(number) >= 1e21:
        return number_text(number)
    rounded = Decimal(number).copy_abs().quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return (
        "-" if (number < 0 and (rounded or digits) and rounded != 0) or (number < 0 and rounded == 0) else ""
    ) + f"{rounded:f}"


def _to_precision(number: float, args: List[Any]) -> str:
    if at(args, 0) is UNDEFINED or not math.isfinite(number):
        return number_text(number)
    digits = _digits(args, 1, 21, "toPrecision")
    exact = Decimal(number)
    if not exact:
        return "0" + ("." + "0" * (digits - 1) if digits > 1 else "")
    exponent = exact.adjusted()
    rounded = exact.quantize(Decimal(1).scaleb(exponent - digits + 1), ROUND_HALF_UP)
    exponent = rounded.adjusted()
    if -6 <= exponent < digits:
        return f"{rounded.quantize(Decimal(1).scaleb(exponent - digits + 1), ROUND_HALF_UP):f}"
    return _exponential(rounded, digits - 1)


def _to_exponential(number: float, args: List[Any]) -> str:
    if not math.isfinite(number):
        return number_text(number)
    if at(args, 0) is UNDEFINED:
        shortest = Decimal(number_text(number))
        return _exponential(shortest, len(shortest.normalize().as_tuple().digits) - 1)
    return _exponential(Decimal(number), _digits(args, 0, 20, "toExponential"))


def _exponential(number: Decimal, digits: int) -> str:
    if not number:
        return "0" + ("." + "0" * digits if digits else "") + "e+0"
    exponent = number.adjusted()
    rounded = number.scaleb(-exponent).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if rounded.adjusted() > 0:
        rounded, exponent = rounded.scaleb(-1).quantize(Decimal(1).scaleb(-digits)), exponent + 1
    return f"{rounded:f}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def _to_radix(number: float, args: List[Any]) -> str:
    radix = to_integer(at(args, 0), 10)
    if not 2 <= radix <= 36:
        raise EvaluationError("RangeError: toString() radix must be between 2 and 36")
    if radix == 10 or not math.isfinite(number):
        return number_text(number)
    whole, fraction = divmod(abs(number), 1)
    digits = _whole_digits(int(whole), int(radix))
    if fraction:
        digits += "." + _fraction_digits(fraction, int(radix), 52)
    return ("-" if number < 0 else "") + digits


def _whole_digits(number: int, radix: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, radix)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def _fraction_digits(fraction: float, radix: int, most: int) -> str:
    digits = ""
    while fraction and len(digits) < most:
        digit, fraction = divmod(fraction * radix, 1)
        digits += _DIGITS[int(digit)]
    return digits


NUMBER_METHODS: Dict[str, Callable[[float, List[Any]], Any]] = {
    "toExponential": _to_exponential,
    "toFixed": _to_fixed,
    "toLocaleString": lambda number, args: (
        f"{Decimal(str(round(number, 3))).normalize():,f}" if math.isfinite(number) else "NaN"
    ),
    "toPrecision": _to_precision,
    "toString": _to_radix,
    "valueOf": lambda number, args: number,
}
