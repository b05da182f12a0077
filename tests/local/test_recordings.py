"""Executions recorded on AWS, run again here: same status, output, error, cause, and the same events."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from machines import run

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/data/asl-recordings.json"
CASES = json.loads(RECORDINGS.read_text())["executions"] if RECORDINGS.is_file() else []


def at_end(case: dict[str, Any]) -> tuple[str, Any, Any, Any]:
    """Status, output, error and cause of a recorded execution."""
    last = case["events"][-1]
    details = next((part for key, part in last.items() if key.endswith("EventDetails")), {})
    output = details.get("output")
    if isinstance(output, str):
        output = json.loads(output)
    return last["type"].removeprefix("Execution").upper(), output, details.get("error"), details.get("cause")


def masked(value: Any) -> Any:
    """The recorder put the word "date" where a time was."""
    if isinstance(value, dict):
        return {key: "date" if key == "TimestampValue" else masked(part) for key, part in value.items()}
    return value


def failed_at(events: list[dict[str, Any]]) -> list[Any]:
    """What the events of failing expressions tell."""
    return [event["evaluationFailedEventDetails"] for event in events if event["type"] == "EvaluationFailed"]


@pytest.mark.skipif(not CASES, reason="the recordings are not beside the repository")
@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{case['id'].split('::')[-1]}" for i, case in enumerate(CASES)])
def test_ends_and_tells_as_recorded_on_aws(case: dict[str, Any]) -> None:
    execution = run(case["definition"], case["input"])

    assert (execution.status, masked(execution.output), execution.error, execution.cause) == at_end(case)
    assert Counter(event["type"] for event in execution.events) == Counter(event["type"] for event in case["events"])
    assert failed_at(execution.events) == failed_at(case["events"])
