"""When sessions may be due -> one expression of EventBridge Scheduler that fires at all of these times.

It may fire at others, too: `start_session` knows which sessions are due, and starts nothing when none is. So what the
Scheduler's cron cannot say (days that fit two fields, `|`, both offsets of a zone with summer time, sessions that come
twice when clocks go back) is said too widely, never too narrowly.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

StartDate and EndDate are left to the function: the Scheduler refuses days that are past, so that a schedule which has
begun could not be deployed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any

from stepdig.language.days import LAST_DAY, longest

Offsets = Sequence[
    tuple[int | None, int]
]  # of a zone: seconds of UTC of each change, the offset in seconds from then on

DAY_MINUTES = 24 * 60
SINCE = 1_767_225_600  # 2026-01-01: a schedule fires from its deployment on, so older rules of a zone mean nothing
_RANGES = {"minutes": (0, 59), "hours": (0, 23), "days": (1, 31), "months": (1, 12), "weekdays": (0, 6)}
_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FAR = 27  # days: beyond, a shifted day may lie two months on


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`ScheduleExpression` and `ScheduleExpressionTimezone` of an `AWS::Scheduler::Schedule`."""

    expression: str
    timezone: str


def expression(schedule: Mapping[str, Any], timezone: str, offsets: Offsets) -> Recurrence:
    """Return what fires at every minute in which, or at whose start, a session of a workflow may be due.

    `schedule` is that of the bundle, `timezone` and `offsets` are those of the workflow, as in the bundle, too.
    A session that is due within a minute is fired at the minute's end.
    """
    delay = int(schedule.get("delay", 0))
    if "seconds" in schedule:
        step = gcd(int(schedule["seconds"]), 86_400)
        due = {-(-(second + delay) // 60) % DAY_MINUTES for second in range(0, 86_400, step)}
        return Recurrence(_text(due, {}, last_day=False), "UTC")
    current = _current(offsets)
    shifts = {offset for _, offset in current}
    named = timezone[:1].isalpha()
    if named and (len(shifts) == 1 or (delay == 0 and not _comes_twice(schedule, current))):
        zone, shifts = timezone, {0}
    else:
        zone = "UTC"
    due, days, last_day = _due(schedule, delay, shifts)
    return Recurrence(_text(due, days, last_day=last_day), zone)


def _current(offsets: Offsets) -> Offsets:
    """Return the rows of a zone that count from now on, the one in force before the first of them included."""
    before = [offset for at, offset in offsets if at is None or at <= SINCE]
    return [(None, before[-1]), *(row for row in offsets if row[0] is not None and row[0] > SINCE)]


def _comes_twice(schedule: Mapping[str, Any], offsets: Offsets) -> bool:
    """Return whether a session may lie in an hour that comes twice; the Scheduler fires there once."""
    times = {
        hour * 3600 + minute * 60 for minutes, hours, *_ in schedule["cron"] for hour in hours for minute in minutes
    }
    for (_, before), (at, after) in pairwise(offsets):
        assert at is not None
        if any((time - at - after) % 86_400 < before - after for time in times):
            return True
    return False


def _due(schedule: Mapping[str, Any], delay: int, shifts: Iterable[int]) -> tuple[set[int], dict[str, set[int]], bool]:
    """Return the minutes of the day, the fields of days, and whether the last day of the month says them all."""
    due: set[int] = set()
    fields: dict[str, set[int]] = {"days": set(), "months": set(), "weekdays": set()}
    last_day = True
    for minutes, hours, *days in schedule["cron"]:
        found = {
            divmod(-(-((hour * 60 + minute) * 60 + delay - shift) // 60), DAY_MINUTES)
            for shift in shifts
            for hour in hours
            for minute in minutes
        }
        due |= {minute for _, minute in found}
        carries = {carry for carry, _ in found}
        last_day = last_day and days[0] == [LAST_DAY] and carries == {0}
        for carry in carries:
            shifted = zip(fields, _shifted(days, carry), strict=True)
            fields = {name: fields[name] | values for name, values in shifted}
    return due, fields, last_day


def _shifted(fields: Sequence[Sequence[int]], carry: int) -> tuple[set[int], set[int], set[int]]:
    """Return days of the month, months and weekdays some days later, or earlier."""
    days, months, weekdays = fields
    week = {(day + carry) % 7 for day in weekdays}
    if abs(carry) > _FAR:
        return set(range(1, 32)), set(range(1, 13)), week
    found = {
        _day_after(length if day == LAST_DAY else day, month, length, carry, before)
        for month in months
        for length in _lengths(month)
        for before in _lengths((month - 2) % 12 + 1)
        for day in days
        if day == LAST_DAY or day <= length
    }
    every = set(range(1, 32)) <= set(days)
    return set(range(1, 32)) if every else {day for day, _ in found}, {month for _, month in found}, week


def _day_after(day: int, month: int, length: int, carry: int, before: int) -> tuple[int, int]:
    """Return a day of a month, of that length and with that one before it, some days on."""
    day += carry
    if day > length:
        return day - length, month % 12 + 1
    if day < 1:
        return day + before, (month - 2) % 12 + 1
    return day, month


def _lengths(month: int) -> tuple[int, ...]:
    return (28, 29) if month == 2 else (longest(month),)


def _text(due: Iterable[int], days: Mapping[str, set[int]], *, last_day: bool) -> str:
    """Return the expression. The longest there is, two values of three in each field, has room in the 256 characters."""
    minutes, hours = {minute % 60 for minute in due}, {minute // 60 for minute in due}
    values = {"minutes": minutes, "hours": hours, **{name: _all(name) for name in _DAYS}, **days}
    # One of the two fields of days has to be ?, the one that excludes less.
    looser = "weekdays" if len(values["weekdays"]) / 7 >= len(values["days"]) / 31 else "days"
    fields = {name: _field(name, values[name]) for name in values}
    fields[looser] = "?"
    if last_day and looser == "weekdays":
        fields["days"] = "L"
    return f"cron({' '.join(fields[name] for name in _RANGES)} *)"


_DAYS = ("days", "months", "weekdays")


def _all(name: str) -> set[int]:
    first, last = _RANGES[name]
    return set(range(first, last + 1))


def _field(name: str, values: set[int]) -> str:
    """Return a field as `*`, `first/step`, or ranges and single values."""
    first, last = _RANGES[name]
    ordered = sorted(values)
    steps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(ordered) == last - first + 1:
        return "*"
    if len(ordered) > 2 and len(steps) == 1 and ordered[-1] + max(steps) > last and name != "weekdays" and steps != {1}:
        return f"{ordered[0]}/{max(steps)}"
    said = _NAMES.__getitem__ if name == "weekdays" else str
    return ",".join(said(it[0]) if len(it) == 1 else f"{said(it[0])}-{said(it[-1])}" for it in _runs(ordered))


def _runs(ordered: Sequence[int]) -> list[list[int]]:
    """Return values in order as runs of neighbours; two alone are no run."""
    runs: list[list[int]] = []
    for value in ordered:
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return [part for run in runs for part in ([run] if len(run) > 2 else [[value] for value in run])]
