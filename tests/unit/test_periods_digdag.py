"""First, next and last times of Digdag's own schedulers, by the code that starts sessions here and on AWS.

The times are those that io.digdag.standards.scheduler's tests expect. `first` is the first run that is not before a time,
`next` and `last` are the sessions after and before one; each with the time its run is due.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepdig.language.schedules import schedule
from stepdig.local import functions, session
from stepdig.problem import Problems
from stepdig.source import tree

periods = session.periods()
LA, TOKYO = "America/Los_Angeles", "Asia/Tokyo"
DAYS = ", start: 2016-03-01, end: 2016-03-31}"
MONTHS = ", start: 2016-03-01, end: 2016-05-31}"

# kind of time, schedule, zone, time asked for, session, due
VECTORS = """
first | daily>: 10:00:00 | UTC | 2016-02-03T09:00+00:00 | 2016-02-03T00:00+00:00 | 2016-02-03T10:00+00:00
first | daily>: 10:00:00 | UTC | 2016-02-03T16:00+00:00 | 2016-02-04T00:00+00:00 | 2016-02-04T10:00+00:00
first | daily>: 10:00:00 | UTC | 2016-03-13T10:00+00:00 | 2016-03-13T00:00+00:00 | 2016-03-13T10:00+00:00
first | daily>: 00:00:00 | UTC | 2016-03-13T00:00+00:00 | 2016-03-13T00:00+00:00 | 2016-03-13T00:00+00:00
first | daily>: 10:00:00 | TOKYO | 2016-02-03T09:00+09:00 | 2016-02-03T00:00+09:00 | 2016-02-03T10:00+09:00
first | daily>: 10:00:00 | TOKYO | 2016-02-03T16:00+09:00 | 2016-02-04T00:00+09:00 | 2016-02-04T10:00+09:00
first | daily>: 10:00:00 | LA | 2016-03-13T09:00-07:00 | 2016-03-13T00:00-08:00 | 2016-03-13T11:00-07:00
first | daily>: 10:00:00 | LA | 2016-03-13T16:00-07:00 | 2016-03-14T00:00-07:00 | 2016-03-14T10:00-07:00
next | daily>: 10:00:00 | UTC | 2015-12-31T00:00+00:00 | 2016-01-01T00:00+00:00 | 2016-01-01T10:00+00:00
next | daily>: 10:00:00 | TOKYO | 2016-01-31T00:00+09:00 | 2016-02-01T00:00+09:00 | 2016-02-01T10:00+09:00
next | daily>: 10:00:00 | LA | 2016-03-12T00:00-08:00 | 2016-03-13T00:00-08:00 | 2016-03-13T10:00-08:00
next | daily>: 10:00:00 | LA | 2016-03-13T00:00-08:00 | 2016-03-14T00:00-07:00 | 2016-03-14T10:00-07:00
next | daily>: 10:11:23 | LA | 2016-03-02T12:34:56-08:00 | 2016-03-03T00:00-08:00 | 2016-03-03T10:11:23-08:00
last | daily>: 10:00:00 | UTC | 2016-01-01T00:00+00:00 | 2015-12-31T00:00+00:00 | 2015-12-31T10:00+00:00
last | daily>: 01:00:00 | LA | 2016-03-14T00:00-07:00 | 2016-03-13T00:00-08:00 | 2016-03-13T01:00-08:00
last | daily>: 05:00:00 | LA | 2016-03-14T00:00-07:00 | 2016-03-13T00:00-08:00 | 2016-03-13T06:00-07:00
last | daily>: 10:00:00 | LA | 2016-09-13T12:34:56-07:00 | 2016-09-13T00:00-07:00 | 2016-09-13T10:00-07:00
next | {daily>: 10:00:00DAYS | TOKYO | 2016-02-03T10:00+09:00 | 2016-03-01T00:00+09:00 | 2016-03-01T10:00+09:00
next | {daily>: 10:00:00DAYS | TOKYO | 2016-03-30T10:00+09:00 | 2016-03-31T00:00+09:00 | 2016-03-31T10:00+09:00
next | {daily>: 10:00:00DAYS | TOKYO | 2016-03-31T10:00+09:00 | NEVER | NEVER
next | {daily>: 10:00:00DAYS | TOKYO | 2016-04-01T10:00+09:00 | NEVER | NEVER
last | {daily>: 10:00:00DAYS | TOKYO | 2016-02-29T00:00+09:00 | 2016-02-28T00:00+09:00 | 2016-02-28T10:00+09:00
last | {daily>: 10:00:00DAYS | TOKYO | 2016-04-02T00:00+09:00 | 2016-04-01T00:00+09:00 | 2016-04-01T10:00+09:00
first | weekly>: Wed,17:15:00 | UTC | 2016-02-03T17:14:59+00:00 | 2016-02-03T00:00+00:00 | 2016-02-03T17:15+00:00
first | weekly>: Wed,17:15:00 | UTC | 2016-02-03T17:15+00:00 | 2016-02-03T00:00+00:00 | 2016-02-03T17:15+00:00
first | weekly>: Wed,17:15:00 | TOKYO | 2016-02-03T17:15:01+09:00 | 2016-02-10T00:00+09:00 | 2016-02-10T17:15+09:00
first | weekly>: Sat,15:00:00 | LA | 2016-03-13T16:00-07:00 | 2016-03-19T00:00-07:00 | 2016-03-19T15:00-07:00
first | weekly>: Sun,15:00:00 | LA | 2016-03-13T01:59-08:00 | 2016-03-13T01:00-07:00 | 2016-03-13T16:00-07:00
next | weekly>: Sat,17:15:00 | LA | 2016-03-12T00:00-08:00 | 2016-03-19T00:00-07:00 | 2016-03-19T17:15-07:00
last | weekly>: Sat,17:15:00 | LA | 2016-03-13T12:34:56-07:00 | 2016-03-12T00:00-08:00 | 2016-03-12T17:15-08:00
last | weekly>: Wed,17:15:00 | TOKYO | 2016-02-10T00:00+09:00 | 2016-02-03T00:00+09:00 | 2016-02-03T17:15+09:00
first | monthly>: 1,12:00:00 | UTC | 2016-02-01T12:00+00:00 | 2016-02-01T00:00+00:00 | 2016-02-01T12:00+00:00
first | monthly>: 1,12:00:00 | UTC | 2016-02-01T12:00:01+00:00 | 2016-03-01T00:00+00:00 | 2016-03-01T12:00+00:00
first | monthly>: 1,12:00:00 | LA | 2016-03-13T01:59-08:00 | 2016-04-01T00:00-07:00 | 2016-04-01T12:00-07:00
first | monthly>: 31,12:00:00 | UTC | 2016-01-31T19:12:34+00:00 | 2016-03-31T00:00+00:00 | 2016-03-31T12:00+00:00
first | monthly>: 31,12:00:00 | UTC | 2016-05-31T19:12:34+00:00 | 2016-07-31T00:00+00:00 | 2016-07-31T12:00+00:00
first | {monthly>: '31,23:59:59'MONTHS | TOKYO | 2016-02-29T23:59:59+09:00 | 2016-03-31T00:00+09:00 | 2016-03-31T23:59:59+09:00
first | {monthly>: '1,12:00:00'MONTHS | TOKYO | 2016-05-01T12:00:01+09:00 | NEVER | NEVER
next | {monthly>: '1,12:00:00'MONTHS | TOKYO | 2016-02-01T00:00+09:00 | 2016-03-01T00:00+09:00 | 2016-03-01T12:00+09:00
next | monthly>: 31,12:00:00 | LA | 2016-01-31T00:00-08:00 | 2016-03-31T00:00-07:00 | 2016-03-31T12:00-07:00
first | hourly>: 15:00 | UTC | 2016-02-03T17:15+00:00 | 2016-02-03T17:00+00:00 | 2016-02-03T17:15+00:00
first | hourly>: 15:00 | UTC | 2016-02-03T17:15:01+00:00 | 2016-02-03T18:00+00:00 | 2016-02-03T18:15+00:00
first | hourly>: 15:00 | LA | 2016-03-13T01:59-08:00 | 2016-03-13T03:00-07:00 | 2016-03-13T03:15-07:00
next | hourly>: 15:00 | LA | 2016-03-13T01:00-08:00 | 2016-03-13T03:00-07:00 | 2016-03-13T03:15-07:00
next | hourly>: 15:00 | LA | 2016-03-13T00:12:34-08:00 | 2016-03-13T01:00-08:00 | 2016-03-13T01:15-08:00
last | hourly>: 15:00 | LA | 2016-03-13T00:00:45-08:00 | 2016-03-13T00:00-08:00 | 2016-03-13T00:15-08:00
first | minutes_interval>: 7 | UTC | 2016-03-13T00:55:12+00:00 | 2016-03-13T00:56+00:00 | 2016-03-13T00:56+00:00
first | minutes_interval>: 7 | UTC | 2016-03-13T00:57:12+00:00 | 2016-03-13T01:00+00:00 | 2016-03-13T01:00+00:00
first | minutes_interval>: 10 | LA | 2016-03-13T01:59-08:00 | 2016-03-13T03:00-07:00 | 2016-03-13T03:00-07:00
first | {minutes_interval>: 10DAYS | TOKYO | 2016-02-03T17:09:59+09:00 | 2016-03-01T00:00+09:00 | 2016-03-01T00:00+09:00
first | {minutes_interval>: 10DAYS | TOKYO | 2016-03-31T23:49:59+09:00 | 2016-03-31T23:50+09:00 | 2016-03-31T23:50+09:00
first | {minutes_interval>: 10DAYS | TOKYO | 2016-03-31T23:59:59+09:00 | NEVER | NEVER
next | {minutes_interval>: 10DAYS | TOKYO | 2016-02-29T23:50+09:00 | 2016-03-01T00:00+09:00 | 2016-03-01T00:00+09:00
last | minutes_interval>: 10 | UTC | 2016-02-03T00:00+00:00 | 2016-02-02T23:50+00:00 | 2016-02-02T23:50+00:00
first | cron>: 00 10 * * * | UTC | 2016-02-03T10:00+00:00 | 2016-02-03T10:00+00:00 | 2016-02-03T10:00+00:00
first | cron>: 00 10 * * * | TOKYO | 2016-02-03T10:00:01+09:00 | 2016-02-04T10:00+09:00 | 2016-02-04T10:00+09:00
first | cron>: 00 10 * * * | LA | 2016-03-13T01:59:59-08:00 | 2016-03-13T10:00-07:00 | 2016-03-13T10:00-07:00
next | cron>: 00 10 * * * | LA | 2016-03-12T10:00-08:00 | 2016-03-13T10:00-07:00 | 2016-03-13T10:00-07:00
last | cron>: 00 10 * * * | LA | 2016-03-13T10:00-07:00 | 2016-03-12T10:00-08:00 | 2016-03-12T10:00-08:00
next | {seconds_interval>: 180, delay: 120} | UTC | 1970-01-01T00:03+00:00 | 1970-01-01T00:06+00:00 | 1970-01-01T00:08+00:00
next | {seconds_interval>: 180, delay: 120} | UTC | 1970-01-01T00:04+00:00 | 1970-01-01T00:06+00:00 | 1970-01-01T00:08+00:00
last | {seconds_interval>: 180, delay: 120} | UTC | 1970-01-01T00:04+00:00 | 1970-01-01T00:03+00:00 | 1970-01-01T00:05+00:00
"""
ROWS = [[part.strip() for part in line.split("|")] for line in VECTORS.strip().splitlines()]


def made(text: str) -> dict[str, Any]:
    problems = Problems()
    text = text.replace("DAYS", DAYS).replace("MONTHS", MONTHS)
    found = schedule(tree.load(text, "w.dig", lambda _: None, problems), problems)  # type: ignore[arg-type]
    assert problems.found == []
    assert found is not None
    return found


def time_of(text: str) -> datetime:
    return periods.NEVER if text == "NEVER" else datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(("kind", "text", "zone", "at", "expected", "due"), ROWS)
def test_digdags_own_times(kind: str, text: str, zone: str, at: str, expected: str, due: str) -> None:
    plan, time = made(text), time_of(at)
    where = periods.zone({"LA": LA, "TOKYO": TOKYO}.get(zone, zone))
    delay = timedelta(seconds=plan["delay"])
    if kind == "first":
        found = periods.after(plan, where, time - delay - timedelta(seconds=1))
    else:
        found = periods.after(plan, where, time) if kind == "next" else periods.before(plan, where, time)
    assert found.astimezone(UTC) == time_of(expected)
    if expected == "NEVER":
        return
    assert found.astimezone(UTC) + delay == time_of(due)
    minute = datetime.fromtimestamp(-(-time_of(due).timestamp() // 60) * 60, UTC)
    start = functions.module("start_session", "start")
    inside = "start" not in plan or plan["start"] <= found.date().isoformat() <= plan["end"]
    assert start.due(functions.module("start_session", "firing").Firing("m", "w", where, plan, minute)) == (
        found if inside else None
    )


def test_where_a_days_last_sessions_come_after_the_next_days_first() -> None:
    """Newfoundland's clocks went back over midnight, 00:01 to 23:01 of the day before."""
    where, plan = periods.zone("America/St_Johns"), made("minutes_interval>: 1")
    last, time = datetime(1990, 10, 28, 2, 31, tzinfo=UTC), datetime(1990, 10, 28, 2, 32, tzinfo=UTC)
    assert periods.before(plan, where, time).astimezone(UTC) == last
    assert periods.after(plan, where, last).astimezone(UTC) == time
    hour = periods.between(plan, where, last, last + timedelta(hours=1))
    assert hour == [last + timedelta(minutes=number) for number in range(1, 60)]
