"""What a figure is, and how whole processes are measured. Light on purpose: a process inherits its parent's peak memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# As on a person's machine: Python keeps the compiled modules, whatever the session of this measurement is set to.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
STEPDIG = str(Path(sys.executable).with_name("stepdig"))


@dataclass(frozen=True)
class Figure:
    """One line of the table: what is measured, the goal in words, the value in words, whether the goal is reached."""

    what: str
    goal: str
    measured: str
    reached: bool


@dataclass(frozen=True)
class Usage:
    """A process and what it waited for: wall-clock seconds, the largest resident size in MB (10^6 bytes)."""

    seconds: float
    megabytes: float


def at_most(what: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """Return a figure that must not be larger."""
    return Figure(what, f"at most {number(limit)} {unit}", f"{number(value)} {unit}{note}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """Return a figure that must not be smaller."""
    return Figure(what, f"at least {number(limit)} {unit}", f"{number(value)} {unit}{note}", value >= limit)


def number(value: float) -> str:
    """Write a number as people do: three digits that count, thousands apart."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def use(command: list[str], folder: Path | None = None, expected: int = 0) -> Usage:
    """Run a command with its output thrown away and say what it used; any other exit code ends the measurement."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        sys.exit(f"{' '.join(command)} exited with {process.returncode}\n{said.decode()[-2000:]}")
    return Usage(seconds, usage.ru_maxrss * 1024 / 1e6)


def median(measure: Callable[[], Usage], runs: int) -> Usage:
    """Return the medians of several runs, after one that warms caches and compiled Python files."""
    measure()
    all_runs = [measure() for _ in range(runs)]
    return Usage(
        statistics.median(each.seconds for each in all_runs), statistics.median(each.megabytes for each in all_runs)
    )


def copied(example: str, folder: Path) -> Path:
    """Copy one of examples/ without what its runs and builds leave, and return the project's folder."""
    project = folder / example
    ignored = shutil.ignore_patterns(".stepdig", "var", "__pycache__", "statemachines")
    shutil.copytree(ROOT / "examples" / example, project, ignore=ignored)
    return project


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write a project's files and return its folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
