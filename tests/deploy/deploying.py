"""A project that `sam` works in, and the cloud that it deploys to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAM = HERE / ".venv" / "bin" / "sam"
INSTALL = "python3 -m venv tests/deploy/.venv && tests/deploy/.venv/bin/pip install -r tests/deploy/requirements.txt"
STACK = "stepdig-dev"
SECONDS = 170


@dataclass
class Cloud:
    """moto and what it lacks (cloud.py); `address` is what AWS_ENDPOINT_URL is."""

    address: str
    own: str

    @property
    def variables(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ENDPOINT_URL_CODEBUILD": self.own,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "ap-northeast-1",
        }

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name="ap-northeast-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    def kept(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the resources of all stacks, resolved, of one type."""
        with urllib.request.urlopen(f"{self.own}/kept") as answer:
            return [it for it in json.load(answer) if not kind or it["Type"] == kind]


@dataclass
class Project:
    """A copy of the repository as git would carry it."""

    root: Path

    def sam(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run SAM in the project; raises AssertionError with what it said when it fails."""
        bin_folder = Path(sys.executable).parent
        own = {"PYTHON": sys.executable, "STEPDIG": str(bin_folder / "stepdig"), "SAM_CLI_TELEMETRY": "0"}
        done = subprocess.run(
            [SAM, *arguments],
            cwd=self.root,
            env={**os.environ, **own, **variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"sam {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """Start a cloud; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, HERE / "cloud.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield Cloud(*process.stdout.readline().split())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


NEW = ("CreateNetwork=true", "CreateWorkspace=true", "AlarmEmail=night@example.com")


def deploy(project: Project, cloud: Cloud, given: Sequence[str] = NEW, environment: str = "default") -> str:
    """Deploy; return what SAM said. A bucket of its own: moto's stack of SAM's bucket has no outputs."""
    arguments = ["--s3-bucket", "packages", "--no-resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    asked = ["--config-env", environment, "--parameter-overrides", *given]
    return project.sam("deploy", *arguments, *asked, **cloud.variables).stdout


def copied(source: Path, target: Path) -> None:
    """Copy what git carries and would carry of a folder."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in filter(
        None, subprocess.run(asked, cwd=source, capture_output=True, check=True).stdout.decode().split("\0")
    ):
        if (source / name).is_file() and name.split("/")[0] not in ("tests", "bench", "docs", ".ci", "examples"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


CALL = """
import json, sys, app
print(json.dumps(app.handler(json.load(sys.stdin), None)))
"""


def called(package: Path, event: dict[str, Any], cloud: Cloud) -> None:
    """Call a function out of its package, in a process of its own. Raises AssertionError with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=package,
        env={**os.environ, **cloud.variables, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(event),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
