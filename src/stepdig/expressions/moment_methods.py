"""The methods a workflow may call on a moment, by moment's names.

Not here: `tz` (Digdag has no moment-timezone), `locale`, `calendar`, and `fromNow` with its relatives.
"""

import math
import re
from typing import Any, Callable, Dict, List, Optional

from stepdig.expressions import clock
from stepdig.expressions.clock import DAY, Offsets
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import NAN, UNDEFINED, Function, Js, to_boolean, to_number, to_string, whole
from stepdig.expressions.moment_parse import date_text, iso, offset_minutes
from stepdig.expressions.moments import Moment, unit


def method(name: str) -> Js:
    """Return the method of that name as a function, or UNDEFINED."""
    found = METHODS.get(name)
    if found is None:
        return UNDEFINED
    return Function(name, lambda this, args: found(_moment(this), args))


def _moment(this: Js) -> Moment:
    if not isinstance(this, Moment):
        raise EvaluationError("TypeError: this is not a moment")
    return this


def as_moment(value: Js, like: Moment) -> Moment:
    """Return a value as a moment in the zone of another: moments, dates, ISO texts, milliseconds, arrays of fields."""
    if isinstance(value, Moment):
        return value
    if isinstance(value, str):
        ms = iso(value, like.zone)
        return Moment(date_text(value, like.zone) if ms is None else ms, like.zone)
    if isinstance(value, list):
        return Moment(from_fields([to_number(item) for item in value], like.zone), like.zone)
    return Moment(NAN if value is None or isinstance(value, (bool, dict)) else float(to_number(value)), like.zone)


def from_fields(fields: List[float], zone: Offsets) -> float:
    """Return the instant of year, month (from 0), day, hour and so on; NaN when there is no such time."""
    if not all(map(math.isfinite, fields)):
        return NAN
    given = [int(number) for number in fields[:7]]
    year, month, day, hour, minute, second, milli = given + [0, 0, 1, 0, 0, 0, 0][len(given) :]
    if not 0 <= month <= 11 or not 1 <= day <= clock.days_in_month(year, month):
        return NAN
    if not 0 <= hour < 24 or not 0 <= minute < 60 or not 0 <= second < 60 or not 0 <= milli < 1000:
        return NAN
    return zone.to_utc(clock.wall(year, month, day, hour, minute, second, milli))


def amounts(args: List[Any]) -> Dict[str, Any]:
    """Return the amounts by unit that the arguments of `add` mean: a number and a unit, an object, `P1D`, `1:30`."""
    amount = args[0] if args else UNDEFINED
    name = args[1] if len(args) > 1 else UNDEFINED
    if name is not None and name is not UNDEFINED and to_number(name) == to_number(name):
        amount, name = name, amount
    if isinstance(amount, str):
        amount = to_number(amount)
    if isinstance(amount, bool) or amount is None or amount is UNDEFINED:
        return {}
    if isinstance(amount, (int, float)):
        key = unit(name) if to_boolean(name) else "millisecond"
        return {key: amount} if key else {}
    if isinstance(amount, dict):
        return {key: value for key, value in ((unit(k), v) for k, v in amount.items()) if key}
    return {}


def _units_at(args: List[Any], index: int, default: str) -> Optional[str]:
    value = args[index] if len(args) > index else UNDEFINED
    return default if value is UNDEFINED else unit(value)


def _other(moment: Moment, args: List[Any]) -> Moment:
    return as_moment(args[0], moment) if args and args[0] is not UNDEFINED else Moment(NAN, moment.zone)


def _before(moment: Moment, args: List[Any]) -> bool:
    other, name = _other(moment, args), _units_at(args, 1, "millisecond")
    mine = moment.ms if name == "millisecond" else moment.clone().end_of(name).ms
    return mine < other.ms


def _after(moment: Moment, args: List[Any]) -> bool:
    other, name = _other(moment, args), _units_at(args, 1, "millisecond")
    mine = moment.ms if name == "millisecond" else moment.clone().start_of(name).ms
    return mine > other.ms


