"""The first state fills the session time, also when the execution was started with `{}` or with a local time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stepdig.local.engine import Engine
from stepdig.local.integrations import Integrations
from stepdig.pipeline import compile_workflow


def _run(timezone: str, given: object) -> tuple[str, Any]:
    """Return status and `$run` of an execution of a workflow in a zone."""
    text = f"timezone: {timezone}\n+t: {{echo>: hi}}\n".encode()
    made = compile_workflow(lambda _: text, "w.dig", display=str, project="p", workflow="w", jobs=None)

    async def go() -> tuple[str, Any]:
        async with Engine(integrations=Integrations()) as engine:
            execution = await engine.start(made.definition, given, "night-1", "p-w").wait()
            exited = next((event for event in execution.events if "stateExitedEventDetails" in event), {})
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


@pytest.mark.parametrize("given", [{}, None, []])
def test_started_from_the_console(given: object) -> None:
    """Any input without a session time is a session of its own, now; the parameters are empty."""
    status, run = _run("UTC", given)

    assert status == "SUCCEEDED"
    assert run["session_time"].endswith("+00:00")
    assert (run["params"], run["prefix"]) == ({}, "runs/p-w/night-1")


def test_too_many_parameters_are_refused_at_the_start() -> None:
    """Parameters that could outgrow a task's override end the run before any task."""
    status, run = _run("UTC", {"params": {"x": "y" * 5000}})

    assert (status, run) == ("FAILED", None)
