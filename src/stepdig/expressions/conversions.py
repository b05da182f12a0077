"""JavaScript's conversions of translated values: to text, string, number, boolean, JSON, and to milliseconds."""

from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.instants import utc
from stepdig.expressions.moment_format import TO_STRING
from stepdig.expressions.nodes import Node
from stepdig.expressions.values import NOTHING, TEXTS, Any_, Instant, Value
from stepdig.expressions.variables import Variables


def text(e: Variables, value: Any_) -> str:
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


def _doubtful(e: Variables, value: Instant, quote: str) -> str:
    variable = e.variable(utc(e, value))
    return f"($exists({variable})?'{quote}'&$fromMillis({variable})&'{quote}':'null')"


def string(e: Variables, value: Any_) -> str:
    """Return code of ToString, as `+` and `join` use it."""
    if isinstance(value, Instant):
        from stepdig.expressions.moment_picture import formatted  # few moments become text as they are

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


def numeric(e: Variables, value: Any_) -> Value:
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


def boolean(e: Variables, value: Any_) -> str:
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


def as_json(e: Variables, value: Any_) -> str:
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


def plain(e: Variables, value: Any_) -> Value:
    """Return a value as it is stored in arrays and objects: moments are their JSON text."""
    if isinstance(value, Instant):
        if value.doubtful:
            variable = e.variable(utc(e, value))
            return Value(f"($exists({variable})?$fromMillis({variable}):null)", "any")
        return Value(f"$fromMillis({utc(e, value)})", "str", present=True)
    return value


def refuse_function(value: Any_, start: int, end: int) -> Any_:
    """Return the value, or raise for a function that was not called."""
    if value.type == "function":
        raise ExpressionError("this is a function, not a value", start, end, "call it with ()")
    return value


def chosen(e: Variables, node: Node, test: str, yes: Any_, no: Any_) -> Any_:
    """Return `test ? yes : no` of two values."""
    if isinstance(yes, Instant) or isinstance(no, Instant):
        if not (isinstance(yes, Instant) and isinstance(no, Instant) and yes.utc == no.utc):
            e.refuse(node, "one branch is a moment, the other is not", "call .format() on the moment")
        doubtful = yes.doubtful or no.doubtful
        return Instant(f"({test}?{utc(e, yes)}:{utc(e, no)})", utc=yes.utc, doubtful=doubtful)
    kind = yes.type if yes.type == no.type else "str" if {yes.type, no.type} <= TEXTS else "any"
    if kind == "undef":
        return NOTHING
    return Value(f"({test}?{yes.code}:{no.code})", kind, yes.nan or no.nan, yes.present and no.present)
