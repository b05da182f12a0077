"""From the folder to containers, by the bytes that a deployment carries: packed, published to an S3, run from there.

The definition is the committed one with the answers of `publish` in it; each command task is a process of the runner's zip,
with the environment of a container; S3 is moto's, by HTTP. Nothing but the containers' images and AWS itself is missing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from servers import HttpServer
from stepdig.cli import main
from stepdig.local.engine import Engine
from stepdig.local.functions import Functions, Modules
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.aws import AwsServices
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.processes import spawn
from stepdig.local.substitutions import substitute
from stepdig.packing import runner_zip, wheels
from stepdig.problem import ProblemsFound

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "shop-bucket"
NIGHT = """\
timezone: Asia/Tokyo
+prep: {py>: tasks.prep}
+load:
  for_each>: {t: {file: tables.json}}
  _parallel: {limit: 2}
  _do:
    +table: {sh>: './load.sh ${t.name} ${rows}'}
+tell:
  if>: ${rows > 1}
  _do: {sh>: 'echo $session_date ${rows}'}
"""
LOAD = '#!/bin/sh\necho "VERSION $1 $2 $(cat sql/$1.sql)"\n[ "$1" != orders ] || [ -e "$MARK" ]\n'


class Containers:
    """Starts the runner's zip as containers start it, and notes what they print."""

    def __init__(self, runner: Path, environment: dict[str, str]) -> None:
        self.runner, self.environment = runner, environment
        self.lines: list[str] = []

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run one task."""
        environment = {**self.environment, **request.container_overrides["Environment"]}

        def heard(stream: str, line: str) -> None:
            if stream == "stdout":
                self.lines.append(line)

        argv = [sys.executable, "-I", str(self.runner)]
        return TaskOutcome(await spawn(argv, environment, "/", request.guard, heard))


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServices]:
    pytest.importorskip("moto")
    services = AwsServices()
    services.start()
    yield services
    services.close()


@pytest.fixture
def environment(aws: AwsServices, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    given = {
        "AWS_ENDPOINT_URL": str(aws.endpoint),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    for name, value in {**given, "BUCKET": BUCKET, "AWS_LAMBDA_FUNCTION_VERSION": "1"}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return {**given, "PATH": os.environ["PATH"], "STEPDIG_BUCKET": BUCKET}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    try:
        wheels.fetched(ROOT)
    except ProblemsFound as wrong:
        pytest.skip(f"{wrong}; once `pip download botocore==1.37.38` works, so does this")
    root = tmp_path / "repo"
    for path, content in {
        "nightly.dig": NIGHT,
        "tasks.py": "import digdag\ndef prep(): digdag.env.store(rows=2)\n",
        "tables.json": '[{"name": "users"}, {"name": "orders"}]',
        "load.sh": LOAD.replace("VERSION", "v1"),
        "sql/users.sql": "select users",
        "sql/orders.sql": "select orders",
    }.items():
        (root / "workflows/shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "workflows/shop" / path).write_text(content)
    (root / "workflows/shop/load.sh").chmod(0o755)
    (root / wheels.FOLDER).parent.mkdir()
    (root / wheels.FOLDER).symlink_to(ROOT / wheels.FOLDER)
    monkeypatch.chdir(root)
    assert main(["build"]) == 0
    return root


def deploy(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pack, and have `publish` answer for the project; return the key."""
    assert main(["pack", "../package"]) == 0
    monkeypatch.setenv("PACKED", str(Path("../package").resolve()))
    request = {
        "RequestType": "Create",
        "ResponseURL": f"{server.url}/answer",
        "StackId": "s",
        "RequestId": "r",
        "LogicalResourceId": "Archive",
        "ResourceType": "Custom::ProjectArchive",
        "ResourceProperties": {"Project": "shop", "PublishVersion": "1"},
    }
    Modules(ROOT / "functions/publish").load("app").handler(request, SimpleNamespace(function_name="p"))
    told = json.loads(server.requests[-1].body)
    assert told["Status"] == "SUCCESS", told
    return str(told["Data"]["Key"])


def definition(key: str) -> Any:
    text = Path("statemachines/shop-nightly.asl.json").read_text()
    named = {"Archive": key, "Bucket": BUCKET}
    names = ("Cluster", "SubnetIds", "SecurityGroupIds", "JobDefault", "FailRunFunction")
    return json.loads(substitute(text, {**{name: name for name in names}, **named}))


def test_a_night_from_what_was_packed_and_a_redrive_with_the_files_it_began_with(
    repo: Path,
    aws: AwsServices,
    environment: dict[str, str],
    http_server: HttpServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    first = deploy(http_server, monkeypatch)
    with zipfile.ZipFile("../package/images/default.zip") as context:
        (tmp_path / "runner.pyz").write_bytes(context.read(runner_zip.NAME))
    containers = Containers(tmp_path / "runner.pyz", {**environment, "MARK": str(tmp_path / "mark")})
    functions = {"FailRunFunction": Functions()["fail_run"]}
    given = {"session_time": "2026-11-20"}

    def printed() -> list[str]:
        lines = sorted(containers.lines)
        containers.lines.clear()
        return lines

    async def go() -> None:
        services = Integrations(tasks=containers, functions=functions, aws=AwsServices(aws.endpoint))
        async with Engine(integrations=services) as engine:
            failed = await engine.start(definition(first), given, "night-1", "shop-nightly").wait()
            assert failed.status == "FAILED"
            assert printed() == ["v1 orders 2 select orders", "v1 users 2 select users"]

            committed = Path("statemachines/shop-nightly.asl.json").read_bytes()
            (repo / "workflows/shop/load.sh").write_text(LOAD.replace("VERSION", "v2"))
            (repo / "workflows/shop/sql/orders.sql").write_text("select orders, better")
            second = deploy(http_server, monkeypatch)
            assert second != first
            assert Path("statemachines/shop-nightly.asl.json").read_bytes() == committed
            (tmp_path / "mark").touch()

            redriven = await (await engine.redrive(failed)).wait()
            assert redriven.status == "SUCCEEDED", redriven.cause
            assert printed() == ["2026-11-20 2", "v1 orders 2 select orders"], "the failed table, by the files of then"

            again = await engine.start(definition(second), given, "night-2", "shop-nightly").wait()
            assert again.status == "SUCCEEDED", again.cause
            new = ["v2 orders 2 select orders, better", "v2 users 2 select users"]
            assert printed() == ["2026-11-20 2", *new]

    asyncio.run(go())
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    prefixes = {"/".join(item["Key"].split("/")[:3]) for item in listed if item["Key"].startswith("runs/")}
    assert prefixes == {"runs/shop-nightly/night-1", "runs/shop-nightly/night-2"}, "each run under its own prefix"
    assert sum(item["Key"].startswith("archives/") for item in listed) == 2, "the archive of before is kept"
