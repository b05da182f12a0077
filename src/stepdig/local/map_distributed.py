"""Map as a Map Run: every item, or batch of items, is an execution of its own with its own history.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

from stepdig.limits import DISTRIBUTED_MAP_CONCURRENCY
from stepdig.local.call import Call, resource_of
from stepdig.local.errors import TOLERATED, StateError
from stepdig.local.execution import Execution, outlived
from stepdig.local.frame import Exit, Frame, Progress, bindings
from stepdig.local.jsonata import Variables
from stepdig.local.machine import MapWork, State
from stepdig.local.map_inline import closed, concurrency, items_of, selected
from stepdig.local.map_items import batches, read_items
from stepdig.local.map_results import write_results
from stepdig.local.parallel import together
from stepdig.local.payload import Json
from stepdig.local.retry import attempt
from stepdig.local.template import Template, typed

_MOST_AT_ONCE = 1_000  # children in flight here; AWS allows 10,000, whose file descriptors one machine has not


async def map_distributed(run: Execution, state: State, frame: Frame) -> Exit:
    """Run a distributed Map; redriven, it runs only the children that have not succeeded."""
    return await attempt(run, state, frame, lambda context: _once(run, state, frame, context))


async def _once(run: Execution, state: State, frame: Frame, context: dict[str, Json]) -> Json:
    work = state.work
    variables = bindings(frame, context)
    limits = _Tolerance(work, variables)
    at_once = min(concurrency(work, variables, DISTRIBUTED_MAP_CONCURRENCY), _MOST_AT_ONCE)
    if frame.progress is None:
        await _begin(run, state, frame, context, variables)
    else:
        _begin_again(run, frame, frame.progress)
    progress = frame.inside
    limits.total = len(progress.rows)
    todo = (i for i in range(len(progress.rows)) if i not in progress.done)
    workers = min(at_once, len(progress.rows) - len(progress.done))
    try:
        await together(_worker(run, state, frame, limits, todo) for _ in range(workers))
    except StateError as e:
        told = {"error": e.error, "cause": e.cause}
        frame.last = closed(run, "MapRunFailed", frame.last, "mapRunFailedEventDetails", told)
        raise
    except asyncio.CancelledError:
        frame.last = closed(run, "MapRunAborted", frame.last)
        raise
    frame.last = run.history.add("MapRunSucceeded", frame.last)
    result = await _result(run, state, frame, variables)
    frame.last = run.history.add("MapStateSucceeded", frame.last)
    return result


async def _begin(run: Execution, state: State, frame: Frame, context: dict[str, Json], variables: Variables) -> None:
    """Find the items and start a Map Run over them."""
    work, history = state.work, run.history
    if work.reader is not None:
        call = Call(run, state, resource_of(f"arn:aws:states:::{work.reader.resource}"), frame.entered, lambda _: None)
        rows = await read_items(call, work.reader, variables)
    else:
        rows = items_of(work.items, variables, frame.input)
    frame.last = history.add("MapStateStarted", frame.last, "mapStateStartedEventDetails", {"length": len(rows)})
    if work.selector is not None:
        rows = [selected(work, frame, context, i, row)[0] for i, row in enumerate(rows)]
    if work.batcher is not None:
        rows = list(batches(rows, work.batcher, variables))
    progress = frame.progress = Progress(rows)
    progress.run = f"{run.arn.replace(':execution:', ':mapRun:')}/{work.label}:{uuid.uuid4()}"
    told = {"mapRunArn": progress.run}
    frame.last = history.add("MapRunStarted", frame.last, "mapRunStartedEventDetails", told)


def _begin_again(run: Execution, frame: Frame, progress: Progress) -> None:
    """Redrive the Map Run."""
    progress.redrives += 1
    told = {"mapRunArn": progress.run, "redriveCount": progress.redrives}
    frame.last = run.history.add("MapRunRedriven", frame.last, "mapRunRedrivenEventDetails", told)


class _Tolerance:
    """How many children may fail: none unless the Map says otherwise."""

    def __init__(self, work: MapWork, variables: Variables) -> None:
        self.count = _number(work.tolerated_count, variables)
        self.share = _number(work.tolerated_percentage, variables)
        self.total = 0
        self.failed = 0

    def exceeded(self) -> bool:
        """Tell whether more children have failed than may."""
        if self.count is None and self.share is None:
            return self.failed > 0
        over_count = self.count is not None and self.failed > self.count
        return over_count or (self.share is not None and self.failed * 100 > self.share * self.total)


def _number(template: Template | None, variables: Variables) -> float | None:
    return None if template is None else float(typed(template, variables, "number"))


async def _worker(run: Execution, state: State, frame: Frame, limits: _Tolerance, todo: Iterator[int]) -> None:
    for index in todo:
        child = _child(run, state, frame, index)
        run.services.launch(child)
        try:
            await outlived(child)
        finally:
            child.parent = None
            _note(frame, index, child)
        if child.status != "SUCCEEDED":
            limits.failed += 1
            if limits.exceeded():
                raise StateError(TOLERATED, "The specified tolerated failure threshold was exceeded")


def _child(run: Execution, state: State, frame: Frame, index: int) -> Execution:
    """Return the child execution of an item: a new one, or the one that failed, standing where it failed."""
    work, progress = state.work, frame.inside
    known = progress.children.get(index)
    name = known["name"] if known else str(uuid.uuid4())
    child = run.services.child(run, work.processor, progress.rows[index], name, f"{run.machine}/{work.label}")
    child.indexes = (*frame.indexes, index)
    before = progress.failed.get(index)
    if known and before is not None:
        child.frame = before
        child.redrive_count = known["redrives"] + 1
        child.redriven = run.services.clock.now()
        child.history.last = known["events"]
    progress.children[index] = {"name": name, "redrives": child.redrive_count, "events": child.history.last}
    return child


def _note(frame: Frame, index: int, child: Execution) -> None:
    progress = frame.inside
    if child.status == "SUCCEEDED":
        progress.done[index] = child.output
        progress.failed.pop(index, None)
        progress.children[index] = {"name": child.name, "redrives": child.redrive_count, "events": 0}
    elif child.frame is not None:
        progress.failed[index] = child.frame
        progress.children[index].update(
            events=child.history.last, status=child.status, error=child.error, cause=child.cause
        )


async def _result(run: Execution, state: State, frame: Frame, variables: Variables) -> Json:
    """Return the array of outputs, tolerated failures as `{"Error", "Cause"}`; or where ResultWriter has put them."""
    progress = frame.inside
    if state.work.writer is not None:
        return await write_results(run, state, frame, variables)
    return [
        progress.done[i]
        if i in progress.done
        else {key.title(): progress.children[i].get(key) for key in ("error", "cause")}
        for i in range(len(progress.rows))
    ]
