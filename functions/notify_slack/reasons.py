"""Why a task failed -> a sentence that a person understands, and what to do about it; the tables are `stops` and `faults`."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faults import ERRORS
from objects import object_in
from reason import ECS, REDRIVE, Reason, first
from stops import EXIT_CODES, EXIT_TODOS, STOPS

CAUSE_CHARS = 600  # of words that are told
_CODES = ECS + "stopped-task-error-codes.html"
# What Step Functions puts before the message of an expression that failed, and JSONata before that of `$error`.
_EVALUATION = re.compile(
    r"(?s)^An error occurred while executing the state .* threw an error during evaluation\. (D3137: )?"
)


def explain(error: str | None, cause: str | None, job: str = "") -> Reason:
    """Return why a task, or a run, failed.

    The cause of a failed container is the Task of DescribeTasks, that of another run DescribeExecution's answer, that
    of a function what Lambda reports of its exception, that of a query the query, each as JSON; other causes are texts.
    """
    told = object_in(cause)
    if isinstance(told.get("Containers"), list):
        found = _of_task(told)
    elif "ExecutionArn" in told:
        found = _of_run(told)
    else:
        found = _of_error(error or "", _said(told, cause))
    return replace(found, todo=found.todo.replace("{job}", job or "NAME"))


def exit_code(cause: str | None) -> int | None:
    """Return the exit code in the cause of a failed container; None when there is none."""
    containers = object_in(cause).get("Containers")
    given = [it.get("ExitCode") for it in containers if isinstance(it, dict)] if isinstance(containers, list) else []
    return next((code for code in given if isinstance(code, int) and code != 0), None)


def _of_task(task: Mapping[str, Any]) -> Reason:
    containers = [it for it in task["Containers"] if isinstance(it, dict)]
    whys = list(dict.fromkeys(str(it["Reason"]) for it in containers if it.get("Reason")))
    stopped = str(task.get("StoppedReason") or "")
    words = _cut(": ".join(whys) or stopped)
    asked = " ".join([str(task.get("StopCode") or ""), *whys, stopped])
    if (known := first(STOPS, asked)) is not None:
        return replace(known, words=words)
    code = next((it["ExitCode"] for it in containers if isinstance(it.get("ExitCode"), int) and it["ExitCode"]), None)
    if code is not None:
        return _of_exit(code)
    if task.get("StopCode") == "TaskFailedToStart":
        return Reason("The container could not be started.", REDRIVE, _CODES, words)
    return Reason("The container was stopped.", REDRIVE, _CODES, words)


def _of_exit(code: int) -> Reason:
    meaning = EXIT_CODES.get(code) or _signal(code)
    page = _CODES if meaning else ""
    says = f"The command ended with exit code {code}" + (f": {meaning}." if meaning else ".")
    return Reason(says, EXIT_TODOS.get(code, ""), page)


def _of_run(run: Mapping[str, Any]) -> Reason:
    """Return why the run of another workflow failed, which this one waited for."""
    name = str(run.get("StateMachineArn", "")).rpartition(":")[2] or "another workflow"
    status = str(run.get("Status", "FAILED")).lower().replace("_", " ")
    inner = explain(str(run.get("Error") or ""), str(run.get("Cause") or "") or None)
    return Reason(
        f"The run of {name} that it waited for has {status}: {inner.says}", inner.todo, inner.page, inner.words
    )


def _of_error(error: str, words: str) -> Reason:
    known = first(ERRORS, f"{error} {words}".strip())
    if known is not None:
        return replace(known, words=_cut(words))
    if words:
        return Reason(_cut(f"{error}: {words}" if error and error != "States.TaskFailed" else words))
    return Reason(f"It failed with {error} and gave no reason." if error else "It failed and gave no reason.")


def _said(told: Mapping[str, Any], cause: str | None) -> str:
    """Return what a cause says: the message of a function's exception, or the text without Step Functions' preface.

    Or the reason of a query of Athena. https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html,
    https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html
    """
    message = told.get("errorMessage")
    query = told.get("QueryExecution", told)
    status = query.get("Status") if isinstance(query, dict) else None
    if isinstance(status, dict) and isinstance(status.get("StateChangeReason"), str):
        message = f"{status['StateChangeReason']} (query {query.get('QueryExecutionId')})"
    return message if isinstance(message, str) else _EVALUATION.sub("", cause or "")


def _signal(code: int) -> str:
    try:
        return f"killed by {signal.Signals(code - 128).name}" if 128 < code < 192 else ""
    except ValueError:
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= CAUSE_CHARS else text[: CAUSE_CHARS - 4] + " ..."
