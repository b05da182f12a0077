"""The history of an execution in AWS's form, event by event, and its quota.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Callable

from stepdig.limits import HISTORY_EVENTS
from stepdig.local.clock import Clock, iso
from stepdig.local.errors import RUNTIME, HistoryFull
from stepdig.local.payload import Json

FULL = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."

Event = dict[str, Json]


class History:
    """Numbers events and hands them on; `events` keeps them only when asked to, for a long run has many."""

    __slots__ = ("_clock", "_sink", "events", "full", "last")

    def __init__(self, clock: Clock, sink: Callable[[Event], None] | None, *, keep: bool) -> None:
        self._clock = clock
        self._sink = sink
        self.events: list[Event] | None = [] if keep else None
        self.last = 0
        self.full = False

    def add(self, type_: str, previous: int, key: str = "", details: Json = None) -> int:
        """Note an event and return its id; the details go under `key`.

        Raises HistoryFull when only the place of the closing event is left; afterwards events are dropped.
        """
        if self.last >= HISTORY_EVENTS - 1:
            if self.full:
                return self.last
            self.full = True
            raise HistoryFull(RUNTIME, FULL)
        return self.close(type_, previous, key, details)

    def close(self, type_: str, previous: int, key: str = "", details: Json = None) -> int:
        """Note an event whatever the quota says: the one that ends the execution."""
        self.last += 1
        event: Event = {
            "timestamp": iso(self._clock.now()),
            "type": type_,
            "id": self.last,
            "previousEventId": previous,
        }
        if key:
            event[key] = details
        if self.events is not None:
            self.events.append(event)
        if self._sink is not None:
            self._sink(event)
        self._clock.stirred()
        return self.last
