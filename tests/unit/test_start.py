"""The first state fills the session time, also when the execution was started with `{}` or with a local time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stepdig.local.engine import Engine
from stepdig.local.integrations import Integrations
from stepdig.pipeline import compile_workflow


def _run(timezone: str, given: object, head: str = "") -> tuple[str, Any]:
    """Return status and `$run` of an execution of a workflow in a zone; of one that failed its cause."""
    text = f"timezone: {timezone}\n{head}+t: {{echo>: hi}}\n".encode()
    made = compile_workflow(lambda _: text, "w.dig", display=str, project="p", workflow="w", jobs=None)

    async def go() -> tuple[str, Any]:
        async with Engine(integrations=Integrations()) as engine:
            execution = await engine.start(made.definition, given, "night-1", "p-w").wait()
            exited = next((event for event in execution.events if "stateExitedEventDetails" in event), {})
            if execution.status == "FAILED":
                return execution.status, execution.events[-1]["executionFailedEventDetails"]["cause"]
            assigned = exited.get("stateExitedEventDetails", {}).get("assignedVariables", {})
            return execution.status, json.loads(assigned.get("run", "null"))

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("timezone", "given", "expected"),
    [
        ("Asia/Tokyo", "2026-11-20T00:00:00+09:00", "2026-11-20T00:00:00+09:00"),
        ("Asia/Tokyo", "2026-11-19T15:00:00Z", "2026-11-20T00:00:00+09:00"),
        ("Asia/Tokyo", "2026-11-20", "2026-11-20T00:00:00+09:00"),
        ("UTC", "2026-11-20 01:02:03", "2026-11-20T01:02:03+00:00"),
        ("America/New_York", "2026-07-01", "2026-07-01T00:00:00-04:00"),
        ("America/New_York", "2026-11-01 01:30:00", "2026-11-01T01:30:00-04:00"),
        ("America/New_York", "2026-03-08 02:30:00", "2026-03-08T03:30:00-04:00"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"),
    ],
)
def test_session_time_is_in_the_workflows_zone(timezone: str, given: str, expected: str) -> None:
    """A given session time keeps its instant; one without offset is local; gaps move on, folds are the earlier."""
    status, run = _run(timezone, {"session_time": given})

    assert (status, run["session_time"]) == ("SUCCEEDED", expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-20 07:00", "2026-11-20T07:00:00+09:00"),
        ("2026-11-20T07:00+0200", "2026-11-20T14:00:00+09:00"),
        ("2026-11-20T07:00Z", "2026-11-20T16:00:00+09:00"),
        ("2026-11-20T07:00:00.123Z", "2026-11-20T16:00:00+09:00"),
        ("2028-02-29", "2028-02-29T00:00:00+09:00"),
    ],
)
def test_a_session_time_as_people_write_it(given: str, expected: str) -> None:
    status, run = _run("Asia/Tokyo", {"session_time": given})

    assert (status, run["session_time"]) == ("SUCCEEDED", expected)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"session_time": "yesterday"}, "session_time yesterday: give 2026-11-20, 2026-11-20 07:00:00 or"),
        ({"session_time": 20261120}, "session_time 20261120: give"),
        ({"session_time": {"a": 1}}, 'session_time {"a":1}: give'),
        ({"session_time": "2026-13-01"}, "session_time 2026-13-01T00:00:00: give"),
        ({"session_time": "2026-11-20 24:00:00"}, "session_time 2026-11-20T24:00:00: give"),
        ({"session_time": "2026-02-29"}, "session_time 2026-02-29T00:00:00: no such day"),
        ({"sesion_time": "2026-11-20"}, "the input of a run has no sesion_time; it has session_time and params"),
        ({"days": 3, "params": {}}, "the input of a run has no days;"),
        ({"params": "days=3"}, "params must be an object, not days=3"),
        ({"params": [1]}, "params must be an object, not [1]"),
    ],
)
def test_what_is_wrong_in_the_input_is_said(given: object, said: str) -> None:
    status, cause = _run("Asia/Tokyo", given)

    assert status == "FAILED"
    assert said in cause.rpartition("during evaluation.")[2]


def test_what_the_console_and_aws_put_in_does_no_harm() -> None:
    """The console's own example, the note of the execution that started this one, empty values."""
    noted = {"Comment": "Insert your JSON here", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:aws:states:x"}

    status, run = _run("UTC", {**noted, "session_time": None, "params": None})

    assert (status, run["params"]) == ("SUCCEEDED", {})


def test_what_start_session_gives_is_in_the_run() -> None:
    given = {
        "session_time": "2026-01-30T00:00:00+09:00",
        "last_session_time": "2026-01-29T00:00:00+09:00",
        "next_session_time": "2026-01-31T00:00:00+09:00",
        "last_executed_session_time": "2026-01-29T00:00:00+09:00",
        "attempt_id": 1,
        "session_uuid": "5e5a2f4c-1c6f-5f6e-9a53-8a3b0b1a7d11",
    }

    status, run = _run("Asia/Tokyo", given, "schedule: {daily>: 07:00:00}\n")

    assert status == "SUCCEEDED"
    assert {name: run[name] for name in given} == given


@pytest.mark.parametrize("given", [{}, None, []])
def test_started_from_the_console(given: object) -> None:
    """Any input without a session time is a session of its own, now; the parameters are empty."""
    status, run = _run("UTC", given)

    assert status == "SUCCEEDED"
    assert run["session_time"].endswith("+00:00")
    assert (run["params"], run["prefix"]) == ({}, "runs/p-w/night-1")


def test_too_many_parameters_are_refused_at_the_start() -> None:
    """Parameters that could outgrow a task's override end the run before any task."""
    status, cause = _run("UTC", {"params": {"x": "y" * 5000}})

    assert status == "FAILED"
    assert "the input of a run may have 1500 characters" in cause
