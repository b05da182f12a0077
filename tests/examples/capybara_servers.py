"""What the tests of examples/capybara share: its databases, filled once, and questions to them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from example_project import ROOT, Done, Example, databases

sys.path.append(str(ROOT / "examples/capybara"))

import here
import seed

NIGHT = "workflows/warehouse/nightly_sync.dig"


@dataclass(frozen=True)
class Capybara:
    """A copy of the example beside its two databases."""

    example: Example
    market: databases.Database
    warehouse: databases.Database

    @property
    def folder(self) -> Path:
        return self.example.folder

    def run(self, workflow: str, *words: str, **environ: str) -> Done:
        """Run a workflow of the example; words may be more options."""
        path = f"workflows/warehouse/{workflow}.dig"
        where = here.parameters(self.market, self.warehouse)
        given = [word for name, value in where.items() for word in ("-p", f"{name}={value}")]
        return self.example.stepdig("run", path, *given, "--session", "2026-11-21", "--plain", *words, **environ)

    def resume(self, workflow: str = "nightly_sync", **environ: str) -> Done:
        """Type what a failed run says."""
        return self.example.stepdig("run", f"workflows/warehouse/{workflow}.dig", "--resume", "--plain", **environ)

    def asked(self, sql: str) -> list[list[str]]:
        """Ask the warehouse, its times in Tokyo's zone; NULL is `-`."""
        argv = ["psql", "-h", "127.0.0.1", "-p", str(self.warehouse.port), "-U", "sync", "-d", "shop", "-q", "-A", "-t"]
        more = [
            "-F",
            "\x1f",
            "-R",
            "\x1e",
            "-P",
            "null=-",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "set timezone = 'Asia/Tokyo'",
            "-c",
            sql,
        ]
        environ = {**self.example.environ, "PGPASSWORD": databases.PASSWORD}
        done = subprocess.run([*argv, *more], env=environ, capture_output=True, text=True, check=True)
        text = done.stdout.removesuffix("\n")
        return [row.split("\x1f") for row in text.split("\x1e")] if text else []

    def rows(self, table: str) -> int:
        """Count a table's rows in the warehouse."""
        return int(self.asked(f"select count(*) from market.{table}")[0][0])

    def history(self) -> list[dict[str, Any]]:
        """Return the events of the last run of the night, its tables' executions of their own last."""
        files = ("history.jsonl", "children.jsonl")
        lines = [line for name in files for line in (self.last / name).read_text(encoding="utf-8").splitlines()]
        return [json.loads(line) for line in lines]

    @property
    def last(self) -> Path:
        """The folder of the last run of the night."""
        runs = (self.folder / ".stepdig/runs/warehouse-nightly_sync").iterdir()
        return max(runs, key=lambda path: int(path.name.rpartition("-")[2]))

    def containers(self) -> list[dict[str, Any]]:
        """Return what the last run of the night asked of ECS."""
        tasks = [each["taskScheduledEventDetails"] for each in self.history() if each["type"] == "TaskScheduled"]
        asked = [json.loads(task["parameters"]) for task in tasks]
        return [each for each in asked if "TaskDefinition" in each]


@pytest.fixture(scope="module")
def market(mariadb: databases.Database) -> databases.Database:
    mariadb.mariadb("drop database shop; create database shop", "mysql")
    mariadb.mariadb(seed.sql())
    return mariadb


@pytest.fixture
def capybara(example: Callable[..., Example], market: databases.Database, postgres: databases.Database) -> Capybara:
    """The example with an empty warehouse."""
    made = Capybara(example("capybara", **here.secrets()), market, postgres)
    made.asked("drop schema if exists market cascade")
    return made


@contextlib.contextmanager
def tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system of that size, as root can; skip otherwise."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(
            f"a full disk: no file system can be mounted here ({mounted.stderr.decode().strip()}); run the tests as root"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
