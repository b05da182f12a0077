"""JSONata as Step Functions evaluates it, on top of jsonata-python.

AWS runs JSONata 2.0.6 with `$partition $range $hash $random $uuid $parse` and without `$eval`
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). The library's own evaluate() is gone
round, since it binds every variable anew for each expression: here variables live in frames that stay.
"""

from __future__ import annotations

import hashlib
import math
import random
import uuid
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import is_not
from typing import Any

from jsonata import Jsonata
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.timebox import Timebox
from jsonata.utils import Utils

from stepdig.local.jstext import js_json
from stepdig.local.payload import Json, decode

NULL = Utils.NULL_VALUE
_SAFE_INTEGER = 2**53


class JsonataError(Exception):
    """An expression that cannot be read or fails; the text is JSONata's code and message."""


class Undefined(Exception):
    """The expression yields nothing."""


class NotJson(Exception):
    """The expression yields a function, or a number JSON has no word for."""


class Variables:
    """Named values an expression may read; those of `outer` shine through. Values are JSON, None is null."""

    __slots__ = ("frame",)

    def __init__(self, outer: Variables | None = None, values: Mapping[str, Json] | None = None) -> None:
        self.frame: Any = Jsonata.Frame(outer.frame if outer else _functions())
        for name, value in (values or {}).items():
            self.set(name, value)

    def set(self, name: str, value: Json) -> None:
        """Give a variable its value."""
        self.frame.bindings[name] = _nulls(value)

    def get(self, name: str) -> Json:
        """Return the value of a variable, or raise KeyError."""
        value = self.frame.lookup(name)
        if value is None:
            raise KeyError(name)
        return None if value is NULL else value


@lru_cache(maxsize=16384)
def compiled(text: str) -> Json:
    """Return the compiled expression; raises JsonataError when it is no JSONata 2.0.6 that AWS accepts."""
    _parser()
    try:
        expression = Jsonata(text)
    except KeyError as e:
        raise JsonataError(f"S0204: Unknown operator: {e.args[0]}") from e
    except Exception as e:
        raise JsonataError(message(e)) from e
    if "$eval" in text and _calls_eval(expression.ast):
        raise JsonataError("'$eval' is not part of the JSONata that Step Functions evaluates")
    return expression


def _parser() -> None:
    """Take `?:` and `??` from this thread's parser: they came after JSONata 2.0.6, and AWS refuses them."""
    table = Jsonata.get_parser().symbol_table
    for operator in ("?:", "??"):
        table.pop(operator, None)


def _calls_eval(node: Json) -> bool:
    """Tell whether a part of the syntax tree calls `$eval`."""
    if isinstance(node, list | tuple):
        return any(map(_calls_eval, node))
    if not hasattr(node, "type"):
        return False
    procedure = getattr(node, "procedure", None)
    if procedure is not None and procedure.type == "variable" and procedure.value == "eval":
        return True
    return any(_calls_eval(part) for name, part in vars(node).items() if name != "_outer_instance")


def evaluate(text: str, variables: Variables) -> Json:
    """Return the JSON value of an expression; raises JsonataError, Undefined or NotJson."""
    expression = compiled(text)
    frame = Jsonata.Frame(variables.frame)  # a top-level `$x := 1` must not leak into the state's variables
    frame.bindings["$"] = None
    Jsonata.CURRENT.jsonata = expression
    expression.timestamp = Timebox.current_milli_time()
    try:
        result = expression.eval(expression.ast, None, frame)
    except RecursionError as e:
        raise JsonataError("U1001: Stack overflow") from e
    except Exception as e:
        raise JsonataError(message(e)) from e
    if result is None:
        raise Undefined
    return plain(result)


def plain(value: Json) -> Json:
    """Return a JSON value without the library's own types; whole floats become integers, as JavaScript prints them."""
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if value is None or value is NULL:
        return None
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if kind is float and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < _SAFE_INTEGER else value
    if isinstance(value, str | int):
        return value
    raise NotJson


def message(error: Exception) -> str:
    """Return JSONata's code and message, or the text of an error the library let slip."""
    if isinstance(error, JException):
        text = str(error)
        return text if text.startswith(error.error) else f"{error.error}: {text}"
    if isinstance(error, ZeroDivisionError):
        return "D1001: Number out of range: Infinity"
    if str(error).startswith("could not convert string to float: "):
        return f"D3030: Unable to cast value to a number: {str(error).partition(': ')[2]}"
    return f"{type(error).__name__}: {error}"


