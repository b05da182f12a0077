"""What a view of a run is given (the run, changes as they come, the end), and words that views share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stepdig.report import names
from stepdig.report.problems import count
from stepdig.report.rows import CANCELED, ERROR, GROUP_ERROR, IGNORED, RETRY_WAITING, RUNNING, SUCCESS, Change, Row
from stepdig.report.track import Tracker

# What the command to run again is introduced with.
NEXT = {"FAILED": "Once that is put right", "TIMED_OUT": "To try again", "ABORTED": "To run it again"}


TALLY = {
    SUCCESS: "done",
    RUNNING: "running",
    RETRY_WAITING: "waiting to retry",
    ERROR: "failed",
    GROUP_ERROR: "failed",
    IGNORED: "failed, ignored",
    CANCELED: "canceled",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it starts; `directory` keeps its history, logs and outputs, `again` is the command for another try.

    `base` is the folder that the sources of tasks are relative to.
    """

    workflow: str
    path: str
    session_time: str
    execution: str
    directory: str
    again: str
    base: Path = Path()


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended; `failed` are full names of tasks, `result` is the execution's output."""

    status: str
    error: str | None
    cause: str | None
    failed: tuple[str, ...]
    tasks: int
    tries: int
    transitions: int
    seconds: float
    result: Any = None


class View(Protocol):
    """Something that shows a run."""

    def start(self, run: Run, tracker: Tracker) -> None:
        """Show that the run begins."""

    def changed(self, changes: Sequence[Change]) -> None:
        """Show what an event changed."""

    def note(self, text: str) -> None:
        """Show a sentence about the run itself: an environment is being made, it is being stopped."""

    def tick(self) -> None:
        """Let time pass: called a few times a second."""

    def end(self, end: End) -> None:
        """Show how it ended."""

    def close(self) -> None:
        """Leave the terminal as it was, also when the run broke off without an end."""


def ended(tracker: Tracker, seconds: float) -> End:
    """Return the end of a tracked run."""
    leaves = list(tracker.tasks.leaves())
    return End(
        tracker.status,
        tracker.error,
        tracker.cause,
        tuple(row.name for row in tracker.tasks.failures()),
        len(leaves),
        sum(row.tries for row in leaves),
        tracker.transitions,
        seconds,
        tracker.result,
    )


def closing(end: End) -> str:
    """Return the last line a person sees."""
    figures = [
        count(end.tasks, "task"),
        f"{end.tries:,} tries" if end.tries != end.tasks else "",
        duration(end.seconds),
        count(end.transitions, "billed transition"),
    ]
    return f"{end.status}  {' · '.join(filter(None, figures))}"


def spoken(row: Row) -> str:
    """Return a task's name as a person says it: without the workflow and `^sub`, iterations by their whole value.

    `+wf+sync^sub+for-0=t=0=order_it+load` is `+sync order_items +load`.
    """
    parts = []
    at: Row | None = row
    while at is not None and at.parent is not None:
        part = at.label or names.short(at.name)
        if part != "^sub":
            parts.append(part)
        at = at.parent
    if at is not None and at.label:
        parts.append(at.label)
    return " ".join(reversed(parts)) or row.name


def duration(seconds: float) -> str:
    """Return "0.42 s", "12.3 s", "4 min 05 s", "2 h 07 min"."""
    if seconds < 9.95:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def tally(row: Row) -> str:
    """Return how many of a group's tasks are in which state: "9 done, 4 running, 1 failed"."""
    if row.group is None:
        return ""
    counts: dict[str, int] = {}
    for state, number in row.group.counts.items():
        word = TALLY.get(state, "")
        counts[word] = counts.get(word, 0) + number
    return ", ".join(f"{counts[word]:,} {word}" for word in dict.fromkeys(TALLY.values()) if counts.get(word))