def _same(moment: Moment, args: List[Any]) -> bool:
    other, name = _other(moment, args), _units_at(args, 1, "millisecond")
    if name == "millisecond":
        return moment.ms == other.ms
    return moment.clone().start_of(name).ms <= other.ms <= moment.clone().end_of(name).ms


def _between(moment: Moment, args: List[Any]) -> bool:
    ends = to_string(args[3]) if len(args) > 3 and to_boolean(args[3]) else "()"
    low, high = [args[0], *args[2:3]], [args[1], *args[2:3]]
    from_start = _after(moment, low) if ends[0] == "(" else not _before(moment, low)
    return from_start and (_before(moment, high) if ends[1] == ")" else not _after(moment, high))


def _diff(moment: Moment, args: List[Any]) -> float:
    return moment.diff(_other(moment, args), _units_at(args, 1, ""), len(args) > 2 and to_boolean(args[2]))


def _utc_offset(moment: Moment, args: List[Any]) -> Js:
    value = args[0] if args else UNDEFINED
    if value is UNDEFINED or value is None:
        return moment.offset // 60_000
    if isinstance(value, str):
        if not re.search(r"Z|[+-]\d\d", value):
            return moment
        minutes = offset_minutes(value)
    else:
        number = to_number(value)
        if not math.isfinite(number):
            return moment
        minutes = int(number * 60 if abs(number) < 16 else number)
    return _at_offset(moment, minutes * 60_000, len(args) > 1 and to_boolean(args[1]))


def _at_offset(moment: Moment, offset: int, keep_wall: bool) -> Moment:
    if keep_wall and moment.valid:
        moment.ms = int(moment.wall - offset)
    moment.fixed = offset
    return moment


def _local(moment: Moment, args: List[Any]) -> Moment:
    wall = moment.wall
    moment.fixed = None
    if args and to_boolean(args[0]):
        moment.set_wall(wall)
    return moment


def _iso_text(moment: Moment, args: List[Any]) -> Optional[str]:
    return moment.iso() if moment.valid else None


def _day_of_year(moment: Moment) -> int:
    return moment.read().day_of_year


def _week(moment: Moment, iso_weeks: bool) -> Js:
    now = moment.read()
    return clock.week_of(now.year, now.day_of_year, *((1, 4) if iso_weeks else (0, 6)))


Getter = Callable[[Moment], Any]
Setter = Callable[[Moment, int], None]


def _field(getter: Getter, setter: Setter) -> Callable[[Moment, List[Any]], Any]:
    """Return a method that reads a field without an argument and sets it with one."""

    def call(moment: Moment, args: List[Any]) -> Js:
        value = args[0] if args else UNDEFINED
        if value is UNDEFINED or value is None:
            return getter(moment) if moment.valid else NAN
        number = to_number(value)
        if moment.valid and math.isfinite(number):
            setter(moment, int(number))
        return moment

    return call


def _by(size: int, getter: Getter) -> Callable[[Moment, List[Any]], Any]:
    """Return the method of a field whose unit has a fixed length on the wall clock."""
    return _field(getter, lambda moment, value: moment.set_wall(moment.wall + (value - getter(moment)) * size))


def _by_days(size: int, getter: Getter) -> Callable[[Moment, List[Js]], Js]:
    """Return the method of a field that moment sets by adding days, which leaves the instant alone for none."""
    return _field(getter, lambda moment, value: _add_days(moment, (value - getter(moment)) * size))


def _add_days(moment: Moment, days: int) -> None:
    moment.add({"day": days})


def _set_quarter(moment: Moment, quarter: int) -> None:
    moment.set_month((quarter - 1) * 3 + moment.read().month % 3)


def _set_iso_weekday(moment: Moment, day: int) -> None:
    moment.add({"day": day - (moment.read().weekday or 7)})


