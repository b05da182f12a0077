"""Calls of methods -> JSONata: which method of which value; those that values of several types have."""

from typing import Any, Callable, Dict

from stepdig.expressions import array_jsonata, strings, text_jsonata
from stepdig.expressions import conversions as convert
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.nodes import Call, Constant
from stepdig.expressions.values import TEXTS, Any_, Value


def method(e: Emitter, node: Call, base: Value, name: str) -> Any_:
    """Return the value of a method call."""
    if base.type == "function":
        e.refuse(node, f"{base.code}.{name}() is not supported in a state of the machine")
    if base.type in ("undef", "null"):
        e.refuse(node, f"TypeError: Cannot read property '{name}' of {'null' if base.type == 'null' else 'undefined'}")
    emit = _METHODS.get(name)
    if emit is None or (name in text_jsonata.METHODS and base.type in ("arr", "obj", "num", "bool")):
        hint = strings.hint_for(name) or ""
        note = " (ES6)" if hint else ""
        e.refuse(node, f"method .{name}() is not supported{note}", hint)
    if name in text_jsonata.METHODS and base.type not in TEXTS:
        base = base._replace(type="any")
    return emit(e, node, base)


def _to_string(e: Emitter, node: Call, base: Value) -> Any_:
    if node.arguments:
        e.refuse(node, "toString with a radix is not supported in a state of the machine")
    return Value(convert.string(e, base), "str", present=True)


def _slice(e: Emitter, node: Call, base: Value) -> Any_:
    numbers = [convert.numeric(e, value).code for value in e.arguments(node)] or ["0"]
    kind = base.type if base.type == "arr" else "str" if base.type in TEXTS else "any"
    return Value(f"$j_slice({','.join([base.code, *numbers])})", kind, present=True)


def _index_of(e: Emitter, node: Call, base: Value) -> Any_:
    if len(node.arguments) != 1:
        e.refuse(node, "indexOf takes one argument in a state of the machine")
    return Value(f"$j_index({base.code},{e.arguments(node)[0].code})", "num", present=True)


def _concat(e: Emitter, node: Call, base: Value) -> Any_:
    values = e.arguments(node)
    if base.type in TEXTS:
        return Value(
            f"({' & '.join([base.code, *(convert.string(e, value) for value in values)])})", "str", present=True
        )
    code = base.code
    for value in values:
        code = f"$append({code},{value.code})" if base.type == "arr" else f"$j_cat({code},{value.code})"
    return Value(code, "arr" if base.type == "arr" else "any", present=True)


def _fixed(e: Emitter, node: Call, base: Value) -> Any_:
    places = node.arguments[0].value if node.arguments and isinstance(node.arguments[0], Constant) else 0
    if (node.arguments and not isinstance(node.arguments[0], Constant)) or not isinstance(places, (int, float)):
        e.refuse(node, "the number of digits must be constant")
    if not 0 <= places <= 15:
        e.refuse(node, "toFixed takes 0 to 15 digits in a state of the machine")
    number = convert.numeric(e, base)
    picture = "0" + ("." + "0" * int(places) if places else "")
    scale = 10 ** int(places)
    code = e.variable(number.code)
    rounded = f"$floor($abs({code})*{scale} + 0.5)/{scale}" if places else f"$floor($abs({code}) + 0.5)"
    text = f"(({code}<0?'-':'') & $formatNumber({rounded},'{picture}'))"
    return Value(f"($exists({code})?{text}:'NaN')" if number.nan else text, "str", present=True)


def _has_own(e: Emitter, node: Call, base: Value) -> Any_:
    return Value(
        f"$exists($lookup({base.code},{convert.string(e, e.arguments(node, least=1)[0])}))", "bool", present=True
    )


_METHODS: Dict[str, Callable[[Emitter, Any, Value], Any_]] = {
    **text_jsonata.METHODS,
    **array_jsonata.METHODS,
    "concat": _concat,
    "hasOwnProperty": _has_own,
    "indexOf": _index_of,
    "slice": _slice,
    "toFixed": _fixed,
    "toString": _to_string,
    "valueOf": lambda e, node, base: base,
}