@lru_cache(maxsize=1)
def _functions() -> Json:
    """Return the frame with AWS's own functions, on top of JSONata's."""
    frame = Jsonata.Frame(Jsonata.static_frame)
    for name, function in _OWN.items():
        frame.bindings[name] = Jsonata.JLambda(function)
    Functions.Comparator.compare = _compare  # the library's turns ties round
    Jsonata.evaluate_numeric_expression = _numeric
    Functions._string = staticmethod(
        _string
    )  # `$string` and `&` both end here; the library escapes and rounds otherwise
    return frame


_numeric_of_library = Jsonata.evaluate_numeric_expression


def _numeric(self: Any, left: Any, right: Any, sign: str) -> Any:  # noqa: ANN401 - the library has no types
    """Compute `+ - * / %`; the library cuts the remainder of fractions to a whole number."""
    if sign == "%" and Utils.is_numeric(left) and Utils.is_numeric(right) and right:
        return Utils.convert_number(math.fmod(left, right))
    return _numeric_of_library(self, left, right, sign)


def _nulls(value: Json) -> Json:
    """Return a value with the library's own null in its lists, where None would be nothing at all."""
    if value is None:
        return NULL
    if type(value) is list:
        items = [_nulls(item) for item in value]
        return items if any(map(is_not, items, value)) else value
    if type(value) is dict:
        changed = {k: _nulls(v) for k, v in value.items() if type(v) is list or type(v) is dict}
        return {**value, **changed} if any(changed[k] is not value[k] for k in changed) else value
    return value


def _string(value: Json, prettify: bool) -> str:
    """Print a value as JavaScript's `$string` does."""
    return "" if Utils.is_function(value) or Functions.is_lambda(value) else js_json(value, pretty=prettify)


def _compare(self: Any, left: Any, right: Any) -> int:  # noqa: ANN401 - the library has no types
    """Order two elements for `$sort`, whose function tells whether the left one comes after the right one."""
    after = Functions.func_apply(self._comparator, [left, right])
    if not isinstance(after, bool):
        return int(after)
    return 1 if after else -int(bool(Functions.func_apply(self._comparator, [right, left])))


def _whole(value: Json, name: str) -> int:
    """Return a number rounded down, as AWS takes integer arguments."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JsonataError(f'T0410: Argument of function "{name}" does not match function signature')
    return math.floor(value)


def _range(first: Json, last: Json, step: Json) -> Json:
    start, stop, by = _whole(first, "range"), _whole(last, "range"), _whole(step, "range")
    if by == 0:
        raise JsonataError("The third argument of $range must not be 0")
    values = list(range(start, stop + (1 if by > 0 else -1), by))
    if len(values) > 1000:
        raise JsonataError("$range returns at most 1000 elements")
    return values[0] if len(values) == 1 else values  # AWS was recorded to return the element itself


def _partition(array: Json, size: Json) -> Json:
    items = array if isinstance(array, list) else [array]
    length = _whole(size, "partition")
    if length <= 0:
        raise JsonataError("The second argument of $partition must be a positive integer")
    return [list(items[i : i + length]) for i in range(0, len(items), length)]


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(value: Json, algorithm: Json) -> str:
    if not isinstance(value, str) or algorithm not in _ALGORITHMS:
        raise JsonataError(f"$hash takes a text and one of {', '.join(_ALGORITHMS)}")
    return hashlib.new(_ALGORITHMS[algorithm], value.encode(), usedforsecurity=False).hexdigest()


def _parse(text: Json) -> Json:
    if text is None:
        return None
    if not isinstance(text, str):
        raise JsonataError('T0410: Argument 1 of function "parse" does not match function signature')
    return _nulls(decode(text))


def _random(*seed: Json) -> float:
    return random.Random(seed[0]).random() if seed and seed[0] is not None else random.random()  # noqa: S311 - not a secret


_OWN: dict[str, Callable[..., Any]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _parse,
    "range": _range,
    "partition": _partition,
    "hash": _hash,
    "random": _random,
}
