"""moment 2.21 in a zone given as rows: the moment itself, its arithmetic, `startOf`, `diff`.

Page: https://momentjs.com/docs/. A step on the wall clock is brought back to the instant after each step, in moment's
own order, since that decides what a missing or doubled local hour gives.
"""

import math
from typing import Any, Dict, Optional

from stepdig.expressions import clock
from stepdig.expressions.clock import DAY, Offsets, Reading
from stepdig.expressions.jsvalues import NAN, Js, Object, to_number, whole
from stepdig.expressions.moment_format import DEFAULT, DEFAULT_UTC, TO_STRING, format_text, shown_at

_UNIT_NAMES = {
    "year": "y",
    "quarter": "Q",
    "month": "M",
    "week": "w",
    "isoWeek": "W",
    "day": "d",
    "weekday": "e",
    "isoWeekday": "E",
    "hour": "h",
    "minute": "m",
    "second": "s",
    "millisecond": "ms",
    "date": "D",
    "dayOfYear": "DDD",
    "weekYear": "gg",
    "isoWeekYear": "GG",
}
_ALIASES: Dict[str, str] = {}
for _unit, _short in _UNIT_NAMES.items():
    _ALIASES.update({_unit.lower(): _unit, _unit.lower() + "s": _unit, _short: _unit})
MILLISECONDS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000}
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
DAYS_OF = {"day": 1, "week": 7}
_STARTS = ("year", "quarter", "month", "week", "isoWeek", "day", "date", "hour", "minute", "second")
_MAX_TIME = 8.64e15  # ECMAScript 5.1, 15.9.1.14


def unit(name: Js) -> Optional[str]:
    """Return moment's word for a unit (`d`, `days`, `Day` are "day"), or None when it knows none."""
    if not isinstance(name, str):
        return None
    return _ALIASES.get(name) or _ALIASES.get(name.lower())


def bounded(amount: float) -> float:
    """Return an amount that can be counted with: NaN is 0, and nothing lies further than the end of time."""
    return 0 if math.isnan(amount) else max(-1e17, min(1e17, amount))


def round_away(number: float) -> float:
    """Round to the nearest whole number, halves away from zero, as moment does with days and months."""
    return -math.floor(0.5 - number) if number < 0 else math.floor(0.5 + number)


