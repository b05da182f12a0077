"""Pass, Choice, Succeed and Fail: states that need nothing but their input and the variables."""

from __future__ import annotations

from collections.abc import Callable

from stepdig.local.errors import NO_CHOICE, StateError
from stepdig.local.execution import Execution, state_context
from stepdig.local.frame import Exit, Frame, bindings, leave
from stepdig.local.jsonata import Variables
from stepdig.local.machine import State, Way
from stepdig.local.payload import Json
from stepdig.local.template import Template, typed

Step = Callable[[Execution, State, Frame], Exit]


def _plain(way: Way) -> bool:
    """Tell whether a way out computes nothing, so that no bindings need be made."""
    return way.assign is None and (way.output is None or way.output.constant)


def _seen(run: Execution, state: State, frame: Frame) -> Variables:
    return bindings(frame, state_context(run, state))


def pass_(run: Execution, state: State, frame: Frame) -> Exit:
    """Hand the input on, or the Output."""
    way = state.way
    if _plain(way):
        output = way.output
        return (
            (frame.input, frame.text, None, way.next) if output is None else (output.value, output.text, None, way.next)
        )
    return leave(way, _seen(run, state, frame), frame.input, frame.text)


def choice(run: Execution, state: State, frame: Frame) -> Exit:
    """Take the first rule whose Condition holds, else the Default."""
    variables = _seen(run, state, frame)
    for rule in state.rules:
        if typed(rule.condition, variables, "boolean"):
            return leave(rule.way, variables, frame.input, frame.text)
    if state.way.next is None:
        raise StateError(NO_CHOICE, f"No choice rule of state '{state.name}' matched, and it has no Default.")
    return leave(state.way, variables, frame.input, frame.text)


def fail(run: Execution, state: State, frame: Frame) -> Exit:
    """Fail with Error and Cause."""
    variables = _seen(run, state, frame)

    def text(template: Template | None) -> Json:
        return None if template is None else typed(template, variables, "string")

    raise StateError(text(state.error), text(state.cause))


SIMPLE: dict[str, Step] = {"Pass": pass_, "Succeed": pass_, "Choice": choice, "Fail": fail}
