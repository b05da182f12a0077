"""moment chains -> JSONata: arithmetic on milliseconds, of the clock on the wall where moment steps there.

Constant amounts are added up while compiling. In a zone with daylight saving time each step on the wall is brought back
to the instant, by the rows in `<run>.tz`, as moment does.
"""

from typing import Any, Callable, Dict

from stepdig.expressions import conversions as convert
from stepdig.expressions import instants
from stepdig.expressions.clock import DAY
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.moment_format import DEFAULT, DEFAULT_UTC, TO_STRING, tokens
from stepdig.expressions.moment_methods import METHODS
from stepdig.expressions.moment_picture import formatted, number_of, quarter, week, weekday
from stepdig.expressions.moment_steps import beginning, end_of, ending, start_of, stepping, unit_of
from stepdig.expressions.moments import DAYS_OF, MILLISECONDS, MONTHS_OF
from stepdig.expressions.nodes import Call, Constant, New, Node
from stepdig.expressions.values import Any_, Instant, Value, literal, quoted


def made(e: Emitter, node: Call, name: str) -> Any_:
    """Return `moment(...)`, `moment.utc(...)` or `moment.unix(...)`."""
    if name == "moment.unix":
        if not node.arguments:
            e.refuse(node, "moment.unix needs seconds")
        seconds = convert.numeric(e, e.value(node.arguments[0]))
        return Instant(f"({seconds.code} * 1000)", doubtful=seconds.nan)
    utc = name == "moment.utc"
    if len(node.arguments) > 1:
        return _by_format(e, node, utc)
    if not node.arguments:
        return Instant("$millis()", utc=utc)
    return _from(e, e.value(node.arguments[0]), node, utc)


_DIGITS = {"YYYY": "[Y0001]", "MM": "[M01]", "DD": "[D01]", "HH": "[H01]", "mm": "[m01]", "ss": "[s01]"}


def _by_format(e: Emitter, node: Call, utc: bool) -> Any_:
    """Return `moment(text, format)` for a constant format of whole, two-digit parts that begins with the year."""
    form = node.arguments[1]
    known = tokens(form.value) if isinstance(form, Constant) and isinstance(form.value, str) else ()
    shown = [token.text for token in known if not token.literal]
    if len(node.arguments) > 2 or "YYYY" not in shown or any(mark not in _DIGITS for mark in shown):
        e.refuse(
            node, "moment(text, format) takes only YYYY MM DD HH mm ss in a state of the machine", "use ISO 8601 texts"
        )
    picture = "".join(token.text if token.literal else _DIGITS[token.text] for token in known)
    text = convert.string(e, convert.plain(e, e.value(node.arguments[0])))
    length = sum(len(token.text) for token in known)  # what follows is left unread, as moment does
    code = f"$toMillis($substring({text},0,{length}),{quoted(picture)})"
    return Instant(code, wall=not utc, utc=utc, doubtful=True)


def date(e: Emitter, node: New) -> Any_:
    """Return `new Date()` or `new Date(x)`."""
    if not node.arguments:
        return Instant("$millis()", is_date=True)
    value = e.value(node.arguments[0])
    if isinstance(value, Value) and value.type == "date":
        return Instant(f"$toMillis({value.code})", is_date=True)
    found = _from(e, value, node, False)
    return found._replace(is_date=True, utc=False) if not found.wall else Instant(instants.utc(e, found), is_date=True)


def _from(e: Emitter, value: Any_, node: Node, utc: bool) -> Instant:
    """Return a value as a moment."""
    if isinstance(value, Instant):
        return value._replace(code=instants.utc(e, value), wall=False, shift=0, utc=utc or value.utc, is_date=False)
    if value.type == "iso":
        return Instant(f"$toMillis({value.code})", utc=utc)
    if value.type == "date":
        return Instant(f"$toMillis({value.code})", wall=not utc, utc=utc)
    if value.type == "ymd":
        return Instant(f"$toMillis({value.code},'[Y0001][M01][D01]')", wall=not utc, utc=utc)
    if value.type == "lt":
        return Instant(f"$toMillis($replace({value.code},' ','T') & 'Z')", wall=not utc, utc=utc)
    if value.type == "num":
        return Instant(value.code, utc=utc, doubtful=value.nan)
    if value.type in ("any", "str"):
        if utc:
            e.refuse(node, "moment.utc of a text is not supported in a state of the machine", "use moment(text).utc()")
        e.needs_tz = e.needs_tz or not e.zone.fixed
        return Instant(f"$j_date({value.code})", doubtful=value.type == "any")
    return e.refuse(node, "moment() of this value is not supported")


