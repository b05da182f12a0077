"""The global names of a template: moment, JSON, Object, Math and the other built-in functions of ES5."""

import math
import re
import urllib.parse
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from stepdig.expressions import arrays, clock, strings
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsdate import Date, parse, time_of, wall_of
from stepdig.expressions.jsjson import indent_of, keys, parse_json, stringify
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.jsvalues import (
    INFINITY,
    NAN,
    UNDEFINED,
    Function,
    Js,
    Object,
    class_of,
    to_boolean,
    to_int32,
    to_integer,
    to_number,
    to_string,
    trim,
    whole,
)
from stepdig.expressions.moment_methods import as_moment, from_fields
from stepdig.expressions.moment_parse import by_format
from stepdig.expressions.moments import Moment, unit

if TYPE_CHECKING:
    from stepdig.expressions.evaluate import Context

_MAX_ARRAY = 1_000_000
_UNESCAPED = "-_.!~*'()"
_FLOAT = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
Call = Callable[[List[Any]], Any]


class Namespace(Object):
    """A global object that only holds members: Math, JSON."""

    def __init__(self, tag: str, members: Dict[str, Any]) -> None:
        self.tag = tag
        self.members = members

    def member(self, name: str) -> Js:
        """Return the member of that name, or UNDEFINED."""
        return self.members.get(name, UNDEFINED)


def lookup(name: str, context: "Context") -> Js:
    """Return a global value, or raise KeyError when there is none of that name."""
    return _GLOBALS[name](context)


def is_global(name: str) -> bool:
    """Tell whether a name has a meaning without being a parameter."""
    return name in _GLOBALS


def _at(args: List[Any], index: int) -> Js:
    return args[index] if index < len(args) else UNDEFINED


def _function(name: str, call: Call, members: "Dict[str, Any] | None" = None) -> Function:
    return Function(name, lambda this, args: call(args), members)


def _functions(table: Dict[str, Call]) -> Dict[str, Any]:
    return {name: _function(name, call) for name, call in table.items()}


# --- moment


def _moment(context: "Context", utc: bool) -> Call:
    def make(args: List[Any]) -> Moment:
        fixed = 0 if utc else None
        value, form = _at(args, 0), _at(args, 1)
        if value is UNDEFINED or value in ([], {}):
            return Moment(context.now(), context.zone, fixed)
        if isinstance(value, (Moment, Date)):
            source = value if isinstance(value, Moment) else value.moment
            return Moment(source.ms, context.zone, 0 if utc else source.fixed)
        if value is None or (value == "" and form is UNDEFINED):
            return Moment(NAN, context.zone, fixed)
        if isinstance(form, (str, list)) and form:
            return _by_formats(to_string(value), form, context, utc)
        zone = clock.Offsets([[None, 0]]) if utc else context.zone
        if isinstance(value, dict):
            return Moment(from_fields(_named_fields(value, context), zone), context.zone, fixed)
        return Moment(as_moment(value, Moment(0, zone)).ms, context.zone, fixed)

    return make


def _named_fields(value: Dict[str, Any], context: "Context") -> List[float]:
    """Return year, month, day and so on of `{year: 2016, month: 0}`; what comes before the first given is today's."""
    named = {unit(key): to_number(amount) for key, amount in value.items()}
    named.setdefault("day", named.get("date", NAN))
    fields = [named.get(name, NAN) for name in ("year", "month", "day", "hour", "minute", "second", "millisecond")]
    known = [number == number for number in fields]  # noqa: PLR0124  # not NaN
    first = known.index(True) if True in known else 3
    today = _today(context) if first else (0, 0, 0)
    least = [0, 0, 1, 0, 0, 0, 0]
    return [
        n if there else today[i] if i < min(first, 3) else least[i] for i, (n, there) in enumerate(zip(fields, known))
    ]


