"""Calls of global functions -> JSONata: JSON, Object, Math, Number and their like; `new Date`."""

from typing import Any, Callable, Dict, List, Sequence

from stepdig.expressions import conversions as convert
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.evaluate import source
from stepdig.expressions.jsglobals import is_global
from stepdig.expressions.nodes import Call, Constant, Member, Name, New, Node, Regex
from stepdig.expressions.values import Any_, Instant, Value

Args = Sequence[Node]


def call(e: Emitter, node: Call) -> Any_:
    """Return the value of a call."""
    from stepdig.expressions import methods, moment_jsonata, pattern_jsonata  # loaded for those that call them

    callee = node.callee
    name = _global_name(callee)
    if name == "Object.prototype.toString.call" and node.arguments:
        return Value(f"$j_tag({e.plain(node.arguments[0]).code})", "str", present=True)
    if name in ("moment", "moment.utc", "moment.unix"):
        return moment_jsonata.made(e, node, name)
    if name in _CALLS:
        return _CALLS[name](e, node, node.arguments)
    if name:
        e.refuse(node, f"{name}() is not supported in a state of the machine")
    if not isinstance(callee, Member):
        e.refuse(node, f"{source(callee)} cannot be called here", "only functions and methods by name can be called")
    if callee.name == "test" and node.arguments and isinstance(callee.object, (Regex, Constant)):
        return pattern_jsonata.tested(e, node, callee.object)
    base = e.value(callee.object)
    if isinstance(base, Instant):
        return moment_jsonata.method(e, node, base, callee.name)
    return methods.method(e, node, base, callee.name)


def construct(e: Emitter, node: New) -> Any_:
    """Return the value of `new Date(...)`; nothing else can be constructed."""
    from stepdig.expressions import moment_jsonata  # loaded for those that have dates

    if isinstance(node.callee, Name) and node.callee.name == "Date" and len(node.arguments) < 2:
        return moment_jsonata.date(e, node)
    return e.refuse(
        node, f"new {source(node.callee)}(...) is not supported in a state of the machine", "use moment(...)"
    )


def _global_name(node: Node) -> str:
    """Return `Math.floor` and the like for a chain of members that starts at a global name, else ""."""
    root = node
    while isinstance(root, Member):
        root = root.object
    return source(node) if isinstance(root, Name) and is_global(root.name) else ""


def _argument(e: Emitter, node: Node, args: Args, index: int = 0) -> Value:
    if len(args) <= index:
        raise ExpressionError("an argument is missing", node.start, node.end)
    return e.plain(args[index])


