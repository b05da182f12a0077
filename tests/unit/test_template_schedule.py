"""The schedule of a workflow in the template: what it tells start_session, and the question for the state it is in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stepdig import limits
from stepdig.local.functions import module
from stepdig.pipeline import compile_workflow
from stepdig.template.schedule import schedule
from stepdig.template.unit import Unit

DAILY = "timezone: Asia/Tokyo\nschedule: {daily>: '07:00:00', skip_on_overtime: true}\n+t: {echo>: hi}\n"


def made(text: str = DAILY, workflow: str = "nightly") -> dict[str, dict[str, Any]]:
    """Return the resources by type."""
    compiled = compile_workflow(
        lambda _: text.encode(), "w.dig", display=str, project="shop", workflow=workflow, jobs=None
    )
    found = schedule(Unit("shop", workflow, "w.dig", compiled))
    return {resource["Type"]: {"id": name, **resource["Properties"]} for name, resource in found.items()}


def test_it_fires_when_a_session_may_be_due_and_tells_all_that_start_session_needs() -> None:
    found = made()["AWS::Scheduler::Schedule"]
    assert (found["ScheduleExpression"], found["ScheduleExpressionTimezone"]) == ("cron(0 7 * * ? *)", "Asia/Tokyo")
    told = found["Target"]["Input"]["Fn::Sub"]
    event = json.loads(
        re.sub(r"\$\{(\w+)\}", r"arn:aws:states:eu-west-1:123456789012:stateMachine:\1", told).replace(
            "<aws.scheduler.scheduled-time>", "2026-11-19T22:00:00Z"
        )
    )
    firing = module("start_session", "firing").firing(event)
    assert module("start_session", "start").due(firing).isoformat() == "2026-11-19T15:00:00+00:00"
    assert firing.schedule["skip_on_overtime"] is True


def test_the_state_is_asked_for_when_the_schedule_changes_and_then_alone() -> None:
    found = made()
    asked, plan = found["Custom::ScheduleState"], found["AWS::Scheduler::Schedule"]
    assert plan["State"] == {"Fn::GetAtt": [asked["id"], "State"]}
    assert (asked["Group"], asked["Name"]) == (plan["GroupName"], plan["Name"])
    assert asked["ServiceToken"] == plan["Target"]["Arn"]
    versions = [
        made(text)["Custom::ScheduleState"]["Version"]
        for text in (DAILY, DAILY.replace("hi", "ho"), DAILY.replace("07:00", "08:00"), DAILY.replace("Tokyo", "Seoul"))
    ]
    assert versions[0] == asked["Version"] == versions[1]
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    ("workflow", "name"),
    [
        ("nightly", "shop-nightly"),
        ("x" * 30, f"shop-{'x' * 30}"),
        ("x" * 31, f"shop-{'x' * 21}-"),
        ("夜", "shop-_-"),
    ],
)
def test_names_have_room_beside_that_of_the_stack(workflow: str, name: str) -> None:
    given = made(workflow=workflow)["AWS::Scheduler::Schedule"]["Name"]["Fn::Sub"]
    assert given.startswith(f"${{Stack}}-{name}")
    own = given.removeprefix("${Stack}-")
    assert re.fullmatch(r"[0-9A-Za-z_.-]+", own)
    assert limits.STACK_CHARS + 1 + len(own) <= limits.SCHEDULE_NAME_CHARS
    assert (own == name) == (not name.endswith("-"))


def test_a_workflow_without_a_schedule_has_none() -> None:
    assert made("+t: {echo>: hi}\n") == {}
