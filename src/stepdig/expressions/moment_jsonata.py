"""moment chains -> JSONata: arithmetic on milliseconds, of the clock on the wall where moment steps there.

Constant amounts are added up while compiling. In a zone with daylight saving time each step on the wall is brought back
to the instant, by the rows in `<run>.tz`, as moment does.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

from stepdig.expressions import conversions as convert
from stepdig.expressions.clock import DAY
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.jsvalues import to_number
from stepdig.expressions.moment_format import DEFAULT, DEFAULT_UTC, TO_STRING, tokens
from stepdig.expressions.moment_methods import METHODS
from stepdig.expressions.moment_picture import formatted, number_of, quarter, week, weekday
from stepdig.expressions.moments import DAYS_OF, MILLISECONDS, MONTHS_OF, bounded, round_away, unit
from stepdig.expressions.nodes import Call, Constant, New, Node, ObjectLiteral
from stepdig.expressions.values import Any_, Instant, Value, literal, number, quoted

if TYPE_CHECKING:
    from stepdig.expressions.emit import Emitter


def made(e: "Emitter", node: Call, name: str) -> Any_:
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


def _by_format(e: "Emitter", node: Call, utc: bool) -> Any_:
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


def date(e: "Emitter", node: New) -> Any_:
    """Return `new Date()` or `new Date(x)`."""
    if not node.arguments:
        return Instant("$millis()", is_date=True)
    value = e.value(node.arguments[0])
    if isinstance(value, Value) and value.type == "date":
        return Instant(f"$toMillis({value.code})", is_date=True)
    found = _from(e, value, node, False)
    return found._replace(is_date=True, utc=False) if not found.wall else Instant(convert.utc(e, found), is_date=True)


def _from(e: "Emitter", value: Any_, node: Node, utc: bool) -> Instant:
    """Return a value as a moment."""
    if isinstance(value, Instant):
        return value._replace(code=convert.utc(e, value), wall=False, shift=0, utc=utc or value.utc, is_date=False)
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


def method(e: "Emitter", node: Call, moment: Instant, name: str) -> Any_:
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


def _unit(node: Node) -> Optional[str]:
    """Return the unit that a constant argument names."""
    if not isinstance(node, Constant):
        raise ExpressionError("the unit must be a constant text", node.start, node.end, "write 'days'")
    found = unit(node.value)
    if found is None and isinstance(node.value, str):
        raise ExpressionError(f"unknown unit '{node.value}'", node.start, node.end, "write 'days', 'hours' or 'months'")
    return found


def _step(sign: int) -> Callable[["Emitter", Call, Instant], Any_]:
    def emit(e: "Emitter", node: Call, moment: Instant) -> Any_:
        arguments = list(node.arguments)
        if len(arguments) == 1 and isinstance(arguments[0], Constant) and isinstance(arguments[0].value, dict):
            pairs = [(Constant(v, node.start, node.end), unit(k)) for k, v in arguments[0].value.items()]
            return _steps(e, node, moment, pairs, sign)
        if len(arguments) == 1 and isinstance(arguments[0], ObjectLiteral):
            return _steps(e, node, moment, list(zip(arguments[0].values, map(unit, arguments[0].names))), sign)
        if not arguments:
            return moment
        if len(arguments) > 1 and isinstance(arguments[1], Constant) and isinstance(arguments[1].value, (int, float)):
            arguments = [arguments[1], arguments[0]]
        name = _unit(arguments[1]) if len(arguments) > 1 else "millisecond"
        return _shifted(e, moment, arguments[0], name, sign)

    return emit


def _steps(e: "Emitter", node: Node, moment: Instant, pairs: List[Any], sign: int) -> Instant:
    """Add several amounts in moment's order: months, days, then exact time."""
    groups = (MONTHS_OF, DAYS_OF, MILLISECONDS)
    for group in groups:
        for value, name in pairs:
            if name in group:
                moment = _shifted(e, moment, value, name, sign)
    return moment


