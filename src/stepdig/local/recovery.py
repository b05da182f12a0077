"""History -> frame: where a run stood whose engine was killed before it could say so.

A checkpoint is written when a run ends; a run that was killed has only its history. Everything a frame holds is in
there, but a Map's items and a Parallel's arguments, which are evaluated again from the same input and variables. Where
that cannot be done, for an ItemReader or an ItemBatcher, the whole Map is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stepdig.local.errors import StateError
from stepdig.local.frame import Frame, Progress, bindings
from stepdig.local.history import Event
from stepdig.local.machine import Program, State
from stepdig.local.map_inline import items_of, selected
from stepdig.local.payload import Json, decode
from stepdig.local.scope import Scope

Children = Mapping[int, list[Event]]
"""The histories of a distributed Map's children, by the index of their item."""


def recovered(events: Iterable[Event], program: Program, context: dict[str, Json], children: Children) -> Frame | None:
    """Return the frame a history leads to, or None when no state was entered.

    `context` holds Execution and StateMachine; `children` is for the Map that runs at the end, if any.
    """
    reading = _Reading(program, context)
    for event in events:
        reading.take(event)
    if reading.root is None:
        return None
    reading.settle(reading.root, children)
    return reading.root


class _Reading:
    """What is known after some events: the frames, whose event each id is, and what each frame has left last."""

    def __init__(self, program: Program, context: dict[str, Json]) -> None:
        self._program = program
        self._context = context
        self.root: Frame | None = None
        self._owner: dict[int, Frame] = {}
        self._left: dict[int, Json] = {}  # frame -> output of the state it has left and not followed by another
        self._parents: dict[int, Frame] = {}

    def take(self, event: Event) -> None:
        """Follow one event."""
        kind, previous = event["type"], event["previousEventId"]
        if kind == "ExecutionStarted":
            started = decode(event["executionStartedEventDetails"]["input"])
            self.root = Frame(self._program, started, None, Scope(), self._context)
            self._owner[0] = self.root
            return
        frame = self._owner.get(previous) or self.root
        assert frame is not None
        act = _ACTS.get(kind) or (_entered if kind.endswith("StateEntered") else None)
        act = act or (_exited if kind.endswith("StateExited") else None)
        if act is not None:
            frame = act(self, frame, event) or frame
        self._owner[event["id"]] = frame
        if not kind.startswith("Execution"):
            frame.last = event["id"]

    def enter(self, frame: Frame, event: Event) -> Frame:
        """A state is entered, by this frame or by the branch that starts with it."""
        details = event["stateEnteredEventDetails"]
        name = details["name"]
        if name not in frame.program.states and frame.progress is not None:
            inside = frame.progress.failed.values()
            frame = next((inner for inner in inside if name in inner.program.states), frame)
        frame.state, frame.input, frame.text = name, decode(details["input"]), details["input"]
        frame.entered, frame.progress = event["id"], None
        self._left.pop(id(frame), None)
        return frame

    def exit(self, frame: Frame, event: Event) -> None:
        """A state is left: its variables are set."""
        details = event["stateExitedEventDetails"]
        assigned = details.get("assignedVariables") or {}
        frame.scope.restore({name: decode(text) for name, text in assigned.items()})
        self._left[id(frame)] = decode(details["output"])

    def begin(self, frame: Frame) -> None:
        """A Parallel or Map begins, or begins anew for a retry."""
        state = frame.program.states[frame.state]
        variables = bindings(frame, {"Name": state.name, "RetryCount": 0})
        try:
            if state.map is None:
                value = state.arguments.evaluate(variables) if state.arguments is not None else frame.input
                frame.progress = Progress([])
                for i, branch in enumerate(state.branches):
                    self._inner(frame, i, frame.inner(branch, value, frame.context))
            elif not state.map.distributed:
                frame.progress = Progress(items_of(state.map.items, variables, frame.input))
        except StateError:  # not the same a second time: begin again
            frame.progress = None

    def iterate(self, frame: Frame, event: Event) -> Frame:
        """An iteration of an inline Map begins."""
        index = event["mapIterationStartedEventDetails"]["index"]
        state = frame.program.states[frame.state]
        if frame.progress is None:
            return frame
        value, seen = selected(state.work, frame, {"Name": state.name}, index, frame.progress.rows[index])
        inner = frame.inner(state.work.processor, value, seen)
        inner.indexes = (*frame.indexes, index)
        self._inner(frame, index, inner)
        return inner

    def iterated(self, frame: Frame, event: Event) -> Frame:
        """An iteration has succeeded."""
        parent = self._parents.get(id(frame))
        if parent is None or parent.progress is None:
            return frame
        index = event["mapIterationSucceededEventDetails"]["index"]
        parent.progress.done[index] = self._left.pop(id(frame), None)
        parent.progress.failed.pop(index, None)
        return frame

    def settle(self, frame: Frame, children: Children) -> None:
        """Decide for a frame, and all inside it, where to go on."""
        if frame.progress is not None:
            for i, inner in list(frame.progress.failed.items()):
                self.settle(inner, children)
                if self._ended(inner):
                    frame.progress.done[i] = self._left[id(inner)]
                    del frame.progress.failed[i]
            if frame.progress.run:
                self._settle_children(frame, children)
        if id(frame) in self._left and not self._ended(frame):
            state = frame.program.states[frame.state]
            if state.type != "Choice" and not state.catch and state.way.next is not None:
                frame.state, frame.input, frame.text = state.way.next, self._left[id(frame)], None
            frame.entered, frame.progress = 0, None
            del self._left[id(frame)]

    def _ended(self, frame: Frame) -> bool:
        """Tell whether a frame has left its last state."""
        state = frame.program.states[frame.state]
        return id(frame) in self._left and state.type != "Choice" and not state.catch and state.way.next is None

    def _settle_children(self, frame: Frame, children: Children) -> None:
        """Take over what the children of a Map Run have reached."""
        progress, state = frame.inside, frame.program.states[frame.state]
        for index, events in children.items():
            child = {"name": events[0]["execution"], "redrives": 0, "events": events[-1]["id"], "status": "ABORTED"}
            child["redrives"] = sum(event["type"] == "ExecutionRedriven" for event in events)
            progress.children[index] = child
            if events[-1]["type"] == "ExecutionSucceeded":
                progress.done[index] = decode(events[-1]["executionSucceededEventDetails"]["output"])
                continue
            inner = recovered(events, state.work.processor, self._context, {})
            if inner is not None:
                inner.indexes = (*frame.indexes, index)
                progress.failed[index] = inner

    def _inner(self, frame: Frame, index: int, inner: Frame) -> None:
        frame.inside.failed[index] = inner
        self._parents[id(inner)] = frame

    def run_of(self, frame: Frame, event: Event) -> None:
        """A Map Run has started over the items."""
        rows = _rows(frame, frame.program.states[frame.state])
        if rows is not None:
            frame.progress = Progress(rows)
            frame.progress.run = event["mapRunStartedEventDetails"]["mapRunArn"]


