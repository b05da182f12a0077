"""The run as one JSON object a line: the contract of docs/reference/run-json.md."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TextIO

from stepdig.report import names
from stepdig.report.reasons import exit_code
from stepdig.report.rows import ACTIVE, FAILURES, RETRY_WAITING, Change, Line, Message, Row
from stepdig.report.track import Tracker
from stepdig.report.view import End, Run


class JsonLines:
    """A view that prints objects; each line is written out at once, for those who follow."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._tracker: Tracker | None = None

    def start(self, run: Run, tracker: Tracker) -> None:
        """Print the start."""
        self._tracker = tracker
        self._print(
            "start",
            workflow=run.workflow,
            source=os.path.relpath(run.path, run.base),
            session_time=run.session_time,
            execution=run.execution,
            directory=run.directory,
        )

    def changed(self, changes: Sequence[Change]) -> None:
        """Print each change of a task's state, and each line."""
        for change in changes:
            if isinstance(change, Line):
                self._print("output", **_named(change.task), stream=change.stream, text=change.text)
            elif isinstance(change, Message):
                self._print("message", **asdict(change) | _named(change.task))
            else:
                self._print("task", **_task(change))

    def note(self, text: str) -> None:
        """Print a sentence about the run itself."""
        self._print("note", text=text)

    def tick(self) -> None:
        """Nothing moves between lines."""

    def close(self) -> None:
        """Nothing was changed."""

    def end(self, end: End) -> None:
        """Print the end."""
        self._print(
            "end",
            status=end.status,
            error=end.error,
            cause=end.cause,
            failed=[names.execution_of(name)[0] for name in end.failed],
            tasks=end.tasks,
            tries=end.tries,
            transitions=end.transitions,
            seconds=round(end.seconds, 3),
            output=end.result,
        )

    def _print(self, event: str, **fields: object) -> None:
        now = self._tracker.now if self._tracker else 0.0
        time = datetime.fromtimestamp(now, UTC) if now else datetime.now(UTC)
        shown = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._out.write(json.dumps({"time": shown, "event": event, **fields}, ensure_ascii=False) + "\n")
        self._out.flush()


def _named(name: str) -> dict[str, str]:
    """Return the fields that say which task is meant."""
    task, execution = names.execution_of(name)
    return {"task": task, "execution": execution} if execution else {"task": task}


def _task(row: Row) -> dict[str, Any]:
    """Return a task's fields; those that say nothing are left out."""
    shown: dict[str, Any] = {**_named(row.name), "state": row.state}
    if row.source:
        shown["source"] = row.source
    if label := next((at.label for at in (row, row.parent) if at is not None and at.label), ""):
        shown["label"] = label
    if row.tries:
        shown["try"] = row.tries
    if row.state not in ACTIVE and row.started is not None and row.ended is not None:
        shown["seconds"] = round(row.ended - row.started, 3)
    if row.state in FAILURES or row.state == RETRY_WAITING:
        told = {"error": row.error, "cause": row.cause, "exit_code": exit_code(row.cause)}
        shown |= {key: value for key, value in told.items() if value is not None}
    return shown
