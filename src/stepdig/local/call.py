"""A call of a Task's Resource: what an integration is given."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stepdig.local.execution import Execution
from stepdig.local.machine import State
from stepdig.local.payload import Json, encode
from stepdig.local.tokens import Waiting


@dataclass(frozen=True, slots=True)
class Resource:
    """A Task's Resource taken apart: `arn:aws:states:::<service>:<action>.<pattern>`.

    `service` is "ecs", "lambda", "aws-sdk:s3" ...; `pattern` is "", "sync", "sync:2" or "waitForTaskToken";
    `function` is the ARN of a Lambda function that is the Resource itself.
    """

    text: str
    service: str = ""
    action: str = ""
    pattern: str = ""
    function: str = ""

    @property
    def details(self) -> dict[str, str]:
        """Return how history events name it."""
        return {"resource": self.action + (f".{self.pattern}" if self.pattern else ""), "resourceType": self.service}


def resource_of(text: str) -> Resource:
    """Return a Resource taken apart; nothing is checked."""
    if ":::" not in text:
        return Resource(text, function=text)
    service, _, action = text.partition(":::")[2].removesuffix(":2").rpartition(":")
    action, _, pattern = action.partition(".")
    return Resource(text, service, action, pattern + (":2" if text.endswith(":2") else ""))


@dataclass(eq=False, slots=True)
class Call:
    """One attempt of one Task state."""

    run: Execution
    state: State
    resource: Resource
    entered: int
    submitted: Callable[[Any], None]
    waiting: Waiting | None = None
    heartbeat: float | None = None

    def on_output(self, stream: str, text: str) -> None:
        """Hand on a line of output."""
        self.run.services.output(self.run, self.state.name, self.entered, stream, text)

    async def token_result(self) -> Json:
        """Return what the holder of the task token sends; raises StateError."""
        assert self.waiting is not None
        return await self.waiting.outcome(self.run.services.clock, self.heartbeat)

    async def in_thread(self, work: Callable[[], Any]) -> Json:
        """Return what a blocking function returns, called on a thread of its own that dies with the program.

        Cancelling gives up waiting; a thread cannot be killed, so its result is then dropped.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def settle(value: Json, error: BaseException | None) -> None:
            if not done.done():
                done.set_exception(error) if error is not None else done.set_result(value)

        def go() -> None:
            outcome: tuple[Any, BaseException | None]
            try:
                outcome = (work(), None)
            except BaseException as e:
                outcome = (None, e if isinstance(e, Exception) else RuntimeError(f"{type(e).__name__}: {e}"))
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(settle, *outcome)

        threading.Thread(target=go, daemon=True, name=f"stepdig {self.state.name}").start()
        with self.run.services.clock.busy():
            return await done


def text_of(value: Json) -> str:
    """Return a text as it is, anything else as JSON: where AWS takes JSON for a string parameter."""
    return value if isinstance(value, str) else encode(value)
