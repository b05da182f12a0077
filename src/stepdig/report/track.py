"""Events of a run -> rows of tasks in Digdag's words: a reducer that knows no clock, no file and no terminal.

It takes AWS's history events (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html) and
lines of output. There is a row for each task that ran and for each group around it, as Digdag has them. Only the names
of tasks tell of groups, so a group ends when the run goes on outside of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from stepdig.local import errors
from stepdig.report import events, names, nested
from stepdig.report.message import unmarked
from stepdig.report.reasons import reason
from stepdig.report.rows import (
    ACTIVE,
    CANCELED,
    FAILURES,
    GROUP_ERROR,
    RETRY_WAITING,
    Change,
    Message,
    Row,
    Rows,
)
from stepdig.report.visit import Visit

_END = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_ITERATION_ENDS = frozenset({"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"})
# Variables that the compiler assigns for those who report; inside iterations and branches they are numbered.
_ECHO = re.compile(r"echo(_\d+)?")
_TAKEN = {"StepFunctions.ExecutionAlreadyExistsException"}  # `require>` waits for that one then
_FAILURE = re.compile(r"failure(_\d+)?")


class Tracker:
    """Follows one run. `event` and `output` return what changed, in order; `tasks` holds the rows.

    Each execution that the run requires has a tracker of its own, with the same rows; its name, `execution`, is part of
    theirs (`names.of_execution`).
    """

    def __init__(
        self, definition: Mapping[str, Any], bundle: Mapping[str, Any], tasks: Rows | None = None, execution: str = ""
    ) -> None:
        self.places = {state: names.in_execution(place, execution) for state, place in names.places(definition).items()}
        self.bundle = bundle
        self.tasks = tasks or Rows()
        self.root = names.groups(next(iter(self.places.values())).task)[0] if self.places else ""
        self.transitions = 0
        self.status = ""
        self.error: str | None = None
        self.cause: str | None = None
        self.result: Any = None
        self._threads: dict[tuple[str, int], Visit] = {}
        self._running: dict[tuple[str, int], str] = {}
        for place in self.places.values():
            if not place.ours and "^" not in place.task:
                self.tasks.row(place.task).source = place.source
            elif "^sub" in place.task:
                self.tasks.row(place.task.partition("^")[0])  # a call> has no state of its own, only what it calls
        if execution:
            self.tasks.row(self.root).label = self.root.removeprefix("+")

    def event(self, event: Mapping[str, Any], execution: str = "") -> list[Change]:
        """Take one history event; `execution` tells the children of a distributed map apart, "" is the run itself."""
        kind: str = event["type"]
        self.tasks.now = events.seconds(event["timestamp"])
        before, key = (execution, event.get("previousEventId", 0)), (execution, event["id"])
        if kind.endswith("StateEntered") and event["stateEnteredEventDetails"]["name"] in self.places:
            entered = self._threads[key] = self._enter(event["stateEnteredEventDetails"], self._take(before))
            if entered.place.type == "Task":
                entered.entered = key
                self._running[key] = entered.task
        elif kind.startswith("Execution"):
            if kind in _END and not execution:
                self._end(kind, event)
            elif not execution and self.places:
                self.tasks.start(self.root)
        elif visit := self._take(before):
            left = (event.get("stateExitedEventDetails") or {}).get("name", "")
            if kind in _ITERATION_ENDS or (kind.startswith(("Map", "Parallel")) and visit.is_inside(kind, left)):
                visit = visit.parent or visit  # the event is the map's, the one before it was an iteration's
            self._within(kind, visit, event)
            self._threads[key] = visit
        return self._changes()

    def output(
        self, entered: int, stream: str, text: str, execution: str = "", log: str = "", at: float = 0.0
    ) -> list[Change]:
        """Take one line of output of the task whose TaskStateEntered has the id `entered`.

        `log` is where all are, `at` when it came, in seconds since 1970.
        """
        task = self._running.get((execution, entered))
        if task is None:
            return []
        self.tasks.now = at or self.tasks.now
        self.tasks.row(task).log = log
        self.tasks.say(task, stream, text)
        return self._changes()

    def cut(self) -> None:
        """End what still runs: the process that ran it was killed."""
        self.tasks.abandon(self.tasks.row(self.root))
        self.tasks.changes.clear()

    @property
    def rows(self) -> Mapping[str, Row]:
        """Every task by its name."""
        return self.tasks.by_name

    @property
    def now(self) -> float:
        """The time of the last event or line, in seconds since 1970."""
        return self.tasks.now

    def _changes(self) -> list[Change]:
        changes, self.tasks.changes = self.tasks.changes, []
        return changes

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
            row = self.tasks.row(task)
            row.ran, row.source, row.tries = True, place.source, row.tries + 1
            row.error = row.cause = row.tail = None
            self._name_iteration(row, visit)
            self.tasks.start(task)
            if place.type == "Fail":
                self.tasks.fail(row, place.error, place.cause)
        elif place.failing and not place.between and place.task != place.within:
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
        if place.between:
            visit.after = before.after or before.task
            if place.type == "Wait":
                self.tasks.set(self.tasks.row(visit.after), RETRY_WAITING)
            return
        at_the_end = place.ours and place.task == place.within  # of an iteration or a branch
        left = [before.task]
        if before.place.between and (place.ours or visit.task != before.after):
            if not place.ignores:
                self.tasks.fail(self.tasks.row(before.after))
            left = [before.after, before.task]
        elif before.failed and not place.ignores:
            self.tasks.fail(self.tasks.row(before.task))
        for task in left:
            self.tasks.leave(task, names.boundary(task, visit.within) if at_the_end else visit.task)

    def _within(self, kind: str, visit: Visit, event: Mapping[str, Any]) -> None:
        if kind.endswith("StateExited"):
            self._exit(visit, event["stateExitedEventDetails"])
        elif kind.endswith("Scheduled"):
            self._schedule(visit)
        elif kind == "TaskSucceeded" and visit.place.invokes:
            self._invoked(visit, events.details(event).get("output", ""))
        elif kind in ("MapStateStarted", "ParallelStateStarted"):
            self.transitions += visit.scheduled > 0  # a retry
            visit.scheduled += 1
            visit.failed = False  # a redrive begins here, too
        elif kind.endswith(("Failed", "TimedOut")) and not visit.place.ours and kind not in _ITERATION_ENDS:
            details = events.details(event)
            self._fail(
                visit, details.get("error"), nested.in_words(details.get("cause"), self.bundle.get("project", ""))
            )

    def _exit(self, visit: Visit, details: Mapping[str, Any]) -> None:
        place, row = visit.place, self.tasks.row(visit.task)
        visit.exited = True
        if visit.entered:
            self._running.pop(visit.entered, None)
        if place.type in ("Map", "Parallel"):
            self._threads = {key: other for key, other in self._threads.items() if other is not visit}
        self._assigned(visit, row, details.get("assignedVariables", {}))
        if place.fails or (visit.failed and place.type != "Task"):
            self.tasks.fail(row)
        elif not (visit.failed or visit.waits or place.opens or place.ours):
            self.tasks.close(row)
        if place.last and not visit.failed:
            self.tasks.leave(visit.task, names.boundary(visit.task, visit.within))

    def _assigned(self, visit: Visit, row: Row, variables: Mapping[str, str]) -> None:
        """Read what the compiler lets a state assign for those who report: the text of `echo>`, a failure."""
        for name, value in variables.items():
            if _ECHO.fullmatch(name) and visit.place.type == "Pass":
                for text in events.lines(value):
                    self.tasks.say(visit.task, "stdout", text)
            elif _FAILURE.fullmatch(name) and not visit.place.between:
                visit.failed = True
                noted = events.noted(value)
                row.error, row.cause = row.error or noted[0], row.cause or noted[1]

    def _invoked(self, visit: Visit, output: str) -> None:
        """Read what `notify_slack` answers on this machine: what it sent."""
        try:
            answer = json.loads(output)["Payload"]
            message = Message(visit.task, answer.get("channel", ""), unmarked(answer["text"]), answer["sent"])
        except (ValueError, LookupError, TypeError, AttributeError):
            return
        self.tasks.row(visit.task).line = message.text.partition("\n")[0]
        self.tasks.changes.append(message)

    def _schedule(self, visit: Visit) -> None:
        visit.scheduled += 1
        self.transitions += visit.scheduled > 1
        if visit.scheduled > 1 and not visit.place.ours:
            visit.failed = False  # of a redrive: a retry has not failed yet
            row = self.tasks.start(visit.task)
            row.tries += 1
            row.tail = None

    def _fail(self, visit: Visit, error: str | None, cause: str | None) -> None:
        row = self.tasks.row(visit.task)
        row.at = (visit.place.state, visit.given)
        visit.waits = error in _TAKEN
        if visit.waits:
            return
        if error is not None or row.state not in FAILURES:
            row.error, row.cause = error, cause
        if visit.is_retried(error):
            self.tasks.set(row, RETRY_WAITING)
            return
        caught = next((fails for equals, fails in visit.place.catch if errors.matches(equals, error)), None)
        if caught is False:
            row.line = reason(error, cause)
            if visit.place.invokes:  # a message that could not be sent: the run goes on, whoever reads it should know
                self.tasks.say(visit.task, "stderr", row.line)
            return
        visit.failed = True
        if caught is None:
            self.tasks.fail(row)

    def _told(self, visit: Visit) -> None:
        """One of our states says that its task failed, or waits before the next try."""
        row = self.tasks.row(visit.task)
        if visit.place.state.endswith(" retry wait"):
            self.tasks.set(row, RETRY_WAITING)
        elif visit.place.ignores:
            self.tasks.ignore(row)
        elif visit.place.state.endswith(" failed") or visit.place.type == "Fail":
            self.tasks.fail(row, visit.place.error, visit.place.cause)

    def _end(self, kind: str, event: Mapping[str, Any]) -> None:
        self.status = _END[kind]
        details = events.details(event)
        self.error = details.get("error")
        self.cause = nested.in_words(details.get("cause"), self.bundle.get("project", ""))
        self.result = json.loads(details["output"]) if details.get("output") else None
        for row in [row for row in self.rows.values() if row.name == self.root and row.state in ACTIVE]:
            if self.status == "SUCCEEDED":
                self.tasks.close(row)
            elif self.status == "FAILED":
                self.tasks.fail(row)
            else:
                self.tasks.abandon(row)
                self.tasks.set(row, GROUP_ERROR if row.failed_inside else CANCELED)
        for row in self.tasks.failures():
            if names.groups(row.name)[0] == self.root and row.cause is None and self.status == "FAILED":
                row.error, row.cause = self.error, self.cause
