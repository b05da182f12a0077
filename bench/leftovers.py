"""Processes that outlive a run: none, whether it is interrupted or killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from figures import STEPDIG, Figure, write

MARK = "86399.25"  # seconds that no other process sleeps
PROCESSES = 8
PATIENCE_SECONDS = 20


def figures(folder: Path) -> Iterator[Figure]:
    """Stop a run of eight sleeping tasks by Ctrl-C and by kill -9, and count who is left."""
    tasks = "".join(f"+t{n}:\n  sh>: sleep {MARK} & sleep {MARK}\n" for n in range(PROCESSES))
    project = write(folder, {"sleepers.dig": f"_parallel: true\n{tasks}"})
    for number, name in ((signal.SIGINT, "interrupted"), (signal.SIGKILL, "killed")):
        left = _left_after(project, number)
        yield Figure(f"processes left of a run that was {name}", "0", str(left), left == 0)


def _left_after(project: Path, number: signal.Signals) -> int:
    process = subprocess.Popen([STEPDIG, "run", "sleepers.dig"], cwd=project, stdout=subprocess.DEVNULL)
    _until(lambda: _sleepers() == 2 * PROCESSES)
    process.send_signal(number)
    process.wait()
    _until(lambda: _sleepers() == 0)
    return _sleepers()


def _sleepers() -> int:
    """Count the processes that sleep our number of seconds."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += path.read_bytes() == f"sleep\0{MARK}\0".encode()
        except OSError:
            continue  # it ended while we looked
    return count


def _until(reached: object) -> None:
    assert callable(reached)
    end = time.monotonic() + PATIENCE_SECONDS
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)
