"""What a redrive needs: may the execution be redriven, what it keeps, what its frames see anew.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from stepdig.limits import HISTORY_EVENTS
from stepdig.local.errors import NotRedrivable
from stepdig.local.execution import Execution
from stepdig.local.frame import Frame, frozen
from stepdig.local.payload import Json


def redrivable(execution: Execution) -> None:
    """Raise NotRedrivable when RedriveExecution would refuse the execution."""
    if execution.status in ("RUNNING", "SUCCEEDED"):
        raise NotRedrivable(f"Execution is {execution.status} and cannot be redriven.")
    if execution.history.last >= HISTORY_EVENTS - 1:
        raise NotRedrivable("Execution history event limit exceeded.")


def refreshed(frame: Frame, seen: dict[str, Json]) -> None:
    """Let a frame and all it holds see the execution's new RedriveCount."""
    frame.context = {**frame.context, "Execution": seen}
    if frame.progress is not None and not frame.progress.run:
        for inner in frame.progress.failed.values():
            refreshed(inner, seen)


def checkpoint(execution: Execution) -> dict[str, Json]:
    """Return everything `Engine.restore` needs to redrive an ended execution, as JSON."""
    return {
        "definition": execution.definition,
        "input": execution.input,
        "name": execution.name,
        "machine": execution.machine,
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "redrive_count": execution.redrive_count,
        "transitions": execution.transitions,
        "started": execution.started,
        "events": execution.history.last,
        "frame": frozen(execution.frame) if execution.frame is not None else None,
    }
