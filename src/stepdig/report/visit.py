"""The machine in one state, as a run's events tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepdig.local import errors
from stepdig.report.names import Place


@dataclass(slots=True)
class Visit:
    """The machine in one state: `task` is its full name, `within` that of the state that runs it, `parent` its
    visit; `given` is the state's input as JSON text; between two tries of a command, `after` is that task.
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
    waits: bool = False
    after: str = ""

    def is_inside(self, kind: str, leaves: str = "") -> bool:
        """Tell whether an event of a Map or Parallel state, of this kind, follows one of what it ran, not one of its own.

        `leaves` is the state that the event leaves, where it tells.
        """
        if leaves:
            return self.exited or leaves != self.place.state
        return self.exited or self.failed or not kind.startswith(self.place.type)

    def is_retried(self, error: str | None) -> bool:
        """Tell whether the state's Retry field lets it run again after this error, and count it."""
        for number, retrier in enumerate(self.place.retry):
            if errors.matches(retrier["ErrorEquals"], error):
                self.retries[number] = self.retries.get(number, 0) + 1
                return self.retries[number] <= int(retrier.get("MaxAttempts", 3))
        return False
