"""An event of EventBridge Scheduler -> what has fired, checked.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any

import periods
from errors import BadEvent

NUMBERS = {"seconds", "delay", "skip_delayed_by", "catch_up_limit"}
LEAST = {"seconds": 1, "catch_up_limit": 1}
MOST = 100 * 366 * 86_400  # a century: Python has dates for no more than some
DAYS = {"start", "end"}
FIELDS = ((0, 59), (0, 23), (1, periods.LAST_DAY), (1, 12), (0, 6))  # minutes, hours, days, months, weekdays
FIRST_YEAR, LAST_YEAR = 2000, 9000
SHOWN = 200  # characters of what is wrong
_SCHEDULE = re.compile(r":schedule/[^/]+/[^/]+$")


@dataclass(frozen=True)
class Firing:
    """A schedule's call: `at` is the minute it was to be made, `machine` the ARN of an alias or of a state machine."""

    machine: str
    workflow: str
    zone: tzinfo
    schedule: Mapping[str, Any]
    at: datetime
    schedule_arn: str | None = None

    @property
    def unqualified(self) -> str:
        """The ARN of the state machine, without version or alias."""
        return ":".join(self.machine.split(":")[:7])


def firing(event: object) -> Firing:
    """Return what an event says. Raises BadEvent."""
    if not isinstance(event, dict):
        raise BadEvent(f"the event is no object but {type(event).__name__}")
    machine, workflow, schedule = _text(event, "machine"), _text(event, "workflow"), _schedule(event.get("schedule"))
    if ":stateMachine:" not in machine:
        raise BadEvent(f"'machine' is no ARN of a state machine: {machine[:SHOWN]}")
    text = _text(event, "scheduled_time")
    try:
        at = datetime.fromisoformat(text)
        zone = periods.zone(_text(event, "timezone"))
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    except (ValueError, OverflowError) as error:
        raise BadEvent(str(error)[:SHOWN]) from None
    if at.tzinfo is None:
        raise BadEvent(f"'scheduled_time' has no zone: {text[:SHOWN]}")
    if not FIRST_YEAR <= minute.year <= LAST_YEAR:
        raise BadEvent(f"'scheduled_time' is no time of these days: {text[:SHOWN]}")
    arn = event.get("schedule_arn")
    return Firing(
        machine, workflow, zone, schedule, minute, arn if isinstance(arn, str) and _SCHEDULE.search(arn) else None
    )


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str):
        raise BadEvent(f"the event has no '{name}'")
    return value


def _schedule(given: object) -> Mapping[str, Any]:
    """Return a schedule as the bundle has it, looked over. Raises BadEvent."""
    if not isinstance(given, dict) or not {"cron", "seconds"} & set(given):
        raise BadEvent("'schedule' has neither 'cron' nor 'seconds'")
    for name in sorted(NUMBERS & set(given)):
        value = given[name]
        if not isinstance(value, int) or isinstance(value, bool) or not LEAST.get(name, 0) <= value <= MOST:
            raise BadEvent(f"'{name}' of 'schedule' is no number that it may be: {json.dumps(value)[:SHOWN]}")
    for name in DAYS & set(given):
        try:
            date.fromisoformat(given[name])
        except (TypeError, ValueError):
            raise BadEvent(f"'{name}' of 'schedule' is no date: {json.dumps(given[name])[:SHOWN]}") from None
    if "seconds" not in given and not _is_cron(given["cron"]):
        raise BadEvent("'cron' of 'schedule' is no list of five lists of numbers")
    return given


def _is_cron(rows: object) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, list)
        and len(row) == len(FIELDS)
        and all(
            isinstance(field, list) and all(type(it) is int and low <= it <= high for it in field)
            for field, (low, high) in zip(row, FIELDS, strict=True)
        )
        for row in rows
    )
