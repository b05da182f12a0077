"""What is deployed is what ran: resources of the transformed template, made in moto, and the workflow run from exactly these.

`stepdig build` writes the files, the SAM translator transforms them, every resource is made by its own call. Then the engine runs
the definition as moto holds it, and each task is a process with the entry point, the environment and the secrets of the task
definition that the definition names.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from template_account import Account, uploaded
from template_stack import ACCOUNT, GIVEN, HERE, REGION, ROOT, STACK, Resolved, transformed, units

from stepdig.cli import main
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.functions import Modules
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.processes import spawn
from stepdig.packing import archives, contents
from stepdig.problem import Problems
from stepdig.project import all_of

SHOP = Path(__file__).parent / "projects" / "shop"
ENTRY = ["python3", "-I", "/opt/stepdig/runner.pyz"]
RUN = f"import runpy, sys; sys.path.insert(0, {str(ROOT / 'src')!r}); runpy.run_module('stepdig.runner', run_name='__main__')"
SECRETS = {
    f"arn:aws:ssm:{HERE}:parameter/shop/db/password": "opensesame",
    f"arn:aws:ssm:{HERE}:parameter/shop/key": "-----KEY-----",
    f"arn:aws:secretsmanager:{HERE}:secret:shop/api:token::": "t0ken",
}


@dataclass
class Fargate:
    """Starts containers as ECS would: from what moto holds of the task definition, and the override."""

    account: Account
    bucket: Path
    ran: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        ecs = self.account.client("ecs")
        definition = ecs.describe_task_definition(taskDefinition=request.task_definition)["taskDefinition"]
        (container,) = definition["containerDefinitions"]
        override = request.container_overrides
        assert override["Name"] == container["name"]
        assert container["entryPoint"] == ENTRY
        assert container["image"].startswith(f"{GIVEN['Repository']}:")
        given = {it["name"]: it["value"] for it in container["environment"]}
        assert given["STEPDIG_BUCKET"] == GIVEN["Bucket"]
        secrets = {it["name"]: SECRETS[it["valueFrom"]] for it in container.get("secrets", ())}
        here = {"STEPDIG_BUCKET": f"file://{self.bucket}", "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        self.ran.append((definition["family"], override["Environment"]["STEPDIG_TASK"]))
        environment = {**given, **secrets, **here, **override["Environment"]}
        argv = [sys.executable, "-I", "-c", RUN]
        code = await spawn(
            argv, environment, self.bucket, request.guard, lambda _stream, line: self.said.append(line), 5
        )
        return TaskOutcome(code)


@dataclass
class Deployed:
    """A project, built, and the resources of its template."""

    folder: Path
    account: Account
    resources: Resolved
    bucket: Path

    def machine(self, name: str) -> dict[str, Any]:
        found = self.account.client("stepfunctions").describe_state_machine(
            stateMachineArn=f"arn:aws:states:{HERE}:stateMachine:{STACK}-{name}"
        )
        assert isinstance(found, dict)
        return found

    def run(self, name: str, given: dict[str, Any]) -> tuple[Execution, Fargate]:
        """Run a state machine from what moto has of all of them."""
        machines = {
            it["stateMachineArn"]: json.loads(self.machine(it["name"].removeprefix(f"{STACK}-"))["definition"])
            for it in self.account.client("stepfunctions").list_state_machines()["stateMachines"]
        }
        fargate = Fargate(self.account, self.bucket)
        integrations = Integrations(tasks=fargate, s3=LocalS3({GIVEN["Bucket"]: self.bucket}, self.bucket / "other"))

        async def go() -> Execution:
            async with Engine(machines=machines, integrations=integrations) as engine:
                definition = machines[f"arn:aws:states:{HERE}:stateMachine:{STACK}-{name}"]
                execution = engine.start(definition, given, "20261119T163000Z-1", f"{STACK}-{name}")
                await execution.wait()
                return execution

        return asyncio.run(go()), fargate


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    folder, bucket = tmp_path / "project", tmp_path / "bucket"
    shutil.copytree(SHOP, folder)
    assert main(["build", str(folder)]) == 0
    keys = _archives(folder, bucket)
    with mock_aws():
        account = Account(uploaded(folder), keys)
        template = transformed((folder / "statemachines" / "template.yaml").read_text())
        yield Deployed(folder, account, account.deploy(template), bucket)


def _archives(folder: Path, bucket: Path) -> dict[str, str]:
    """Put the archives of the projects into the bucket, as publish does, and return their keys."""
    workflows = all_of(folder)
    bundles = {unit.machine: unit.compiled.bundle for unit in units(folder)}
    keys = {}
    for project in {it.project for it in workflows}:
        packed = BytesIO()
        contents.write(archives.archive(project, bundles, folder.parent / "packed", Problems()), packed)
        keys[project.name] = f"archives/{project.name}-0123456789abcdef.zip"
        (bucket / keys[project.name]).parent.mkdir(parents=True, exist_ok=True)
        (bucket / keys[project.name]).write_bytes(packed.getvalue())
    return keys


def test_a_session_runs_from_what_was_deployed(deployed: Deployed) -> None:
    execution, fargate = deployed.run("shop-nightly", {"session_time": "2026-11-20T00:00:00+09:00"})
    assert execution.status == "SUCCEEDED", fargate.said
    assert sorted(fargate.ran) == [
        (f"{STACK}-shop-import_orders-default", "shop-import_orders +import"),
        (f"{STACK}-shop-nightly-default", "shop-nightly +tell"),
        (f"{STACK}-shop-nightly-load", "shop-nightly +load+copy"),
        (f"{STACK}-shop-nightly-load", "shop-nightly +load+copy"),
        (f"{STACK}-shop-nightly-report", "shop-nightly +report"),
    ]
    assert sorted(fargate.said) == ["3 rows", "copied items", "copied users", "imported"]
    assert (deployed.bucket / "runs/shop-nightly/20261119T163000Z-1/+report/output.json").is_file()


def test_every_resource_of_the_template_could_be_made(deployed: Deployed) -> None:
    kinds = {kind: deployed.account.made.count(kind) for kind in deployed.account.made}
    assert kinds == {
        "Custom::ProjectArchive": 1,
        "Custom::JobImage": 3,
        "Custom::ScheduleState": 1,
        "AWS::Logs::LogGroup": 5,
        "AWS::IAM::Role": 8,
        "AWS::ECS::TaskDefinition": 4,
        "AWS::StepFunctions::StateMachine": 2,
        "AWS::StepFunctions::StateMachineVersion": 2,
        "AWS::StepFunctions::StateMachineAlias": 2,
        "AWS::CloudWatch::Alarm": 5,
        "AWS::Scheduler::Schedule": 1,
    }


def test_definitions_are_the_committed_files_with_just_the_substitutions(deployed: Deployed) -> None:
    committed = json.loads((deployed.folder / "statemachines/shop-nightly.asl.json").read_text())
    held = deployed.machine("shop-nightly")
    assert "${" not in held["definition"].replace("${secret:", "")
    assert json.loads(held["definition"]).keys() == committed.keys()
    assert held["roleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/stepdig/{STACK}/")
    assert (held["loggingConfiguration"]["level"], held["tracingConfiguration"]["enabled"]) == ("ERROR", True)


def test_the_schedule_calls_start_session_with_the_alias(deployed: Deployed) -> None:
    scheduler = deployed.account.client("scheduler")
    (listed,) = scheduler.list_schedules(GroupName=GIVEN["ScheduleGroup"])["Schedules"]
    held = scheduler.get_schedule(GroupName=GIVEN["ScheduleGroup"], Name=listed["Name"])
    assert (held["ScheduleExpression"], held["ScheduleExpressionTimezone"]) == ("cron(30 1 * * ? *)", "Asia/Tokyo")
    target = held["Target"]
    assert (target["Arn"], target["RoleArn"]) == (GIVEN["StartSessionFunctionArn"], GIVEN["ScheduleRoleArn"])
    assert target["DeadLetterConfig"] == {"Arn": GIVEN["DeadLetterQueueArn"]}
    event = json.loads(target["Input"])
    assert event["machine"] == f"arn:aws:states:{HERE}:stateMachine:{STACK}-shop-nightly:live"
    assert event["workflow"] == f"{STACK}-shop-nightly"
    bundle = next(it.compiled.bundle for it in units(deployed.folder) if it.workflow == "nightly")
    assert (event["schedule"], event["timezone"]) == (json.loads(json.dumps(bundle["schedule"])), "Asia/Tokyo")
    assert event["scheduled_time"] == "<aws.scheduler.scheduled-time>"
    assert event["schedule_arn"] == "<aws.scheduler.schedule-arn>"


def test_a_container_is_described_as_its_job_says(deployed: Deployed) -> None:
    ecs = deployed.account.client("ecs")
    held = ecs.describe_task_definition(taskDefinition=f"{STACK}-shop-nightly-load")["taskDefinition"]
    assert (held["cpu"], held["memory"], held["networkMode"]) == ("1024", "4096", "awsvpc")
    assert held["requiresCompatibilities"] == ["FARGATE"]
    assert held["ephemeralStorage"] == {"sizeInGiB": 50}
    (container,) = held["containerDefinitions"]
    given = {it["name"]: it["value"] for it in container["environment"]}
    assert given["QUEUE"] == f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}-in"
    assert container["stopTimeout"] == 120
    assert container["logConfiguration"]["options"]["awslogs-group"] == f"/stepdig/{STACK}/load"
    assert container["logConfiguration"]["options"]["awslogs-stream-prefix"] == "shop-nightly"
    groups = {it["logGroupName"]: it for it in deployed.account.client("logs").describe_log_groups()["logGroups"]}
    assert groups[f"/stepdig/{STACK}/load"]["retentionInDays"] == 30
    assert f"/aws/vendedlogs/states/{STACK}-shop-nightly" in groups
    iam = deployed.account.client("iam")
    role = iam.get_role(RoleName=held["taskRoleArn"].rpartition("/")[2])["Role"]
    assert role["Path"] == f"/stepdig/{STACK}/tasks/"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_a_night_from_the_schedule_to_the_last_task(deployed: Deployed) -> None:
    """The Scheduler's call, as the deployed schedule makes it, through start_session; its execution's input, run to the end."""
    scheduler = deployed.account.client("scheduler")
    (listed,) = scheduler.list_schedules(GroupName=GIVEN["ScheduleGroup"])["Schedules"]
    text = scheduler.get_schedule(GroupName=GIVEN["ScheduleGroup"], Name=listed["Name"])["Target"]["Input"]
    text = text.replace("<aws.scheduler.scheduled-time>", "2026-11-19T16:30:00Z")
    event = json.loads(text.replace("<aws.scheduler.schedule-arn>", listed["Arn"]))
    event["machine"] = event["machine"].removesuffix(":live")  # moto starts no alias

    modules = Modules(ROOT / "functions" / "start_session")
    now = datetime(2026, 11, 19, 16, 30, 5, tzinfo=UTC)
    answer = modules.load("start").run(modules.load("firing").firing(event), modules.load("runtime").aws(), now)
    assert answer["started"] == ["20261119T150000Z-1"]

    arn = f"arn:aws:states:{HERE}:execution:{STACK}-shop-nightly:20261119T150000Z-1"
    started = deployed.account.client("stepfunctions").describe_execution(executionArn=arn)
    execution, fargate = deployed.run("shop-nightly", json.loads(started["input"]))
    assert (execution.status, len(fargate.ran)) == ("SUCCEEDED", 5)
    stored = json.loads((deployed.bucket / "runs/shop-nightly/20261119T163000Z-1/+report/output.json").read_text())
    assert stored["store_params"] == {"rows": 3}
