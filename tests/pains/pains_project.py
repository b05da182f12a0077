"""The pains of users.md's five systems: each is made to happen here, with real processes, files and servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Helpers of other folders: an account that holds what templates make, a small IAM, Slack and Step Functions on loopback.
sys.path += [str(ROOT / "tests" / folder) for folder in ("template", "iam", "functions")]


@dataclass(frozen=True)
class Done:
    """A command that has ended; `told` are the JSON lines among its output."""

    code: int
    text: str

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    @property
    def start(self) -> dict[str, Any]:
        return next(it for it in self.told if it["event"] == "start")

    @property
    def end(self) -> dict[str, Any]:
        return next(it for it in self.told if it["event"] == "end")

    @property
    def lines(self) -> list[str]:
        """What tasks printed."""
        return [line for it in self.told if it["event"] == "output" for line in it["text"].split("\n")]


@dataclass(frozen=True)
class Project:
    """A repository of a user, and its command line."""

    folder: Path

    def write(self, files: Mapping[str, str]) -> Project:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def environ(self, **more: str) -> dict[str, str]:
        ours = ("STEPDIG_", "AWS_", "TZ")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
        return {**kept, "PYTHONPATH": str(ROOT / "src"), **more}

    def begin(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start `stepdig`, its output in a pipe."""
        argv = [sys.executable, "-m", "stepdig", *words]
        return subprocess.Popen(
            argv, cwd=self.folder, env=self.environ(**more), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def stepdig(self, *words: str, given: str = "", **more: str) -> Done:
        with self.begin(*words, **more) as process:
            text, _ = process.communicate(given)
        return Done(process.returncode, text)

    def run(self, workflow: str, *words: str, **more: str) -> Done:
        """Run a workflow of 2026-11-20, told as JSON lines."""
        return self.stepdig("run", workflow, "--json", "--session", "2026-11-20", *words, **more)

    def history(self, run: Done, name: str = "history.jsonl") -> list[dict[str, Any]]:
        """Return the events of a run."""
        path = self.folder / run.start["directory"] / name
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def overrides(self, run: Done) -> list[str]:
        """Return what RunTask was given over the task definition, once for each container."""
        events = self.history(run) + self.history(run, "children.jsonl")
        details = [it.get("taskScheduledEventDetails") for it in events]
        asked = [json.loads(it["parameters"]) for it in details if it and it["resourceType"] == "ecs"]
        return [json.dumps(it["Overrides"], ensure_ascii=False, separators=(",", ":")) for it in asked]
