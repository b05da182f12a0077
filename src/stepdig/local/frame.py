"""Where a program stands: the state, its input, its variables, and what is finished inside it.

While a program runs, its frame is all the interpreter needs; when it fails, the frame stays behind and is the
checkpoint a redrive starts from. `frozen` and `thawed` turn a tree of frames into JSON and back.
"""

from __future__ import annotations

from typing import Any

from stepdig.local.jsonata import Variables
from stepdig.local.machine import Program, Way
from stepdig.local.payload import Json, encode
from stepdig.local.scope import Scope

Exit = tuple[Any, str | None, dict[str, Json] | None, str | None]
"""How a state was left: value, its JSON text if known, what to assign, the next state (None ends the program)."""


class Progress:
    """What is finished inside a Parallel or Map: outputs by index, and the frames of what failed or was aborted.

    `rows` are a Map's items (empty for a Parallel). For a distributed Map `run` is its Map Run's ARN and `children`
    hold, beside each frame, the name and redrive count of the child execution.
    """

    __slots__ = ("children", "done", "failed", "redrives", "rows", "run")

    def __init__(self, rows: list[Json]) -> None:
        self.rows = rows
        self.done: dict[int, Any] = {}
        self.failed: dict[int, Frame] = {}
        self.children: dict[int, dict[str, Json]] = {}
        self.run = ""
        self.redrives = 0


class Frame:
    """One run of one program, at one state.

    `entered` is the id of the event that entered the state (0: not entered yet), `last` the id of the program's last
    event, `indexes` the iterations around it, outermost first, `context` what `$states.context` holds besides State.
    """

    __slots__ = ("context", "entered", "indexes", "input", "last", "program", "progress", "scope", "state", "text")

    def __init__(self, program: Program, value: Json, text: str | None, scope: Scope, context: dict[str, Json]) -> None:
        self.program = program
        self.state = program.start
        self.input = value
        self.text = text
        self.scope = scope
        self.context = context
        self.entered = 0
        self.last = 0
        self.indexes: tuple[int, ...] = ()
        self.progress: Progress | None = None

    def input_text(self) -> str:
        """Return the JSON text of the input, made once."""
        if self.text is None:
            self.text = encode(self.input)
        return self.text

    @property
    def inside(self) -> Progress:
        """Return what is finished inside; only a Parallel or Map that has begun may be asked."""
        if self.progress is None:
            raise TypeError(f"State '{self.state}' has not begun")
        return self.progress

    def inner(self, program: Program, value: Json, context: dict[str, Json]) -> Frame:
        """Return a frame for a branch or iteration that sees this one's variables."""
        frame = Frame(program, value, None, Scope(self.scope), context)
        frame.indexes = self.indexes
        frame.last = self.last
        return frame


def bindings(frame: Frame, state: dict[str, Json], *, token: str | None = None, **more: Json) -> Variables:
    """Return what the expressions of a state see: the variables and `$states`.

    `state` is the State of its context, `token` the task token of a task that waits for one, `more` what else
    `$states` holds: `result`, `errorOutput`.
    """
    context = {**frame.context, "State": state}
    if token is not None:
        context["Task"] = {"Token": token}
    return Variables(frame.scope.variables, {"states": {"input": frame.input, "context": context, **more}})


def leave(way: Way, variables: Variables, value: Json, text: str | None) -> Exit:
    """Evaluate Assign and Output of a way out; both see the variables as they were on entry."""
    assigned = way.assign.evaluate(variables) if way.assign is not None else None
    if way.output is None:
        return value, text, assigned, way.next
    return way.output.evaluate(variables), way.output.text, assigned, way.next


def frozen(frame: Frame) -> dict[str, Json]:
    """Return a frame and everything in it as JSON."""
    saved: dict[str, Json] = {
        "state": frame.state,
        "input": frame.input,
        "variables": frame.scope.own,
        "entered": frame.entered,
        "last": frame.last,
        "indexes": list(frame.indexes),
        "context": {key: value for key, value in frame.context.items() if key == "Map"},
    }
    progress = frame.progress
    if progress is not None:
        saved["progress"] = {
            "rows": progress.rows,
            "run": progress.run,
            "redrives": progress.redrives,
            "done": {str(i): value for i, value in progress.done.items()},
            "failed": {str(i): frozen(inner) for i, inner in progress.failed.items()},
            "children": {str(i): child for i, child in progress.children.items()},
        }
    return saved


def thawed(saved: dict[str, Json], program: Program, outer: Scope | None, context: dict[str, Json]) -> Frame:
    """Return the frame that `frozen` saved; `context` holds Execution and StateMachine."""
    scope = Scope(outer)
    scope.restore(saved["variables"])
    frame = Frame(program, saved["input"], None, scope, {**context, **saved["context"]})
    frame.state, frame.entered, frame.last = saved["state"], saved["entered"], saved["last"]
    frame.indexes = tuple(saved["indexes"])
    kept = saved.get("progress")
    if kept is not None:
        state = program.states[frame.state]
        progress = frame.progress = Progress(kept["rows"])
        progress.run, progress.redrives = kept["run"], kept["redrives"]
        progress.done = {int(i): value for i, value in kept["done"].items()}
        progress.children = {int(i): child for i, child in kept["children"].items()}
        for i, inner in kept["failed"].items():
            work = state.map
            inside = work.processor if work else state.branches[int(i)]
            seen = None if work and work.distributed else scope
            progress.failed[int(i)] = thawed(inner, inside, seen, context)
    return frame