_FIELDS: Dict[str, Callable[[Moment, List[Any]], Any]] = {
    "year": _field(lambda m: m.read().year, Moment.set_year),
    "month": _field(lambda m: m.read().month, Moment.set_month),
    "quarter": _field(lambda m: m.read().month // 3 + 1, _set_quarter),
    "date": _by(DAY, lambda m: m.read().day),
    "dayOfYear": _by_days(1, _day_of_year),
    "day": _by_days(1, lambda m: m.read().weekday),
    "weekday": _by_days(1, lambda m: m.read().weekday),
    "isoWeekday": _field(lambda m: m.read().weekday or 7, _set_iso_weekday),
    "week": _by_days(7, lambda m: _week(m, False)[1]),
    "isoWeek": _by_days(7, lambda m: _week(m, True)[1]),
    "hour": _by(3_600_000, lambda m: m.read().hour),
    "minute": _by(60_000, lambda m: m.read().minute),
    "second": _by(1000, lambda m: m.read().second),
    "millisecond": _by(1, lambda m: m.read().millisecond),
}


def _get(moment: Moment, args: List[Any]) -> Js:
    field = _FIELDS.get(unit(args[0] if args else UNDEFINED) or "")
    return field(moment, []) if field else moment


def _set(moment: Moment, args: List[Any]) -> Moment:
    pairs = args[0].items() if args and isinstance(args[0], dict) else [tuple((args + [UNDEFINED] * 2)[:2])]
    for name, value in pairs:
        field = _FIELDS.get(unit(name) or "")
        if field:
            field(moment, [value])
    return moment


def _fields_array(moment: Moment) -> List[int]:
    return list(moment.read()[:7])


METHODS: Dict[str, Callable[[Moment, List[Any]], Any]] = {
    **_FIELDS,
    **{
        name + "s": _FIELDS[name]
        for name in ("year", "month", "quarter", "date", "day", "week", "hour", "minute", "second")
    },
    "isoWeeks": _FIELDS["isoWeek"],
    "milliseconds": _FIELDS["millisecond"],
    "add": lambda m, args: m.add(amounts(args)),
    "subtract": lambda m, args: m.add(amounts(args), -1),
    "clone": lambda m, args: m.clone(),
    "daysInMonth": lambda m, args: clock.days_in_month(m.read().year, m.read().month) if m.valid else NAN,
    "diff": _diff,
    "endOf": lambda m, args: m.end_of(_units_at(args, 0, "millisecond")),
    "format": lambda m, args: m.format(to_string(args[0]) if args and to_boolean(args[0]) else ""),
    "get": _get,
    "isAfter": _after,
    "isBefore": _before,
    "isBetween": _between,
    "isDST": lambda m, args: m.offset > min(m.clone().add({"month": n}).offset for n in range(12)),
    "isLeapYear": lambda m, args: clock.days_in_month(m.read().year, 1) == 29,
    "isLocal": lambda m, args: m.valid and m.fixed is None,
    "isSame": _same,
    "isSameOrAfter": lambda m, args: _same(m, args) or _after(m, args),
    "isSameOrBefore": lambda m, args: _same(m, args) or _before(m, args),
    "isUTC": lambda m, args: m.valid and m.fixed == 0,
    "isUtc": lambda m, args: m.valid and m.fixed == 0,
    "isValid": lambda m, args: m.valid,
    "isoWeekYear": lambda m, args: _week(m, True)[0],
    "isoWeeksInYear": lambda m, args: clock.weeks_in_year(m.read().year, 1, 4),
    "local": _local,
    "set": _set,
    "startOf": lambda m, args: m.start_of(_units_at(args, 0, "millisecond")),
    "toArray": lambda m, args: _fields_array(m),
    "toISOString": _iso_text,
    "toJSON": _iso_text,
    "toObject": lambda m, args: dict(
        zip(("years", "months", "date", "hours", "minutes", "seconds", "milliseconds"), _fields_array(m))
    ),
    "toString": lambda m, args: m.primitive(False),
    "unix": lambda m, args: whole(m.ms // 1000) if m.valid else NAN,
    "utc": lambda m, args: _at_offset(m, 0, len(args) > 0 and to_boolean(args[0])),
    "utcOffset": _utc_offset,
    "valueOf": lambda m, args: m.ms,
    "weekYear": lambda m, args: _week(m, False)[0],
    "weeksInYear": lambda m, args: clock.weeks_in_year(m.read().year, 0, 6),
}
