"""Days of the calendar: how long months are, and whether a schedule has any session at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LAST_DAY = 32  # in place of a day: the last one of the month, cron4j's `L`
_MOST = 40 * 366  # days: within them each date meets each weekday, the 29th of February too


def longest(month: int) -> int:
    """Return how many days a month may have."""
    return 29 if month == 2 else 30 + (month + month // 8) % 2


def length(year: int, month: int) -> int:
    """Return how many days a month of a year has."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return longest(month) - (month == 2 and not leap)


def has_sessions(schedule: Mapping[str, Any]) -> bool:
    """Return whether there is a day that fits a schedule of the bundle, between its `start` and `end` if it has both."""
    if "seconds" in schedule:
        return True
    alternatives: Sequence[Sequence[Sequence[int]]] = [fields[2:] for fields in schedule["cron"]]
    if "start" in schedule and "end" in schedule:
        between = _between(schedule["start"], schedule["end"])
        return any(_fits(day, fields) for day in between for fields in alternatives)
    return any(min(days) <= longest(month) or LAST_DAY in days for days, months, _ in alternatives for month in months)


def _fits(day: tuple[int, int, int], fields: Sequence[Sequence[int]]) -> bool:
    year, month, number = day
    days, months, weekdays = fields
    last = LAST_DAY in days and number == length(year, month)
    return month in months and (number in days or last) and _weekday(year, month, number) in weekdays


def _between(start: str, end: str) -> Iterator[tuple[int, int, int]]:
    """Yield the days from `YYYY-MM-DD` to another, both included, at most forty years of them."""
    year, month, day = map(int, start.split("-"))
    last = tuple(map(int, end.split("-")))
    for _ in range(_MOST):
        if (year, month, day) > last:
            return
        yield year, month, day
        day += 1
        if day > length(year, month):
            year, month, day = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def _weekday(year: int, month: int, day: int) -> int:
    """Return the day of the week, Sunday as 0: https://en.wikipedia.org/wiki/Determination_of_the_day_of_the_week#Sakamoto."""
    shift = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)[month - 1]
    year -= month < 3
    return (year + year // 4 - year // 100 + year // 400 + shift + day) % 7
