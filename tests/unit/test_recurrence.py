"""What EventBridge Scheduler is told: neat where it can be, never too narrow. tests/laws/test_session_times.py has the law."""

from __future__ import annotations

from typing import Any

import pytest

from stepdig.expressions import zones
from stepdig.language.recurrence import Recurrence, expression
from stepdig.language.schedules import schedule
from stepdig.limits import SCHEDULE_EXPRESSION_CHARS
from stepdig.problem import Problems
from stepdig.source import tree


def recurrence(text: str, zone: str) -> Recurrence:
    problems = Problems()
    found: Any = schedule(tree.load(text, "w.dig", lambda _: None, problems), problems)  # type: ignore[arg-type]
    assert problems.found == []
    return expression(found, zone, [(at, offset or 0) for at, offset in zones.offsets(zone)])


@pytest.mark.parametrize(
    ("text", "zone", "expected", "where"),
    [
        ("daily>: 07:00:00", "Asia/Tokyo", "0 7 * * ? *", "Asia/Tokyo"),
        ("daily>: 07:00:00", "UTC", "0 7 * * ? *", "UTC"),
        ("daily>: 07:00:30", "Asia/Tokyo", "1 7 * * ? *", "Asia/Tokyo"),
        ("daily>: 07:00:00", "+09:00", "0 22 * * ? *", "UTC"),
        ("hourly>: 30:00", "Asia/Kolkata", "30 * * * ? *", "Asia/Kolkata"),
        ("weekly>: Mon,07:00:00", "Asia/Tokyo", "0 7 ? * MON *", "Asia/Tokyo"),
        ("weekly>: Mon,07:00:00", "+09:00", "0 22 ? * SUN *", "UTC"),
        ("monthly>: 1,07:00:00", "Asia/Tokyo", "0 7 1 * ? *", "Asia/Tokyo"),
        ("monthly>: 1,00:00:00", "+09:00", "0 15 28-31 * ? *", "UTC"),
        ("cron>: 0 0 L 2 *", "Asia/Tokyo", "0 0 L 2 ? *", "Asia/Tokyo"),
        ("cron>: 0 0 1,L * *", "Asia/Tokyo", "0 0 1,28-31 * ? *", "Asia/Tokyo"),
        ("cron>: 0 9 * * Mon-Fri", "Asia/Tokyo", "0 9 ? * MON-FRI *", "Asia/Tokyo"),
        ("cron>: 0 9 13 * Fri", "Asia/Tokyo", "0 9 13 * ? *", "Asia/Tokyo"),
        ("cron>: 0 9 1-28 * Fri", "Asia/Tokyo", "0 9 ? * FRI *", "Asia/Tokyo"),
        ("cron>: 0 1 * * *|30 2 1 * *", "Asia/Tokyo", "0,30 1,2 * * ? *", "Asia/Tokyo"),
        ("minutes_interval>: 7", "Asia/Tokyo", "0/7 * * * ? *", "Asia/Tokyo"),
        ("cron>: 5-50/15 */6 * * *", "Asia/Tokyo", "5/15 0/6 * * ? *", "Asia/Tokyo"),
        ("cron>: 5,20,35 0 * 1,2,3 0,6", "Asia/Tokyo", "5,20,35 0 ? 1-3 SUN,SAT *", "Asia/Tokyo"),
        # clocks change: a time of cron's stays, unless it may come twice; a delay passes as it does
        ("cron>: 0 9 * * Mon-Fri", "America/New_York", "0 9 ? * MON-FRI *", "America/New_York"),
        ("cron>: 30 2 * * *", "America/New_York", "30 2 * * ? *", "America/New_York"),
        ("cron>: 30 1 * * *", "America/New_York", "30 5,6 * * ? *", "UTC"),
        ("daily>: 07:00:00", "America/New_York", "0 11,12 * * ? *", "UTC"),
        ("weekly>: Mon,00:30:00", "Australia/Sydney", "30 13,14 ? * SUN *", "UTC"),
        ("hourly>: 30:00", "Australia/Lord_Howe", "0,30 * * * ? *", "UTC"),
        ("minutes_interval>: 15", "America/New_York", "0/15 * * * ? *", "UTC"),
        # zones that had summer time once
        ("daily>: 07:00:00", "Europe/Moscow", "0 7 * * ? *", "Europe/Moscow"),
        ("daily>: 07:00:00", "America/Sao_Paulo", "0 7 * * ? *", "America/Sao_Paulo"),
        # delays over days, over the end of a month, of a year; longer ones
        ("{cron>: 30 23 30 4 *, delay: 90000}", "Asia/Tokyo", "30 0 2 5 ? *", "Asia/Tokyo"),
        ("{cron>: 0 0 31 12 *, delay: 86400}", "Asia/Tokyo", "0 0 1 1 ? *", "Asia/Tokyo"),
        ("{cron>: 0 0 28 2 *, delay: 86400}", "Asia/Tokyo", "0 0 1,29 2,3 ? *", "Asia/Tokyo"),
        ("{cron>: 0 0 * 2 Mon, delay: 86400}", "Asia/Tokyo", "0 0 ? 2,3 TUE *", "Asia/Tokyo"),
        ("{cron>: 0 0 * * Mon, delay: 3456000}", "Asia/Tokyo", "0 0 ? * SAT *", "Asia/Tokyo"),
        ("{cron>: 0 0 5 6 *, delay: 3456000}", "Asia/Tokyo", "0 0 * * ? *", "Asia/Tokyo"),
        # of the epoch, so of UTC
        ("seconds_interval>: 300", "Asia/Tokyo", "0/5 * * * ? *", "UTC"),
        ("seconds_interval>: 7200", "Asia/Tokyo", "0 0/2 * * ? *", "UTC"),
        ("seconds_interval>: 604800", "Asia/Tokyo", "0 0 * * ? *", "UTC"),
        ("seconds_interval>: 77", "Asia/Tokyo", "* * * * ? *", "UTC"),
        ("{seconds_interval>: 3600, delay: 61}", "Asia/Tokyo", "2 * * * ? *", "UTC"),
    ],
)
def test_expressions(text: str, zone: str, expected: str, where: str) -> None:
    assert recurrence(text, zone) == Recurrence(f"cron({expected})", where)


def test_the_longest_expression_has_room() -> None:
    """Two values of three are written longest: three neighbours are a range, fewer values are fewer."""
    lists = [
        ",".join(str(it) for it in range(low, high + 1) if it % 3 != 2)
        for low, high in ((0, 59), (0, 23), (1, 31), (1, 12))
    ]
    found = recurrence(f"cron>: '{' '.join(lists)} *'", "Asia/Tokyo").expression
    assert 200 < len(found) <= SCHEDULE_EXPRESSION_CHARS
