"""64 parallel tasks, as examples/analytics-platform has them: what the engine adds to the longest of them.

Tasks that wait have nothing to share, so the loop's time beside its longest task is the engine's part. Tasks that count
share the cores: one that begins later is shorter, so the whole is held against the same functions called by
`xargs -P 64`, which has no task runner to start for each (about 0.1 s of a core).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from figures import STEPDIG, Figure, at_most, copied, use, write

CUSTOMERS = 1280  # 64 parts of 20
SECONDS = 30  # a task of minutes or hours is what users have
ROUNDS = 3
WAITING = (
    "+all:\n  for_range>: {{from: 0, to: 64, step: 1}}\n  _parallel: true\n  _do:\n    +part:\n      sh>: sleep {}\n"
)
SESSION = "2026-11-22"
DIGDAG = "class env:\n    store = staticmethod(lambda values: None)\n"
CALL = "from task.task import split, simulate; "
SPLIT = f"{CALL}split('{SESSION}', 'incoming/customers.csv', 64)"
XARGS = [
    "xargs",
    "-a",
    "parts",
    "-I",
    "{}",
    "-P",
    "64",
    sys.executable,
    "-c",
    f"{CALL}simulate('{SESSION}', {{}}, 400)",
]


def figures(folder: Path) -> Iterator[Figure]:
    """Run a loop of waiting tasks; then nights of the example and the same functions without stepdig, in turn."""
    waits = write(folder / "waits", {"wait.dig": WAITING.format(SECONDS)})
    whole, longest, count = _loop(waits, "wait.dig")
    added = 100 * (whole / longest - 1)
    yield at_most(
        f"what the engine adds to the longest of {count} waiting tasks", added, 5, "%", f" of {longest:.1f} s"
    )
    project = _seeded(folder)
    ratios = []
    for _ in range(ROUNDS):
        whole, _, _ = _loop(project, "workflows/analytics/workflow.dig", "--env", "prod", "--session", SESSION)
        ratios.append(whole / _plain(project))
    note = f" ({whole:.1f} s; of {ROUNDS} rounds)"
    yield at_most(f"{count} tasks that count, against xargs -P {count}", statistics.median(ratios), 1.4, "times", note)


def _loop(project: Path, workflow: str, *words: str) -> tuple[float, float, int]:
    """Return the seconds of a workflow's parallel loop, of its longest task, and how many tasks it had."""
    use([STEPDIG, "run", workflow, *words], project)
    status = max(project.glob(".stepdig/runs/*/*/status.json"), key=lambda path: path.stat().st_mtime)
    events, inside = (_events(status.with_name(name)) for name in ("history.jsonl", "children.jsonl"))
    (entered,) = (event for event in events if event["type"] == "MapStateEntered")
    (exited,) = (event for event in events if event["type"] == "MapStateExited")
    started = {event["execution"]: _at(event) for event in inside if event["type"] == "TaskStarted"}
    took = [_at(event) - started[event["execution"]] for event in inside if event["type"] == "TaskSucceeded"]
    return _at(exited) - _at(entered), max(took), len(took)


def _plain(project: Path) -> float:
    """Return the seconds of the same functions in 64 processes."""
    code = project / "workflows/analytics"
    os.environ.update(PYTHONPATH=str(project / "digdag"), STEPDIG_WORKSPACE=str(project / ".stepdig/workspace"))
    try:
        use([sys.executable, "-c", SPLIT], code)
        return use(XARGS, code).seconds
    finally:
        del os.environ["PYTHONPATH"], os.environ["STEPDIG_WORKSPACE"]


def _seeded(folder: Path) -> Path:
    project = copied("analytics-platform", folder)
    make = [sys.executable, "customers.py", str(CUSTOMERS)]
    customers = subprocess.run(make, cwd=project, stdout=subprocess.PIPE, text=True, check=True).stdout
    parts = "".join(f"{part}\n" for part in range(64))
    files = {".stepdig/workspace/incoming/customers.csv": customers, "digdag/digdag.py": DIGDAG}
    return write(project, {**files, "workflows/analytics/parts": parts})


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()