# --- methods


def method(e: Emitter, node: Call, moment: Instant, name: str) -> Any_:
    """Return the value of a method call on a moment (or Date)."""
    emit = (_DATE_METHODS if moment.is_date else _METHODS).get(name)
    if emit is not None:
        return emit(e, node, moment)
    if moment.is_date:
        e.refuse(
            node, f"Date method .{name}() is not supported in a state of the machine", "use moment(...).format(...)"
        )
    if name == "tz":
        e.refuse(
            node, "moment method .tz() is not supported", "Digdag has no moment-timezone; set the workflow's timezone:"
        )
    known = name in METHODS
    return e.refuse(node, f"moment method .{name}() is not supported{' in a state of the machine' if known else ''}")


def _utc(e: Emitter, node: Call, moment: Instant) -> Any_:
    if moment.wall:
        return Instant(instants.utc(e, moment), utc=True, doubtful=moment.doubtful)
    return moment._replace(utc=True)


def _to_local(e: Emitter, node: Call, moment: Instant) -> Any_:
    return moment._replace(utc=False)


def _format(e: Emitter, node: Call, moment: Instant) -> Any_:
    default = DEFAULT_UTC if moment.utc else DEFAULT
    form = node.arguments[0] if node.arguments else Constant(default, 0, 0)
    if not isinstance(form, Constant):
        e.refuse(form, "the format must be a constant text")
    return formatted(e, moment, form.value if isinstance(form.value, str) and form.value else default)


def _iso(e: Emitter, node: Call, moment: Instant) -> Any_:
    value = convert.plain(e, moment)
    return value if moment.doubtful else Value(value.code, "str", present=True)


def _milliseconds(e: Emitter, node: Call, moment: Instant) -> Any_:
    return Value(f"({instants.utc(e, moment)})", "num", nan=moment.doubtful, present=True)


def _unix(e: Emitter, node: Call, moment: Instant) -> Any_:
    return Value(f"$floor(({instants.utc(e, moment)}) / 1000)", "num", nan=moment.doubtful, present=True)


def _days_in_month(e: Emitter, node: Call, moment: Instant) -> Any_:
    start = e.variable(f"$j_start({instants.wall(e, moment)})")
    return Value(f"(($j_month({start},1) - {start}) / {DAY})", "num", nan=moment.doubtful, present=True)


def _getter(compute: Callable[[str], str]) -> Callable[[Emitter, Call, Instant], Any_]:
    def emit(e: Emitter, node: Call, moment: Instant) -> Any_:
        if node.arguments:
            e.refuse(
                node, "setting a field of a moment is not supported in a state of the machine", "use .add or .startOf"
            )
        wall = instants.wall(e, moment)
        return Value(f"({compute(f'({wall})' if ' ' in wall else wall)})", "num", nan=moment.doubtful, present=True)

    return emit


def _picture(picture: str, minus: int = 0) -> Callable[[Emitter, Call, Instant], Any_]:
    return _getter(lambda wall: number_of(wall, picture) + (f" - {minus}" if minus else ""))


def _other(e: Emitter, node: Call) -> Instant:
    if not node.arguments:
        e.refuse(node, "an argument is missing")
    return _from(e, e.value(node.arguments[0]), node, False)


def _compared(sign: str) -> Callable[[Emitter, Call, Instant], Any_]:
    """Return the emitter of isBefore (<), isAfter (>), isSame (=) and their unions."""

    def emit(e: Emitter, node: Call, moment: Instant) -> Any_:
        other = instants.utc(e, _other(e, node))
        if len(node.arguments) < 2:
            return Value(f"({instants.utc(e, moment)} {sign} {other})", "bool", present=True)
        name = unit_of(node.arguments[1])
        start, end = instants.utc(e, beginning(e, moment, name)), instants.utc(e, ending(e, moment, name))
        forms = {"<": "({1} < {2})", ">": "({0} > {2})", "<=": "({0} <= {2})", ">=": "({1} >= {2})"}
        form = forms.get(sign, "({0} <= {2} and {2} <= {1})")
        return Value(form.format(start, end, e.variable(other)), "bool", present=True)

    return emit


