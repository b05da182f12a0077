"""The methods of arrays and of plain objects, by ES5 (15.2 and 15.4)."""

import functools
from typing import Any, Callable, Dict, List

from stepdig.expressions import strings
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import (
    UNDEFINED,
    Function,
    Js,
    to_boolean,
    to_integer,
    to_number,
    to_string,
    type_of,
)
from stepdig.expressions.natives import at, own_member
from stepdig.expressions.operators import less_than, strictly_equal

MAX_LENGTH = 1_000_000  # items of a list; more is a mistake, not a parameter
MUTATING = frozenset(("sort", "reverse", "push", "pop", "shift", "unshift", "splice"))


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


def _callback(args: List[Any]) -> Function:
    function = at(args, 0)
    if not isinstance(function, Function):
        raise EvaluationError(f"TypeError: {type_of(function)} is not a function")
    return function


def join(array: List[Any], args: List[Any]) -> str:
    """Array.prototype.join: null and undefined items are empty."""
    separator = "," if at(args, 0) is UNDEFINED else to_string(args[0])
    if len(separator) * len(array) > strings.MAX_LENGTH:
        raise EvaluationError("RangeError: Invalid string length")
    return separator.join("" if item is None or item is UNDEFINED else to_string(item) for item in array)


def _concat(array: List[Any], args: List[Any]) -> List[Any]:
    result = list(array)
    for item in args:
        result += item if isinstance(item, list) else [item]
    return result


def _slice(array: List[Any], args: List[Any]) -> List[Any]:
    start = strings.clamp(to_integer(at(args, 0)), len(array))
    return array[start : strings.clamp(to_integer(at(args, 1), len(array)), len(array))]


def _index_of(array: List[Any], args: List[Any]) -> int:
    start = strings.clamp(to_integer(at(args, 1)), len(array))
    return next((i for i in range(start, len(array)) if strictly_equal(array[i], at(args, 0))), -1)


def _last_index_of(array: List[Any], args: List[Any]) -> int:
    return next((i for i in reversed(range(len(array))) if strictly_equal(array[i], at(args, 0))), -1)


def _each(array: List[Any], args: List[Any]) -> List[Any]:
    function = _callback(args)
    return [function.call(at(args, 1), [item, index, array]) for index, item in enumerate(array)]


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
    function = at(args, 0)

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
    start = strings.clamp(to_integer(at(args, 0)), len(array))
    count = int(min(max(to_integer(at(args, 1), len(array)), 0), len(array) - start))
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
