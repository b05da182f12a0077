"""One execution: what it was started with, how it stands, what it has done so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from stepdig.local.clock import Clock, iso
from stepdig.local.frame import Frame
from stepdig.local.guard import Guard
from stepdig.local.history import Event, History
from stepdig.local.machine import Program, State
from stepdig.local.payload import Json
from stepdig.local.tokens import Tokens

if TYPE_CHECKING:
    from stepdig.local.call import Call

REGION = "us-east-1"
ACCOUNT = "123456789012"


class Listener(Protocol):
    """Who hears what happens, while it happens, on the engine's own thread."""

    def on_event(self, execution: Execution, event: Event) -> None:
        """Hear an event of the history, in AWS's form."""
        ...

    def on_output(self, execution: Execution, state: str, entered_event_id: int, stream: str, text: str) -> None:
        """Hear a line of a task's output; `stream` is "stdout" or "stderr", the id that of its TaskStateEntered."""
        ...


class Listeners:
    """Several listeners as one, called in order."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def on_event(self, execution: Execution, event: Event) -> None:
        """Hand an event on."""
        for listener in self._listeners:
            listener.on_event(execution, event)

    def on_output(self, execution: Execution, state: str, entered_event_id: int, stream: str, text: str) -> None:
        """Hand a line on."""
        for listener in self._listeners:
            listener.on_output(execution, state, entered_event_id, stream, text)


class Services(Protocol):
    """What the states of every execution share; the engine is it."""

    clock: Clock
    guard: Guard
    tokens: Tokens

    def sequence(self, run: Execution, frame: Frame) -> Coroutine[Any, Any, Any]:
        """Run the states of a frame to its end and return the output."""
        ...

    def integration(self, call: Call, arguments: Json) -> Coroutine[Any, Any, Any]:
        """Do what a Task's Resource says and return its result."""
        ...

    def child(self, parent: Execution, program: Program, value: Json, name: str, machine: str) -> Execution:
        """Return a child execution of a distributed Map, not yet running."""
        ...

    def child_of(self, parent: Execution, arn: str, value: Json, name: str | None) -> Execution:
        """Start another machine for a `states:startExecution` task."""
        ...

    def execution(self, arn: str) -> Execution | None:
        """Return an execution started so, running or ended."""
        ...

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let work go on that no state waits for; it ends with the engine at the latest."""
        ...

    def launch(self, execution: Execution) -> None:
        """Let an execution run, or run again from its frame."""
        ...

    def output(self, execution: Execution, state: str, entered: int, stream: str, text: str) -> None:
        """Hand a line of a task's output to the listener."""
        ...


@dataclass(eq=False)
class Execution:
    """One execution; `status` is RUNNING, SUCCEEDED, FAILED, ABORTED or TIMED_OUT.

    `transitions` are the billed ones: states entered plus retries plus redrives, children included. `labels` tells for
    the tasks running now, by the id of their TaskStateEntered, in which iterations they run, outermost first; `indexes`
    are those around a distributed Map's child.
    """

    name: str
    machine: str
    definition: dict[str, Json]
    program: Program
    input: Json
    services: Services
    history: History
    parent: Execution | None = None
    arn: str = ""
    status: str = "RUNNING"
    output: Json = None
    error: str | None = None
    cause: str | None = None
    transitions: int = 0
    redrive_count: int = 0
    started: float = 0.0
    redriven: float = 0.0
    stopped: float | None = None
    frame: Frame | None = None
    labels: dict[int, tuple[int, ...]] = field(default_factory=dict)
    runner: asyncio.Task[None] | None = None
    aborting: bool = False
    indexes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.arn = self.arn or f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{self.machine}:{self.name}"

    @property
    def events(self) -> list[Event]:
        """Return the history; empty when the engine was told not to keep it."""
        return self.history.events or []

    @property
    def root(self) -> Execution:
        """Return the execution that a person started."""
        return self.parent.root if self.parent else self

    async def wait(self) -> Execution:
        """Return the execution itself once it has ended, in whatever way."""
        if self.runner is not None:
            await asyncio.wait([self.runner])
            if not self.runner.cancelled():  # as it is when a stop came with its last breath
                self.runner.result()  # a bug shows here
        return self

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """Abort the execution, its children and their processes; `wait` returns when all are gone."""
        if self.status == "RUNNING" and self.runner is not None and not self.aborting:
            self.aborting, self.error, self.cause = True, error, cause
            self.runner.cancel()

    def count(self) -> None:
        """Count a billed transition, here and in every execution above."""
        execution: Execution | None = self
        while execution is not None:
            execution.transitions += 1
            execution = execution.parent

    def context(self) -> dict[str, Json]:
        """Return what `$states.context` says of the execution and its machine."""
        seen: dict[str, Json] = {
            "Id": self.arn,
            "Input": self.input,
            "Name": self.name,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/local",
            "StartTime": iso(self.started),
            "RedriveCount": self.redrive_count,
            **({"RedriveTime": iso(self.redriven)} if self.redrive_count else {}),
        }
        machine = machine_arn(self.machine)
        return {"Execution": seen, "StateMachine": {"Id": machine, "Name": self.machine}}


def machine_arn(name: str) -> str:
    """Return the ARN of a state machine of this engine."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


async def outlived(child: Execution) -> None:
    """Return when a child execution has ended; when the caller is ended first, end the child and its processes before."""
    try:
        await child.wait()
    except asyncio.CancelledError:
        child.stop()
        if child.runner is not None:
            await gone([child.runner])
        raise


async def gone(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Return when all have ended, also when cancelled meanwhile: their processes must be gone first.

    Being cancelled is handed down, so that a second Ctrl-C reaches a command that takes its time, and raised at the end.
    """
    cancelled = False
    while not all(one.done() for one in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            cancelled = True
            for one in tasks:
                one.cancel()
    if cancelled:
        raise asyncio.CancelledError


def state_context(run: Execution, state: State, retries: int = 0) -> dict[str, Json]:
    """Return the State part of `$states.context`."""
    return {"Name": state.name, "EnteredTime": iso(run.services.clock.now()), "RetryCount": retries}


Body = Callable[[], Coroutine[Any, Any, Any]]