def _local(moment: Instant, code: str, shift: float = 0) -> Instant:
    """Return a moment at a wall clock."""
    return Instant(code, wall=not moment.utc, shift=shift, utc=moment.utc, doubtful=moment.doubtful)


def _shifted(e: "Emitter", moment: Instant, amount: Node, name: Optional[str], sign: int) -> Instant:
    """Return the moment moved by an amount of one unit."""
    if name in MONTHS_OF:
        return _by_months(e, moment, amount, MONTHS_OF[name], sign)
    size = MILLISECONDS.get(name or "") or DAYS_OF.get(name or "", 0) * DAY
    if not size:
        return moment
    whole_days = name in DAYS_OF
    if isinstance(amount, Constant):
        return _by_constant(e, moment, _amount(amount), size, sign, whole_days)
    value = e.value(amount)
    plain = isinstance(value, Value) and value.type == "num" and not value.nan
    count = value.code if plain else f"$j_amount({convert.plain(e, value).code})"
    if whole_days:
        count = f"$j_round({count}{' * 7' if name == 'week' else ''})"
        size = DAY
    product = f"{count} * {size}" if size > 1 else count
    if whole_days and not moment.utc and not e.zone.fixed:
        e.needs_tz = True
        return moment._replace(
            code=f"$j_days({convert.utc(e, moment)},{'-' if sign < 0 else ''}{product})",
            wall=False,
            shift=0,
            is_date=False,
        )
    return Instant(
        f"({convert.utc(e, moment)} {'-' if sign < 0 else '+'} {product})", utc=moment.utc, doubtful=moment.doubtful
    )


def _amount(node: Constant) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0
    return bounded(to_number(value))


def _by_constant(
    e: "Emitter", moment: Instant, amount: float, size: int, sign: int, whole_days: bool
) -> Instant:  # a step has that many sides
    shift = sign * (round_away(amount * size / DAY) * DAY if whole_days else int(amount * size))
    if not shift:
        return moment
    if moment.utc or e.zone.fixed or whole_days == moment.wall:
        if not e.zone.fixed and moment.wall and moment.shift:
            moment = Instant(convert.wall(e, moment), wall=True, doubtful=moment.doubtful)
        return moment._replace(shift=moment.shift + shift)
    if whole_days:
        return _local(moment, convert.wall(e, moment), shift)
    return Instant(convert.utc(e, moment), shift=shift, utc=moment.utc, doubtful=moment.doubtful)


def _by_months(e: "Emitter", moment: Instant, amount: Node, size: int, sign: int) -> Instant:
    if isinstance(amount, Constant):
        months = round_away(_amount(amount) * size) * sign
        return _local(moment, f"$j_month({convert.wall(e, moment)},{number(months)})") if months else moment
    value = convert.plain(e, e.value(amount))
    count = f"$j_round($j_amount({value.code}){f' * {size}' if size > 1 else ''})"
    if not moment.utc and not e.zone.fixed:
        code = f"$j_months({convert.utc(e, moment)},{'-' if sign < 0 else ''}{count})"
        return Instant(code, doubtful=moment.doubtful)
    return _local(moment, f"$j_month({convert.wall(e, moment)},{'-' if sign < 0 else ''}{count})")


def _start_of(e: "Emitter", node: Call, moment: Instant) -> Any_:
    return _start(e, moment, _unit(node.arguments[0])) if node.arguments else moment


def _start(e: "Emitter", moment: Instant, name: Optional[str]) -> Instant:
    wall = convert.wall(e, moment)
    if name in MILLISECONDS or name in ("day", "date"):
        size = MILLISECONDS.get(name or "", DAY)
        return moment if size == 1 else _local(moment, f"$floor(({wall}) / {size}) * {size}")
    if name in ("week", "isoWeek"):
        if not e.zone.fixed and not moment.utc:  # moment goes to midnight first, then back by days
            wall = convert.wall(e, _start(e, moment, "day"))
        into = 3 if name == "isoWeek" else 4  # 1970-01-01 was a Thursday
        return _local(moment, f"($floor((({wall}) / {DAY} + {into}) / 7) * 7 - {into}) * {DAY}")
    if name == "month":
        return _local(moment, f"$j_start({wall})")
    if name == "year":
        return _local(moment, f"$toMillis($fromMillis({wall},'[Y0001]-01-01T00:00:00.000Z'))")
    if name == "quarter":
        variable = e.variable(wall)
        return _local(moment, f"$j_month($j_start({variable}),-(({number_of(variable, '[M1]')} - 1) % 3))")
    return moment


