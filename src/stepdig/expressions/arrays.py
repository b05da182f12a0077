"""The methods of arrays, of plain objects, numbers and booleans, by ES5 (15.2 to 15.7)."""

import functools
import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Callable, Dict, List

from stepdig.expressions import strings
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import (
    UNDEFINED,
    Function,
    Js,
    less_than,
    number_text,
    strictly_equal,
    to_boolean,
    to_integer,
    to_number,
    to_string,
    type_of,
)

MAX_LENGTH = 1_000_000  # items of a list; more is a mistake, not a parameter
MUTATING = frozenset(("sort", "reverse", "push", "pop", "shift", "unshift", "splice"))
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def array_member(array: List[Any], name: str) -> Js:
    """Return a member of an array: its length, an item, a method, or UNDEFINED."""
    if name == "length":
        return len(array)
    if name.isdigit() and (name == "0" or name[0] != "0"):
        return array[int(name)] if len(name) < 10 and int(name) < len(array) else UNDEFINED
    method = ARRAY_METHODS.get(name)
    if method is None:
        return own_member(name)
    return Function(name, lambda this, args: method(_array_of(this), args))


def object_member(value: Dict[str, Any], name: str) -> Js:
    """Return a field of an object, or one of the methods all objects have."""
    if name in value:
        return value[name]
    if name in ("toString", "toLocaleString"):
        return Function(name, lambda this, args: "[object Object]")
    return Function(name, lambda this, args: this) if name == "valueOf" else own_member(name)


def own_member(name: str) -> Js:
    """Return `hasOwnProperty`, which everything has; UNDEFINED for any other name."""
    return Function(name, has_own) if name == "hasOwnProperty" else UNDEFINED


def has_own(this: Js, args: List[Js]) -> bool:
    """Tell whether a value itself has a member: a field, an item, the length of a text or array."""
    name = _text_of(args)
    if isinstance(this, (list, str)):
        return name == "length" or (name.isdigit() and int(name) < len(this))
    return isinstance(this, dict) and name in this


def number_member(name: str) -> Js:
    """Return a method of numbers."""
    method = NUMBER_METHODS.get(name)
    return own_member(name) if method is None else Function(name, lambda this, args: method(to_number(this), args))


def boolean_member(name: str) -> Js:
    """Return a method of booleans."""
    if name == "toString":
        return Function(name, lambda this, args: to_string(this))
    return Function(name, lambda this, args: this) if name == "valueOf" else own_member(name)


def _array_of(this: Js) -> List[Any]:
    """Return the array a method works on; texts and array-like objects are read as arrays (`slice.call`)."""
    if isinstance(this, list):
        return this
    if isinstance(this, str):
        return list(strings.units(this))
    if isinstance(this, dict) and "length" in this:
        return [this.get(str(i), UNDEFINED) for i in range(int(to_integer(this["length"])))]
    if this is None or this is UNDEFINED:
        raise EvaluationError("TypeError: Cannot convert undefined or null to object")
    return []


def _at(args: List[Any], index: int) -> Js:
    return args[index] if index < len(args) else UNDEFINED


def _text_of(args: List[Any]) -> str:
    return to_string(_at(args, 0))


def _callback(args: List[Any]) -> Function:
    function = _at(args, 0)
    if not isinstance(function, Function):
        raise EvaluationError(f"TypeError: {type_of(function)} is not a function")
    return function


def join(array: List[Any], args: List[Any]) -> str:
    """Array.prototype.join: null and undefined items are empty."""
    separator = "," if _at(args, 0) is UNDEFINED else to_string(args[0])
    if len(separator) * len(array) > strings.MAX_LENGTH:
        raise EvaluationError("RangeError: Invalid string length")
    return separator.join("" if item is None or item is UNDEFINED else to_string(item) for item in array)


def _concat(array: List[Any], args: List[Any]) -> List[Any]:
    result = list(array)
    for item in args:
        result += item if isinstance(item, list) else [item]
    return result


