"""The last step of the rehearsal: a run of what was deployed.

The engine runs the definition that moto holds; each container is the task runner out of the build context that CodeBuild was
given, with the environment of the task definition that arrived. It fetches the archive that `publish` put there, from moto's S3.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploying import Cloud

from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.processes import spawn


@dataclass
class Fargate:
    """Starts containers as ECS would; the image is this machine, with the runner of the image's build context."""

    cloud: Cloud
    images: Path
    folder: Path
    ran: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def runner_of(self, job: str) -> Path:
        """Return the task runner out of a build context; it is taken out once, since containers start at once."""
        runner = self.folder / job / "stepdig-runner.pyz"
        if not runner.exists():
            runner.parent.mkdir()
            with zipfile.ZipFile(self.images / f"{job}.zip") as context:
                (name,) = (it for it in context.namelist() if it.endswith(runner.name))
                runner.write_bytes(context.read(name))
        return runner

    async def run(self, request: TaskRequest) -> TaskOutcome:
        ecs = self.cloud.client("ecs")
        definition = ecs.describe_task_definition(taskDefinition=request.task_definition)["taskDefinition"]
        (container,) = definition["containerDefinitions"]
        job = container["image"].rpartition(":")[2].rpartition("-")[0]
        runner = self.runner_of(job)
        given = {it["name"]: it["value"] for it in container["environment"]}
        override = request.container_overrides["Environment"]
        here = {**self.cloud.variables, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [sys.executable, *container["entryPoint"][1:-1], str(runner)]
        self.ran.append(override["STEPDIG_TASK"])
        code = await spawn(
            argv, {**given, **here, **override}, self.folder, request.guard, lambda _, line: self.said.append(line), 5
        )
        return TaskOutcome(code)


def run(cloud: Cloud, fargate: Fargate, machine: str, given: dict[str, Any], name: str) -> Execution:
    """Run a state machine from the definition that moto holds."""
    arn = f"arn:aws:states:ap-northeast-1:123456789012:stateMachine:{machine}"
    definition = json.loads(cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"])

    async def go() -> Execution:
        async with Engine(machines={arn: definition}, integrations=Integrations(tasks=fargate)) as engine:
            execution = engine.start(definition, given, name, machine)
            await execution.wait()
            return execution

    return asyncio.run(go())
