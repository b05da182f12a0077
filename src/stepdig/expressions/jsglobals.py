"""The global names of a template: moment, JSON, Object, Math and the other built-in functions of ES5."""

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from stepdig.expressions import arrays, strings
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsdate import Date, parse, time_of, wall_of
from stepdig.expressions.jsjson import indent_of, keys, parse_json, stringify
from stepdig.expressions.jsmath import math_object, parse_float, parse_int
from stepdig.expressions.jsmoment import moment_function
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.jsuri import decode, encode, escape, unescape
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
    to_number,
    to_string,
    whole,
)
from stepdig.expressions.natives import Call, Namespace, at, function, functions, has_own

if TYPE_CHECKING:
    from stepdig.expressions.scope import Context

_MAX_ARRAY = 1_000_000


def lookup(name: str, context: "Context") -> Js:
    """Return a global value, or raise KeyError when there is none of that name."""
    return _GLOBALS[name](context)


def is_global(name: str) -> bool:
    """Tell whether a name has a meaning without being a parameter."""
    return name in _GLOBALS


# --- Object, JSON, Array


def _keys(args: List[Any]) -> List[Any]:
    value = at(args, 0)
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
        "hasOwnProperty": Function("hasOwnProperty", has_own),
    }
    members = {**functions({"keys": _keys}), "prototype": Namespace("Object", prototype)}
    return function("Object", lambda args: args[0] if args and args[0] not in (None, UNDEFINED) else {}, members)


def _array_function() -> Function:
    def make(args: List[Any]) -> List[Any]:
        if len(args) != 1 or isinstance(args[0], bool) or not isinstance(args[0], (int, float)):
            return list(args)
        if not 0 <= args[0] <= _MAX_ARRAY:
            raise EvaluationError("RangeError: Invalid array length")
        return [UNDEFINED] * int(args[0])

    prototype = {name: arrays.array_member([], name) for name in arrays.ARRAY_METHODS}
    members = {"isArray": function("isArray", lambda args: isinstance(at(args, 0), list))}
    return function("Array", make, {**members, "prototype": Namespace("Array", prototype)})


def _stringify(args: List[Any]) -> Js:
    value, replacer = at(args, 0), at(args, 1)
    if isinstance(replacer, list) and isinstance(value, dict):
        value = {name: value[name] for name in map(to_string, replacer) if name in value}
    return stringify(value, indent_of(at(args, 2)))


def _string_function() -> Function:
    prototype = {name: strings.member("", name) for name in strings.METHODS}
    members = functions({"fromCharCode": lambda args: "".join(chr(to_int32(arg) & 0xFFFF) for arg in args)})
    call: Call = lambda args: to_string(args[0]) if args else ""  # noqa: E731  # reads better in place
    return function("String", call, {**members, "prototype": Namespace("String", prototype)})


# --- Date


def _date_function(context: "Context") -> Function:
    statics = {
        "now": lambda args: context.now(),
        "parse": lambda args: whole(parse(to_string(at(args, 0)), context.zone)),
        "UTC": lambda args: whole(wall_of(args)),
    }
    as_text: Call = lambda args: Date(context.now(), context.zone).primitive(False)  # noqa: E731  # reads better in place
    return function("Date", as_text, functions(statics))


def construct(name: str, args: List[Any], context: "Context") -> Js:
    """`new name(arguments)` for the globals that can be constructed."""
    if name == "Date":
        return Date(time_of(args, context.zone) if args else context.now(), context.zone)
    if name == "RegExp":
        pattern = at(args, 0)
        flags = "" if at(args, 1) is UNDEFINED else to_string(args[1])
        return RegExp(
            pattern.pattern if isinstance(pattern, RegExp) else "" if pattern is UNDEFINED else to_string(pattern),
            flags,
        )
    if name in ("Array", "Object"):
        return lookup(name, context).call(UNDEFINED, args)
    raise EvaluationError(f"TypeError: {name} is not a constructor")


_GLOBALS: Dict[str, Callable[["Context"], Any]] = {
    "moment": moment_function,
    "Array": lambda context: _array_function(),
    "Boolean": lambda context: function("Boolean", lambda args: to_boolean(at(args, 0))),
    "Date": _date_function,
    "Infinity": lambda context: INFINITY,
    "JSON": lambda context: Namespace(
        "JSON", functions({"parse": lambda args: parse_json(to_string(at(args, 0))), "stringify": _stringify})
    ),
    "Math": math_object,
    "NaN": lambda context: NAN,
    "Number": lambda context: function(
        "Number",
        lambda args: to_number(args[0]) if args else 0,
        {"MAX_VALUE": 1.7976931348623157e308, "MIN_VALUE": 5e-324},
    ),
    "Object": lambda context: _object_function(),
    "RegExp": lambda context: function("RegExp", lambda args: construct("RegExp", args, context)),
    "String": lambda context: _string_function(),
    "decodeURI": lambda context: function("decodeURI", decode(";/?:@&=+$,#")),
    "decodeURIComponent": lambda context: function("decodeURIComponent", decode("")),
    "encodeURI": lambda context: function("encodeURI", encode(";/?:@&=+$,#")),
    "encodeURIComponent": lambda context: function("encodeURIComponent", encode("")),
    "escape": lambda context: function("escape", escape),
    "isFinite": lambda context: function("isFinite", lambda args: math.isfinite(to_number(at(args, 0)))),
    "isNaN": lambda context: function("isNaN", lambda args: math.isnan(to_number(at(args, 0)))),
    "parseFloat": lambda context: function("parseFloat", parse_float),
    "parseInt": lambda context: function("parseInt", parse_int),
    "undefined": lambda context: UNDEFINED,
    "unescape": lambda context: function("unescape", unescape),
}
