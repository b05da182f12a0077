"""start_session: starts the sessions of a workflow's `schedule:` that are due, each of them once.

Event, from EventBridge Scheduler: {"machine": ARN of the alias, "workflow": "shop-nightly_sync", "timezone", "schedule": as in
the bundle, "scheduled_time": "2026-11-20T00:00:00Z", "schedule_arn"}. Answer, for whoever looks: {"started": [names of
executions], "skipped": [{"session", "reason"}], "missed": how many sessions of an outage were left out}. Or a request of
CloudFormation's for a Custom::ScheduleState: see state.py.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import runtime
import state
from firing import firing
from start import run


def handler(event: object, _context: object) -> dict[str, Any]:
    """Start what is due. Raises BadEvent, and what AWS refuses: Lambda tries again, then the event is a dead letter."""
    if isinstance(event, dict) and "RequestType" in event:
        return state.answer(event, runtime.state, runtime.http)
    return run(firing(event), runtime.aws(), datetime.fromtimestamp(time.time(), UTC))