class Moment(Object):
    """A moment: the instant in milliseconds, the zone, and `fixed`: None for local time, else its offset in ms."""

    tag = "Object"

    def __init__(self, ms: float, zone: Offsets, fixed: Optional[int] = None) -> None:
        bad = math.isnan(ms) or abs(ms) > _MAX_TIME
        self.ms = NAN if bad else int(ms)
        self.zone = zone
        self.fixed = fixed

    @property
    def valid(self) -> bool:
        """Tell whether there is a date at all."""
        return not math.isnan(self.ms)

    @property
    def offset(self) -> int:
        """The offset in milliseconds at this instant."""
        return self.zone.at(self.ms) if self.fixed is None else self.fixed

    @property
    def wall(self) -> float:
        """What the wall clock shows, as milliseconds."""
        return self.ms + self.offset

    def clone(self) -> "Moment":
        """Return a moment of its own."""
        return Moment(self.ms, self.zone, self.fixed)

    def read(self) -> Reading:
        """Return the fields of the wall clock."""
        return clock.read(self.wall)

    def set_wall(self, wall: float) -> None:
        """Move to the instant at which the wall clock shows this."""
        ms = self.zone.to_utc(wall) if self.fixed is None else wall - self.fixed
        self.ms = int(ms) if abs(ms) <= _MAX_TIME else NAN

    # --- how it converts

    def primitive(self, number: bool) -> Js:
        """Return milliseconds, or `Sun Jan 31 2016 00:00:00 GMT+0900`."""
        return whole(self.ms) if number else self.format(TO_STRING)

    def json(self) -> Js:
        """Return the instant as ISO text in UTC."""
        return self.iso() if self.valid else None

    def member(self, name: str) -> Js:
        """Return the method of that name."""
        from stepdig.expressions.moment_methods import method  # methods make moments in turn

        return method(name)

    def format(self, text: str = "") -> str:
        """Print by a format text; moment's default one when it is empty."""
        if not self.valid:
            return "Invalid date"
        text = text or (DEFAULT_UTC if self.fixed == 0 else DEFAULT)
        return format_text(text, shown_at(self.ms, self.offset, self.fixed is not None))

    def iso(self) -> str:
        """Return `2016-01-31T00:00:00.000Z`."""
        shown = shown_at(self.ms, 0, True)
        long_year = not 0 <= shown.clock.year <= 9999
        return format_text(f"{'YYYYYY' if long_year else 'YYYY'}-MM-DD[T]HH:mm:ss.SSS[Z]", shown)

    # --- arithmetic

    def add(self, amounts: Dict[str, Any], sign: int = 1) -> "Moment":
        """Add amounts by unit (moment's words): months first, then days on the wall clock, then exact time."""
        if not self.valid:
            return self
        months = round_away(sum(_amount(amounts, name) * size for name, size in MONTHS_OF.items()))
        days = round_away(sum(_amount(amounts, name) * size for name, size in DAYS_OF.items()))
        exact = sum(_amount(amounts, name) * size for name, size in MILLISECONDS.items())
        if months:
            now = self.read()
            self.set_month(now.month + int(months) * sign)
        if days and self.valid:
            self.set_wall(self.wall + int(days) * sign * DAY)
        if exact and self.valid:
            ms = self.ms + exact * sign
            self.ms = int(ms) if abs(ms) <= _MAX_TIME else NAN
        return self

    def set_month(self, month: int) -> None:
        """Move to a month of the year, counted from 0; the day is cut to the month's length."""
        now = self.read()
        day = min(now.day, clock.days_in_month(now.year, month))
        self.set_wall(clock.wall(now.year, month, day) + self.wall % DAY)

    def set_year(self, year: int) -> None:
        """Move to a year; 29 February becomes 28."""
        now = self.read()
        day = min(now.day, clock.days_in_month(year, now.month))
        self.set_wall(clock.wall(year, now.month, day) + self.wall % DAY)

    def start_of(self, name: Optional[str]) -> "Moment":
        """Go back to the start of a unit, step by step."""
        if name not in _STARTS or not self.valid:
            return self
        depth = _STARTS.index(name)
        if name == "year":
            self.set_month(0)
        if name in ("year", "quarter", "month"):
            self.set_wall(self.wall - (self.read().day - 1) * DAY)
        for size in (DAY, 3_600_000, 60_000, 1000)[max(0, depth - 6) :]:
            self.set_wall(self.wall - (self.wall % size - self.wall % (size // _PARTS[size])))
        if name == "week":
            self.set_wall(self.wall - self.read().weekday * DAY)
        if name == "isoWeek":
            self.set_wall(self.wall - (self.read().weekday + 6) % 7 * DAY)
        if name == "quarter":
            month = self.read().month
            self.set_month(month - month % 3)
        return self

    def end_of(self, name: Optional[str]) -> "Moment":
        """Go to the last millisecond of a unit."""
        if name is None or name == "millisecond" or not self.valid:
            return self
        name = "day" if name == "date" else name
        self.start_of(name).add({"week" if name == "isoWeek" else name: 1})
        return self.add({"millisecond": 1}, -1)

    def diff(self, other: "Moment", name: Optional[str], exact: bool) -> float:
        """Return how far this is after another moment, in a unit; whole units unless exact."""
        if not (self.valid and other.valid):
            return NAN
        that = Moment(other.ms, self.zone, self.fixed)
        if name in MONTHS_OF:
            result = _month_diff(self, that) / MONTHS_OF[name]
        elif name in DAYS_OF:
            result = (self.ms - that.ms + self.offset - that.offset) / (DAYS_OF[name] * DAY)
        else:
            result = (self.ms - that.ms) / MILLISECONDS.get(name or "", 1)
        return whole(result) if exact else int(result)


_PARTS = {DAY: 24, 3_600_000: 60, 60_000: 60, 1000: 1000}


def _amount(amounts: Dict[str, Any], name: str) -> float:
    return bounded(to_number(amounts.get(name, 0)))


def _month_diff(a: Moment, b: Moment) -> float:
    x, y = a.read(), b.read()
    months = (y.year - x.year) * 12 + y.month - x.month
    anchor = a.clone().add({"month": months}).ms
    if b.ms < anchor:
        return -(months + (b.ms - anchor) / (anchor - a.clone().add({"month": months - 1}).ms)) or 0
    return -(months + (b.ms - anchor) / (a.clone().add({"month": months + 1}).ms - anchor)) or 0