def _by_formats(text: str, form: Js, context: "Context", utc: bool) -> Moment:
    for one in form if isinstance(form, list) else [form]:
        ms = by_format(text, to_string(one), context.zone, lambda: _today(context), utc)
        if ms == ms:  # noqa: PLR0124  # not NaN
            return Moment(ms, context.zone, 0 if utc else None)
    return Moment(NAN, context.zone, 0 if utc else None)


def _today(context: "Context") -> "tuple[int, int, int]":
    now = clock.read(context.now() + context.zone.at(context.now()))
    return now.year, now.month, now.day


def _moment_function(context: "Context") -> Function:
    make = _moment(context, False)

    def extreme(args: List[Any], sign: int) -> Js:
        moments = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        return max(moments, key=lambda moment: sign * to_number(moment)) if moments else make([])

    members = {
        "utc": _moment(context, True),
        "unix": lambda args: make([whole(to_number(_at(args, 0)) * 1000)]),
        "isMoment": lambda args: isinstance(_at(args, 0), Moment),
        "now": lambda args: context.now(),
        "min": lambda args: extreme(args, -1),
        "max": lambda args: extreme(args, 1),
    }
    return _function("moment", make, {**_functions(members), "version": "2.21.0"})


# --- Object, JSON, Array


def _keys(args: List[Any]) -> List[Any]:
    value = _at(args, 0)
    if isinstance(value, dict):
        return list(keys(value))
    if isinstance(value, list):
        return [str(index) for index in range(len(value))]
    if isinstance(value, Object):
        return []
    raise EvaluationError("TypeError: Object.keys called on non-object")


def _object_function() -> Function:
    prototype = {
        "toString": Function("toString", lambda this, args: f"[object {class_of(this)}]"),
        "hasOwnProperty": Function("hasOwnProperty", arrays.has_own),
    }
    members = {**_functions({"keys": _keys}), "prototype": Namespace("Object", prototype)}
    return _function("Object", lambda args: args[0] if args and args[0] not in (None, UNDEFINED) else {}, members)


def _array_function() -> Function:
    def make(args: List[Any]) -> List[Any]:
        if len(args) != 1 or isinstance(args[0], bool) or not isinstance(args[0], (int, float)):
            return list(args)
        if not 0 <= args[0] <= _MAX_ARRAY:
            raise EvaluationError("RangeError: Invalid array length")
        return [UNDEFINED] * int(args[0])

    prototype = {name: arrays.array_member([], name) for name in arrays.ARRAY_METHODS}
    members = {"isArray": _function("isArray", lambda args: isinstance(_at(args, 0), list))}
    return _function("Array", make, {**members, "prototype": Namespace("Array", prototype)})


def _stringify(args: List[Any]) -> Js:
    value, replacer = _at(args, 0), _at(args, 1)
    if isinstance(replacer, list) and isinstance(value, dict):
        value = {name: value[name] for name in map(to_string, replacer) if name in value}
    return stringify(value, indent_of(_at(args, 2)))


def _string_function() -> Function:
    prototype = {name: strings.member("", name) for name in strings.METHODS}
    members = _functions({"fromCharCode": lambda args: "".join(chr(to_int32(arg) & 0xFFFF) for arg in args)})
    call: Call = lambda args: to_string(args[0]) if args else ""  # noqa: E731  # reads better in place
    return _function("String", call, {**members, "prototype": Namespace("String", prototype)})


# --- numbers


def _parse_int(args: List[Any]) -> float:
    text, radix = trim(to_string(_at(args, 0))).lower(), int(to_integer(_at(args, 1)))
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


def _parse_float(args: List[Any]) -> float:
    match = _FLOAT.match(trim(to_string(_at(args, 0))))
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


def _math(context: "Context") -> Namespace:
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
    return Namespace("Math", {**constants, **_functions(table)})


# --- texts in addresses


def _encode(kept: str) -> Call:
    def call(args: List[Any]) -> str:
        text = to_string(_at(args, 0))
        try:
            return urllib.parse.quote(text, safe=_UNESCAPED + kept)
        except UnicodeEncodeError:
            raise EvaluationError("URIError: URI malformed") from None

    return call


