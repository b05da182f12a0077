"""Events of a run -> rows of tasks in Digdag's words: a reducer that knows no clock, no file and no terminal.

It takes AWS's history events (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html) and
lines of output. There is a row for each task that ran and for each group around it, as Digdag has them. Only the names
of tasks tell of groups, so a group ends when the run goes on outside of it.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepdig.local import errors
from stepdig.report import names
from stepdig.report.message import unmarked
from stepdig.report.names import Place

BLOCKED, RUNNING, RETRY_WAITING = "blocked", "running", "retry_waiting"
SUCCESS, ERROR, GROUP_ERROR, CANCELED = "success", "error", "group_error", "canceled"
ACTIVE = frozenset({RUNNING, RETRY_WAITING})
FAILURES = frozenset({ERROR, GROUP_ERROR})
TAIL_LINES = 10  # of a task's output, kept until it succeeds

_END = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_ITERATION_ENDS = frozenset({"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"})
# Variables that the compiler assigns for those who report; inside iterations and branches they are numbered.
_ECHO = re.compile(r"echo(_\d+)?")
_FAILURE = re.compile(r"failure(_\d+)?")


@dataclass(slots=True)
class Row:
    """A task or group; `started` and `ended` are seconds since 1970, `tries` counts runs of a task.

    label     what a person calls an iteration: its value, whole and not cut to eight characters
    at        the state of a task and its input (JSON text), once it failed
    error     and `cause` are those of its last failure as the machine has them
    line      its last line of output; `tail` the last ones, until it succeeds; `log` the file that has all
    group     what is inside of it; None for a task
    """

    name: str
    parent: Row | None = None
    source: str = ""
    label: str = ""
    state: str = BLOCKED
    ran: bool = False
    tries: int = 0
    started: float | None = None
    ended: float | None = None
    at: tuple[str, str] | None = None
    error: str | None = None
    cause: str | None = None
    line: str = ""
    log: str = ""
    tail: deque[str] | None = None
    group: Group | None = None

    @property
    def failed_inside(self) -> int:
        """How many of the tasks directly inside of it failed."""
        return sum(self.group.counts.get(state, 0) for state in FAILURES) if self.group else 0


@dataclass(slots=True)
class Group:
    """The rows directly inside a row, how many of them are in each state, and those that are active."""

    rows: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    active: dict[str, Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a task's output; `stream` is stdout or stderr."""

    task: str
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a task sent or, on a machine without a webhook, would have sent; `channel` may be empty."""

    task: str
    channel: str
    text: str
    sent: bool


@dataclass(slots=True)
class Visit:
    """The machine in one state: `task` is its full name, `within` that of the state that runs it, `parent` its
    visit; `given` is the state's input as JSON text.
    """

    place: Place
    task: str
    within: str
    given: str
    parent: Visit | None = None
    scheduled: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    entered: tuple[str, int] | None = None
    exited: bool = False
    failed: bool = False


Change = Row | Line | Message


class Tracker:
    """The tasks of one run. `event` and `output` return what changed, in order; `rows` holds every task by its name."""

    def __init__(self, definition: Mapping[str, Any], bundle: Mapping[str, Any]) -> None:
        self.places = names.places(definition)
        self.bundle = bundle
        self.rows: dict[str, Row] = {}
        self.transitions = 0
        self.status = ""
        self.error: str | None = None
        self.cause: str | None = None
        self.result: Any = None
        self.now = 0.0
        self._threads: dict[tuple[str, int], Visit] = {}
        self._running: dict[tuple[str, int], str] = {}
        self._changes: list[Change] = []
        for place in self.places.values():
            if not place.ours and "^" not in place.task:
                self._row(place.task).source = place.source

    def event(self, event: Mapping[str, Any], execution: str = "") -> list[Change]:
        """Take one history event; `execution` tells the children of a distributed map apart, "" is the run itself."""
        kind: str = event["type"]
        self.now = _seconds(event["timestamp"])
        before, key = (execution, event.get("previousEventId", 0)), (execution, event["id"])
        if kind.endswith("StateEntered"):
            entered = self._threads[key] = self._enter(event["stateEnteredEventDetails"], self._take(before))
            if entered.place.type == "Task":
                entered.entered = key
                self._running[key] = entered.task
        elif kind.startswith("Execution"):
            if kind in _END and not execution:
                self._end(kind, event)
            elif not execution and self.places:
                self._start(names.groups(next(iter(self.places.values())).task)[0])
        elif visit := self._take(before):
            if kind in _ITERATION_ENDS or (kind.startswith(("Map", "Parallel")) and _is_inside(visit, kind)):
                visit = visit.parent or visit  # the event is the map's, the one before it was an iteration's
            self._within(kind, visit, event)
            self._threads[key] = visit
        changes, self._changes = self._changes, []
        return changes

    def output(self, entered: int, stream: str, text: str, execution: str = "", log: str = "") -> list[Change]:
        """Take one line of output of the task whose TaskStateEntered has the id `entered`; `log` is where all are."""
        task = self._running.get((execution, entered))
        if task is None:
            return []
        self.rows[task].log = log
        return self._print(task, stream, text)

    def _print(self, task: str, stream: str, text: str) -> list[Change]:
        row = self._row(task)
        row.tail = row.tail or deque(maxlen=TAIL_LINES)
        row.tail.append(text)
        row.line = text or row.line
        return [Line(task, stream, text)]

    def leaves(self) -> Iterator[Row]:
        """Return the tasks that ran, without the groups around them."""
        return (row for row in self.rows.values() if row.ran and row.group is None)

    def failures(self) -> list[Row]:
        """Return what failed by itself: tasks, and groups none of whose own tasks failed; in the order they began."""
        failed = [row for row in self.rows.values() if row.state in FAILURES and not row.failed_inside]
        return sorted(failed, key=lambda row: row.started or 0.0)

    def _take(self, key: tuple[str, int]) -> Visit | None:
        """Return the visit that an event follows; that of a map or parallel state is kept for the next of its runs."""
        visit = self._threads.get(key)
        if visit is not None and (visit.exited or visit.place.type not in ("Map", "Parallel")):
            del self._threads[key]
        return visit

    def _enter(self, details: Mapping[str, Any], before: Visit | None) -> Visit:
        self.transitions += 1
        place = self.places[details["name"]]
        given = details.get("input", "{}")
        task = names.fill(place.task, self.bundle, given)
        within = names.fill(place.within, self.bundle, given)
        visit = Visit(place, task, within, given)
        if before is not None and before.exited:
            visit.parent = before.parent
            self._follow(before, visit)
        else:
            visit.parent = before
        if not place.ours:
            row = self._row(task)
            row.ran, row.source, row.tries = True, place.source, row.tries + 1
            row.error = row.cause = row.tail = None
            self._name_iteration(row, visit)
            self._start(task)
            if place.type == "Fail":
                self._broke(row, place.error, place.cause)
        elif place.failing and place.task != place.within:
            self._told(visit)
        return visit

    def _name_iteration(self, row: Row | None, visit: Visit) -> None:
        if "[" not in visit.place.task:
            return
        while row is not None and not names.is_iteration(row.name):
            row = row.parent
        if row is not None and not row.label:
            row.label = names.label(visit.place, self.bundle, visit.given)

    def _follow(self, before: Visit, visit: Visit) -> None:
        """The machine went on: what it left behind has ended, with a failure if that is what led here."""
        place = visit.place
        if before.failed:
            self._broke(self._row(before.task))
        at_the_end = place.ours and place.task == place.within  # of an iteration or a branch
        self._leave(before.task, _boundary(before.task, visit.within) if at_the_end else visit.task)

    def _within(self, kind: str, visit: Visit, event: Mapping[str, Any]) -> None:
        if kind.endswith("StateExited"):
            self._exit(visit, event["stateExitedEventDetails"])
        elif kind.endswith("Scheduled"):
            self._schedule(visit)
        elif kind == "TaskSucceeded" and visit.place.invokes:
            self._invoked(visit, _details(event).get("output", ""))
        elif kind in ("MapStateStarted", "ParallelStateStarted"):
            self.transitions += visit.scheduled > 0  # a retry
            visit.scheduled += 1
        elif kind.endswith(("Failed", "TimedOut")) and not visit.place.ours and kind not in _ITERATION_ENDS:
            details = _details(event)
            self._fail(visit, details.get("error"), details.get("cause"))

    def _exit(self, visit: Visit, details: Mapping[str, Any]) -> None:
        place, row = visit.place, self._row(visit.task)
        visit.exited = True
        if visit.entered:
            self._running.pop(visit.entered, None)
        if place.type in ("Map", "Parallel"):
            self._threads = {key: other for key, other in self._threads.items() if other is not visit}
        self._assigned(visit, row, details.get("assignedVariables", {}))
        if place.fails or (visit.failed and place.type != "Task"):
            self._broke(row)
        elif not (visit.failed or place.opens or place.ours):
            self._close(row)
        if place.last and not visit.failed:
            self._leave(visit.task, _boundary(visit.task, visit.within))

    def _assigned(self, visit: Visit, row: Row, variables: Mapping[str, str]) -> None:
        """Read what the compiler lets a state assign for those who report: the text of `echo>`, a failure."""
        for name, value in variables.items():
            if _ECHO.fullmatch(name) and visit.place.type == "Pass":
                self._changes += [line for text in _lines(value) for line in self._print(visit.task, "stdout", text)]
            elif _FAILURE.fullmatch(name):
                visit.failed = True
                noted = _noted(value)
                row.error, row.cause = row.error or noted[0], row.cause or noted[1]

    def _invoked(self, visit: Visit, output: str) -> None:
        """Read what `notify_slack` answers on this machine: what it sent."""
        try:
            answer = json.loads(output)["Payload"]
            message = Message(visit.task, answer.get("channel", ""), unmarked(answer["text"]), answer["sent"])
        except (ValueError, LookupError, TypeError, AttributeError):
            return
        self._row(visit.task).line = message.text.partition("\n")[0]
        self._changes.append(message)

    def _schedule(self, visit: Visit) -> None:
        visit.scheduled += 1
        self.transitions += visit.scheduled > 1
        if visit.scheduled > 1 and not visit.place.ours:
            row = self._row(visit.task)
            row.tries += 1
            row.tail = None
            self._set(row, RUNNING)

    def _fail(self, visit: Visit, error: str | None, cause: str | None) -> None:
        row = self._row(visit.task)
        row.at = (visit.place.state, visit.given)
        if error is not None or row.state not in FAILURES:
            row.error, row.cause = error, cause
        if _is_retried(visit, error):
            self._set(row, RETRY_WAITING)
            return
        if visit.place.forgives:
            row.line = f"{error}: {cause}" if cause else error or row.line
            return
        visit.failed = True
        if not visit.place.catches:
            self._broke(row)

    def _told(self, visit: Visit) -> None:
        """One of our states says that its task failed, or waits before the next try."""
        row = self._row(visit.task)
        if visit.place.state.endswith(" retry wait"):
            self._set(row, RETRY_WAITING)
        elif visit.place.state.endswith(" failed") or visit.place.type == "Fail":
            self._broke(row, visit.place.error, visit.place.cause)

    def _broke(self, row: Row, error: str | None = None, cause: str | None = None) -> None:
        """Let a task or group fail; what still runs inside of it has been stopped."""
        row.error, row.cause = row.error or error, row.cause or cause
        self._abandon(row)
        self._set(row, GROUP_ERROR if row.failed_inside else ERROR)

    def _abandon(self, row: Row) -> None:
        """End what is still open inside a group: failed if something inside failed, else canceled."""
        for inside in list(row.group.active.values()) if row.group else ():
            self._abandon(inside)
            self._set(inside, GROUP_ERROR if inside.failed_inside else CANCELED)

    def _end(self, kind: str, event: Mapping[str, Any]) -> None:
        self.status = _END[kind]
        details = _details(event)
        self.error, self.cause = details.get("error"), details.get("cause")
        self.result = json.loads(details["output"]) if details.get("output") else None
        for row in [row for row in self.rows.values() if row.parent is None and row.state in ACTIVE]:
            if self.status == "SUCCEEDED":
                self._close(row)
            elif self.status == "FAILED":
                self._broke(row)
            else:
                self._abandon(row)
                self._set(row, GROUP_ERROR if row.failed_inside else CANCELED)
        for row in self.failures():
            if row.cause is None and self.status == "FAILED":
                row.error, row.cause = self.error, self.cause

    def _row(self, task: str) -> Row:
        """Return a task's row, made with those of the groups around it if it is new."""
        if task not in self.rows:
            *above, _ = names.groups(task)
            parent = self._row(above[-1]) if above else None
            row = self.rows[task] = Row(task, parent)
            if parent is not None:
                parent.group = parent.group or Group()
                parent.group.rows.append(row)
                parent.group.counts[BLOCKED] = parent.group.counts.get(BLOCKED, 0) + 1
        return self.rows[task]

    def _start(self, task: str) -> Row:
        """Set a task and the groups around it running; what has failed already stays so while its `^error` runs."""
        row = self._row(task)
        for name in names.groups(task):
            around = self.rows[name]
            handled = around.state in FAILURES and task.startswith("^error", len(name))
            if around.state != RUNNING and not handled:
                self._set(around, RUNNING)
        return row

    def _leave(self, task: str, until: str) -> None:
        """End the task and the groups around it, up to the first that `until` is inside of."""
        for name in reversed(names.groups(task)):
            if until and names.is_below(until, name):
                return
            self._close(self._row(name))

    def _close(self, row: Row) -> None:
        """End a group that the run has left, and before it what is still open inside."""
        if row.state in ACTIVE:
            for inside in list(row.group.active.values()) if row.group else ():
                self._close(inside)
            self._set(row, GROUP_ERROR if row.failed_inside else SUCCESS)

    def _set(self, row: Row, state: str) -> None:
        if row.state == state:
            return
        if row.parent is not None and (group := row.parent.group) is not None:
            group.counts[row.state] -= 1
            group.counts[state] = group.counts.get(state, 0) + 1
            group.active.pop(row.name, None)
            if state in ACTIVE:
                group.active[row.name] = row
        row.state = state
        if state == RUNNING:
            row.started = self.now if row.started is None else row.started
        row.ended = None if state in ACTIVE else self.now
        if state == SUCCESS:
            row.error = row.cause = row.tail = None
        self._changes.append(row)


