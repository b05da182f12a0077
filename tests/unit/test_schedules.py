"""When sessions are: what `schedule:` says, the sessions around a time in zones that change their clocks, mistakes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.language.schedules import schedule
from stepdig.local import session
from stepdig.problem import Problems
from stepdig.source import tree

periods = session.periods()


def made(text: str) -> dict[str, Any]:
    problems = Problems()
    node = tree.load(text, "w.dig", lambda _: None, problems)
    assert node is not None
    found = schedule(node, problems)
    assert problems.found == []
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "zone", "at", "last", "following"),
    [
        ("daily>: 10:00:00", "UTC", "2016-02-03T00:00", "2016-02-02T00:00+00:00", "2016-02-04T00:00+00:00"),
        ("daily>: 00:00:00", "UTC", "2016-01-02T03:04:05", "2016-01-02T00:00+00:00", "2016-01-03T00:00+00:00"),
        ("daily>: 10:00:00", "Asia/Tokyo", "2016-01-30T00:00", "2016-01-29T00:00+09:00", "2016-01-31T00:00+09:00"),
        (
            "daily>: 10:00:00",
            "America/Los_Angeles",
            "2016-03-13T00:00",
            "2016-03-12T00:00-08:00",
            "2016-03-14T00:00-07:00",
        ),
        ("hourly>: 09:00", "UTC", "2016-02-03T17:00", "2016-02-03T16:00+00:00", "2016-02-03T18:00+00:00"),
        (
            "hourly>: 09:00",
            "America/Los_Angeles",
            "2016-03-13T01:00",
            "2016-03-13T00:00-08:00",
            "2016-03-13T03:00-07:00",
        ),
        ("weekly>: Mon,07:00:00", "UTC", "2016-02-03T00:00", "2016-02-01T00:00+00:00", "2016-02-08T00:00+00:00"),
        ('weekly>: "7, 07:00:00"', "UTC", "2016-02-03T00:00", "2016-01-31T00:00+00:00", "2016-02-07T00:00+00:00"),
        ("monthly>: 31,07:00:00", "UTC", "2016-03-31T00:00", "2016-01-31T00:00+00:00", "2016-05-31T00:00+00:00"),
        ("minutes_interval>: 7", "UTC", "2016-02-03T01:00", "2016-02-03T00:56+00:00", "2016-02-03T01:07+00:00"),
        ("seconds_interval>: 90", "UTC", "1970-01-01T00:02", "1970-01-01T00:01:30+00:00", "1970-01-01T00:03:00+00:00"),
        ("cron>: 0 9 13 * Fri", "UTC", "2016-05-13T09:00", "2015-11-13T09:00+00:00", "2017-01-13T09:00+00:00"),
        ("cron>: 0 0 L 2 *", "UTC", "2016-02-01T00:00", "2015-02-28T00:00+00:00", "2016-02-29T00:00+00:00"),
        ("cron>: 0 1 * * *|30 2 * * *", "UTC", "2016-02-03T01:00", "2016-02-02T02:30+00:00", "2016-02-03T02:30+00:00"),
        ("cron>: 0 22-1/2 * * *", "UTC", "2016-02-03T00:00", "2016-02-02T22:00+00:00", "2016-02-03T22:00+00:00"),
        (
            "cron>: 30 2 * * *",  # the hour that summer time skips
            "America/Los_Angeles",
            "2016-03-13T12:00",
            "2016-03-12T02:30-08:00",
            "2016-03-14T02:30-07:00",
        ),
        (
            "cron>: 30 1 * * *",  # the hour that comes twice
            "America/Los_Angeles",
            "2016-11-06T01:30",
            "2016-11-05T01:30-07:00",
            "2016-11-06T01:30-08:00",
        ),
        (
            "{daily>: '01:00:00', start: 2016-03-01, end: 2016-03-01}",
            "UTC",
            "2016-02-03T00:00",
            "2016-02-02T00:00+00:00",
            "2016-03-01T00:00+00:00",
        ),
        (
            "{daily>: '01:00:00', end: 2016-02-03}",
            "UTC",
            "2016-02-03T00:00",
            "2016-02-02T00:00+00:00",
            "9999-01-01T00:00+00:00",
        ),
        ("{daily>: , at: '01:00:00'}", "UTC", "2016-02-03T00:00", "2016-02-02T00:00+00:00", "2016-02-04T00:00+00:00"),
    ],
)
def test_the_sessions_around(text: str, zone: str, at: str, last: str, following: str) -> None:
    where = ZoneInfo(zone)
    time = datetime.fromisoformat(at).replace(tzinfo=where)
    expected = {"last_session_time": last, "next_session_time": following}

    found = periods.around(made(text), where, time)

    assert found == {name: datetime.fromisoformat(each).isoformat() for name, each in expected.items()}


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(
        st.sampled_from(["*", "0", "*/20", "5,50", "30"]),
        st.sampled_from(["*", "0", "1-3", "2", "*/5", "23-1"]),
        st.sampled_from(["*", "*", "13", "1-10", "L"]),
        st.sampled_from(["*", "*", "3", "10-11"]),
        st.sampled_from(["*", "*", "sun", "Mon-Fri", "0,7"]),
    ),
    st.sampled_from(["America/Los_Angeles", "Europe/London", "Australia/Lord_Howe", "Asia/Tokyo"]),
    st.datetimes(datetime(2016, 1, 1), datetime(2017, 1, 1)),
)
def test_every_minute_is_one_that_fits(fields: tuple[str, ...], name: str, time: datetime) -> None:
    """Nothing that fits lies between a time and the session found: all minutes between are looked at one by one."""
    zone, at = ZoneInfo(name), time.replace(microsecond=0, tzinfo=UTC)
    cron = made(f"cron>: '{' '.join(fields)}'")
    found = periods.after(cron, zone, at)
    minute = at.replace(second=0) + timedelta(minutes=1)
    for _ in range(3_000):
        if minute >= found:
            break
        assert not _fits(cron["cron"][0], minute.astimezone(zone))
        minute += timedelta(minutes=1)
    if found.year < 9999:
        assert _fits(cron["cron"][0], found)
        assert periods.before(cron, zone, found + timedelta(seconds=1)) == found


def _fits(fields: list[list[int]], local: datetime) -> bool:
    is_last = (local.replace(tzinfo=None) + timedelta(days=1)).month != local.month
    days = {local.day, 32} if is_last else {local.day}
    parts = [{local.minute}, {local.hour}, days, {local.month}, {(local.weekday() + 1) % 7}]
    return all(part & set(field) for part, field in zip(parts, fields, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dayly>: 07:00:00", "SD302 unknown key 'dayly>' in a schedule"),
        ("{daily>: 07:00:00, every: 2}", "SD302 unknown key 'every' in a schedule"),
        ("{daily>: 07:00:00, hourly>: 30:00}", "SD302 a workflow has one schedule"),
        ("start: 2016-01-01", "SD302 a schedule needs to say when"),
        ("daily>: 7", "SD303 daily> needs HH:MM:SS"),
        ("hourly>: '10:11:12'", "SD303 hourly> needs MM:SS"),
        ("daily>: '${x}'", "SD303 daily>"),
        ("cron>: 61 * * * *", "SD303 '61' is no minute of cron>"),
        ("cron>: '* * * *'", "SD303 cron> needs five fields, as in 42 4 1 * *, and this has 4"),
        ("cron>: 0 0 7 * * *", "SD303 cron> needs five fields, as in 42 4 1 * *, and this has 6"),
        ("cron>: '@daily'", "SD303 cron> has no '@daily'"),
        ("cron>: '* * * * mon/0'", "SD303 'mon/0' is no day of the week of cron>"),
        ("monthly>: '1, 07:00:00'", "SD303 '07:00:00' is no time"),
        ("monthly>: 32,07:00:00", "SD303 '32' is no day of the month"),
        ("weekly>: Monday,07:00:00", "SD303 'Monday' is no day of the week"),
        ("minutes_interval>: 0", "SD303 minutes_interval>"),
        ("{daily>: 07:00:00, end: 2016-02-30}", "SD303 'end' needs a day"),
        ("{daily>: 07:00:00, start: 2016-03-01, end: 2016-02-01}", "SD303 the schedule ends before it starts"),
        ("seconds_interval>: 30", "SD680 30 s between sessions; EventBridge Scheduler fires once a minute"),
        ("cron>: 0 0 31 2,4 *", "SD681 the schedule never starts a session"),
        ("cron>: 0 0 30 2 *|0 0 31 9 *", "SD681 the schedule never starts a session"),
        ("{weekly>: 'Mon,07:00:00', start: 2026-11-24, end: 2026-11-29}", "SD681 the schedule never starts a session"),
        ("{monthly>: '31,07:00:00', start: 2026-11-01, end: 2026-11-30}", "SD681 the schedule never starts a session"),
        ("{daily>: 07:00:00, delay: 60}", "SD303 'delay' is for cron> and intervals"),
        ("{cron>: 0 7 * * *, delay: -1}", "SD303 'delay' needs a number from 0 to"),
        ("{daily>: 07:00:00, skip_delayed_by: 1}", "SD303 'skip_delayed_by' needs a duration"),
        ("{daily>: 07:00:00, skip_on_overtime: maybe}", "SD208 'skip_on_overtime' must be true or false"),
        ("{daily>: 07:00:00, catch_up: first}", "SD303 'catch_up' is one of all, last, none"),
        ("{daily>: 07:00:00, catch_up_limit: 0}", "SD303 'catch_up_limit' needs a number from 1 to 100"),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    problems = Problems()
    node = tree.load(text, "w.dig", lambda _: None, problems)
    schedule(node, problems)  # type: ignore[arg-type]

    assert [str(it).partition(": ")[2][: len(said)] for it in problems.found] == [said]


@pytest.mark.parametrize(
    ("text", "column", "length", "hint"),
    [
        ("daily>: 7:00", 9, 4, "did you mean 07:00:00?"),
        ("daily>: 7pm", 9, 3, "did you mean 19:00:00?"),
        ("hourly>: 30", 10, 2, "did you mean 30:00?"),
        ("weekly>: Monday,07:00:00", 10, 6, "did you mean Mon?"),
        ("weekly>: '  Mon,7:00'", 17, 4, "did you mean 07:00:00?"),
        ("monthly>: '1, 07:00:00'", 14, 9, "there is no blank behind the comma"),
        ("minutes_interval>: 30m", 20, 3, "did you mean 30?"),
        ("cron>: 0 25 * * *", 10, 2, "0 to 23; also a list 9,18, a range 9-17, a step */6"),
        ("cron>: 0 1 * * *|0 1 * * Monday", 26, 6, "Mon, or 1; Sun is 0 or 7; also a list Mon,Thu, a range Mon-Fri"),
        ("cron>: 0 1 * * *|0 1 * *", 18, 7, "minute, hour, day, month, day of the week"),
        ("cron>: '@daily'", 9, 6, "write daily>: 00:00:00 in its place"),
        ("daily>:", 1, 6, ""),
        ("{daily>: 07:00:00, start: 2026/1/31}", 27, 9, "did you mean 2026-01-31?"),
        ("{daily>: 07:00:00, end: 2026-02-30}", 25, 10, "there is no such day"),
    ],
)
def test_the_wrong_part_is_underlined_and_the_hint_leads_on(text: str, column: int, length: int, hint: str) -> None:
    problems = Problems()
    schedule(tree.load(text, "w.dig", lambda _: None, problems), problems)  # type: ignore[arg-type]

    assert [(it.at.column, it.length, it.hint) for it in problems.found] == [(column, length, hint)]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("{daily>: 07:00:00}", {}),
        ("{daily>: 07:00:00, catch_up: all, skip_on_overtime: false}", {}),
        ("{daily>: 07:00:00, skip_on_overtime: 'true'}", {"skip_on_overtime": True}),
        ("{daily>: 07:00:00, skip_delayed_by: 1h 30m}", {"skip_delayed_by": 5400}),
        ("{daily>: 07:00:00, catch_up: last, catch_up_limit: 5}", {"catch_up": "last", "catch_up_limit": 5}),
    ],
)
def test_options_are_kept_where_they_say_something(text: str, options: dict[str, object]) -> None:
    assert {name: it for name, it in made(text).items() if name not in ("cron", "delay")} == options


@pytest.mark.parametrize(
    "text",
    [
        "cron>: 0 0 29 2 Mon",
        "cron>: 0 0 L 2 *",
        "cron>: 0 0 31 2 *|0 0 1 3 *",
        "{weekly>: 'Sun,07:00:00', start: 2026-11-24, end: 2026-11-29}",
        "{monthly>: '29,07:00:00', start: 2028-02-29, end: 2028-02-29}",
        "{cron>: 0 0 29 2 *, start: 2097-01-01, end: 2104-02-29}",
    ],
)
def test_a_rare_schedule_is_none_that_never_fires(text: str) -> None:
    assert made(text)["cron"]


def test_delay_of_cron_and_intervals() -> None:
    assert made("{cron>: 0 7 * * *, delay: 600}")["delay"] == 600
    assert made("{seconds_interval>: 90, delay: '30'}") == {"seconds": 90, "delay": 30}


def test_what_a_local_run_is_given(tmp_path) -> None:
    for name in ("20160127T150000Z-1", "20160128T150000Z-1", "20160129T150000Z-2", "20160301T150000Z-1", "odd"):
        (tmp_path / name).mkdir()
    tokyo = ZoneInfo("Asia/Tokyo")
    at = datetime(2016, 1, 30, tzinfo=tokyo)

    assert session.scheduled({}, at, tokyo, tmp_path) == {}
    assert session.scheduled({"schedule": made("daily>: 07:00:00")}, at, tokyo, tmp_path) == {
        "last_session_time": "2016-01-29T00:00:00+09:00",
        "next_session_time": "2016-01-31T00:00:00+09:00",
        "last_executed_session_time": "2016-01-29T00:00:00+09:00",
    }
