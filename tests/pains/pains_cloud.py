"""A project as it is deployed: the resources of its template in moto, and containers that share nothing but what AWS gives them.

Each container is a process with the entry point's program, the environment and secrets of its task definition, and a folder of
its own; the bucket is a folder, and so is the file system, for those task definitions alone that mount it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from moto import mock_aws
from template_account import Account, uploaded
from template_stack import GIVEN, HERE, ROOT, STACK, transformed, units

from stepdig.cli import main
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.processes import spawn
from stepdig.packing import archives, contents
from stepdig.problem import Problems
from stepdig.project import all_of

RUN = f"import runpy, sys; sys.path.insert(0, {str(ROOT / 'src')!r}); runpy.run_module('stepdig.runner', run_name='__main__')"


@dataclass
class Cloud:
    """The stack's account; `secrets` are values by the ARN that a task definition names."""

    folder: Path
    account: Account
    secrets: Mapping[str, str]
    said: list[str] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

    @property
    def bucket(self) -> Path:
        return self.folder / "bucket"

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run a container (the engine's launcher)."""
        ecs = self.account.client("ecs")
        definition = ecs.describe_task_definition(taskDefinition=request.task_definition)["taskDefinition"]
        (container,) = definition["containerDefinitions"]
        given = {it["name"]: it["value"] for it in container["environment"]}
        secrets = {it["name"]: self.secrets[it["valueFrom"]] for it in container.get("secrets", ())}
        self.environments.append({**given, **request.container_overrides["Environment"]})
        own = self.folder / "containers" / str(len(self.environments))
        (own / "tmp").mkdir(parents=True)
        here = {
            "STEPDIG_BUCKET": f"file://{self.bucket}",
            "PATH": os.environ["PATH"],
            "HOME": str(own),
            "TMPDIR": str(own / "tmp"),
        }
        if container.get("mountPoints"):
            (self.folder / "efs").mkdir(exist_ok=True)
            here["STEPDIG_WORKSPACE"] = str(self.folder / "efs")
        environment = {**given, **secrets, **here, **request.container_overrides["Environment"]}
        argv = [sys.executable, "-I", "-c", RUN]
        return TaskOutcome(
            await spawn(argv, environment, own, request.guard, lambda _stream, line: self.said.append(line), 5)
        )

    def start(self, machine: str, given: Mapping[str, Any]) -> Execution:
        """Start a state machine with what a person types into the console, and wait for its end."""
        arn = f"arn:aws:states:{HERE}:stateMachine:{STACK}-{machine}"
        text = self.account.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
        integrations = Integrations(tasks=self, s3=LocalS3({GIVEN["Bucket"]: self.bucket}, self.folder / "other"))

        async def go() -> Execution:
            async with Engine(integrations=integrations) as engine:
                execution = engine.start(json.loads(text), dict(given), "a-name-of-ones-own", f"{STACK}-{machine}")
                await execution.wait()
                return execution

        return asyncio.run(go())


@contextmanager
def cloud(root: Path, folder: Path, secrets: Mapping[str, str] | None = None) -> Iterator[Cloud]:
    """Build a project and make all that its template names."""
    assert main(["build", str(root)]) == 0
    keys = _archives(root, folder)
    with mock_aws():
        account = Account(uploaded(root), keys)
        account.deploy(transformed((root / "statemachines/template.yaml").read_text()))
        yield Cloud(folder, account, secrets or {})


def _archives(root: Path, folder: Path) -> dict[str, str]:
    """Put the archives of the projects into the bucket, as publish does, and return their keys."""
    bundles = {unit.machine: unit.compiled.bundle for unit in units(root)}
    keys = {}
    for project in {it.project for it in all_of(root)}:
        packed = BytesIO()
        contents.write(archives.archive(project, bundles, folder / "packed", Problems()), packed)
        keys[project.name] = f"archives/{project.name}-0123456789abcdef.zip"
        path = folder / "bucket" / keys[project.name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed.getvalue())
    return keys