def _slice(array: List[Any], args: List[Any]) -> List[Any]:
    start = strings.clamp(to_integer(_at(args, 0)), len(array))
    return array[start : strings.clamp(to_integer(_at(args, 1), len(array)), len(array))]


def _index_of(array: List[Any], args: List[Any]) -> int:
    start = strings.clamp(to_integer(_at(args, 1)), len(array))
    return next((i for i in range(start, len(array)) if strictly_equal(array[i], _at(args, 0))), -1)


def _last_index_of(array: List[Any], args: List[Any]) -> int:
    return next((i for i in reversed(range(len(array))) if strictly_equal(array[i], _at(args, 0))), -1)


def _each(array: List[Any], args: List[Any]) -> List[Any]:
    function = _callback(args)
    return [function.call(_at(args, 1), [item, index, array]) for index, item in enumerate(array)]


def _filter(array: List[Any], args: List[Any]) -> List[Any]:
    return [item for item, keep in zip(list(array), _each(array, args)) if to_boolean(keep)]


def _reduce(array: List[Any], args: List[Any], backwards: bool = False) -> Js:
    function = _callback(args)
    places = list(reversed(range(len(array)))) if backwards else list(range(len(array)))
    if len(args) > 1:
        total = args[1]
    elif places:
        total = array[places.pop(0)]
    else:
        raise EvaluationError("TypeError: Reduce of empty array with no initial value")
    for place in places:
        total = function.call(UNDEFINED, [total, array[place], place, array])
    return total


def _sort(array: List[Any], args: List[Any]) -> List[Any]:
    function = _at(args, 0)

    def compare(a: Js, b: Js) -> int:
        if a is UNDEFINED or b is UNDEFINED:
            return (a is UNDEFINED) - (b is UNDEFINED)
        if isinstance(function, Function):
            order = to_number(function.call(UNDEFINED, [a, b]))
            return (order > 0) - (order < 0)
        x, y = to_string(a), to_string(b)
        return less_than(y, x) - less_than(x, y)

    array.sort(key=functools.cmp_to_key(compare))
    return array


def _reverse(array: List[Any], args: List[Any]) -> List[Any]:
    array.reverse()
    return array


def _push(array: List[Any], args: List[Any]) -> int:
    array.extend(args)
    return len(array)


def _unshift(array: List[Any], args: List[Any]) -> int:
    array[:0] = args
    return len(array)


def _splice(array: List[Any], args: List[Any]) -> List[Any]:
    start = strings.clamp(to_integer(_at(args, 0)), len(array))
    count = int(min(max(to_integer(_at(args, 1), len(array)), 0), len(array) - start))
    removed = array[start : start + count]
    array[start : start + count] = args[2:]
    return removed


Method = Callable[[List[Any], List[Any]], Any]
ARRAY_METHODS: Dict[str, Method] = {
    "concat": _concat,
    "every": lambda array, args: all(map(to_boolean, _each(array, args))),
    "filter": _filter,
    "forEach": lambda array, args: (_each(array, args) and UNDEFINED) or UNDEFINED,
    "indexOf": _index_of,
    "join": join,
    "lastIndexOf": _last_index_of,
    "map": _each,
    "pop": lambda array, args: array.pop() if array else UNDEFINED,
    "push": _push,
    "reduce": _reduce,
    "reduceRight": lambda array, args: _reduce(array, args, backwards=True),
    "reverse": _reverse,
    "shift": lambda array, args: array.pop(0) if array else UNDEFINED,
    "slice": _slice,
    "some": lambda array, args: any(map(to_boolean, _each(array, args))),
    "sort": _sort,
    "splice": _splice,
    "toString": lambda array, args: join(array, []),
    "unshift": _unshift,
    "valueOf": lambda array, args: array,
}


def _digits(args: List[Any], least: int, most: int, name: str) -> int:
    digits = to_integer(_at(args, 0))
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
    if _at(args, 0) is UNDEFINED or not math.isfinite(number):
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
    if _at(args, 0) is UNDEFINED:
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
    radix = to_integer(_at(args, 0), 10)
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
