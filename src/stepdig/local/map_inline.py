"""Map in the execution itself: up to 40 iterations at once, events in the same history; the first failure ends it.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from stepdig.limits import INLINE_MAP_CONCURRENCY, PAYLOAD_BYTES
from stepdig.local.errors import DATA_LIMIT, StateError, query_error
from stepdig.local.execution import Execution
from stepdig.local.frame import Exit, Frame, Progress, bindings
from stepdig.local.jsonata import Variables
from stepdig.local.machine import MapWork, State
from stepdig.local.parallel import together
from stepdig.local.payload import Json, encode, size
from stepdig.local.retry import attempt
from stepdig.local.template import Template, typed


async def map_inline(run: Execution, state: State, frame: Frame) -> Exit:
    """Run an inline Map; redriven, it runs only the iterations that have not succeeded."""
    return await attempt(run, state, frame, lambda context: _once(run, state, frame, context))


async def _once(run: Execution, state: State, frame: Frame, context: dict[str, Json]) -> list[Json]:
    work = state.work
    variables = bindings(frame, context)
    progress = frame.progress
    if progress is None:
        rows = items_of(work.items, variables, frame.input)
        progress = Progress(rows)
    rows = progress.rows
    workers = min(concurrency(work, variables, INLINE_MAP_CONCURRENCY), len(rows))
    if frame.progress is None:
        frame.progress = progress
        frame.last = run.history.add(
            "MapStateStarted", frame.last, "mapStateStartedEventDetails", {"length": len(rows)}
        )
    todo = (i for i in range(len(rows)) if i not in progress.done)
    await together(_worker(run, state, frame, context, todo) for _ in range(workers))
    frame.last = run.history.add("MapStateSucceeded", frame.last)
    return [progress.done[i] for i in range(len(rows))]


async def _worker(run: Execution, state: State, frame: Frame, context: dict[str, Json], todo: Iterator[int]) -> None:
    """Take one index after the other, as the other workers do, until none is left."""
    for index in todo:
        await _iteration(run, state, frame, context, index)


async def _iteration(run: Execution, state: State, frame: Frame, context: dict[str, Json], index: int) -> None:
    progress, work, history = frame.inside, state.work, run.history
    details = {"name": state.name, "index": index}
    inner = progress.failed.get(index)
    if inner is None:
        started = history.add("MapIterationStarted", frame.last, "mapIterationStartedEventDetails", details)
        value, seen = selected(work, frame, context, index, progress.rows[index])
        inner = progress.failed[index] = frame.inner(work.processor, value, seen)
        inner.last = started
        inner.indexes = (*frame.indexes, index)
    try:
        output = await run.services.sequence(run, inner)
        history.add("MapIterationSucceeded", inner.last, "mapIterationSucceededEventDetails", details)
    except asyncio.CancelledError:
        closed(run, "MapIterationAborted", inner.last, "mapIterationAbortedEventDetails", details)
        raise
    except StateError:
        inner.last = closed(run, "MapIterationFailed", inner.last, "mapIterationFailedEventDetails", details)
        raise
    progress.done[index] = output
    del progress.failed[index]


def closed(run: Execution, type_: str, previous: int, key: str = "", details: Json = None) -> int:
    """Note that something has come to a bad end, unless the history is full: the end itself matters more."""
    return previous if run.history.full else run.history.add(type_, previous, key, details)


def selected(
    work: MapWork, frame: Frame, context: dict[str, Json], index: int, row: Json
) -> tuple[Json, dict[str, Json]]:
    """Return the input of an iteration and the context it sees."""
    seen = {**frame.context, "Map": {"Item": {"Index": index, "Value": row}}}
    if work.selector is None:
        return row, seen
    if work.selector.constant:
        return work.selector.value, seen
    states = {"input": frame.input, "context": {**seen, "State": context}}
    return work.selector.evaluate(Variables(frame.scope.variables, {"states": states})), seen


def items_of(template: Template | None, variables: Variables, value: Json) -> list[Json]:
    """Return the items of a Map: `Items`, or the state's input."""
    if template is not None:
        items: list[Json] = typed(template, variables, "array")
        if size(encode(items)) > PAYLOAD_BYTES:  # AWS tells of no other limit of Items
            raise StateError(DATA_LIMIT, f"The Items of a Map exceed {PAYLOAD_BYTES} bytes.")
        return items
    if not isinstance(value, list):
        raise query_error(f"Map state input must be an array but was: {encode(value)}", None)
    return value


def concurrency(work: MapWork, variables: Variables, most: int) -> int:
    """Return how many items run at once: MaxConcurrency, 0 standing for AWS's own limit."""
    wanted = int(typed(work.concurrency, variables, "number")) if work.concurrency is not None else 0
    if wanted < 0:
        raise query_error("MaxConcurrency must not be negative", "MaxConcurrency")
    return min(wanted or most, most)
