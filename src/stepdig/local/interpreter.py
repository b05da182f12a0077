"""The loop: one state after the other until the program ends.

Every state that is entered, left or fails goes through here; what a state does is in simple, task, parallel and map_*.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from stepdig.limits import PAYLOAD_BYTES
from stepdig.local.errors import DATA_LIMIT, StateError, query_error
from stepdig.local.execution import Execution, state_context
from stepdig.local.frame import Exit, Frame, bindings, leave
from stepdig.local.machine import State
from stepdig.local.map_distributed import map_distributed
from stepdig.local.map_inline import closed, map_inline
from stepdig.local.parallel import parallel
from stepdig.local.payload import Json, encode, size
from stepdig.local.retry import report_evaluation
from stepdig.local.simple import SIMPLE
from stepdig.local.task import task
from stepdig.local.template import typed

_TURN = 64  # events between two turns of the event loop, so that processes are reaped and Ctrl-C is heard

Step = Callable[[Execution, State, Frame], Awaitable[Exit]]


async def sequence(run: Execution, frame: Frame) -> Json:
    """Run the states of a frame, from where it stands, to its end; return the output.

    Raises the StateError that no state caught; the frame then stands at the state that failed.
    """
    resumed = frame.entered != 0
    if not resumed:
        _limited_input(frame)
    while True:
        state = frame.program.states[frame.state]
        if resumed and state.type != "Fail":
            run.count()  # a redrive is billed as a transition, https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
        else:
            _enter(run, state, frame)
        resumed = False
        simple = SIMPLE.get(state.type)
        try:
            exit_ = simple(run, state, frame) if simple else await _WAITING[state.type](run, state, frame)
            next_ = _exit(run, state, frame, exit_)
        except StateError as e:
            if e.event == "EvaluationFailed":
                report_evaluation(run, state, frame, e)
                e.event = None
            raise
        except asyncio.CancelledError:
            if state.type in _ABORTED:
                frame.last = closed(run, f"{state.type}StateAborted", frame.last)
            raise
        if next_ is None:
            return frame.input
        frame.state = next_
        if run.history.last % _TURN < 2:
            await asyncio.sleep(0)


_ABORTED = frozenset({"Task", "Parallel", "Map", "Wait"})


def _limited_input(frame: Frame) -> None:
    """Check the input of an iteration, a branch or a child execution as what a state hands on is checked."""
    if size(frame.input_text()) > PAYLOAD_BYTES:
        raise StateError(DATA_LIMIT, f"The input of state '{frame.state}' exceeds {PAYLOAD_BYTES} bytes.")


def _enter(run: Execution, state: State, frame: Frame) -> None:
    run.count()
    text = frame.input_text()
    details = {"name": state.name, "input": text}
    frame.entered = frame.last = run.history.add(
        f"{state.type}StateEntered", frame.last, "stateEnteredEventDetails", details
    )


def _exit(run: Execution, state: State, frame: Frame, exit_: Exit) -> str | None:
    """Leave a state: check the size of its output, set its variables, make the output the next input."""
    value, text, assigned, next_ = exit_
    if text is None:
        text = encode(value)
    if size(text) > PAYLOAD_BYTES:
        if frame.progress is not None and not frame.progress.failed:
            frame.progress = None  # redriven, AWS then repeats even what had succeeded
        raise StateError(
            DATA_LIMIT,
            f"The state/task '{state.name}' returned a result with a size exceeding the maximum number of bytes "
            "service limit.",
        )
    details: dict[str, Json] = {"name": state.name, "output": text}
    if assigned:
        details["assignedVariables"] = frame.scope.assign(assigned)
    frame.last = run.history.add(f"{state.type}StateExited", frame.last, "stateExitedEventDetails", details)
    frame.input, frame.text, frame.progress, frame.entered = value, text, None, 0
    return next_


async def wait(run: Execution, state: State, frame: Frame) -> Exit:
    """Wait for Seconds, or until Timestamp."""
    variables = bindings(frame, state_context(run, state))
    clock = run.services.clock
    if state.seconds is not None:
        seconds = float(typed(state.seconds, variables, "number"))
        if seconds < 0:
            raise query_error("Seconds must not be negative", "Seconds")
    elif state.timestamp is not None:
        seconds = _moment(typed(state.timestamp, variables, "string")) - clock.now()
    else:
        seconds = 0.0
    await clock.sleep(seconds)
    return leave(state.way, variables, frame.input, frame.text)


def _moment(text: str) -> float:
    """Return the seconds since 1970 of an ISO time with a zone; more than six decimals are cut."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise query_error(f"'{text}' is not a timestamp of the RFC3339 profile of ISO 8601", "Timestamp") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


async def _map(run: Execution, state: State, frame: Frame) -> Exit:
    step = map_distributed if state.work.distributed else map_inline
    return await step(run, state, frame)


_WAITING: dict[str, Step] = {"Task": task, "Parallel": parallel, "Map": _map, "Wait": wait}