def _end_of(e: "Emitter", node: Call, moment: Instant) -> Any_:
    name = _unit(node.arguments[0]) if node.arguments else None
    return _end(e, moment, name)


def _end(e: "Emitter", moment: Instant, name: Optional[str]) -> Instant:
    if name in (None, "millisecond"):
        return moment
    name = "day" if name == "date" else name
    start = _start(e, moment, name)
    one = Constant(1, 0, 0)
    after = _shifted(e, start, one, "week" if name == "isoWeek" else name, 1)
    return _by_constant(e, after, 1, 1, -1, False)


def _utc(e: "Emitter", node: Call, moment: Instant) -> Any_:
    if moment.wall:
        return Instant(convert.utc(e, moment), utc=True, doubtful=moment.doubtful)
    return moment._replace(utc=True)


def _to_local(e: "Emitter", node: Call, moment: Instant) -> Any_:
    return moment._replace(utc=False)


def _format(e: "Emitter", node: Call, moment: Instant) -> Any_:
    default = DEFAULT_UTC if moment.utc else DEFAULT
    form = node.arguments[0] if node.arguments else Constant(default, 0, 0)
    if not isinstance(form, Constant):
        e.refuse(form, "the format must be a constant text")
    return formatted(e, moment, form.value if isinstance(form.value, str) and form.value else default)


def _iso(e: "Emitter", node: Call, moment: Instant) -> Any_:
    value = convert.plain(e, moment)
    return value if moment.doubtful else Value(value.code, "str", present=True)


def _milliseconds(e: "Emitter", node: Call, moment: Instant) -> Any_:
    return Value(f"({convert.utc(e, moment)})", "num", nan=moment.doubtful, present=True)


def _unix(e: "Emitter", node: Call, moment: Instant) -> Any_:
    return Value(f"$floor(({convert.utc(e, moment)}) / 1000)", "num", nan=moment.doubtful, present=True)


def _days_in_month(e: "Emitter", node: Call, moment: Instant) -> Any_:
    start = e.variable(f"$j_start({convert.wall(e, moment)})")
    return Value(f"(($j_month({start},1) - {start}) / {DAY})", "num", nan=moment.doubtful, present=True)


def _getter(compute: Callable[[str], str]) -> Callable[["Emitter", Call, Instant], Any_]:
    def emit(e: "Emitter", node: Call, moment: Instant) -> Any_:
        if node.arguments:
            e.refuse(
                node, "setting a field of a moment is not supported in a state of the machine", "use .add or .startOf"
            )
        wall = convert.wall(e, moment)
        return Value(f"({compute(f'({wall})' if ' ' in wall else wall)})", "num", nan=moment.doubtful, present=True)

    return emit


def _picture(picture: str, minus: int = 0) -> Callable[["Emitter", Call, Instant], Any_]:
    return _getter(lambda wall: number_of(wall, picture) + (f" - {minus}" if minus else ""))


def _other(e: "Emitter", node: Call) -> Instant:
    if not node.arguments:
        e.refuse(node, "an argument is missing")
    return _from(e, e.value(node.arguments[0]), node, False)


