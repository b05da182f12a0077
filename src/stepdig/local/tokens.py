"""Task tokens: a waiting task on one side, SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat on the other.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from stepdig.limits import CAUSE_CHARS, ERROR_CHARS
from stepdig.local.clock import Clock
from stepdig.local.errors import TIMEOUT, StateError
from stepdig.local.payload import Json, decode


class TaskDoesNotExist(Exception):
    """Nobody waits for this token any more, or nobody ever has."""


@dataclass(eq=False)
class Waiting:
    """A task that waits; `result` is set by whoever holds the token, `beat` by a heartbeat."""

    token: str
    loop: asyncio.AbstractEventLoop
    result: asyncio.Future[Any]
    beat: asyncio.Event = field(default_factory=asyncio.Event)

    async def outcome(self, clock: Clock, heartbeat: float | None) -> Json:
        """Return what SendTaskSuccess gave; raise what SendTaskFailure gave, or States.Timeout without a heartbeat."""
        if heartbeat is None:
            return await self.result
        pending = asyncio.ensure_future(_first(self))
        try:
            while not self.result.done():
                self.beat.clear()
                async with clock.timeout(heartbeat):
                    await asyncio.shield(pending)
                if not self.result.done():
                    pending = asyncio.ensure_future(_first(self))
            return self.result.result()
        except TimeoutError:
            raise StateError(TIMEOUT, None, event="TaskTimedOut") from None
        finally:
            pending.cancel()


async def _first(waiting: Waiting) -> None:
    """Return at the next heartbeat or at the result."""
    beat = asyncio.ensure_future(waiting.beat.wait())
    try:
        await asyncio.wait([waiting.result, beat], return_when=asyncio.FIRST_COMPLETED)
    finally:
        beat.cancel()


class Tokens:
    """The tokens given out and not answered; the three `send_task_*` may be called on any thread.

    Their keyword arguments are those of boto3's `stepfunctions` client, so that a function written for AWS may be
    given this object in its place.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}

    def open(self) -> Waiting:
        """Return a new token's waiting side."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(str(uuid.uuid4()), loop, loop.create_future())
        self._waiting[waiting.token] = waiting
        return waiting

    def close(self, waiting: Waiting) -> None:
        """Forget a token: its task has ended."""
        self._waiting.pop(waiting.token, None)
        waiting.result.cancel()

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803 - boto3's names
        """End the waiting task well; `output` is JSON text. Raises TaskDoesNotExist, or ValueError for other text."""
        value = decode(output)
        waiting = self._find(taskToken)
        waiting.loop.call_soon_threadsafe(_settle, waiting, value, None)

    def send_task_failure(self, *, taskToken: str, error: str = "", cause: str = "") -> None:  # noqa: N803
        """Let the waiting task fail. Raises TaskDoesNotExist."""
        waiting = self._find(taskToken)
        failure = StateError(error[:ERROR_CHARS] or None, cause[:CAUSE_CHARS] or None, event="TaskFailed")
        waiting.loop.call_soon_threadsafe(_settle, waiting, None, failure)

    def send_task_heartbeat(self, *, taskToken: str) -> None:  # noqa: N803
        """Tell that the holder of the token is alive. Raises TaskDoesNotExist."""
        waiting = self._find(taskToken)
        waiting.loop.call_soon_threadsafe(waiting.beat.set)

    def _find(self, token: str) -> Waiting:
        waiting = self._waiting.get(token)
        if waiting is None or waiting.result.done():
            raise TaskDoesNotExist("Task Timed Out: 'Provided task does not exist anymore'")
        return waiting


def _settle(waiting: Waiting, value: Json, failure: StateError | None) -> None:
    if waiting.result.done():
        return
    if failure is not None:
        waiting.result.set_exception(failure)
    else:
        waiting.result.set_result(value)
