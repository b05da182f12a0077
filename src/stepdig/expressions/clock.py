"""The calendar in milliseconds: civil dates, weeks, and wall clocks of a zone given as rows.

Rows are `[utc seconds of the transition, offset seconds from then on]`, oldest first, the first with null. A wall clock
is milliseconds as if its reading were UTC. Gaps and overlaps are read as JavaScript does: by the offset before.
"""

from bisect import bisect_right
from typing import Any, List, NamedTuple, Sequence, Tuple

DAY = 86_400_000
_CYCLE = 10_227 * DAY  # the calendar repeats after 28 years
_END = 24_837 * DAY  # 2038-01-01: rows end there


class Reading(NamedTuple):
    """What a wall clock shows; `month` counts from 0, `weekday` from 0 for Sunday, `day_of_year` from 1."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int
    weekday: int
    day_of_year: int


class Offsets:
    """A zone: its rows, prepared for looking up."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self.base = int(rows[0][1]) * 1000
        self.transitions: List[int] = [int(row[0]) * 1000 for row in rows[1:]]
        self.after: List[int] = [int(row[1]) * 1000 for row in rows[1:]]
        before = [self.base, *self.after]
        self.goes_on = any(u >= _END - 366 * DAY for u in self.transitions)  # summer time in the last year: it stays
        self.thresholds = [u + max(b, a) for u, b, a in zip(self.transitions, before, self.after)]

    def at(self, utc: float) -> int:
        """Return the offset in milliseconds at an instant (milliseconds since 1970)."""
        index = bisect_right(self.transitions, self._within_rows(utc))
        return self.after[index - 1] if index else self.base

    def to_utc(self, wall: float) -> float:
        """Return the instant at which the wall clock shows this."""
        index = bisect_right(self.thresholds, self._within_rows(wall))
        return wall - (self.after[index - 1] if index else self.base)

    def _within_rows(self, at: float) -> float:
        """Return a time of the same calendar that the rows cover."""
        return at - -(-(at - _END + 1) // _CYCLE) * _CYCLE if at >= _END and self.goes_on else at


def day_number(year: int, month: int, day: int) -> int:
    """Return days since 1970-01-01; `month` counts from 0 and may lie outside the year, `day` outside the month."""
    year += month // 12
    month %= 12
    shifted = year if month > 1 else year - 1
    era, of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 10) % 12) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + day_of_year + day - 1 - 719_468


def wall(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, milli: int = 0
) -> int:  # the fields of a clock
    """Return wall-clock milliseconds; fields outside their range carry over."""
    return day_number(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + milli


def read(wall_ms: float) -> Reading:
    """Return what a wall clock shows."""
    days, rest = divmod(int(wall_ms // 1), DAY)
    year, month, day = civil(days)
    second, milli = divmod(rest, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return Reading(year, month, day, hour, minute, second, milli, (days + 4) % 7, days - day_number(year, 0, 1) + 1)


def civil(days: int) -> Tuple[int, int, int]:
    """Return year, month (from 0) and day of a number of days since 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 2 if month < 10 else month - 10
    return year_of_era + era * 400 + (1 if month < 2 else 0), month, day


def days_in_month(year: int, month: int) -> int:
    """Return the length of a month counted from 0, which may lie outside the year."""
    return day_number(year, month + 1, 1) - day_number(year, month, 1)


def week_of(year: int, day_of_year: int, first: int, fourth: int) -> Tuple[int, int]:
    """Return week year and week; ISO weeks are first=1, fourth=4, moment's English weeks first=0, fourth=6."""
    week = (day_of_year - _week_offset(year, first, fourth) - 1) // 7 + 1
    if week < 1:
        return year - 1, week + weeks_in_year(year - 1, first, fourth)
    if week > weeks_in_year(year, first, fourth):
        return year + 1, week - weeks_in_year(year, first, fourth)
    return year, week


def weeks_in_year(year: int, first: int, fourth: int) -> int:
    """Return the number of weeks of a week year."""
    days = day_number(year + 1, 0, 1) - day_number(year, 0, 1)
    return (days - _week_offset(year, first, fourth) + _week_offset(year + 1, first, fourth)) // 7


def day_of_week_year(year: int, week: int, weekday: int, first: int, fourth: int) -> int:
    """Return the day number of a weekday (0 is Sunday) in a week of a week year."""
    into = 7 * (week - 1) + (7 + weekday - first) % 7 + _week_offset(year, first, fourth)
    return day_number(year, 0, 1) + into


def _week_offset(year: int, first: int, fourth: int) -> int:
    forward = 7 + first - fourth
    weekday = (7 + (day_number(year, 0, forward) + 4) % 7 - first) % 7
    return -weekday + forward - 1
