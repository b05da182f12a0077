"""A workflow's `schedule:` -> a schedule of EventBridge Scheduler that calls the function start_session.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
It holds nothing that a deployment of something else changes, so that CloudFormation leaves it alone. When it is changed, a
custom resource asks for the state that it is in: one that was paused by hand stays paused (functions/start_session/state.py).
For that it has a name, with the stack's in it: two stacks of an account do not meet.
"""

from __future__ import annotations

import hashlib
import json
import re

from stepdig import limits
from stepdig.iam import arns
from stepdig.language.recurrence import expression
from stepdig.template.machine import alias_id
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, Value, att, literal, ref, text

_TRIES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}  # all that the Scheduler gives
_NAME_CHARS = limits.SCHEDULE_NAME_CHARS - limits.STACK_CHARS - 1  # of a workflow's name, behind the stack's
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def schedule(unit: Unit) -> Resources:
    """Return the schedule of a workflow, nothing for one without."""
    bundle = unit.compiled.bundle
    given, zone, offsets = bundle.get("schedule"), str(bundle["timezone"]), bundle["offsets"]
    if not isinstance(given, dict):
        return {}
    assert isinstance(offsets, list | tuple)
    fires = expression(given, zone, offsets)
    event = {
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "schedule_arn": "<aws.scheduler.schedule-arn>",
        "timezone": zone,
        "schedule": given,
    }
    told = literal(_encode(event))[1:]
    named = f'{{"machine":"${{{alias_id(unit)}}}","workflow":"{arns.name(unit.machine)}",{told}'
    properties: dict[str, Value] = {
        "Name": text(f"${{Stack}}-{_name(unit.machine)}"),
        "Description": f"sessions of {unit.machine} may be due"[:512],
        "GroupName": ref("ScheduleGroup"),
        "ScheduleExpression": fires.expression,
        "ScheduleExpressionTimezone": fires.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": ref("StartSessionFunctionArn"),
            "RoleArn": ref("ScheduleRoleArn"),
            "DeadLetterConfig": {"Arn": ref("DeadLetterQueueArn")},
            "RetryPolicy": dict(_TRIES),
            "Input": text(named),
        },
    }
    asked = {
        "ServiceToken": ref("StartSessionFunctionArn"),
        "Group": ref("ScheduleGroup"),
        "Name": properties["Name"],
        "Version": hashlib.sha256(_encode(properties).encode()).hexdigest()[:16],
    }
    state = unit.id("ScheduleState")
    return {
        state: {"Type": "Custom::ScheduleState", "Properties": asked},
        unit.id("Schedule"): {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {**properties, "State": att(state, "State")},
        },
    }


def _name(machine: str) -> str:
    """Return a workflow's name as the Scheduler takes it; one that is cut or changed is told apart by a hash."""
    taken = re.sub(r"[^0-9A-Za-z_.-]", "_", machine)
    if taken == machine and len(machine) <= _NAME_CHARS:
        return machine
    return f"{taken[: _NAME_CHARS - 9]}-{hashlib.sha256(machine.encode()).hexdigest()[:8]}"
