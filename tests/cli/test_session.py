from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stepdig.local.session import SessionError, execution_name, last_session, session_time, zone

NOW = datetime(2026, 11, 20, 16, 30, 15, 250000, tzinfo=UTC)
LAST = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)


def asked(text, name="Asia/Tokyo", now=NOW, last=None):
    return session_time(text, zone(name), now, last).isoformat()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (None, "2026-11-21T00:00:00+09:00"),
        ("daily", "2026-11-21T00:00:00+09:00"),
        ("hourly", "2026-11-21T01:00:00+09:00"),
        ("last", "2026-11-21T00:00:00+09:00"),
        ("2026-11-20", "2026-11-20T00:00:00+09:00"),
        ("2026-11-20 12:34:56", "2026-11-20T12:34:56+09:00"),
        ("2026-11-20 12:34", "2026-11-20T12:34:00+09:00"),
        ("2026-11-20T12:34:56", "2026-11-20T12:34:56+09:00"),
        ("2026-11-20T00:00:00+00:00", "2026-11-20T09:00:00+09:00"),
        ("2026-11-20T00:00:00Z", "2026-11-20T09:00:00+09:00"),
    ],
)
def test_session_is_read_as_digdag_does_in_the_workflows_zone(text, time):
    assert asked(text) == time


def test_last_is_the_latest_session_that_ran(tmp_path):
    for name in ("20261117T150000Z-2", "20261118T150000Z-1", "something else"):
        (tmp_path / name).mkdir()
    assert last_session(tmp_path) == LAST
    assert last_session(tmp_path / "none") is None
    assert asked("last", last=LAST) == "2026-11-19T00:00:00+09:00"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-08 02:30:00", "2026-03-08T03:30:00-04:00"),  # skipped: moves forward
        ("2026-11-01 01:30:00", "2026-11-01T01:30:00-04:00"),  # twice: the earlier
        ("2026-11-01", "2026-11-01T00:00:00-04:00"),
        ("2026-11-02", "2026-11-02T00:00:00-05:00"),
    ],
)
def test_clock_changes_are_taken_as_digdag_takes_them(text, time):
    assert asked(text, "America/New_York") == time


def test_hourly_in_the_hour_that_comes_twice_is_the_one_it_is():
    assert asked("hourly", "America/New_York", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)) == "2026-11-01T01:00:00-05:00"


def test_a_day_without_midnight_begins_later():
    assert asked("daily", "America/Santiago", datetime(2026, 9, 6, 12, 0, tzinfo=UTC)) == "2026-09-06T01:00:00-03:00"


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "2026-02-30", "", "20261120", "2026-11-20T00:00:00.5Z"])
def test_anything_else_is_no_session_time(text):
    with pytest.raises(SessionError):
        asked(text)


@pytest.mark.parametrize(
    ("name", "offset"),
    [("+09:00", "9:00:00"), ("UTC-3", "-1 day, 21:00:00"), ("Z", "0:00:00"), ("Asia/Kolkata", "5:30:00")],
)
def test_zones_are_names_and_offsets(name, offset):
    assert str(zone(name).utcoffset(NOW.replace(tzinfo=None))) == offset


def test_an_unknown_zone_is_said_so():
    with pytest.raises(SessionError, match="Nowhere/City"):
        zone("Nowhere/City")


def test_each_attempt_of_a_session_has_its_own_name(tmp_path):
    time = datetime(2026, 11, 20, tzinfo=zone("Asia/Tokyo"))
    assert execution_name(time, tmp_path / "runs") == "20261119T150000Z-1"
    for name in ("20261119T150000Z-1", "20261119T150000Z-3", "20261118T150000Z-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert execution_name(time, tmp_path / "runs") == "20261119T150000Z-2"
