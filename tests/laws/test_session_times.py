"""Sessions and their firings, held against another project's cron over random schedules, zones and years.

cronsim says which local times fit; it knows no zones here, and only four of the fields at a time, since cron4j, other
than cron, wants all five to fit. What lies in a gap is no session, what comes twice is two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.expressions import zones
from stepdig.language.days import LAST_DAY
from stepdig.language.recurrence import Recurrence, expression
from stepdig.language.schedules import schedule
from stepdig.local import functions, session
from stepdig.problem import Problems
from stepdig.source import tree

CronSim = pytest.importorskip("cronsim", reason="pip install cronsim").CronSim

periods = session.periods()
MINUTE = timedelta(minutes=1)
ZONES = [
    "America/New_York",
    "America/Havana",  # midnight comes twice
    "America/Santiago",  # midnight is skipped
    "America/St_Johns",
    "Europe/London",
    "Africa/Casablanca",  # an hour less in Ramadan
    "Antarctica/Troll",  # two hours
    "Australia/Lord_Howe",  # half an hour
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "UTC",
    "+09:00",
    "-03:30",
]


def listed(low: int, high: int) -> st.SearchStrategy[str]:
    """Fields of cron: everything, lists, ranges, steps."""
    value = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        st.just("*"),
        st.lists(value, min_size=1, max_size=5, unique=True).map(lambda them: ",".join(map(str, them))),
        st.tuples(value, value).map(lambda two: f"{min(two)}-{max(two)}"),
        st.integers(2, 9).map(lambda step: f"*/{step}"),
    )


CRON = st.tuples(listed(0, 59), listed(0, 23), st.one_of(listed(1, 28), st.just("L")), listed(1, 12), listed(0, 6))
CLOCK = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)).map(
    lambda it: f"{it[0]:02}:{it[1]:02}:{it[2]:02}"
)
HOURLY = st.tuples(st.integers(0, 59), st.integers(0, 59))
# What is written -> (text of the schedule, fields of cron, delay)
WRITTEN = st.one_of(
    st.tuples(CRON, st.sampled_from([0, 0, 600, 86_399, 90_061])).map(
        lambda it: (f"{{cron>: '{' '.join(it[0])}', delay: {it[1]}}}", [it[0]], it[1])
    ),
    st.tuples(CRON, CRON).map(lambda it: (f"cron>: '{' '.join(it[0])}|{' '.join(it[1])}'", list(it), 0)),
    CLOCK.map(lambda it: (f"daily>: '{it}'", [("0", "0", "*", "*", "*")], seconds(it))),
    st.tuples(st.integers(0, 6), CLOCK).map(
        lambda it: (f"weekly>: '{it[0]},{it[1]}'", [("0", "0", "*", "*", str(it[0]))], seconds(it[1]))
    ),
    st.tuples(st.integers(1, 31), CLOCK).map(
        lambda it: (f"monthly>: '{it[0]},{it[1]}'", [("0", "0", str(it[0]), "*", "*")], seconds(it[1]))
    ),
    HOURLY.map(lambda it: (f"hourly>: '{it[0]:02}:{it[1]:02}'", [("0", "*", "*", "*", "*")], it[0] * 60 + it[1])),
    st.integers(1, 59).map(lambda it: (f"minutes_interval>: {it}", [(f"*/{it}", "*", "*", "*", "*")], 0)),
)


@st.composite
def places(draw: st.DrawFn, first: int = 2026) -> tuple[str, datetime]:
    """Draw a zone and a time, two times of three shortly before its clocks change."""
    zone = draw(st.sampled_from(ZONES))
    changes = [
        at for at, _ in zones.offsets(zone) if at is not None and at > datetime(first, 1, 5, tzinfo=UTC).timestamp()
    ]
    if changes and draw(st.sampled_from([True, True, False])):
        time = datetime.fromtimestamp(draw(st.sampled_from(changes)), UTC)
        return zone, time - timedelta(minutes=draw(st.integers(0, 3 * 1440)))
    return zone, draw(st.datetimes(datetime(first, 1, 2), datetime(2036, 12, 1))).replace(microsecond=0, tzinfo=UTC)


def seconds(clock: str) -> int:
    hours, minutes, left = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + left


def made(text: str) -> dict[str, Any]:
    problems = Problems()
    found = schedule(tree.load(text, "w.dig", lambda _: None, problems), problems)  # type: ignore[arg-type]
    assert problems.found == []
    assert found is not None
    return found


def sessions(fields: list[tuple[str, ...]], zone: str, since: datetime, days: int, most: int = 50) -> list[datetime]:
    """Return the sessions from a time on, in UTC, as cronsim has them."""
    where = periods.zone(zone)
    found: set[datetime] = set()
    for minutes, hours, day, month, weekday in fields:
        week = {int(it) for it in expanded(weekday, 6)}
        here = since.astimezone(where).replace(tzinfo=None) - timedelta(days=1)
        count = 0
        for local in CronSim(f"{minutes} {hours} {day} {month} *", here):
            if local > here + timedelta(days=days + 2) or count > most + 240:  # of hours that come twice
                break
            if local.isoweekday() % 7 in week:
                real = {local.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1)}
                kept = {it for it in real if it.astimezone(where).replace(tzinfo=None) == local and it >= since}
                found |= kept
                count += len(kept)
    return sorted(found)[:most]


def expanded(field: str, highest: int) -> Iterator[int]:
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"0-{highest}" if span == "*" else span).partition("-")
        yield from range(int(low), int(high or low) + 1, int(step or 1))


def fires(recurrence: Recurrence, at: datetime) -> bool:
    """Return whether EventBridge Scheduler surely fires at a minute; of a local time that comes twice nobody knows which."""
    where = periods.zone(recurrence.timezone)
    local = at.astimezone(where).replace(tzinfo=None)
    if local.replace(tzinfo=where, fold=1).astimezone(UTC) != local.replace(tzinfo=where, fold=0).astimezone(UTC):
        return False
    return next(CronSim(cron_of(recurrence), local - MINUTE)) == local


def cron_of(recurrence: Recurrence) -> str:
    """Return five fields that cronsim reads; the Scheduler's `?` is any day, its `5/20` goes on to the end."""
    found = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)", recurrence.expression)
    assert found, recurrence
    assert (found[3] == "?") != (found[5] == "?")
    ends = (59, 23, 31, 12, 6)
    fields = ["*" if text == "?" else text for text in found.groups()]
    return " ".join(re.sub(r"^(\d+)/", rf"\1-{end}/", text) for text, end in zip(fields, ends, strict=True))


