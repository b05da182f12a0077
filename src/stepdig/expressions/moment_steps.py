"""Steps in time -> JSONata: add and subtract, the start and the end of a unit; on the wall clock where moment does so."""

from typing import Any, Callable, List, Optional

from stepdig.expressions import conversions as convert
from stepdig.expressions import instants
from stepdig.expressions.clock import DAY
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.jsvalues import to_number
from stepdig.expressions.moment_picture import number_of
from stepdig.expressions.moments import DAYS_OF, MILLISECONDS, MONTHS_OF, bounded, round_away, unit
from stepdig.expressions.nodes import Call, Constant, Node, ObjectLiteral
from stepdig.expressions.values import Any_, Instant, Value, number


def unit_of(node: Node) -> Optional[str]:
    """Return the unit that a constant argument names."""
    if not isinstance(node, Constant):
        raise ExpressionError("the unit must be a constant text", node.start, node.end, "write 'days'")
    found = unit(node.value)
    if found is None and isinstance(node.value, str):
        raise ExpressionError(f"unknown unit '{node.value}'", node.start, node.end, "write 'days', 'hours' or 'months'")
    return found


def stepping(sign: int) -> Callable[[Emitter, Call, Instant], Any_]:
    """Return how `add` (1) or `subtract` (-1) is translated."""

    def emit(e: Emitter, node: Call, moment: Instant) -> Any_:
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
        name = unit_of(arguments[1]) if len(arguments) > 1 else "millisecond"
        return _shifted(e, moment, arguments[0], name, sign)

    return emit


def _steps(e: Emitter, node: Node, moment: Instant, pairs: List[Any], sign: int) -> Instant:
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


def _shifted(e: Emitter, moment: Instant, amount: Node, name: Optional[str], sign: int) -> Instant:
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
            code=f"$j_days({instants.utc(e, moment)},{'-' if sign < 0 else ''}{product})",
            wall=False,
            shift=0,
            is_date=False,
        )
    return Instant(
        f"({instants.utc(e, moment)} {'-' if sign < 0 else '+'} {product})", utc=moment.utc, doubtful=moment.doubtful
    )


def _amount(node: Constant) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0
    return bounded(to_number(value))


def _by_constant(
    e: Emitter, moment: Instant, amount: float, size: int, sign: int, whole_days: bool
) -> Instant:  # a step has that many sides
    shift = sign * (round_away(amount * size / DAY) * DAY if whole_days else int(amount * size))
    if not shift:
        return moment
    if moment.utc or e.zone.fixed or whole_days == moment.wall:
        if not e.zone.fixed and moment.wall and moment.shift:
            moment = Instant(instants.wall(e, moment), wall=True, doubtful=moment.doubtful)
        return moment._replace(shift=moment.shift + shift)
    if whole_days:
        return _local(moment, instants.wall(e, moment), shift)
    return Instant(instants.utc(e, moment), shift=shift, utc=moment.utc, doubtful=moment.doubtful)


def _by_months(e: Emitter, moment: Instant, amount: Node, size: int, sign: int) -> Instant:
    if isinstance(amount, Constant):
        months = round_away(_amount(amount) * size) * sign
        return _local(moment, f"$j_month({instants.wall(e, moment)},{number(months)})") if months else moment
    value = convert.plain(e, e.value(amount))
    count = f"$j_round($j_amount({value.code}){f' * {size}' if size > 1 else ''})"
    if not moment.utc and not e.zone.fixed:
        code = f"$j_months({instants.utc(e, moment)},{'-' if sign < 0 else ''}{count})"
        return Instant(code, doubtful=moment.doubtful)
    return _local(moment, f"$j_month({instants.wall(e, moment)},{'-' if sign < 0 else ''}{count})")


def start_of(e: Emitter, node: Call, moment: Instant) -> Any_:
    """`startOf(unit)`."""
    return beginning(e, moment, unit_of(node.arguments[0])) if node.arguments else moment


def beginning(e: Emitter, moment: Instant, name: Optional[str]) -> Instant:
    """Return the start of a unit."""
    wall = instants.wall(e, moment)
    if name in MILLISECONDS or name in ("day", "date"):
        size = MILLISECONDS.get(name or "", DAY)
        return moment if size == 1 else _local(moment, f"$floor(({wall}) / {size}) * {size}")
    if name in ("week", "isoWeek"):
        if not e.zone.fixed and not moment.utc:  # moment goes to midnight first, then back by days
            wall = instants.wall(e, beginning(e, moment, "day"))
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


def end_of(e: Emitter, node: Call, moment: Instant) -> Any_:
    """`endOf(unit)`."""
    name = unit_of(node.arguments[0]) if node.arguments else None
    return ending(e, moment, name)


def ending(e: Emitter, moment: Instant, name: Optional[str]) -> Instant:
    """Return the last millisecond of a unit."""
    if name in (None, "millisecond"):
        return moment
    name = "day" if name == "date" else name
    start = beginning(e, moment, name)
    one = Constant(1, 0, 0)
    after = _shifted(e, start, one, "week" if name == "isoWeek" else name, 1)
    return _by_constant(e, after, 1, 1, -1, False)