def _json_parse(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(f"$parse({convert.string(e, _argument(e, node, args))})", "any", present=True)


def _json_stringify(e: Emitter, node: Node, args: Args) -> Any_:
    if len(args) != 1:
        e.refuse(node, "JSON.stringify with an indent is not supported in a state of the machine", "leave it out")
    value = _argument(e, node, args)
    if value.type in ("undef",):
        return value
    return Value(convert.as_json(e, value), "str", present=True)


def _keys(e: Emitter, node: Node, args: Args) -> Any_:
    value = _argument(e, node, args)
    code = f"[$keys({value.code})]" if value.type == "obj" else f"$j_keys({value.code})"
    return Value(code, "arr", present=True)


def _is_array(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(f"($type({_argument(e, node, args).code})='array')", "bool", present=True)


def _is_nan(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(
        f"$not($exists({convert.numeric(e, e.value(args[0])).code}))" if args else "true", "bool", present=True
    )


def _is_finite(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(f"$exists({convert.numeric(e, e.value(args[0])).code})" if args else "false", "bool", present=True)


def _parsed(pattern: str) -> Callable[[Emitter, Node, Args], Any_]:
    def emit(e: Emitter, node: Node, args: Args) -> Any_:
        if len(args) > 1 and not (isinstance(args[1], Constant) and args[1].value == 10):
            e.refuse(args[1], "only the radix 10 is supported in a state of the machine")
        text = convert.string(e, _argument(e, node, args))
        return Value(f"$j_n($match({text},{pattern})[0].match)", "num", nan=True, present=True)

    return emit


def _string(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(convert.string(e, e.value(args[0])) if args else "''", "str", present=True)


def _number(e: Emitter, node: Node, args: Args) -> Any_:
    return convert.numeric(e, e.value(args[0])) if args else Value("0", "num")


def _boolean(e: Emitter, node: Node, args: Args) -> Any_:
    return Value(convert.boolean(e, e.value(args[0])) if args else "false", "bool", present=True)


def _coded(function: str) -> Callable[[Emitter, Node, Args], Any_]:
    return lambda e, node, args: Value(
        f"{function}({convert.string(e, _argument(e, node, args))})", "str", present=True
    )


def _numbers(e: Emitter, node: Node, args: Args) -> List[Value]:
    if not args:
        e.refuse(node, "an argument is missing")
    return [convert.numeric(e, e.value(arg)) for arg in args]


def _math(form: str) -> Callable[[Emitter, Node, Args], Any_]:
    """Return the emitter of a function of as many numbers as the form has places."""

    def emit(e: Emitter, node: Node, args: Args) -> Any_:
        values = _numbers(e, node, args)
        if len(values) < form.count("{"):
            e.refuse(node, "an argument is missing")
        return Value(form.format(*(value.code for value in values)), "num", any(v.nan for v in values), present=True)

    return emit


def _extreme(function: str) -> Callable[[Emitter, Node, Args], Any_]:
    def emit(e: Emitter, node: Node, args: Args) -> Any_:
        values = _numbers(e, node, args)
        code = f"{function}([{','.join(value.code for value in values)}])"
        doubtful = [value.code for value in values if value.nan]
        if doubtful:
            code = f"({' and '.join(f'$exists({one})' for one in doubtful)}?{code})"
        return Value(code, "num", bool(doubtful), present=True)

    return emit


def _power(e: Emitter, node: Node, args: Args) -> Any_:
    values = _numbers(e, node, args)
    if len(values) < 2:
        e.refuse(node, "an argument is missing")
    codes = [e.variable(value.code) for value in values]
    doubtful = [f"$exists({code})" for code, value in zip(codes, values) if value.nan]
    power = f"$power({codes[0]},{codes[1]})"
    return Value(f"({' and '.join(doubtful)}?{power})" if doubtful else power, "num", bool(doubtful), present=True)


def _sqrt(e: Emitter, node: Node, args: Args) -> Any_:
    code = e.variable(_numbers(e, node, args)[0].code)
    return Value(f"({code}>=0?$sqrt({code}))", "num", nan=True, present=True)


def _now(e: Emitter, node: Node, args: Args) -> Any_:
    return Value("$millis()", "num", present=True)


_INTEGER = r"/^\s*[-+]?[0-9]+/"
_FLOAT = r"/^\s*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?/"
_CALLS: Dict[str, Callable[[Emitter, Any, Args], Any_]] = {
    "Array.isArray": _is_array,
    "Boolean": _boolean,
    "Date.now": _now,
    "JSON.parse": _json_parse,
    "JSON.stringify": _json_stringify,
    "Math.abs": _math("$abs({})"),
    "Math.ceil": _math("$ceil({})"),
    "Math.floor": _math("$floor({})"),
    "Math.max": _extreme("$max"),
    "Math.min": _extreme("$min"),
    "Math.pow": _power,
    "Math.random": lambda e, node, args: Value("$random()", "num", present=True),
    "Math.round": _math("$floor({} + 0.5)"),
    "Math.sqrt": _sqrt,
    "Number": _number,
    "Object.keys": _keys,
    "String": _string,
    "decodeURI": _coded("$decodeUrl"),
    "decodeURIComponent": _coded("$decodeUrlComponent"),
    "encodeURI": _coded("$encodeUrl"),
    "encodeURIComponent": _coded("$encodeUrlComponent"),
    "isFinite": _is_finite,
    "isNaN": _is_nan,
    "moment.now": _now,
    "parseFloat": _parsed(_FLOAT),
    "parseInt": _parsed(_INTEGER),
}