def _decode(kept: str) -> Call:
    def call(args: List[Any]) -> str:
        text = to_string(_at(args, 0))
        for char in kept:
            text = re.sub(f"(?i)%(?={ord(char):02x})", "%25", text)
        try:
            if re.search(r"%(?![0-9a-fA-F]{2})", text):
                raise ValueError
            return urllib.parse.unquote(text, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise EvaluationError("URIError: URI malformed") from None

    return call


def _escape(args: List[Any]) -> str:
    text = strings.units(to_string(_at(args, 0)))
    return re.sub(r"[^A-Za-z0-9@*_+\-./]", lambda m: _escaped(ord(m.group())), text)


def _escaped(code: int) -> str:
    return f"%{code:02X}" if code < 256 else f"%u{code:04X}"


def _unescape(args: List[Any]) -> str:
    pattern = r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})"
    return re.sub(pattern, lambda m: chr(int(m.group(1) or m.group(2), 16)), to_string(_at(args, 0)))


# --- Date


def _date_function(context: "Context") -> Function:
    statics = {
        "now": lambda args: context.now(),
        "parse": lambda args: whole(parse(to_string(_at(args, 0)), context.zone)),
        "UTC": lambda args: whole(wall_of(args)),
    }
    as_text: Call = lambda args: Date(context.now(), context.zone).primitive(False)  # noqa: E731  # reads better in place
    return _function("Date", as_text, _functions(statics))


def construct(name: str, args: List[Any], context: "Context") -> Js:
    """`new name(arguments)` for the globals that can be constructed."""
    if name == "Date":
        return Date(time_of(args, context.zone) if args else context.now(), context.zone)
    if name == "RegExp":
        pattern = _at(args, 0)
        flags = "" if _at(args, 1) is UNDEFINED else to_string(args[1])
        return RegExp(
            pattern.pattern if isinstance(pattern, RegExp) else "" if pattern is UNDEFINED else to_string(pattern),
            flags,
        )
    if name in ("Array", "Object"):
        return lookup(name, context).call(UNDEFINED, args)
    raise EvaluationError(f"TypeError: {name} is not a constructor")


_GLOBALS: Dict[str, Callable[["Context"], Any]] = {
    "moment": _moment_function,
    "Array": lambda context: _array_function(),
    "Boolean": lambda context: _function("Boolean", lambda args: to_boolean(_at(args, 0))),
    "Date": _date_function,
    "Infinity": lambda context: INFINITY,
    "JSON": lambda context: Namespace(
        "JSON", _functions({"parse": lambda args: parse_json(to_string(_at(args, 0))), "stringify": _stringify})
    ),
    "Math": _math,
    "NaN": lambda context: NAN,
    "Number": lambda context: _function(
        "Number",
        lambda args: to_number(args[0]) if args else 0,
        {"MAX_VALUE": 1.7976931348623157e308, "MIN_VALUE": 5e-324},
    ),
    "Object": lambda context: _object_function(),
    "RegExp": lambda context: _function("RegExp", lambda args: construct("RegExp", args, context)),
    "String": lambda context: _string_function(),
    "decodeURI": lambda context: _function("decodeURI", _decode(";/?:@&=+$,#")),
    "decodeURIComponent": lambda context: _function("decodeURIComponent", _decode("")),
    "encodeURI": lambda context: _function("encodeURI", _encode(";/?:@&=+$,#")),
    "encodeURIComponent": lambda context: _function("encodeURIComponent", _encode("")),
    "escape": lambda context: _function("escape", _escape),
    "isFinite": lambda context: _function("isFinite", lambda args: math.isfinite(to_number(_at(args, 0)))),
    "isNaN": lambda context: _function("isNaN", lambda args: math.isnan(to_number(_at(args, 0)))),
    "parseFloat": lambda context: _function("parseFloat", _parse_float),
    "parseInt": lambda context: _function("parseInt", _parse_int),
    "undefined": lambda context: UNDEFINED,
    "unescape": lambda context: _function("unescape", _unescape),
}
