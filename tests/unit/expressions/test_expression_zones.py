"""Zones are rows of offsets; session variables follow from the run object."""

import pytest

from stepdig.expressions import builtins, zones
from stepdig.expressions.clock import Offsets


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("UTC", [[None, 0]]),
        ("Z", [[None, 0]]),
        ("Asia/Tokyo", [[None, 32400]]),
        ("+09:00", [[None, 32400]]),
        ("-0330", [[None, -12600]]),
        ("UTC+9", [[None, 32400]]),
        ("Asia/Kolkata", [[None, 19800]]),
    ],
)
def test_fixed_zones_have_one_row(name, rows):
    assert zones.offsets(name) == rows
    assert zones.is_fixed(rows)
    assert zones.table(rows) == []


def test_a_zone_with_summer_time_has_its_transitions():
    rows = zones.offsets("America/Los_Angeles")
    assert not zones.is_fixed(rows)
    assert rows[0] == [None, -28800]
    assert [1457863200, -25200] in rows  # 2016-03-13T10:00:00Z
    assert rows[-1][0] < 2_145_916_800  # 2038


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../UTC", "+25:00", "Asia/Tokio"])
def test_what_is_no_zone(name):
    with pytest.raises(ValueError, match=r"is not a time zone|beyond 18 hours"):
        zones.offsets(name)


def test_wall_clocks_in_gaps_and_overlaps_are_read_by_the_offset_before():
    zone = Offsets(zones.offsets("America/Los_Angeles"))
    gap, doubled = 1457836200000, 1762047000000  # 2016-03-13T02:30 and 2025-11-02T01:30 on the wall
    assert zone.to_utc(gap) - gap == 28_800_000
    assert zone.to_utc(doubled) - doubled == 25_200_000


def test_summer_time_goes_on_after_the_last_row():
    zone = Offsets(zones.offsets("America/Los_Angeles"))
    assert zone.at(2_552_428_800_000) == -28_800_000  # 2050-11-19
    assert zone.at(2_540_000_000_000) == -25_200_000  # 2050-06-28


def test_a_table_can_be_cut_to_years():
    rows = zones.offsets("Europe/London")
    table = zones.table(rows, 2020, 2021)
    assert len(table) == 5
    assert table[0]["d"] == 0
    assert sum(row["d"] for row in table) == 0


def test_session_values():
    run = {"session_time": "2016-01-30T00:00:00+09:00", "attempt_id": 7, "session_uuid": "u"}
    values = builtins.session_values(run, "Asia/Tokyo")
    assert values["session_time"] == "2016-01-30T00:00:00+09:00"
    assert values["session_date"] == "2016-01-30"
    assert values["session_date_compact"] == "20160130"
    assert values["session_local_time"] == "2016-01-30 00:00:00"
    assert values["session_tz_offset"] == "+0900"
    assert values["session_unixtime"] == values["session_id"] == 1454079600
    assert values["last_executed_session_time"] == ""
    assert values["last_executed_session_tz_offset"] == "+0000"
    assert values["attempt_id"] == 7
