"""Retry and Catch around Task, Parallel and Map.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

from stepdig.limits import PAYLOAD_BYTES
from stepdig.local.errors import DATA_LIMIT, StateError, matches
from stepdig.local.execution import Execution, state_context
from stepdig.local.frame import Exit, Frame, bindings, leave
from stepdig.local.machine import Retrier, State
from stepdig.local.payload import Json, encode, size

Body = Callable[[dict[str, Json]], Awaitable[Any]]
"""The work of a state: takes the State part of the context and returns the result."""


async def attempt(run: Execution, state: State, frame: Frame, body: Body) -> Exit:
    """Do the work of a state until it succeeds, its retries are used up, or an error is caught.

    Raises the StateError that neither Retry nor Catch covers. A redriven state starts with fresh counters.
    """
    context = state_context(run, state)
    used: dict[int, int] = {}
    while True:
        try:
            result = await body(context)
            if state.type != "Task":
                _limited(result, state, frame)
            return leave(state.way, bindings(frame, context, result=result), result, None)
        except StateError as e:
            failure = e
        _report(run, state, frame, failure)
        delay = _next_delay(state.retry, failure, used)
        if delay is None:
            return _caught(run, state, frame, context, failure)
        await run.services.clock.sleep(delay)
        frame.progress = None  # a retried Map or Parallel begins anew
        context["RetryCount"] += 1
        run.count()


def _limited(result: Json, state: State, frame: Frame) -> None:
    """Check what the branches or iterations of a state return together, before its Output makes less of it."""
    if size(encode(result)) > PAYLOAD_BYTES:
        frame.progress = None  # redriven, AWS then repeats even what had succeeded
        raise StateError(
            DATA_LIMIT,
            f"The state/task '{state.name}' returned a result with a size exceeding the maximum number of bytes "
            "service limit.",
        )


def explained(failure: StateError, state: State, entered: int) -> None:
    """Put AWS's opening words before the cause of a failing expression, once."""
    if failure.event == "EvaluationFailed" and not (failure.cause or "").startswith("An error occurred while"):
        where = f"An error occurred while executing the state '{state.name}' (entered at the event id #{entered})."
        failure.cause = f"{where} {failure.cause}"


def report_evaluation(run: Execution, state: State, frame: Frame, failure: StateError) -> None:
    """Note the event of a failing expression."""
    explained(failure, state, frame.entered)
    details = {"error": failure.error, "cause": failure.cause, "state": state.name}
    if failure.location is not None:
        details["location"] = failure.location
    frame.last = run.history.add("EvaluationFailed", frame.last, "evaluationFailedEventDetails", details)


def _report(run: Execution, state: State, frame: Frame, failure: StateError) -> None:
    if failure.event == "EvaluationFailed":
        report_evaluation(run, state, frame, failure)
    failure.event = None  # told; whoever catches it further out must not tell it again


def _next_delay(retriers: tuple[Retrier, ...], failure: StateError, used: dict[int, int]) -> float | None:
    """Return the seconds to wait before the next attempt, or None when there is none; counts the attempt."""
    for i, retrier in enumerate(retriers):
        if matches(retrier.errors, failure.error):
            if used.get(i, 0) >= retrier.attempts:
                return None
            used[i] = used.get(i, 0) + 1
            return delay_of(retrier, used[i])
    return None


def delay_of(retrier: Retrier, number: int) -> float:
    """Return the seconds before retry `number`, from 1 on."""
    try:
        delay = min(retrier.interval * retrier.rate ** (number - 1), retrier.longest)
    except OverflowError:
        delay = retrier.longest
    return random.uniform(0.0, delay) if retrier.jitter else delay  # noqa: S311 - spreads load, hides nothing


def _caught(run: Execution, state: State, frame: Frame, context: dict[str, Json], failure: StateError) -> Exit:
    if state.type != "Task":
        frame.last = run.history.add(f"{state.type}StateFailed", frame.last)
    for catcher in state.catch:
        if matches(catcher.errors, failure.error):
            told = {"Error": failure.error or "", "Cause": failure.cause or ""}
            try:
                exit_ = leave(catcher.way, bindings(frame, context, errorOutput=told), told, None)
            except StateError as e:
                _report(run, state, frame, e)
                raise
            frame.progress = None
            return exit_
    raise failure
