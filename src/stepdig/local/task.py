"""Task: arguments in, a call of the Resource with its time-outs and events, result out."""

from __future__ import annotations

import contextlib

from stepdig.limits import CAUSE_CHARS, ERROR_CHARS, PAYLOAD_BYTES
from stepdig.local.call import Call, Resource, resource_of
from stepdig.local.errors import DATA_LIMIT, TIMEOUT, StateError
from stepdig.local.execution import REGION, Execution
from stepdig.local.frame import Exit, Frame, bindings
from stepdig.local.machine import State
from stepdig.local.payload import Json, encode, size
from stepdig.local.retry import attempt
from stepdig.local.template import Template, typed
from stepdig.local.tokens import Waiting

_resources: dict[str, Resource] = {}


async def task(run: Execution, state: State, frame: Frame) -> Exit:
    """Run a Task state."""
    if frame.indexes:
        run.labels[frame.entered] = frame.indexes
    try:
        return await attempt(run, state, frame, lambda context: _once(run, state, frame, context))
    finally:
        run.labels.pop(frame.entered, None)


async def _once(run: Execution, state: State, frame: Frame, context: dict[str, Json]) -> Json:
    """Make one attempt and return the result; raises StateError."""
    resource = _resources.get(state.resource) or _resources.setdefault(state.resource, resource_of(state.resource))
    waiting = run.services.tokens.open() if resource.pattern == "waitForTaskToken" else None
    try:
        return await _called(run, state, frame, context, resource, waiting)
    finally:
        if waiting is not None:
            run.services.tokens.close(waiting)


async def _called(
    run: Execution, state: State, frame: Frame, context: dict[str, Json], resource: Resource, waiting: Waiting | None
) -> Json:
    history = run.history
    variables = bindings(frame, context, token=waiting.token if waiting is not None else None)
    arguments = state.arguments.evaluate(variables) if state.arguments is not None else {}
    limit = _seconds(state.timeout, variables)
    heartbeat = _seconds(state.heartbeat, variables)
    text = encode(arguments)
    _limited(text, state)
    names = _Names(resource)
    scheduled = names.scheduled_details(text, limit, heartbeat)
    frame.last = history.add(names.scheduled, frame.last, names.key("Scheduled"), scheduled)
    frame.last = history.add(names.started, frame.last, *names.started_details)

    def submitted(value: Json) -> None:
        frame.last = history.add(
            "TaskSubmitted", frame.last, "taskSubmittedEventDetails", {**names.details, "output": encode(value)}
        )

    call = Call(run, state, resource, frame.entered, submitted, waiting, heartbeat)
    try:
        result = await _in_time(run, call, arguments, limit)
        answer = encode(result)
        _limited(answer, state)
    except StateError as e:
        _cut(e)
        kind = "TimedOut" if e.error == TIMEOUT and e.event == "TaskTimedOut" else "Failed"
        told = {k: v for k, v in (("error", e.error), ("cause", e.cause)) if v is not None}
        frame.last = history.add(names.prefix + kind, frame.last, names.key(kind), {**names.details, **told})
        e.event = None
        raise
    done = {**names.details, "output": answer}
    frame.last = history.add(names.succeeded, frame.last, names.key("Succeeded"), done)
    return result


async def _in_time(run: Execution, call: Call, arguments: Json, limit: float | None) -> Json:
    """Return what the Resource returns; States.Timeout when it takes longer than `limit` seconds."""
    work = run.services.integration(call, arguments)
    if limit is None:
        return await work
    try:
        async with run.services.clock.timeout(limit):
            return await work
    except TimeoutError:
        raise StateError(TIMEOUT, None, event="TaskTimedOut") from None
    finally:
        with contextlib.suppress(RuntimeError):  # never awaited when the limit had passed already
            work.close()


def _seconds(template: Template | None, variables: Json) -> float | None:
    return None if template is None else float(typed(template, variables, "number"))


def _limited(text: str, state: State) -> None:
    if size(text) > PAYLOAD_BYTES:
        raise StateError(
            DATA_LIMIT,
            f"The state/task '{state.resource}' returned a result with a size exceeding the maximum number of bytes "
            "service limit.",
        )


def _cut(failure: StateError) -> None:
    """Keep error and cause within what AWS keeps of them."""
    failure.error = failure.error[:ERROR_CHARS] if failure.error else failure.error
    failure.cause = failure.cause[:CAUSE_CHARS] if failure.cause else failure.cause


class _Names:
    """How a Resource's events are called: Task*, or LambdaFunction* when the Resource is a function's ARN."""

    __slots__ = ("details", "plain", "prefix", "resource", "scheduled", "started", "started_details", "succeeded")

    def __init__(self, resource: Resource) -> None:
        self.plain = bool(resource.function)
        self.prefix = "LambdaFunction" if self.plain else "Task"
        self.details: dict[str, str] = {} if self.plain else resource.details
        self.scheduled = self.prefix + "Scheduled"
        self.started = self.prefix + "Started"
        self.succeeded = self.prefix + "Succeeded"
        self.resource = resource.text
        self.started_details = () if self.plain else ("taskStartedEventDetails", self.details)

    def scheduled_details(self, text: str, limit: float | None, heartbeat: float | None) -> dict[str, Json]:
        """Return the details of the event that schedules an attempt."""
        what: dict[str, Json] = (
            {"resource": self.resource, "input": text}
            if self.plain
            else {**self.details, "region": REGION, "parameters": text}
        )
        times = {"timeoutInSeconds": limit, "heartbeatInSeconds": heartbeat}
        return {**what, **{name: int(value) for name, value in times.items() if value is not None}}

    def key(self, kind: str) -> str:
        """Return the key of the details of an event of this kind."""
        return f"{self.prefix[0].lower()}{self.prefix[1:]}{kind}EventDetails"
