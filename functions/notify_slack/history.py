"""A run's history -> its steps that failed, or that ran when it was stopped.

History events: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html. Given may be only the
last pages of a long history: what cannot be found there stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from objects import object_in

Event = Mapping[str, Any]

START = "start session"  # the first state of every definition
IGNORED = " ignored"  # ends the name of the state behind a task whose failure is ignored
_ENDINGS = ("Failed", "TimedOut")
_NOT_A_TASK = ("Execution", "Map", "Parallel")  # a whole that failed since a part did


@dataclass(frozen=True, slots=True)
class Step:
    """A state that failed, or was running.

    state     its name, the path of the task in its workflow: `+sync+load`; "" when the history given does not reach back
    input     what it was entered with, as JSON text: the values of the loops around it
    error     the error's name, and `cause`; None while it runs
    task      the ECS task as RunTask described it, {} when it started none
    """

    state: str
    input: str = "{}"
    error: str | None = None
    cause: str | None = None
    task: Mapping[str, Any] | None = None


def first_run_object(events: Iterable[Event]) -> Mapping[str, Any]:
    """Return what the first state says of the run, `$run`: session_time, archive, attempt_id; {} when it is not there."""
    for event in events:
        details = event.get("stateExitedEventDetails") or {}
        if details.get("name") == START:
            return object_in((details.get("assignedVariables") or {}).get("run"))
    return {}


def failed_steps(events: Iterable[Event], ours: str = "") -> list[Step]:
    """Return the steps whose last try failed, in the order they did so.

    `ours` is the name of the function that sends messages: failing to send one of a workflow fails no task.

    What was tried again and succeeded, was ignored, or is one of our own states (a blank in its name) is not among them.
    """
    known = {event["id"]: event for event in events}
    failed: dict[tuple[str, str], Step] = {}
    for number in sorted(known):
        event = known[number]
        if _is_failure(event):
            step = _step(known, event)
            failed.pop((step.state, step.input), None)
            if " " not in step.state and not _is_message(known, event, ours):
                failed[step.state, step.input] = step
        elif ignored := _ignored(event):
            failed = {key: step for key, step in failed.items() if not _within(step, *ignored)}
        elif _ended_well(known, event):
            entered = _entered(known, event)
            failed.pop((entered.get("name", ""), entered.get("input", "{}")), None)
    return list(failed.values()) or _ended_by_itself(known)


def running_steps(events: Iterable[Event]) -> list[Step]:
    """Return the tasks that had begun and not ended."""
    known = {event["id"]: event for event in events}
    begun = [number for number, event in known.items() if event["type"] == "TaskStateEntered"]
    ended = {_entered_id(known, event) for event in known.values() if _is_failure(event) or _is_exit(event)}
    last = {_entered_id(known, event): event for _, event in sorted(known.items()) if event["type"] in _AT_WORK}
    entered = [(number, known[number]["stateEnteredEventDetails"]) for number in sorted(begun) if number not in ended]
    return [
        Step(details["name"], details.get("input", "{}"), task=_submitted(known, last.get(number)))
        for number, details in entered
        if " " not in details["name"]
    ]


_AT_WORK = ("TaskScheduled", "TaskStarted", "TaskSubmitted")


def _ended_by_itself(known: Mapping[int, Event]) -> list[Step]:
    """Return the Fail state (`fail>`) that ended the run, if it did."""
    last = known[max(known)] if known else {}
    before = known.get(last.get("previousEventId", 0), {})
    if last.get("type") != "ExecutionFailed" or before.get("type") != "FailStateEntered":
        return []
    details, entered = last.get("executionFailedEventDetails") or {}, before["stateEnteredEventDetails"]
    return [Step(entered["name"], entered.get("input", "{}"), details.get("error"), details.get("cause"), {})]


def _is_failure(event: Event) -> bool:
    kind = event["type"]
    return kind.endswith(_ENDINGS) and (not kind.startswith(_NOT_A_TASK) or kind == "MapRunFailed")


def _is_exit(event: Event) -> bool:
    return str(event["type"]).endswith("StateExited")


def _ended_well(known: Mapping[int, Event], event: Event) -> bool:
    before = known.get(event["previousEventId"])
    return _is_exit(event) and before is not None and not _is_failure(before)


def _ignored(event: Event) -> tuple[str, Mapping[str, Any]] | None:
    """Return the task or group whose failure is ignored from here on, with the values of the loops around it."""
    details = event.get("stateEnteredEventDetails") or {}
    name = str(details.get("name", ""))
    return (name.removesuffix(IGNORED), object_in(details.get("input"))) if name.endswith(IGNORED) else None


def _within(step: Step, group: str, loops: Mapping[str, Any]) -> bool:
    """Tell whether a step is a task or stands inside of it, in the same iteration of the loops around that."""
    below = step.state == group or step.state.startswith((f"{group}+", f"{group}^"))
    values = object_in(step.input)
    return below and all(values.get(name) == value for name, value in loops.items())


def _is_message(known: Mapping[int, Event], event: Event, ours: str) -> bool:
    scheduled: Event = _back(known, event, "TaskScheduled") or {}
    details = scheduled.get("taskScheduledEventDetails") or {}
    called = str(object_in(details.get("parameters")).get("FunctionName", ""))
    return (
        details.get("resourceType") == "lambda"
        and bool(ours)
        and called.rpartition(":function:")[2].split(":")[0] == ours
    )


def _step(known: Mapping[int, Event], event: Event) -> Step:
    details: Event = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    entered = _entered(known, event)
    name = entered.get("name") or details.get("state", "")  # EvaluationFailed names its state
    task = object_in(details.get("cause"))
    return Step(
        name,
        entered.get("input", "{}"),
        details.get("error", "States.Timeout" if event["type"].endswith("TimedOut") else None),
        details.get("cause"),
        task if "TaskArn" in task else _submitted(known, event),
    )


def _submitted(known: Mapping[int, Event], event: Event | None) -> Mapping[str, Any]:
    """Return the ECS task that RunTask answered with."""
    found: Event = _back(known, event, "TaskSubmitted") or {}
    answer = object_in((found.get("taskSubmittedEventDetails") or {}).get("output"))
    tasks = answer.get("Tasks")
    return tasks[0] if isinstance(tasks, list) and tasks and isinstance(tasks[0], dict) else {}


def _entered(known: Mapping[int, Event], event: Event) -> Mapping[str, Any]:
    found = known.get(_entered_id(known, event), {})
    details: Mapping[str, Any] = found.get("stateEnteredEventDetails") or {}
    return details


def _entered_id(known: Mapping[int, Event], event: Event) -> int:
    """Return the id of the event that entered the state an event belongs to; 0 when it is not among those known."""
    at: Event | None = event
    while at is not None and not str(at["type"]).endswith("StateEntered"):
        at = known.get(at["previousEventId"])
    return int(at["id"]) if at is not None else 0


def _back(known: Mapping[int, Event], event: Event | None, kind: str) -> Event | None:
    """Return the last event of a kind before one, within the same state."""
    while event is not None and event["type"] != kind and not str(event["type"]).endswith("StateEntered"):
        event = known.get(event["previousEventId"])
    return event if event is not None and event["type"] == kind else None
