"""A workflow's `schedule:` -> a schedule of EventBridge Scheduler that calls the function start_session.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
It has no State and no name of its own, and holds nothing that a deployment of something else changes: CloudFormation then leaves
it alone, so that one paused by hand stays paused. Without a name, two stacks of an account do not meet.
"""

from __future__ import annotations

import json

from stepdig.iam import arns
from stepdig.language.recurrence import expression
from stepdig.template.machine import alias_id
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, literal, ref, text

_TRIES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}  # all that the Scheduler gives
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
    return {
        unit.id("Schedule"): {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
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
            },
        }
    }
