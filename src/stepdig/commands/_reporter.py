"""What listens to the engine of a run: its folder is written, its tasks' rows are kept, what changed is shown."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from stepdig.local.execution import Execution
from stepdig.local.history import Event
from stepdig.local.rundir import RunDir
from stepdig.report.rows import Change
from stepdig.report.track import Tracker
from stepdig.report.view import View

Required = tuple[dict[str, Any], Mapping[str, Any]]
"""The definition and the bundle of a workflow that a run may require."""


class Reporter:
    """Listens to the engine: writes the run's folder, keeps the tasks' rows, shows what changed."""

    def __init__(
        self, folder: RunDir, tracker: Tracker, view: View, required: Mapping[str, Required] = MappingProxyType({})
    ) -> None:
        self._folder = folder
        self.tracker = tracker
        self._required = required
        self._others: dict[str, Tracker] = {}
        self._view: View | None = view
        self._logs: dict[tuple[str, int], str] = {}

    def on_event(self, execution: Execution, event: Event) -> None:
        """Hear an event of the history."""
        self._folder.on_event(execution, event)
        tracker, before = self._tracker(execution), 0
        if tracker is not self.tracker:
            before = tracker.transitions
        self._changed(tracker.event(event, _name(execution)))
        if tracker is not self.tracker:
            self.tracker.transitions += tracker.transitions - before  # billed all the same

    def on_output(self, execution: Execution, state: str, entered_event_id: int, stream: str, text: str) -> None:
        """Hear a line of a task's output."""
        self._folder.on_output(execution, state, entered_event_id, stream, text)
        key = (execution.arn, entered_event_id)
        if key not in self._logs:
            log = self._folder.log(execution, state, execution.labels.get(entered_event_id, ()))
            self._logs[key] = os.path.relpath(log)
        tracker, name = self._tracker(execution), _name(execution)
        self._changed(tracker.output(entered_event_id, stream, text, name, self._logs[key], time.time()))

    def _tracker(self, execution: Execution) -> Tracker:
        """Return the tracker of the workflow that an execution belongs to."""
        top = _top(execution)
        if top.parent is None:
            return self.tracker
        if top.arn not in self._others:
            definition, bundle = self._required[top.machine]
            self._others[top.arn] = Tracker(definition, bundle, self.tracker.tasks, top.name)
        return self._others[top.arn]

    def show(self, what: Callable[[View], None]) -> None:
        """Let the view show something; when nobody reads it any more, or it cannot be written, the run goes on unseen."""
        if self._view is not None:
            try:
                what(self._view)
            except OSError as error:
                self._view = None
                with contextlib.suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still on its way
                if not isinstance(error, BrokenPipeError):
                    with contextlib.suppress(OSError):
                        goes_on = f"the run goes on, and its logs are in {os.path.relpath(self._folder.path)}"
                        sys.stderr.write(f"stepdig run: no more can be shown: {error.strerror}; {goes_on}\n")

    def note(self, text: str) -> None:
        """Let the view show a sentence about the run itself."""
        self.show(lambda view: view.note(text))

    def _changed(self, changes: list[Change]) -> None:
        if changes:
            self.show(lambda view: view.changed(changes))


def _name(execution: Execution) -> str:
    return "" if execution is _top(execution) else execution.arn


def _top(execution: Execution) -> Execution:
    """Return the execution of a workflow that one belongs to: children of a distributed Map have no definition."""
    while execution.parent is not None and not execution.definition:
        execution = execution.parent
    return execution
