"""What the runner passes around: one task in one run, what a machine gives it, a process to start and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

Json = Any  # any JSON value


class TaskError(Exception):
    """The task fails before its command starts; the message is Digdag's, with its kind at the end."""


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


def no_secret(_key: str) -> Optional[str]:
    """Return None: there are no secrets here."""
    return None


@dataclass(frozen=True)
class Host:
    """What a machine gives a task.

    project_dir  the project's folder
    work_dir     a folder of this task alone; made when the task needs files of its own
    base_env     what its process inherits; a TZ in it beats the workflow's timezone
    python       the job's Python, which the task's own `python:` replaces
    secret       gives a secret by its key, or None
    """

    project_dir: Path
    work_dir: Path
    base_env: Mapping[str, str]
    python: Sequence[str]
    secret: Callable[[str], Optional[str]] = no_secret


@dataclass(frozen=True)
class Program:
    """A process to start: `env` is all of its environment.

    output_path  where it leaves what it stores: a py> or rb> its output.json, a sh> its lines `NAME=VALUE`
    store        the names that a sh> is to leave there
    secret       files with secrets in them, to be removed when it has ended
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    operator: str = "sh"
    output_path: Optional[Path] = None
    store: Sequence[str] = ()
    secret: Sequence[Path] = ()


@dataclass(frozen=True)
class Result:
    """What the end of a process means.

    message  Digdag's, when it failed
    output   what it left: an output.json
    error    `class`, `message` and `backtrace` of what the project's code raised; empty for any other failure
    """

    exit_code: int
    message: str = ""
    output: Mapping[str, Json] = field(default_factory=dict)
    error: Mapping[str, Json] = field(default_factory=dict)
