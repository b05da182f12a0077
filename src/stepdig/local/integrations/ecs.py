"""`ecs:runTask`, `.sync` and `.waitForTaskToken`: one ECS task is one process, started by whoever knows how.

The task JSON and the failure are as AWS was recorded to give them: `States.TaskFailed` with the whole task as Cause,
and no ExitCode when the task never started. https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stepdig.limits import OVERRIDE_CHARS
from stepdig.local.call import Call
from stepdig.local.errors import TASK_FAILED, StateError
from stepdig.local.execution import ACCOUNT, REGION, gone
from stepdig.local.guard import Guard
from stepdig.local.payload import Json, encode
from stepdig.local.processes import GRACE_SECONDS, spawn


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """An ECS task to run: `container_overrides` is the first entry of Overrides.ContainerOverrides.

    In it `Name` is the container, `Environment` a mapping of texts, `Command` a list of texts or None.
    `entered_event_id` tells the iterations of one state apart. `on_output` takes ("stdout" | "stderr", line).
    """

    task_definition: str
    container_overrides: dict[str, Json]
    execution_name: str
    state: str
    entered_event_id: int
    on_output: Callable[[str, str], None]
    guard: Guard


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """How a task ended; `exit_code` None means it never started. `stop_code` and `stopped_reason` are ECS's."""

    exit_code: int | None
    stop_code: str = "EssentialContainerExited"
    stopped_reason: str = "Essential container in task exited"


class TaskLauncher(Protocol):
    """Who runs ECS tasks as processes."""

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run a task to its end; cancelled, kill its processes and return only when they are gone."""
        ...


class SimpleLauncher:
    """Runs the container's Command as a process; `commands` gives one to task definitions without an override."""

    def __init__(self, commands: Mapping[str, list[str]] | None = None, grace: float = GRACE_SECONDS) -> None:
        self._commands = dict(commands or {})
        self._grace = grace

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run the command with this process's environment and the overrides on top."""
        overrides = request.container_overrides
        argv = overrides.get("Command") or self._commands.get(request.task_definition)
        if not argv:
            return TaskOutcome(None, "TaskFailedToStart", f"No command for {request.task_definition}")
        env = {**os.environ, **overrides.get("Environment", {})}
        try:
            code = await spawn(argv, env, None, request.guard, request.on_output, self._grace)
        except (OSError, ValueError) as e:  # ValueError: a NUL in an argument
            return TaskOutcome(None, "TaskFailedToStart", f"CannotStartContainerError: {e}")
        return TaskOutcome(code)


async def run_task(call: Call, arguments: Json, launcher: TaskLauncher) -> Json:
    """Run a task; return at once, at its end, or when its task token comes back, as the Resource's pattern says."""
    overrides = arguments.get("Overrides") or {}
    if len(encode(overrides)) > OVERRIDE_CHARS:
        raise StateError(
            "ECS.InvalidParameterException", f"Container Overrides length must be at most {OVERRIDE_CHARS}"
        )
    if arguments.get("LaunchType") and arguments.get("CapacityProviderStrategy"):
        raise StateError(
            "ECS.InvalidParameterException",
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )
    request = _request(call, arguments, overrides)
    task = _described(arguments, request)
    clock = call.run.services.clock
    if not call.resource.pattern:
        call.run.services.background(launcher.run(request))
        return {"Failures": [], "Tasks": [task]}
    call.submitted({"Failures": [], "Tasks": [task]})
    if call.waiting is not None:
        return await _until_token(call, launcher.run(request))
    with clock.busy():
        outcome = await launcher.run(request)
    return _ended(task, outcome, int(clock.now() * 1000))


def _request(call: Call, arguments: dict[str, Json], overrides: dict[str, Json]) -> TaskRequest:
    container = dict(next(iter(overrides.get("ContainerOverrides") or ()), {}))
    container["Environment"] = {entry["Name"]: str(entry["Value"]) for entry in container.get("Environment") or ()}
    container.setdefault("Name", str(arguments.get("TaskDefinition", "")))
    container.setdefault("Command", None)
    return TaskRequest(
        task_definition=str(arguments.get("TaskDefinition", "")),
        container_overrides=container,
        execution_name=call.run.root.name,
        state=call.state.name,
        entered_event_id=call.entered,
        on_output=call.on_output,
        guard=call.run.services.guard,
    )


async def _until_token(call: Call, work: Coroutine[Any, Any, TaskOutcome]) -> Json:
    """Return what the token's holder sends; the process may then go on, as on AWS, but no longer than the engine."""
    process = call.run.services.background(work)
    try:
        return await call.token_result()
    except BaseException:
        process.cancel()
        await gone([process])
        raise


def _described(arguments: dict[str, Json], request: TaskRequest) -> dict[str, Json]:
    """Return the task as RunTask describes it; with a strategy it runs on the first of its providers."""
    cluster = str(arguments.get("Cluster") or "default").rsplit("/", 1)[-1]
    base = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    arn = f"{base}:task/{cluster}/{uuid.uuid4().hex}"
    definition = request.task_definition
    strategy = arguments.get("CapacityProviderStrategy")
    where = {"CapacityProviderName": str(strategy[0]["CapacityProvider"])} if strategy else {}
    return {
        **where,
        "ClusterArn": f"{base}:cluster/{cluster}",
        "Containers": [
            {
                "ContainerArn": f"{base}:container/{cluster}/{uuid.uuid4()}",
                "LastStatus": "PENDING",
                "Name": request.container_overrides["Name"],
                "TaskArn": arn,
            }
        ],
        "DesiredStatus": "RUNNING",
        "LastStatus": "PROVISIONING",
        "LaunchType": str(arguments.get("LaunchType") or "FARGATE"),
        "Overrides": arguments.get("Overrides") or {},
        "StartedBy": "AWS Step Functions",
        "TaskArn": arn,
        "TaskDefinitionArn": definition if definition.startswith("arn:") else f"{base}:task-definition/{definition}",
    }


def _ended(task: dict[str, Json], outcome: TaskOutcome, now: int) -> dict[str, Json]:
    """Return the stopped task; raises StateError States.TaskFailed with it as Cause when it did not exit with 0."""
    container = {**task["Containers"][0], "LastStatus": "STOPPED"}
    if outcome.exit_code is not None:
        container["ExitCode"] = outcome.exit_code
    else:
        container["Reason"] = outcome.stopped_reason
    stopped = {
        **task,
        "Containers": [container],
        "DesiredStatus": "STOPPED",
        "LastStatus": "STOPPED",
        "StopCode": outcome.stop_code,
        "StoppedAt": now,
        "StoppedReason": outcome.stopped_reason,
    }
    if outcome.exit_code != 0:
        raise StateError(TASK_FAILED, encode(stopped))
    return stopped