def _rows(frame: Frame, state: State) -> list[Any] | None:
    """Return the inputs of a Map Run's children, or None where they came from a file or were made into batches."""
    work, context = state.work, {"Name": state.name, "RetryCount": 0}
    if work.reader is not None or work.batcher is not None:
        return None
    try:
        rows = items_of(work.items, bindings(frame, context), frame.input)
    except StateError:
        return None
    if work.selector is None:
        return rows
    return [selected(state.work, frame, {"Name": state.name}, i, row)[0] for i, row in enumerate(rows)]


def _entered(reading: _Reading, frame: Frame, event: Event) -> Frame | None:
    return reading.enter(frame, event)


def _exited(reading: _Reading, frame: Frame, event: Event) -> Frame | None:
    reading.exit(frame, event)
    return None


def _begun(reading: _Reading, frame: Frame, _: Event) -> Frame | None:
    reading.begin(frame)
    return None


def _run_started(reading: _Reading, frame: Frame, event: Event) -> Frame | None:
    reading.run_of(frame, event)
    return None


_ACTS: dict[str, Callable[[_Reading, Frame, Event], Frame | None]] = {
    "ParallelStateStarted": _begun,
    "MapStateStarted": _begun,
    "MapRunStarted": _run_started,
    "MapIterationStarted": _Reading.iterate,
    "MapIterationSucceeded": _Reading.iterated,
}
