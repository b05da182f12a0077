"""The rows of a run's tasks, and how one's state changes those around it.

A group's state follows from the tasks inside: it runs when the first of them does, and has failed if one of them has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from stepdig.report import names

BLOCKED, RUNNING, RETRY_WAITING = "blocked", "running", "retry_waiting"
SUCCESS, ERROR, GROUP_ERROR, CANCELED = "success", "error", "group_error", "canceled"
IGNORED = "ignored"  # failed under `_ignore_failure`: for what is around it, it ended well
ACTIVE = frozenset({RUNNING, RETRY_WAITING})
FAILURES = frozenset({ERROR, GROUP_ERROR})
TAIL_LINES = 10  # of a task's output, kept until it succeeds


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


Change = Row | Line | Message


class Rows:
    """Every task by its name; `changes` gathers what changed, in order, `now` is the time of what happens."""

    def __init__(self) -> None:
        self.by_name: dict[str, Row] = {}
        self.changes: list[Change] = []
        self.now = 0.0

    def row(self, task: str) -> Row:
        """Return a task's row, made with those of the groups around it if it is new."""
        if task not in self.by_name:
            *above, _ = names.groups(task)
            parent = self.row(above[-1]) if above else None
            row = self.by_name[task] = Row(task, parent)
            if parent is not None:
                parent.group = parent.group or Group()
                parent.group.rows.append(row)
                parent.group.counts[BLOCKED] = parent.group.counts.get(BLOCKED, 0) + 1
        return self.by_name[task]

    def start(self, task: str) -> Row:
        """Set a task and the groups around it running; what has failed already stays so while its `^error` runs."""
        row = self.row(task)
        for name in names.groups(task):
            around = self.by_name[name]
            handled = around.state in FAILURES and task.startswith("^error", len(name))
            if around.state != RUNNING and not handled:
                self.set(around, RUNNING)
        return row

    def leave(self, task: str, until: str) -> None:
        """End the task and the groups around it, up to the first that `until` is inside of."""
        for name in reversed(names.groups(task)):
            if until and names.is_below(until, name):
                return
            self.close(self.row(name))

    def close(self, row: Row) -> None:
        """End a group that the run has left, and before it what is still open inside."""
        if row.state in ACTIVE:
            for inside in list(row.group.active.values()) if row.group else ():
                self.close(inside)
            self.set(row, GROUP_ERROR if row.failed_inside else SUCCESS)

    def set(self, row: Row, state: str) -> None:
        """Give a row its new state, and count it in its group."""
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
        self.changes.append(row)

    def fail(self, row: Row, error: str | None = None, cause: str | None = None) -> None:
        """Let a task or group fail; what still runs inside of it has been stopped."""
        row.error, row.cause = row.error or error, row.cause or cause
        self.abandon(row)
        self.set(row, GROUP_ERROR if row.failed_inside else ERROR)

    def ignore(self, row: Row) -> None:
        """Let a task or group fail without consequence; what failed inside of it stays so."""
        self.abandon(row)
        self.set(row, IGNORED)

    def abandon(self, row: Row) -> None:
        """End what is still open inside a group: failed if something inside failed, else canceled."""
        for inside in list(row.group.active.values()) if row.group else ():
            self.abandon(inside)
            self.set(inside, GROUP_ERROR if inside.failed_inside else CANCELED)

    def say(self, task: str, stream: str, text: str) -> None:
        """Note a line of a task's output."""
        row = self.row(task)
        row.tail = row.tail or deque(maxlen=TAIL_LINES)
        row.tail.append(text)
        row.line = text or row.line
        self.changes.append(Line(task, stream, text))

    def leaves(self) -> Iterator[Row]:
        """Return the tasks that ran, without the groups around them."""
        return (row for row in self.by_name.values() if row.ran and row.group is None)

    def failures(self) -> list[Row]:
        """Return what failed by itself: tasks, and groups none of whose own tasks failed; in the order they began."""
        failed = [
            row
            for row in self.by_name.values()
            if row.state in FAILURES and not row.failed_inside and not _ignored(row)
        ]
        return sorted(failed, key=lambda row: row.started or 0.0)


def _ignored(row: Row) -> bool:
    """Return whether the failure of a row around it does not matter."""
    around = row.parent
    while around is not None and around.state != IGNORED:
        around = around.parent
    return around is not None
