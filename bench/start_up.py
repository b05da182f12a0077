"""Start-up against a bare Python: ratios, so that they hold on any machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from figures import STEPDIG, Figure, at_most, median, use, write

RUNS = 11
WORKFLOW = "timezone: Asia/Tokyo\n\n+hello:\n  echo>: Hello ${session_date}\n\n+bye:\n  sh>: echo bye\n"


def figures(folder: Path) -> Iterator[Figure]:
    """Measure `--version`, `--help` and `check` of one workflow."""
    project = write(folder, {"hello.dig": WORKFLOW})
    bare = median(lambda: use([sys.executable, "-c", "pass"]), RUNS).seconds
    for option in ("--version", "--help"):
        seconds = median(lambda option=option: use([STEPDIG, option]), RUNS).seconds
        yield _ratio(f"stepdig {option}", seconds, bare, 5)
    seconds = median(lambda: use([STEPDIG, "check", "hello.dig"], project), RUNS).seconds
    yield _ratio("stepdig check of one workflow", seconds, bare, 15)


def _ratio(what: str, seconds: float, bare: float, limit: float) -> Figure:
    note = f" ({seconds * 1000:.0f} ms against {bare * 1000:.0f} ms)"
    return at_most(what, seconds / bare, limit, "times `python -c pass`", note)
