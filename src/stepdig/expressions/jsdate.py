"""JavaScript's own Date, read-only: what `new Date(...)` gives in a template."""

import math
from typing import Any, Callable, Dict, List

from stepdig.expressions import clock
from stepdig.expressions.clock import Offsets, Reading
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import NAN, UNDEFINED, Function, Js, Object, to_integer, to_number, whole
from stepdig.expressions.moment_format import format_text, shown_at
from stepdig.expressions.moment_parse import date_text, iso
from stepdig.expressions.moments import Moment

_GETTERS: Dict[str, Callable[[Reading], int]] = {
    "FullYear": lambda now: now.year,
    "Month": lambda now: now.month,
    "Date": lambda now: now.day,
    "Day": lambda now: now.weekday,
    "Hours": lambda now: now.hour,
    "Minutes": lambda now: now.minute,
    "Seconds": lambda now: now.second,
    "Milliseconds": lambda now: now.millisecond,
}
_TEXTS = {  # format and whether it is printed in UTC
    "toUTCString": ("ddd, DD MMM YYYY HH:mm:ss [GMT]", True),
    "toGMTString": ("ddd, DD MMM YYYY HH:mm:ss [GMT]", True),
    "toDateString": ("ddd MMM DD YYYY", False),
    "toLocaleDateString": ("M/D/YYYY", False),
    "toLocaleTimeString": ("h:mm:ss A", False),
    "toLocaleString": ("M/D/YYYY, h:mm:ss A", False),
}


class Date(Object):
    """A Date: an instant in milliseconds, shown in the zone of the workflow."""

    tag = "Date"

    def __init__(self, ms: float, zone: Offsets) -> None:
        self.moment = Moment(ms, zone)

    def primitive(self, number: bool) -> Js:
        """Return milliseconds, or the text of `toString`."""
        if number:
            return whole(self.moment.ms)
        return self.moment.format("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ") if self.moment.valid else "Invalid Date"

    def json(self) -> Js:
        """Return ISO text in UTC, or null."""
        return self.moment.json()

    def member(self, name: str) -> Js:
        """Return the method of that name, or UNDEFINED."""
        if name in ("getTime", "valueOf"):
            return Function(name, lambda this, args: self.moment.ms)
        if name in ("toISOString", "toJSON"):
            return Function(name, lambda this, args: self._iso(name))
        if name == "getTimezoneOffset":
            return Function(name, lambda this, args: -(self.moment.offset // 60_000))
        if name == "toString":
            return Function(name, lambda this, args: self.primitive(False))
        if name in _TEXTS:
            return Function(name, lambda this, args: self._text(*_TEXTS[name]))
        field = name[6:] if name.startswith("getUTC") else name[3:]
        if name.startswith("get") and field in _GETTERS:
            return Function(name, lambda this, args: self._field(field, name.startswith("getUTC")))
        return UNDEFINED

    def _iso(self, name: str) -> Js:
        if not self.moment.valid and name == "toISOString":
            raise EvaluationError("RangeError: Invalid time value")
        return self.moment.json()

    def _text(self, form: str, utc: bool) -> str:
        if not self.moment.valid:
            return "Invalid Date"
        return format_text(form, shown_at(self.moment.ms, 0 if utc else self.moment.offset, utc))

    def _field(self, field: str, utc: bool) -> float:
        if not self.moment.valid:
            return NAN
        return _GETTERS[field](clock.read(self.moment.ms if utc else self.moment.wall))


def time_of(args: List[Any], zone: Offsets) -> float:
    """Return the milliseconds that `new Date(arguments)` means (at least one argument)."""
    if len(args) > 1:
        return zone.to_utc(wall_of(args))
    value = args[0]
    if isinstance(value, (Date, Moment)):
        return to_number(value)
    if isinstance(value, str):
        return parse(value, zone)
    return to_number(value)


def wall_of(args: List[Any]) -> float:
    """Return the wall clock of `(year, month, day, hours, minutes, seconds, milliseconds)`."""
    numbers = [to_number(arg) for arg in args]
    if not all(map(math.isfinite, numbers)):
        return NAN
    fields = [int(to_integer(number)) for number in numbers] + [1] * (len(args) == 2)
    if 0 <= fields[0] <= 99:
        fields[0] += 1900
    return clock.wall(*fields[:7])


def parse(text: str, zone: Offsets) -> float:
    """Date.parse: an ISO date alone is UTC, with a time but no offset it is local."""
    date_only = len(text.strip()) <= len("2016-01-31")
    found = iso(text, None if date_only else zone)
    return date_text(text, zone) if found is None else found
