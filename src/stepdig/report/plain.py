"""The run as plain lines, where there is no terminal: what ended, what it printed, and why it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TextIO

from stepdig.report import failure, names
from stepdig.report.clean import clean
from stepdig.report.rows import FAILURES, IGNORED, RETRY_WAITING, RUNNING, SUCCESS, Change, Line, Message, Row
from stepdig.report.track import Tracker
from stepdig.report.view import NEXT, End, Run, closing, duration, spoken

Explain = Callable[[Row], str]


class PlainLines:
    """A view that prints a line when a task starts, prints or ends; times are of `zone`, None is the machine's own."""

    def __init__(self, out: TextIO, explain: Explain, zone: tzinfo | None = None) -> None:
        self._out = out
        self._explain = explain
        self._zone = zone
        self._shown = clean if out.isatty() else str  # a file takes it as it is

    def start(self, run: Run, tracker: Tracker) -> None:
        """Print what runs."""
        self._run, self._tracker = run, tracker
        self._out.write(f"{run.path}, session {run.session_time}\n")
        self._out.flush()

    def changed(self, changes: Sequence[Change]) -> None:
        """Print each line, and each step of a task; of groups only that they failed."""
        for change in changes:
            if isinstance(change, Line):
                self._line("", f"{spoken(self._tracker.rows[change.task])} | {self._shown(change.text)}")
            elif isinstance(change, Message):
                self._line("message", f"{spoken(self._tracker.rows[change.task])} {change.channel}".rstrip())
                for text in change.text.split("\n"):
                    self._line("", f"> {self._shown(text)}")
            elif change.group is None or (change.state in FAILURES | {IGNORED} and not names.is_generated(change.name)):
                self._line(change.state, spoken(change) + self._more(change))
        self._out.flush()

    def note(self, text: str) -> None:
        """Print a sentence about the run itself."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def tick(self) -> None:
        """Nothing moves between lines."""

    def close(self) -> None:
        """Nothing was changed."""

    def end(self, end: End) -> None:
        """Print why it failed, if it did, and the closing line."""
        if end.status != "SUCCEEDED":
            self._out.write("\n")
            for _, text in failure.lines(self._tracker, self._explain, self._run.base):
                self._out.write(self._shown(text) + "\n")
            self._out.write(f"{NEXT[end.status]}: {self._run.again}\n")
        self._out.write(f"kept in {self._run.directory}\n{closing(end)}\n")
        self._out.flush()

    def _more(self, row: Row) -> str:
        if row.state == RUNNING:
            return f"  try {row.tries}" if row.tries > 1 else ""
        took = f"  {duration(row.ended - row.started)}" if row.ended is not None and row.started is not None else ""
        why = row.state in FAILURES | {RETRY_WAITING} and not row.failed_inside
        return took * (row.state == SUCCESS) + (
            "  " + self._shown(self._explain(row).replace("\n", " ")) if why else ""
        )

    def _line(self, word: str, text: str) -> None:
        time = datetime.fromtimestamp(self._tracker.now, self._zone).strftime("%H:%M:%S")
        self._out.write(f"{time} {word.replace('_', ' '):<13} {text}\n")
