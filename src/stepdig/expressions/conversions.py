"""JavaScript's conversions of translated values: to text, string, number, boolean, JSON, and to milliseconds."""

from typing import TYPE_CHECKING

from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.moment_format import TO_STRING
from stepdig.expressions.values import NOTHING, TEXTS, Any_, Instant, Value, number

if TYPE_CHECKING:
    from stepdig.expressions.emit import Emitter


def text(e: "Emitter", value: Any_) -> str:
    """Return code of what `${...}` prints."""
    if isinstance(value, Instant):
        return f"('\"' & $fromMillis({utc(e, value)}) & '\"')" if not value.doubtful else _doubtful(e, value, '"')
    if value.json:
        return value.json
    if value.type in TEXTS:
        return value.code
    if value.type == "num":
        return f"$j_nt({value.code})" if value.nan else f"$string({value.code})"
    if value.type in ("bool", "arr", "obj"):
        return f"$string({value.code})"
    if value.type in ("undef", "null"):
        return "''"
    return f"$j_{'nt' if value.nan else 't'}({value.code})"


def _doubtful(e: "Emitter", value: Instant, quote: str) -> str:
    variable = e.variable(utc(e, value))
    return f"($exists({variable})?'{quote}'&$fromMillis({variable})&'{quote}':'null')"


def string(e: "Emitter", value: Any_) -> str:
    """Return code of ToString, as `+` and `join` use it."""
    if isinstance(value, Instant):
        from stepdig.expressions.moment_picture import formatted  # pictures need conversions in turn

        return formatted(e, value, TO_STRING).code
    if value.type in TEXTS:
        return value.code
    if value.type == "num":
        return f"$j_ns({value.code})" if value.nan else f"$string({value.code})"
    if value.type == "bool":
        return f"$string({value.code})"
    if value.type in ("undef", "null"):
        return "'undefined'" if value.type == "undef" else "'null'"
    return f"$j_s({value.code})"


def numeric(e: "Emitter", value: Any_) -> Value:
    """Return ToNumber of a value; NaN is nothing."""
    if isinstance(value, Instant):
        return Value(f"({utc(e, value)})", "num", nan=value.doubtful)
    if value.type == "num":
        return value
    if value.type == "bool":
        return Value(f"({value.code}?1:0)", "num")
    if value.type == "null":
        return Value("0", "num")
    if value.type == "undef":
        return Value(NOTHING.code, "num", nan=True)
    return Value(f"$j_n({value.code})", "num", nan=value.type != "ymd")


def boolean(e: "Emitter", value: Any_) -> str:
    """Return code of ToBoolean."""
    if isinstance(value, Instant):
        return "true"
    if value.type == "bool":
        return value.code
    if value.type in ("arr", "obj"):
        return "true"
    if value.type in ("undef", "null"):
        return "false"
    if value.type in TEXTS:
        return f"({value.code}!='')"
    if value.type == "num":
        return f"$j_b({value.code})" if value.nan else f"({value.code}!=0)"
    return f"$j_b({value.code})"


def as_json(e: "Emitter", value: Any_) -> str:
    """Return code of the JSON text of a value inside an array: nothing is null."""
    if isinstance(value, Instant):
        return text(e, value)
    if value.json:
        return value.json
    if value.type in ("bool", "arr", "obj"):
        return f"$string({value.code})"
    if value.type == "num" and not value.nan:
        return f"$string({value.code})"
    return "'null'" if value.type in ("undef", "null") else f"$j_j({value.code})"


def plain(e: "Emitter", value: Any_) -> Value:
    """Return a value as it is stored in arrays and objects: moments are their JSON text."""
    if isinstance(value, Instant):
        if value.doubtful:
            variable = e.variable(utc(e, value))
            return Value(f"($exists({variable})?$fromMillis({variable}):null)", "any")
        return Value(f"$fromMillis({utc(e, value)})", "str", present=True)
    return value


def utc(e: "Emitter", value: Instant) -> str:
    """Return code of the milliseconds since 1970 (an operand of +, - or a call's argument, not more)."""
    if not value.wall or value.utc:
        return plus(value.code, value.shift)
    if e.zone.fixed:
        return plus(value.code, value.shift - e.zone.base)
    e.needs_tz = True
    return f"$j_utc({plus(value.code, value.shift)})"


def wall(e: "Emitter", value: Instant) -> str:
    """Return code of the milliseconds that the moment's wall clock shows."""
    if value.utc:
        return utc(e, value)
    if e.zone.fixed:
        return plus(value.code, value.shift + (0 if value.wall else e.zone.base))
    e.needs_tz = True
    return f"$j_wall({utc(e, value)})"


def plus(code: str, shift: float) -> str:
    """Return code plus a constant."""
    if not shift:
        return code
    return f"{code} - {number(-shift)}" if shift < 0 else f"{code} + {number(shift)}"


def refuse_function(value: Any_, start: int, end: int) -> Any_:
    """Return the value, or raise for a function that was not called."""
    if value.type == "function":
        raise ExpressionError("this is a function, not a value", start, end, "call it with ()")
    return value
