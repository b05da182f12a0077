"""Why a task failed, in plain words: out of what Step Functions hands on as error and cause."""

from __future__ import annotations

import json
import re
from typing import Any

from stepdig.runner.exit_codes import meaning

# Names of errors that say nothing beside their cause: the compiler's own and its functions', and that a task failed.
OURS = {
    *("Fail", "Config", "UndefinedVariable", "ItemsFailed", "RequiredFailed", "States.TaskFailed"),
    *("HttpBusy", "HttpFailed", "HttpUnavailable", "MailFailed", "ParamRefused", "SecretMissing"),
}
# What Step Functions puts before the message of an expression that failed, and JSONata before that of `$error`.
EVALUATION = re.compile(
    r"(?s)^An error occurred while executing the state .* threw an error during evaluation\. (D3137: )?"
)
# Digdag's words for a template that cannot be evaluated repeat all of it: a whole script, which the log has as well.
TEMPLATE = re.compile(r"(?s)^(Failed to evaluate a variable [^\n]*)\n.*( \(\w+: [^\n]*\))$")
# What the runner says of a process that said nothing itself.
ONLY_CODE = re.compile(r"^[A-Z][a-z]+( command)? failed with code \d+ \(runtime\)$")


def reason(error: str | None, cause: str | None, message: str = "") -> str:
    """Return why a task failed: what it said itself (`message`), its exit code, or what the machine says.

    The cause of a failed container is the Task of DescribeTasks as JSON
    (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html); other causes are texts.
    """
    task = _container_task(cause)
    if task is not None:
        text, said = _stopped(task), ONLY_CODE.sub("", TEMPLATE.sub(r"\1 ...\2", message))
        return f"{text}: {said}" if said else text
    if error == "States.Timeout":
        return message or "it took longer than it may" + (f": {cause}" if cause else "")
    said = _function_said(cause) or _query_said(cause)
    own = message or said or EVALUATION.sub("", cause or "")
    named = error if error and error not in OURS and own in (message, cause, said) else ""
    return ": ".join(filter(None, (named, own))) or "it failed and gave no reason"


def exit_code(cause: str | None) -> int | None:
    """Return the exit code in the cause of a failed container, or None when there is none."""
    task = _container_task(cause)
    codes = [container.get("ExitCode") for container in task["Containers"]] if task else []
    return next((code for code in codes if isinstance(code, int) and code != 0), None)


def _function_said(cause: str | None) -> str:
    """Return the message of an exception of a function, out of the JSON that Lambda reports; "" of any other cause.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    try:
        told = json.loads(cause or "")
    except ValueError:
        return ""
    message = told.get("errorMessage") if isinstance(told, dict) else None
    return message if isinstance(message, str) else ""


def _query_said(cause: str | None) -> str:
    """Return why a query of Athena failed, out of the JSON that Step Functions reports of it; "" of any other cause.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html
    """
    try:
        told = json.loads(cause or "")
    except ValueError:
        return ""
    query = told.get("QueryExecution", told) if isinstance(told, dict) else {}
    status = query.get("Status") if isinstance(query, dict) else None
    reason = status.get("StateChangeReason") if isinstance(status, dict) else None
    return f"{reason} (query {query.get('QueryExecutionId')})" if isinstance(reason, str) else ""


def _container_task(cause: str | None) -> dict[str, Any] | None:
    try:
        task = json.loads(cause or "")
    except ValueError:
        return None
    is_task = isinstance(task, dict) and isinstance(task.get("Containers"), list)
    return task if is_task and all(isinstance(container, dict) for container in task["Containers"]) else None


def _stopped(task: dict[str, Any]) -> str:
    """Return how the containers of a task ended."""
    for container in task["Containers"]:
        code = container.get("ExitCode")
        if isinstance(code, int) and code != 0:
            means = meaning(code)
            return f"exit code {code}" + (f" ({means})" if means else "")
    whys = [container.get("Reason") for container in task["Containers"]] + [task.get("StoppedReason")]
    why = next((str(text) for text in whys if text), "no reason given")
    return (
        f"it could not be started: {why}" if task.get("StopCode") == "TaskFailedToStart" else f"it was stopped: {why}"
    )
