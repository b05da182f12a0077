"""A compiled workflow on the local engine: its folder, its listener, the way it is shown, how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepdig.local import session
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.history import Event
from stepdig.local.rundir import RunDir
from stepdig.project import Workflow, typed
from stepdig.report.explain import Explainer
from stepdig.report.plain import PlainLines
from stepdig.report.track import Change, Tracker
from stepdig.report.view import Message, Run, View, ended

FRAME_SECONDS = 0.1
OK, FAILED, INTERRUPTED = 0, 1, 130
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Start:
    """What a run starts with: the definition with its substitutions made, the bundle, the execution's input."""

    workflow: Workflow
    definition: dict[str, Any]
    bundle: dict[str, Any]
    given: dict[str, Any]
    run: Run


class Reporter:
    """Listens to the engine: writes the run's folder, keeps the tasks' rows, shows what changed."""

    def __init__(self, folder: RunDir, tracker: Tracker, view: View) -> None:
        self._folder = folder
        self.tracker = tracker
        self.view: View | None = view
        self.gone: Callable[[], None] = lambda: None

    def on_event(self, execution: Execution, event: Event) -> None:
        """Hear an event of the history."""
        self._folder.on_event(execution, event)
        self._changed(self.tracker.event(event, _name(execution)))

    def on_output(self, execution: Execution, state: str, entered_event_id: int, stream: str, text: str) -> None:
        """Hear a line of a task's output."""
        self._folder.on_output(execution, state, entered_event_id, stream, text)
        log = self._folder.log(execution, state, execution.labels.get(entered_event_id, ()))
        self._changed(self.tracker.output(entered_event_id, stream, text, _name(execution), log=log))

    def on_message(self, payload: object) -> None:
        """Hear of a message that the workflow sends."""

    def show(self, what: Callable[[View], None]) -> None:
        """Let the view show something; when nobody reads it any more, go on without one."""
        if self.view is None:
            return
        try:
            what(self.view)
        except BrokenPipeError:
            self.view = None
            self.gone()

    def _changed(self, changes: list[Change]) -> None:
        if changes:
            self.show(lambda view: view.changed(changes))


def _name(execution: Execution) -> str:
    return "" if execution.parent is None else execution.arn
