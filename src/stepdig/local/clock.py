"""Time as the engine sees it: real, or jumping to the next timer when nothing else is left to do.

Wait states, Retry delays and time-outs ask the clock. A virtual clock goes on with real time while a process or a
function runs (`busy`), so their time-outs stay real, and skips the rest.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, field
from typing import Protocol

_QUIET_TURNS = 25  # turns of the event loop without an engine's word before a virtual clock jumps


class Clock(Protocol):
    """Where the engine reads the time and waits."""

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Return an async context that raises TimeoutError after so many seconds; None never does."""
        ...

    def stirred(self) -> None:
        """Hear that the engine has just done something."""
        ...

    def busy(self) -> AbstractContextManager[None]:
        """Mark a span in which something outside the engine works: a process, a thread."""
        ...


class RealClock:
    """The machine's time."""

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(max(0.0, seconds))

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Return an async context that raises TimeoutError after so many seconds; None never does."""
        return asyncio.timeout(seconds)

    def stirred(self) -> None:
        """Ignore it."""

    def busy(self) -> AbstractContextManager[None]:
        """Ignore it."""
        return nullcontext()


class VirtualClock:
    """Real time plus every idle span skipped; `skipped` tells the seconds jumped over so far, `slept` each sleep."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self.slept: list[float] = []
        self._timers: list[_Timer] = []
        self._order = itertools.count()
        self._stirs = 0
        self._busy = 0
        self._pump: asyncio.Task[None] | None = None

    def now(self) -> float:
        """Return seconds since 1970, UTC, jumps included."""
        return time.time() + self.skipped

    async def sleep(self, seconds: float) -> None:
        """Return once the virtual time has passed."""
        self.slept.append(seconds)
        woken = asyncio.Event()
        timer = self._at(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.ring = None

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[object]:
        """Return an async context that raises TimeoutError after so many virtual seconds; None never does."""
        async with asyncio.timeout(None) as limit:
            timer = self._at(seconds, lambda: limit.reschedule(0.0)) if seconds is not None else None
            try:
                yield limit
            finally:
                if timer is not None:
                    timer.ring = None

    def stirred(self) -> None:
        """Hear that the engine has just done something, so that the clock does not jump yet."""
        self._stirs += 1

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold the jumps back while something outside the engine works."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._stirs += 1

    def _at(self, seconds: float, ring: Callable[[], None]) -> _Timer:
        timer = _Timer(self.now() + max(0.0, seconds), next(self._order), ring)
        heapq.heappush(self._timers, timer)
        self._stirs += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._run())
        return timer

    async def _run(self) -> None:
        """Ring one timer after the other, jumping to each as soon as nothing else is going on."""
        while self._timers:
            await self._until_due_or_quiet()
            timer = heapq.heappop(self._timers)
            if timer.ring is not None:
                self.skipped += max(0.0, timer.due - self.now())
                timer.ring()

    async def _until_due_or_quiet(self) -> None:
        quiet, seen = 0, self._stirs
        while quiet < _QUIET_TURNS and self._timers[0].ring is not None and self._timers[0].due > self.now():
            await asyncio.sleep(0.002 if self._busy else 0)
            quiet = 0 if self._busy or seen != self._stirs else quiet + 1
            seen = self._stirs


@dataclass(order=True, slots=True)
class _Timer:
    """A moment to ring at; without `ring` nobody waits for it any more."""

    due: float
    order: int
    ring: Callable[[], None] | None = field(compare=False)


def iso(seconds: float) -> str:
    """Return a time as AWS writes it, `2026-11-20T00:00:00.123Z`."""
    whole, millis = divmod(int(seconds * 1000), 1000)
    return f"{_second(whole)}.{millis:03d}Z"


_last: tuple[int, str] = (0, "1970-01-01T00:00:00")


def _second(whole: int) -> str:
    """Return the text of a second, remembered, for thousands of events share one."""
    global _last  # noqa: PLW0603 - a memory of one entry; a dict would cost more than the formatting
    if _last[0] != whole:
        _last = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return _last[1]
