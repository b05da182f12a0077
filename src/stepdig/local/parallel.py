"""Parallel: branches at once; the first that fails ends the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from stepdig.local.execution import Execution, gone
from stepdig.local.frame import Exit, Frame, Progress, bindings
from stepdig.local.machine import State
from stepdig.local.payload import Json
from stepdig.local.retry import attempt


async def parallel(run: Execution, state: State, frame: Frame) -> Exit:
    """Run a Parallel state; redriven, it runs only the branches that have not succeeded."""
    return await attempt(run, state, frame, lambda context: _once(run, state, frame, context))


async def _once(run: Execution, state: State, frame: Frame, context: dict[str, Json]) -> list[Json]:
    progress = frame.progress
    if progress is None:
        value = frame.input
        if state.arguments is not None:
            value = state.arguments.evaluate(bindings(frame, context))
        frame.last = run.history.add("ParallelStateStarted", frame.last)
        progress = frame.progress = Progress([])
        for i, branch in enumerate(state.branches):
            progress.failed[i] = frame.inner(branch, value, frame.context)

    async def branch_of(i: int) -> None:
        progress.done[i] = await run.services.sequence(run, progress.failed[i])
        del progress.failed[i]

    await together(branch_of(i) for i in sorted(progress.failed))
    frame.last = run.history.add("ParallelStateSucceeded", frame.last)
    return [progress.done[i] for i in range(len(state.branches))]


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines at once; when one fails, or all are cancelled, return only after the others have ended.

    Raises the first failure.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((t for t in tasks if t.done() and not t.cancelled() and t.exception()), None)
    finally:
        for one in tasks:
            one.cancel()
        await gone(tasks)
    if failed is not None:
        raise failed.exception() or AssertionError
    for one in tasks:
        one.result()
