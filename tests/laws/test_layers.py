"""A name means the same to a state of the machine and to a command beside it, whatever layers lie over each other.

Random layers (declared defaults, attempt parameters, exports with templates in them, stores, loop variables) and random
templates: the compiler resolves a template for `echo>` while compiling, the task runner evaluates it for `sh>` at run time.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from limited import compiled

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.substitutions import substitute
from stepdig.pipeline import Compiled
from stepdig.problem import ProblemsFound
from stepdig.runner import outputs, parameters, templates
from stepdig.runner.shapes import TaskRun
from stepdig.runner.storage import FolderStorage

SESSION = "2026-11-20T00:00:00+09:00"
FAILS = "fails"  # what a text reads whose template cannot be evaluated
ANY = "any"  # the field of an undefined field fails a command, a state reads nothing there: docs/differences.md

Values = st.SearchStrategy[Any]

leaves: Values = st.integers(0, 99) | st.sampled_from(["x", "", "a b"]) | st.booleans() | st.just([1, "x"])
unsure = st.sampled_from(["${v}", "${v.a}", "${v.name}-", "${nope}"])  # a loop variable, if there is one


def references(*names: str) -> st.SearchStrategy[str]:
    """Return templates that read names, and their fields."""
    paths = st.sampled_from([f"{name}{field}" for name in names for field in ("", "", ".a")])
    return paths.map("${{{}}}".format) | paths.map("<${{{}}}>".format)


def objects(a: Values, b: Values, inner: Values, depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """Return values for some names; `o` is an object, and nothing else is: that a store makes a number of it is rare.

    Their order is any, since a text in an object sees the names before it.
    """
    some: dict[str, Values] = {"a": a, "b": b, "c": leaves}
    if depth:
        some["o"] = objects(inner, inner, inner, depth - 1)
    return st.permutations(list(some)).flatmap(lambda it: st.fixed_dictionaries({}, optional={n: some[n] for n in it}))


data = objects(leaves, leaves, leaves)
# Other names in `o` than exports have: whether `-p` or a store brings a name before others is not known while compiling.
stored = st.fixed_dictionaries(
    {"a": leaves}, optional={"b": leaves, "c": leaves, "o": st.dictionaries(st.sampled_from("st"), leaves, max_size=2)}
)
# No circles: where one ends depends on what is read first.
exports = objects(
    leaves | references("a", "c", "o.s", "o.nope"),
    leaves | references("a", "b", "c", "o.s"),
    leaves | references("a", "b", "c", "o.s", "o.nope"),
)
probes = references("a", "b", "c", "o", "o.a", "o.b", "o.o", "o.o.o", "o.s", "o.nope") | unsure


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]:
    """Return a workflow without what is asked in it, attempt parameters, what tasks store, and the template to ask for."""
    stores: dict[str, Any] = {}

    def storing(name: str) -> dict[str, Any]:
        if draw(st.booleans()):
            return {}
        stores[name] = draw(stored)
        return {name: {"py>": "m.store"}}

    def exporting() -> dict[str, Any]:
        return {"_export": draw(exports)} if draw(st.booleans()) else {}

    inner: dict[str, Any] = {**exporting(), **storing("+inner"), "+asked": exporting()}
    outer = {**exporting(), **storing("+first"), **storing("+second")}
    nest = exporting()
    kind = draw(st.sampled_from(["group", "rows", "loop", "given"]))
    params = draw(stored)
    # A state does not merge objects of `-p` with stored ones: docs/differences.md.
    if any("o" in it for it in stores.values()):
        params.pop("o", None)
    params = {"a": 1, "b": "x", "c": True, **params}
    variable = draw(st.sampled_from("abv"))
    row: Any = {"name": "r", **draw(data)} if variable == "v" else draw(leaves)
    if kind == "rows":
        inner = {"for_each>": {variable: [row]}, **nest, "_do": inner}
    elif kind == "given":
        inner = {"for_each>": {variable: "${rows}"}, **nest, "_do": inner}
        params["rows"] = [row]
    elif kind == "loop":
        inner = {"loop>": 1, **nest, "_do": inner}
    template = "|".join(draw(st.lists(probes, min_size=1, max_size=2)))
    workflow = {**outer, "+nest": inner}
    return workflow, params, stores, template


def asking(workflow: Mapping[str, Any], ask: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow with tasks in the place of `+asked`; its export is theirs."""
    found = {}
    for name, value in workflow.items():
        if name == "+asked":
            found |= {task: {**body, **value} for task, body in ask.items()}
        else:
            found[name] = asking(value, ask) if name[0] == "+" or name == "_do" else value
    return found


