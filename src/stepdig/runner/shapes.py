"""What the runner passes around: one task in one run, and what a machine gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence

Json = Any  # any JSON value


@dataclass(frozen=True)
class TaskRun:
    """One task of a bundle in one run; `run` is the run object with `loop`, the loop variables (docs/design.md)."""

    bundle: Mapping[str, Json]
    key: str
    run: Mapping[str, Json]

    @property
    def task(self) -> Dict[str, Json]:
        """The compiled task."""
        task: Dict[str, Json] = self.bundle["tasks"][self.key]
        return task

    @property
    def loop_input(self) -> Mapping[str, Json]:
        """The state input of the iteration the task runs in."""
        values: Mapping[str, Json] = self.run.get("loop") or {}
        return values


@dataclass(frozen=True)
class Host:
    """What a machine gives a task.

    project_dir  the project's folder
    work_dir     a folder of this task alone; made when the task needs files of its own
    base_env     what its process inherits; a TZ in it beats the workflow's timezone
    python       the job's Python, which the task's own `python:` replaces
    """

    project_dir: Path
    work_dir: Path
    base_env: Mapping[str, str]
    python: Sequence[str]
