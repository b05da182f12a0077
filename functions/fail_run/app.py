"""fail_run: the failing end of a run, as a Task that Redrive can go through.

A Fail state would fail again on every redrive. This function fails the execution with its true error the first time;
redriven, it succeeds, and the next state leads back to what failed. Event: {"token", "error", "cause", "failed_at",
"redrive_count"}, the last two the redrive count when the failure happened and now;
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html.
"""

from __future__ import annotations

import json
from typing import Any

import runtime

stepfunctions = runtime.stepfunctions()

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html
ERROR_CHARS = 256
CAUSE_CHARS = 32_768


def handler(event: object, _context: object) -> dict[str, bool]:
    """Answer the task token; return whether the run failed. Raises ValueError for an event without one."""
    if not isinstance(event, dict) or not isinstance(event.get("token"), str):
        raise ValueError("the event has no 'token' that could be answered")
    return {"failed": answer(event, stepfunctions)}


def answer(event: dict[str, Any], client: runtime.StepFunctions) -> bool:
    """Report the failure, or success when the execution was redriven since; return whether it was the failure."""
    if _number(event.get("redrive_count")) > _number(event.get("failed_at")):
        client.send_task_success(taskToken=event["token"], output="{}")
        return False
    client.send_task_failure(
        taskToken=event["token"],
        error=_cut(_text(event.get("error")), ERROR_CHARS),
        cause=_cut(_text(event.get("cause")), CAUSE_CHARS),
    )
    return True


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    """Return a text; a state that is given anything else by an expression must not wait for its answer."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