def _diff(e: Emitter, node: Call, moment: Instant) -> Any_:
    other = _other(e, node)
    name = unit_of(node.arguments[1]) if len(node.arguments) > 1 else "millisecond"
    if name in MONTHS_OF:
        e.refuse(node, "diff in months, quarters or years is not supported in a state of the machine", "use days")
    other = (
        other._replace(utc=moment.utc)
        if not other.wall
        else Instant(instants.utc(e, other), utc=moment.utc, doubtful=other.doubtful)
    )
    size = MILLISECONDS.get(name or "") or DAYS_OF.get(name or "", 0) * DAY or 1
    measure = instants.wall if name in DAYS_OF else instants.utc
    difference = f"(({measure(e, moment)}) - ({measure(e, other)})) / {size}"
    doubtful = moment.doubtful or other.doubtful
    exact = len(node.arguments) > 2 and isinstance(node.arguments[2], Constant) and node.arguments[2].value
    if exact:
        return Value(f"({difference})", "num", nan=doubtful, present=True)
    variable = e.variable(f"({difference})")
    return Value(f"({variable} < 0 ? $ceil({variable}) : $floor({variable}))", "num", nan=doubtful, present=True)


def _utc_offset(e: Emitter, node: Call, moment: Instant) -> Any_:
    if node.arguments:
        e.refuse(node, "setting the offset of a moment is not supported in a state of the machine", "use .utc()")
    if moment.utc:
        return literal(0)
    if e.zone.fixed:
        return literal(e.zone.base // 60_000)
    e.needs_tz = True
    return Value(f"($j_off({instants.utc(e, moment)}) / 60000)", "num", present=True)


def _text(form: str) -> Callable[[Emitter, Call, Instant], Any_]:
    return lambda e, node, moment: formatted(e, moment, form)


_FIELDS: Dict[str, Callable[[Emitter, Any, Instant], Any_]] = {
    "year": _picture("[Y0001]"),
    "month": _picture("[M01]", 1),
    "date": _picture("[D01]"),
    "hour": _picture("[H01]"),
    "minute": _picture("[m01]"),
    "second": _picture("[s01]"),
    "millisecond": _picture("[f001]"),
    "day": _getter(weekday),
    "week": _getter(week),
    "isoWeek": _picture("[W01]"),
    "quarter": _getter(quarter),
}
_METHODS: Dict[str, Callable[[Emitter, Any, Instant], Any_]] = {
    **_FIELDS,
    **{name + "s": emit for name, emit in _FIELDS.items()},
    "add": stepping(1),
    "clone": lambda e, node, moment: moment,
    "dayOfYear": _picture("[d001]"),
    "daysInMonth": _days_in_month,
    "diff": _diff,
    "endOf": end_of,
    "format": _format,
    "isAfter": _compared(">"),
    "isBefore": _compared("<"),
    "isSame": _compared("="),
    "isSameOrAfter": _compared(">="),
    "isSameOrBefore": _compared("<="),
    "isValid": lambda e, node, moment: Value(f"$exists({instants.utc(e, moment)})", "bool", present=True),
    "isoWeekYear": _picture("[X0001]"),
    "isoWeekday": _picture("[F1]"),
    "local": _to_local,
    "startOf": start_of,
    "subtract": stepping(-1),
    "toDate": lambda e, node, moment: Instant(instants.utc(e, moment), is_date=True, doubtful=moment.doubtful),
    "toISOString": _iso,
    "toJSON": _iso,
    "toString": _text(TO_STRING),
    "unix": _unix,
    "utc": _utc,
    "utcOffset": _utc_offset,
    "valueOf": _milliseconds,
    "weekday": _getter(weekday),
}
_DATE_METHODS: Dict[str, Callable[[Emitter, Any, Instant], Any_]] = {
    "getDate": _FIELDS["date"],
    "getDay": _FIELDS["day"],
    "getFullYear": _FIELDS["year"],
    "getHours": _FIELDS["hour"],
    "getMinutes": _FIELDS["minute"],
    "getMonth": _FIELDS["month"],
    "getSeconds": _FIELDS["second"],
    "getTime": _milliseconds,
    "toISOString": _iso,
    "toJSON": _iso,
    "toLocaleDateString": _text("M/D/YYYY"),
    "toLocaleString": _text("M/D/YYYY, h:mm:ss A"),
    "toLocaleTimeString": _text("h:mm:ss A"),
    "toUTCString": lambda e, node, moment: formatted(e, moment._replace(utc=True), "ddd, DD MMM YYYY HH:mm:ss [GMT]"),
    "valueOf": _milliseconds,
}