@settings(max_examples=250, deadline=None)
@given(WRITTEN, places())
def test_every_session_is_fired_and_found(
    written: tuple[str, list[tuple[str, ...]], int], place: tuple[str, datetime]
) -> None:
    """Whatever is due, the expression fires at, and start_session finds at that very firing."""
    (text, fields, delay), (zone, since) = written, place
    plan = made(text)
    rows = [(at, offset or 0) for at, offset in zones.offsets(zone)]
    recurrence = expression(plan, zone, rows)
    assert len(recurrence.expression) <= 256
    firing, due = functions.module("start_session", "firing").Firing, functions.module("start_session", "start").due
    for each in sessions(fields, zone, since, days=70, most=8):
        passed = (each + timedelta(seconds=delay)).timestamp()
        minute = datetime.fromtimestamp(-(-passed // 60) * 60, UTC)
        assert fires(recurrence, minute), (each, minute)
        assert due(firing("m", "w", periods.zone(zone), plan, minute)) == each
        assert due(firing("m", "w", periods.zone(zone), plan, minute + MINUTE)) != each


@settings(max_examples=150, deadline=None)
@given(WRITTEN, places(1990))
def test_sessions_are_those_of_another_cron(
    written: tuple[str, list[tuple[str, ...]], int], place: tuple[str, datetime]
) -> None:
    """The next ones, the one before, and all between two times."""
    (text, fields, _), (zone, since) = written, (place[0], place[1].replace(second=0))
    plan, where = made(text), periods.zone(zone)
    expected = sessions(fields, zone, since, days=70, most=12)
    at, found = since - timedelta(seconds=1), []
    for _ in expected:
        at = periods.after(plan, where, at).astimezone(UTC)
        found.append(at)
    assert found == expected
    for earlier, later in pairwise(expected):
        assert periods.before(plan, where, later).astimezone(UTC) == earlier
    if expected:
        assert periods.between(plan, where, since - timedelta(seconds=1), expected[-1]) == expected[:-1]


@settings(max_examples=100, deadline=None)
@given(st.integers(60, 100_000), st.integers(0, 4000), st.datetimes(datetime(2026, 1, 2), datetime(2036, 12, 1)))
def test_intervals_of_seconds(step: int, delay: int, time: datetime) -> None:
    plan = made(f"{{seconds_interval>: {step}, delay: {delay}}}")
    recurrence = expression(plan, "Asia/Tokyo", [(None, 32_400)])
    firing, due = functions.module("start_session", "firing").Firing, functions.module("start_session", "start").due
    number = int(time.replace(tzinfo=UTC).timestamp()) // step
    for each in range(number, number + 20):
        minute = datetime.fromtimestamp(-(-(each * step + delay) // 60) * 60, UTC)
        assert fires(recurrence, minute)
        assert due(firing("m", "w", UTC, plan, minute)) == datetime.fromtimestamp(each * step, UTC)


def test_the_last_day_is_one_value() -> None:
    assert LAST_DAY == periods.LAST_DAY
