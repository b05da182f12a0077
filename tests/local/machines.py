"""Short ways to write machines and run them, for the tests of the engine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from stepdig.local.clock import Clock, VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution, Listener
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import SimpleLauncher

EMPTY: dict[str, Any] = {}


def machine(start: str, **states: dict[str, Any]) -> dict[str, Any]:
    """A JSONata definition; underscores in the names of states stay."""
    return {"QueryLanguage": "JSONata", "StartAt": start, "States": states}


def pass_(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", **({} if "Next" in fields else {"End": True}), **fields}


def fail(error: str, cause: str = "") -> dict[str, Any]:
    return {"Type": "Fail", "Error": error, "Cause": cause}


def task(resource: str, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """A Task; `resource` is the part after `arn:aws:states:::`."""
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments or {}}
    return {**state, **({} if "Next" in fields else {"End": True}), **fields}


def command(*argv: str, env: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """A task that runs a command as an ECS task does."""
    container: dict[str, Any] = {"Name": "main", "Command": list(argv)}
    if env:
        container["Environment"] = [{"Name": k, "Value": v} for k, v in env.items()]
    arguments = {"Cluster": "c", "TaskDefinition": "job", "Overrides": {"ContainerOverrides": [container]}}
    return task("ecs:runTask.sync", arguments, **fields)


def map_(states: dict[str, Any], start: str | None = None, *, mode: str = "INLINE", **fields: Any) -> dict[str, Any]:
    """A Map over `$states.input` unless `Items` says otherwise."""
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    processor = {"ProcessorConfig": config, "StartAt": start or next(iter(states)), "States": states}
    return {"Type": "Map", "ItemProcessor": processor, **({} if "Next" in fields else {"End": True}), **fields}


def branch(**states: dict[str, Any]) -> dict[str, Any]:
    """A branch of a Parallel; it starts at its first state."""
    return {"StartAt": next(iter(states)), "States": states}


def run(
    definition: dict[str, Any],
    value: Any = EMPTY,
    *,
    clock: Clock | None = None,
    listener: Listener | None = None,
    machines: dict[str, Any] | None = None,
    **services: Any,
) -> Execution:
    """Run a machine to its end, on a clock that jumps."""

    async def go() -> Execution:
        return await ended(definition, value, clock=clock, listener=listener, machines=machines, **services)

    return asyncio.run(go())


async def ended(
    definition: dict[str, Any],
    value: Any = EMPTY,
    *,
    clock: Clock | None = None,
    listener: Listener | None = None,
    machines: dict[str, Any] | None = None,
    **services: Any,
) -> Execution:
    async with engine(clock=clock, listener=listener, machines=machines, **services) as it:
        return await it.start(definition, value, "run-1", "machine").wait()


def engine(
    *,
    clock: Clock | None = None,
    listener: Listener | None = None,
    machines: dict[str, Any] | None = None,
    **services: Any,
) -> Engine:
    services.setdefault("tasks", SimpleLauncher(grace=2.0))
    return Engine(
        machines=machines or {}, integrations=Integrations(**services), clock=clock or VirtualClock(), listener=listener
    )


def types(execution: Execution) -> list[str]:
    return [event["type"] for event in execution.events]


def alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids: list[int]) -> bool:
    """Whether all end within ten seconds."""
    end = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(map(alive, pids))