def _seconds(timestamp: str | float | datetime) -> float:
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
    return timestamp.timestamp() if isinstance(timestamp, datetime) else timestamp


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})


def _is_inside(visit: Visit, kind: str) -> bool:
    """Tell whether a map's or parallel state's event follows one of what it ran, not one of its own."""
    return visit.exited or visit.failed or not kind.startswith(visit.place.type)


def _boundary(task: str, within: str) -> str:
    """Return the innermost group that stays when an iteration or branch ends: `^sub` of a loop, the group itself."""
    sub = f"{within}^sub"
    return sub if within and names.is_below(task, sub) else within


def _is_retried(visit: Visit, error: str | None) -> bool:
    """Tell whether the state's Retry field lets it run again after this error, and count it."""
    for number, retrier in enumerate(visit.place.retry):
        if errors.matches(retrier["ErrorEquals"], error):
            visit.retries[number] = visit.retries.get(number, 0) + 1
            return visit.retries[number] <= int(retrier.get("MaxAttempts", 3))
    return False


def _noted(value: str) -> tuple[str | None, str | None]:
    """Return error and cause of a failure that a state assigned to a variable (JSON text)."""
    try:
        failure = json.loads(value)
        return failure.get("Error"), failure.get("Cause")
    except (ValueError, AttributeError):
        return None, None


def _lines(value: str) -> list[str]:
    """Return the lines of an assigned variable (JSON text) as a person reads them."""
    try:
        shown = json.loads(value)
    except ValueError:
        shown = value
    return (shown if isinstance(shown, str) else value).split("\n")
