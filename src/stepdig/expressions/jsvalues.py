"""JavaScript values in Python, and ECMAScript 5.1's conversions between them (chapter 9).

undefined is UNDEFINED, null is None; a number is an int or a float (an int never exceeds 2^53 in size unless it came
from JSON); texts are str, arrays list, plain objects dict. Functions, dates and moments are instances of `Object`.
"""

import math
import re
from typing import Any, Callable, Dict, List, Optional

from stepdig.expressions.errors import EvaluationError

Js = Any  # a JavaScript value, as this file says


class Undefined:
    """The type of UNDEFINED."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED = Undefined()
NAN = float("nan")
INFINITY = float("inf")


class Object:
    """A JavaScript object that is not a plain one: it says how it converts and which members it has."""

    tag = "Object"

    def member(self, name: str) -> Js:  # what an object without members answers
        """Return the member of that name, or UNDEFINED."""
        return UNDEFINED

    def primitive(self, number: bool) -> Js:
        """Return the primitive value, as `valueOf` (number) or `toString` does."""
        return NAN if number else f"[object {self.tag}]"

    def json(self) -> Js:
        """Return what JSON.stringify prints: a JSON value or UNDEFINED."""
        return {}


class Function(Object):
    """A function: `call(this, arguments)` computes it; `members` are its own, as in Object.keys."""

    tag = "Function"

    def __init__(
        self, name: str, call: Callable[[Any, List[Any]], Any], members: Optional[Dict[str, Js]] = None
    ) -> None:
        self.name = name
        self.call = call
        self.members = members or {}

    def member(self, name: str) -> Js:
        """Return a member such as Object.keys, or `call` and `apply`."""
        if name in self.members:
            return self.members[name]
        if name == "call":
            return Function("call", lambda this, args: self.call(args[0] if args else UNDEFINED, args[1:]))
        if name == "apply":
            return Function(
                "apply",
                lambda this, args: self.call(
                    args[0] if args else UNDEFINED, args[1] if len(args) > 1 and isinstance(args[1], list) else []
                ),
            )
        return self.name if name == "name" else UNDEFINED

    def primitive(self, number: bool) -> Js:
        """Return the source text, roughly."""
        return NAN if number else f"function {self.name}() {{ [native code] }}"

    def json(self) -> Js:
        """JSON leaves functions out."""
        return UNDEFINED


def to_boolean(value: Js) -> bool:
    """ToBoolean: arrays and objects are true even when empty."""
    if isinstance(value, (bool, str)):
        return bool(value)
    if isinstance(value, (int, float)):
        return bool(value) and value == value  # noqa: PLR0124  # NaN is the number that differs from itself
    return value is not None and value is not UNDEFINED


_BLANKS = " \t\n\r\v\f\u00a0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")


def trim(text: str) -> str:
    """Strip what JavaScript takes for white space."""
    return text.strip(_BLANKS)


def is_finite(value: float) -> bool:
    """Return whether a number is one; a whole number of YAML too long for a double counts as infinite, as in JavaScript."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def to_number(value: Js) -> float:
    """ToNumber, normalised: a whole number below 2^53 is an int."""
    if value is True or value is False:
        return int(value)
    if isinstance(value, (int, float)):
        return value if isinstance(value, float) or is_finite(value) else math.inf if value > 0 else -math.inf
    if isinstance(value, str):
        return text_number(value)
    if value is None:
        return 0
    if value is UNDEFINED:
        return NAN
    return to_number(to_primitive(value, number=True))


def text_number(text: str) -> float:
    """Return the number a text stands for: blank is 0, anything else that is no number is NaN."""
    text = trim(text)
    if not text:
        return 0
    if _DECIMAL.match(text):
        return whole(float(text))
    if re.match(r"0[xX][0-9a-fA-F]+\Z", text):
        return whole(float(int(text, 16)))
    if text.lstrip("+-") == "Infinity" and len(text) <= len("+Infinity"):
        return -INFINITY if text[0] == "-" else INFINITY
    return NAN


def whole(number: float) -> float:
    """Return an int for a whole number that a double holds exactly; minus zero stays what it is."""
    if isinstance(number, int):
        return number if abs(number) <= 2**53 else whole(float(number))
    if number.is_integer() and abs(number) <= 2**53 and (number or math.copysign(1, number) > 0):
        return int(number)
    return number


def to_integer(value: Js, default: float = 0) -> float:
    """ToInteger; `default` stands for undefined. The result may be infinite."""
    if value is UNDEFINED:
        return default
    number = to_number(value)
    if math.isnan(number):
        return 0
    return number if math.isinf(number) else int(number)


def to_int32(value: Js) -> int:
    """ToInt32, as the bit operators do."""
    number = to_number(value)
    if math.isnan(number) or math.isinf(number):
        return 0
    bits = int(number) & 0xFFFFFFFF
    return bits - 0x100000000 if bits & 0x80000000 else bits


def number_text(number: float) -> str:
    """Number.prototype.toString: the shortest digits, exponents from 1e21 up and below 1e-6."""
    if isinstance(number, int) and abs(number) < 2**53:
        return str(number)
    number = float(to_number(number))
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent_text = f"{abs(number)!r}".partition("e")
    before, _, after = mantissa.partition(".")
    after = "" if after == "0" else after
    digits = (before + after).lstrip("0")
    point = len(before) + int(exponent_text or 0) - (len(before + after) - len(digits))
    digits = digits.rstrip("0") or "0"
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Return digits with the decimal point after `point` of them."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def to_primitive(value: Js, number: bool = True) -> Js:
    """ToPrimitive: arrays become their joined items, objects "[object Object]"."""
    if isinstance(value, list):
        return ",".join("" if item is None or item is UNDEFINED else to_string(item) for item in value)
    if isinstance(value, dict):
        return _own_conversion(value, number)
    if isinstance(value, Object):
        return value.primitive(number)
    return value


def _own_conversion(value: Dict[str, Js], number: bool) -> Js:
    for name in ("valueOf", "toString") if number else ("toString", "valueOf"):
        own = value.get(name)
        if isinstance(own, Function):
            result = own.call(value, [])
            if not isinstance(result, (list, dict, Object)):
                return result
    return "[object Object]"


def to_string(value: Js) -> str:
    """ToString, as `+` and `join` do; the text a template prints is `to_text`'s."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    return to_string(to_primitive(value, number=False))


def type_of(value: Js) -> str:
    """The answer of `typeof`."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "function" if isinstance(value, Function) else "object"


def class_of(value: Js) -> str:
    """The word in `Object.prototype.toString.call(value)`."""
    if isinstance(value, Object):
        return value.tag
    if value is None:
        return "Null"
    if isinstance(value, list):
        return "Array"
    return "Object" if isinstance(value, dict) else type_of(value).capitalize()


def cannot_read(value: Js, name: str) -> EvaluationError:
    """Return the TypeError for a member of undefined or null."""
    return EvaluationError(f"TypeError: Cannot read property '{name}' of {to_string(value)}")
