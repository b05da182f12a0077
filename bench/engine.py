"""The engine against moto's interpreter (with the one line that gives it JSONata), each in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, at_least

WORKER = Path(__file__).with_name("engine_worker.py")
RUNS = 3


def figures(_folder: Path) -> Iterator[Figure]:
    """Measure a chain of states, a Map, and tasks that are processes."""
    for shape, what, goal in (("chain", "a chain of 200 states", 25), ("map", "a Map of 1,000 items", 10)):
        ours, moto = (
            statistics.median(states_a_second(who, shape) for _ in range(RUNS)) for who in ("stepdig", "moto")
        )
        note = f" ({ours:,.0f} against {moto:,.0f} states a second)"
        yield at_least(what, ours / moto, goal, "times moto's speed", note)
    processes = statistics.median(states_a_second("stepdig", "processes") for _ in range(RUNS))
    yield at_least("tasks that are processes (`true`)", processes, 1000, "a second")


def states_a_second(who: str, shape: str) -> float:
    """Let a worker run the shape and return its median."""
    done = subprocess.run([sys.executable, str(WORKER), who, shape], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
