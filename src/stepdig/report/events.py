"""What stands in AWS's history events and in the variables that states assign, in shapes to work with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def seconds(timestamp: str | float | datetime) -> float:
    """Return the time of an event in seconds."""
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
    return timestamp.timestamp() if isinstance(timestamp, datetime) else timestamp


def details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the details of an event, under whatever name its type has for them."""
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})


def noted(value: str) -> tuple[str | None, str | None]:
    """Return error and cause of a failure that a state assigned to a variable (JSON text)."""
    try:
        failure = json.loads(value)
        return failure.get("Error"), failure.get("Cause")
    except (ValueError, AttributeError):
        return None, None


def lines(value: str) -> list[str]:
    """Return the lines of an assigned variable (JSON text) as a person reads them."""
    try:
        shown = json.loads(value)
    except ValueError:
        shown = value
    return (shown if isinstance(shown, str) else value).split("\n")
