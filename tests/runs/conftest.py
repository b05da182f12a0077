"""Whole runs: a workflow's text in, what a person's `stepdig run --json` tells out; commands are real processes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stepdig.cli import main


@dataclass(frozen=True)
class Run:
    """One run: exit code, events, lines of output by task."""

    code: int
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def end(self) -> dict[str, Any]:
        """The last event."""
        return next(event for event in self.events if event["event"] == "end")

    @property
    def output(self) -> list[str]:
        """All lines, in the order they came."""
        return [line for event in self.events if event["event"] == "output" for line in event["text"].split("\n")]

    @property
    def states(self) -> dict[str, str]:
        """The last state of each task, by the end of its name."""
        return {event["task"].removeprefix("+w"): event["state"] for event in self.events if event["event"] == "task"}

    def tries(self, task: str) -> int:
        """How often a task was tried."""
        return max(event["try"] for event in self.events if event["event"] == "task" and event["task"] == f"+w{task}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Return a function that runs a workflow w.dig with other files beside it and more arguments."""
    monkeypatch.chdir(tmp_path)

    def go(dig: str, *arguments: str, **files: str) -> Run:
        for name, text in {"w__dig": dig, **files}.items():
            path = tmp_path / name.replace("__", ".").replace("_in_", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        code = main(["run", "w.dig", "--json", "--session", "2026-11-20", *arguments])
        return Run(code, [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")])

    return go
