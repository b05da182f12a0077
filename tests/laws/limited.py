"""Workflows, what their commands do, and AWS's limits made so small that both reach them."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepdig import limits, pipeline
from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.errors import StateError
from stepdig.local.execution import Execution
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.substitutions import substitute
from stepdig.runner import loops, outputs
from stepdig.runner.shapes import TaskRun
from stepdig.runner.storage import FolderStorage

# Each is this much smaller than AWS's, and so is what we derive from them.
SMALL = {
    "HISTORY_EVENTS": 1_000,
    "PAYLOAD_BYTES": 40_000,
    "VARIABLE_BYTES": 40_000,
    "ASSIGN_BYTES": 40_000,
    "VARIABLES_TOTAL_BYTES": 400_000,
    "CAUSE_CHARS": 2_000,
    "OVERRIDE_CHARS": 3_000,
    "OVERRIDE_OURS_CHARS": 3_000,
    "START_CHARS": 500,
    "ERROR_TEXT_CHARS": 300,
    "STORES_BYTES": 30_000,
    "ERROR_BYTES": 12 * 300,
    "RUN_BYTES": 6_000,
    "BRIEF_ERROR_CHARS": 700,
}


@contextmanager
def small_limits() -> Iterator[None]:
    """Put the small limits in the place of AWS's, wherever a module has taken them."""
    kept = []
    for module in list(sys.modules.values()):
        if not getattr(module, "__name__", "").startswith("stepdig"):
            continue
        for name, value in SMALL.items():
            if name in vars(module) and isinstance(vars(module)[name], int):
                kept.append((module, name, vars(module)[name]))
                setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)


@dataclass(frozen=True)
class Behaviour:
    """What a command does: launches that fail before it starts, tries that exit with 1, bytes it stores, rows of its list."""

    refused: int = 0
    fails: int = 0
    stores: int = 0
    rows: int = 0
    row_bytes: int = 0


@dataclass
class Commands:
    """Runs commands by their behaviour, in the way of the task runner: what is too large to store fails the task."""

    bundle: Mapping[str, Any]
    storage: FolderStorage
    behaviour: Mapping[str, Behaviour]
    tries: dict[tuple[str, str], int] = field(default_factory=dict)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run one try."""
        environment = request.container_overrides["Environment"]
        key, run = environment["STEPDIG_TASK"].partition(" ")[2], json.loads(environment["STEPDIG_RUN"])
        assert "tz" not in run
        at = loops.completed(TaskRun(self.bundle, key, run), self.storage)
        for around in at.task["loops"]:
            loops.values(self.bundle["loops"][around], at.loop_input)  # raises when the element is not there
        prefix = outputs.task_prefix(at)
        does = self.behaviour.get(key.rpartition("+")[2], Behaviour())
        number = self.tries[key, prefix] = self.tries.get((key, prefix), 0) + 1
        if number <= does.refused and number % 2:
            raise StateError("ECS.ThrottlingException", "Rate exceeded")
        if number <= does.refused:
            return TaskOutcome(
                None, "TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."
            )
        if number <= does.refused + does.fails:
            return TaskOutcome(1)
        stores = {"text": '"é' * (does.stores // 3), "list": ["x" * does.row_bytes] * does.rows, "flag": True}
        output = {"subtask_config": {}, "export_params": {}, "store_params": stores}
        task = self.bundle["tasks"][key]
        try:
            room = task.get("fetch_bytes", outputs.STORES_BYTES)
            outputs.write_output(self.storage, prefix, output, task["fetch"], room)
        except outputs.OutputError as error:
            outputs.write_error(self.storage, prefix, {}, str(error) * 50)
            return TaskOutcome(1)
        return TaskOutcome(0)


@dataclass
class Night:
    """A run that has ended: its execution and all children, with their events."""

    execution: Execution
    executions: list[Execution]
    commands: Commands

    def errors(self) -> set[str]:
        """Return the names of all errors that the histories tell of."""
        found = set()
        for execution in self.executions:
            found.add(execution.error or "")
            for event in execution.events:
                found.update(
                    value["error"] for value in event.values() if isinstance(value, dict) and value.get("error")
                )
        return found - {""}


class _Children:
    """Hears of every execution of a run."""

    def __init__(self) -> None:
        self.found: dict[str, Execution] = {}

    def on_event(self, execution: Execution, _event: object) -> None:
        """Hear an event."""
        self.found[execution.arn] = execution

    def on_output(self, *_: object) -> None:
        """Hear a line."""


def compiled(workflow: Mapping[str, Any]) -> pipeline.Compiled:
    """Compile a workflow given as the mapping that its YAML would be; raises ProblemsFound."""
    text = json.dumps(workflow).encode()
    return pipeline.compile_workflow(
        lambda path: text if path == "w.dig" else b"def store(): pass\n" if path == "m.py" else None,
        "w.dig",
        display=lambda path: path,
        project="p",
        workflow="w",
        jobs=None,
    )


def _definition(made: pipeline.Compiled) -> dict[str, Any]:
    """Return the definition, each `${Name}` replaced by the name."""
    definition: dict[str, Any] = json.loads(substitute(made.definition_text, {it: it for it in made.substitutions}))
    return definition


def night(made: pipeline.Compiled, behaviour: Mapping[str, Behaviour], given: Mapping[str, Any]) -> Night:
    """Run a compiled workflow to its end."""

    async def go(folder: Path) -> Night:
        heard = _Children()
        commands = Commands(made.bundle, FolderStorage(folder), behaviour)
        functions: dict[str, Any] = {"NotifySlackFunction": lambda _event, _context: None}
        services = Integrations(tasks=commands, functions=functions, s3=LocalS3({"Bucket": folder}))
        async with Engine(integrations=services, clock=VirtualClock(), listener=heard) as engine:
            functions["FailRunFunction"] = _failing(engine)
            execution = engine.start(_definition(made), dict(given), "x" * limits.EXECUTION_NAME_CHARS, "p-w")
            await execution.wait()
            return Night(execution, list(heard.found.values()), commands)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(go(Path(folder)))


def _failing(engine: Engine) -> Any:
    def fail(event: dict[str, Any], _context: object) -> None:
        engine.tokens.send_task_failure(taskToken=event["token"], error=event["error"], cause=event["cause"])

    return fail