@dataclass
class Commands:
    """Stores what commands are told to store, and keeps what the template of `sh>` reads at its place."""

    bundle: Mapping[str, Any]
    storage: FolderStorage
    stores: Mapping[str, Any]
    read: list[str] = field(default_factory=list)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run one task."""
        environment = request.container_overrides["Environment"]
        at = TaskRun(self.bundle, environment["STEPDIG_TASK"].partition(" ")[2], json.loads(environment["STEPDIG_RUN"]))
        task = self.bundle["tasks"][at.key]
        if task["operator"] == "sh":
            self.read.append(self._evaluated(at))
        else:
            stored = self.stores["+" + at.key.rpartition("+")[2]]
            output = {"subtask_config": {}, "export_params": {}, "store_params": stored}
            outputs.write_output(self.storage, outputs.task_prefix(at), output, task["fetch"])
        return TaskOutcome(0)

    def _evaluated(self, at: TaskRun) -> str:
        context = evaluate.Context(self.bundle["offsets"], 0)
        layers = parameters.layers(at, self.storage)
        return "|".join(_text(layers, part, context) for part in at.task["local"]["sh>"].split("|"))


def _text(layers: Sequence[templates.Layer], template: str, context: evaluate.Context) -> str:
    try:
        return templates.text(layers, template, context)
    except EvaluationError as error:
        return ANY if "Cannot read property" in str(error) else FAILS


def same(shown: str, read: str) -> bool:
    """Return whether a state and a command read the same, part by part."""
    parts = read.split("|")
    if shown == FAILS or FAILS in parts:
        return shown == FAILS and not {FAILS, ANY}.isdisjoint(parts)
    return all(b in (a, ANY) for a, b in zip(shown.split("|"), parts, strict=True))


@dataclass
class Said:
    """Hears what the state `+say` of any execution assigns."""

    texts: list[str] = field(default_factory=list)

    def on_event(self, _execution: Execution, event: Mapping[str, Any]) -> None:
        """Hear an event."""
        left = event.get("stateExitedEventDetails")
        if left and left["name"].endswith("+say"):
            self.texts += [json.loads(it) for name, it in left["assignedVariables"].items() if name.startswith("echo")]

    def on_output(self, *_: object) -> None:
        """Hear a line."""


def both(made: Compiled, params: Mapping[str, Any], stores: Mapping[str, Any]) -> tuple[list[str], list[str], str]:
    """Run a compiled workflow: what `echo>` shows, what `sh>` reads, how the run ends."""

    async def go(folder: Path) -> tuple[list[str], list[str], str]:
        commands = Commands(made.bundle, FolderStorage(folder), stores)
        definition = json.loads(substitute(made.definition_text, {it: it for it in made.substitutions}))
        services = Integrations(tasks=commands, s3=LocalS3({"Bucket": folder}))
        said = Said()
        async with Engine(integrations=services, clock=VirtualClock(), listener=said) as engine:
            execution = engine.start(definition, {"session_time": SESSION, "params": params}, "x", "p-w")
            await execution.wait()
        return said.texts, commands.read, f"{execution.status} {execution.cause or ''}"

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(go(Path(folder)))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_state_and_a_command_read_the_same(case: tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]) -> None:
    """What `echo>` shows is what `sh>` would have in its place; where one cannot evaluate it, the other cannot."""
    workflow, params, stores, template = case
    command = {"sh>": template}
    shown: list[str] = []
    try:
        made = compiled(asking(workflow, {"+say": {"echo>": template, "_ignore_failure": True}, "+cmd": command}))
    except ProblemsFound:
        event("proved while compiling")
        _, read, end = both(compiled(asking(workflow, {"+cmd": command})), params, stores)
    else:
        shown, read, end = both(made, params, stores)
        event("reads" if shown else "fails")
    assert len(read) == 1
    assert same(*(shown or [FAILS]), *read), (shown, read, end)
