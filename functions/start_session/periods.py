"""The sessions before and after a time, by a workflow's schedule as the bundle has it (`cron`, or `seconds`).

A session is a minute whose local time, in the workflow's zone, fits all five fields: one in the hour that summer time skips is
none, one in the hour that comes twice is two. So Digdag's cron4j has it. Local runs load this very file.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LAST_DAY = 32
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # Digdag's next session once a schedule has ended
DAYS = 366 * 40  # the 29th of a February that is a Monday comes every 28 years, but for 2100

OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?")


def zone(name: str) -> tzinfo:
    """Return a `timezone:` of a workflow, an IANA name or an offset such as `+09:00`. Raises ValueError."""
    if match := OFFSET.fullmatch(name):
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
        shift = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return timezone(-shift if match[1] == "-" else shift)
    try:
        return UTC if name in ("UTC", "GMT", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name}") from None


def after(schedule: Mapping[str, Any], zone: tzinfo, time: datetime) -> datetime:
    """Return the first session later than a time."""
    if start := schedule.get("start"):
        time = max(time, _midnight(start, zone) - timedelta(seconds=1))
    end = _midnight(schedule["end"], zone, days=1) if schedule.get("end") else None
    found = _interval(schedule, time, 1) if "seconds" in schedule else _search(schedule, zone, time, 1)
    if found is None or (end is not None and found >= end):
        return NEVER
    return found.astimezone(zone)


def before(schedule: Mapping[str, Any], zone: tzinfo, time: datetime) -> datetime | None:
    """Return the last session earlier than a time; None when a schedule knows none."""
    found = _interval(schedule, time, -1) if "seconds" in schedule else _search(schedule, zone, time, -1)
    return found.astimezone(zone) if found is not None else None


def between(schedule: Mapping[str, Any], zone: tzinfo, since: datetime, until: datetime) -> list[datetime]:
    """Return the sessions later than a time and earlier than another, in UTC, in order; none before the first day."""
    if start := schedule.get("start"):
        since = max(since, _midnight(start, zone) - timedelta(seconds=1))
    if "seconds" in schedule:
        step, first, last = int(schedule["seconds"]), since.timestamp(), until.timestamp()
        numbers = range(int(first // step) + 1, -int(-last // step))
        return [datetime.fromtimestamp(number * step, UTC) for number in numbers]
    # A day more at both ends, as in a search.
    days = (until.astimezone(zone).date() - since.astimezone(zone).date()).days + 3
    first_day = since.astimezone(zone).date() - timedelta(days=1)
    local = (first_day + timedelta(days=number) for number in range(max(days, 0)))
    return sorted({it for day in local for it in _of_day(schedule, zone, day) if since < it < until})


def around(schedule: Mapping[str, Any], zone: tzinfo, time: datetime) -> dict[str, str]:
    """Return `last_session_time` and `next_session_time` of a session."""
    found = {"last_session_time": before(schedule, zone, time), "next_session_time": after(schedule, zone, time)}
    return {name: at.isoformat() for name, at in found.items() if at is not None}


def _interval(schedule: Mapping[str, Any], time: datetime, way: int) -> datetime:
    """Return the multiple of an interval since 1970 beside a time."""
    seconds = int(schedule["seconds"])
    at = time.timestamp()
    number = int(at // seconds) + 1 if way > 0 else -int(-at // seconds) - 1
    return datetime.fromtimestamp(number * seconds, UTC)


def _search(schedule: Mapping[str, Any], zone: tzinfo, time: datetime, way: int) -> datetime | None:
    # A day more at the start, and the day after the one found: where clocks go back over midnight, a day's last sessions come
    # after the first ones of the next day.
    day = time.astimezone(zone).date() - timedelta(days=way)
    best, choose = None, min if way > 0 else max
    for number in range(DAYS):
        at = day + timedelta(days=number * way)
        fitting = [it for it in _of_day(schedule, zone, at) if (it > time if way > 0 else it < time)]
        if best is not None:
            return choose([best, *fitting])
        best = choose(fitting, default=None)
    return None


def _of_day(schedule: Mapping[str, Any], zone: tzinfo, day: date) -> Iterator[datetime]:
    """Yield the sessions of a local day, as times in UTC."""
    last = day.day == monthrange(day.year, day.month)[1]
    for minutes, hours, days, months, weekdays in schedule["cron"]:
        if day.month not in months or day.isoweekday() % 7 not in weekdays:
            continue
        if day.day not in days and not (last and LAST_DAY in days):
            continue
        for hour in hours:
            for minute in minutes:
                for fold in (0, 1):
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold)
                    real = local.astimezone(UTC)
                    if real.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0):
                        yield real


def _midnight(day: str, zone: tzinfo, days: int = 0) -> datetime:
    """Return the start of a local day, or of one some days later; in UTC, where times compare and add up as they pass."""
    start = datetime.fromisoformat(day) + timedelta(days=days)
    return start.replace(tzinfo=zone).astimezone(UTC)
