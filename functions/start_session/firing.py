"""An event of EventBridge Scheduler -> what has fired, checked.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import periods
from errors import BadEvent


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


def firing(event: Mapping[str, Any]) -> Firing:
    """Return what an event says. Raises BadEvent."""
    machine, workflow, schedule = _text(event, "machine"), _text(event, "workflow"), event.get("schedule")
    if ":stateMachine:" not in machine:
        raise BadEvent(f"'machine' is no ARN of a state machine: {machine}")
    if not isinstance(schedule, dict) or not {"cron", "seconds"} & set(schedule):
        raise BadEvent("'schedule' has neither 'cron' nor 'seconds'")
    text = _text(event, "scheduled_time")
    try:
        at = datetime.fromisoformat(text)
        zone = periods.zone(_text(event, "timezone"))
    except ValueError as error:
        raise BadEvent(str(error)) from None
    if at.tzinfo is None:
        raise BadEvent(f"'scheduled_time' has no zone: {text}")
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    arn = event.get("schedule_arn")
    return Firing(
        machine, workflow, zone, schedule, minute, arn if isinstance(arn, str) and ":schedule/" in arn else None
    )


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str):
        raise BadEvent(f"the event has no '{name}'")
    return value
