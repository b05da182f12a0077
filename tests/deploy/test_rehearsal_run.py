"""The last step of the rehearsal: a session of what was deployed.

start_session, out of its package, starts the session that a schedule fires; the engine runs the definition that moto holds; each
container is the task runner out of the build context that CodeBuild was given, with the environment of the task definition that
arrived. It fetches the archive that `publish` put there, from moto's S3.
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

import pytest
from deploying import STACK, Cloud, Project, called

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


@pytest.fixture
def fargate(built: Project, deployed: Cloud, tmp_path: Path) -> Fargate:
    return Fargate(deployed, built.root / ".aws-sam" / "build" / "PublishFunction" / "images", tmp_path)


def test_a_run_from_the_console(deployed: Cloud, fargate: Fargate) -> None:
    execution = run(deployed, fargate, f"{STACK}-hello-hello", {}, "by-hand")
    assert execution.status == "SUCCEEDED", fargate.said
    assert "hello-hello +bye" in fargate.ran
    assert sorted(fargate.said) == ["Bye, world.", "I like apple.", "I like orange.", "I like 桃."]


def test_a_session_of_a_schedule(built: Project, deployed: Cloud, fargate: Fargate) -> None:
    (schedule,) = deployed.kept("AWS::Scheduler::Schedule")
    event = json.loads(schedule["Properties"]["Target"]["Input"])
    event["scheduled_time"] = "2026-11-19T22:00:00Z"
    event["schedule_arn"] = f"arn:aws:scheduler:ap-northeast-1:123456789012:schedule/{STACK}/{STACK}-hello-morning"
    event["machine"] = event["machine"].removesuffix(":live")  # moto knows no aliases
    package = built.root / ".aws-sam" / "build" / "StartSessionFunction"
    called(package, event, deployed)
    called(package, event, deployed)  # delivered twice
    (started,) = deployed.client("stepfunctions").list_executions(stateMachineArn=event["machine"])["executions"]
    assert started["name"] == "20261119T150000Z-1"
    found = deployed.client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    execution = run(deployed, fargate, f"{STACK}-hello-morning", json.loads(found["input"]), started["name"])
    assert execution.status == "SUCCEEDED", fargate.said
    assert fargate.said == ["good morning"]