def _compared(sign: str) -> Callable[["Emitter", Call, Instant], Any_]:
    """Return the emitter of isBefore (<), isAfter (>), isSame (=) and their unions."""

    def emit(e: "Emitter", node: Call, moment: Instant) -> Any_:
        other = convert.utc(e, _other(e, node))
        if len(node.arguments) < 2:
            return Value(f"({convert.utc(e, moment)} {sign} {other})", "bool", present=True)
        name = _unit(node.arguments[1])
        start, end = convert.utc(e, _start(e, moment, name)), convert.utc(e, _end(e, moment, name))
        forms = {"<": "({1} < {2})", ">": "({0} > {2})", "<=": "({0} <= {2})", ">=": "({1} >= {2})"}
        form = forms.get(sign, "({0} <= {2} and {2} <= {1})")
        return Value(form.format(start, end, e.variable(other)), "bool", present=True)

    return emit


def _diff(e: "Emitter", node: Call, moment: Instant) -> Any_:
    other = _other(e, node)
    name = _unit(node.arguments[1]) if len(node.arguments) > 1 else "millisecond"
    if name in MONTHS_OF:
        e.refuse(node, "diff in months, quarters or years is not supported in a state of the machine", "use days")
    other = (
        other._replace(utc=moment.utc)
        if not other.wall
        else Instant(convert.utc(e, other), utc=moment.utc, doubtful=other.doubtful)
    )
    size = MILLISECONDS.get(name or "") or DAYS_OF.get(name or "", 0) * DAY or 1
    measure = convert.wall if name in DAYS_OF else convert.utc
    difference = f"(({measure(e, moment)}) - ({measure(e, other)})) / {size}"
    doubtful = moment.doubtful or other.doubtful
    exact = len(node.arguments) > 2 and isinstance(node.arguments[2], Constant) and node.arguments[2].value
    if exact:
        return Value(f"({difference})", "num", nan=doubtful, present=True)
    variable = e.variable(f"({difference})")
    return Value(f"({variable} < 0 ? $ceil({variable}) : $floor({variable}))", "num", nan=doubtful, present=True)


def _utc_offset(e: "Emitter", node: Call, moment: Instant) -> Any_:
    if node.arguments:
        e.refuse(node, "setting the offset of a moment is not supported in a state of the machine", "use .utc()")
    if moment.utc:
        return literal(0)
    if e.zone.fixed:
        return literal(e.zone.base // 60_000)
    e.needs_tz = True
    return Value(f"($j_off({convert.utc(e, moment)}) / 60000)", "num", present=True)


def _text(form: str) -> Callable[["Emitter", Call, Instant], Any_]:
    return lambda e, node, moment: formatted(e, moment, form)


_FIELDS: Dict[str, Callable[["Emitter", Any, Instant], Any_]] = {
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
_METHODS: Dict[str, Callable[["Emitter", Any, Instant], Any_]] = {
    **_FIELDS,
    **{name + "s": emit for name, emit in _FIELDS.items()},
    "add": _step(1),
    "clone": lambda e, node, moment: moment,
    "dayOfYear": _picture("[d001]"),
    "daysInMonth": _days_in_month,
    "diff": _diff,
    "endOf": _end_of,
    "format": _format,
    "isAfter": _compared(">"),
    "isBefore": _compared("<"),
    "isSame": _compared("="),
    "isSameOrAfter": _compared(">="),
    "isSameOrBefore": _compared("<="),
    "isValid": lambda e, node, moment: Value(f"$exists({convert.utc(e, moment)})", "bool", present=True),
    "isoWeekYear": _picture("[X0001]"),
    "isoWeekday": _picture("[F1]"),
    "local": _to_local,
    "startOf": _start_of,
    "subtract": _step(-1),
    "toDate": lambda e, node, moment: Instant(convert.utc(e, moment), is_date=True, doubtful=moment.doubtful),
    "toISOString": _iso,
    "toJSON": _iso,
    "toString": _text(TO_STRING),
    "unix": _unix,
    "utc": _utc,
    "utcOffset": _utc_offset,
    "valueOf": _milliseconds,
    "weekday": _getter(weekday),
}
_DATE_METHODS: Dict[str, Callable[["Emitter", Any, Instant], Any_]] = {
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
