"""Whole runs, against what Digdag was seen to need for the same workflow on two cores (digdag 0.10, `digdag run`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from figures import STEPDIG, Figure, Usage, at_least, at_most, median, use, write

DIGDAG_ECHO_SECONDS = 4.6
DIGDAG_SEQUENTIAL_SECONDS = 0.470
DIGDAG_PARALLEL_SECONDS = 0.030
DIGDAG_990_SECONDS = 38.0
DIGDAG_990_MEGABYTES = 2400.0


def figures(folder: Path) -> Iterator[Figure]:
    """Measure one echo, tasks in sequence and in parallel, 990 echoes, 10,000 items."""
    project = write(folder, {f"{name}.dig": text for name, text in workflows().items()})
    echo = ran(project, "echo", 5)
    yield versus("one echo>", DIGDAG_ECHO_SECONDS, echo.seconds)
    sequential = (ran(project, "sequential", 3).seconds - echo.seconds) / 100
    yield versus('a sh>: "true" in a sequence', DIGDAG_SEQUENTIAL_SECONDS, sequential)
    parallel = (ran(project, "parallel", 3).seconds - echo.seconds) / 100
    yield versus('a sh>: "true" in parallel', DIGDAG_PARALLEL_SECONDS, parallel)
    echoes = ran(project, "echoes", 3)
    yield versus("990 echo> in parallel", DIGDAG_990_SECONDS, echoes.seconds)
    ratio = DIGDAG_990_MEGABYTES / echoes.megabytes
    yield at_least("their memory", ratio, 10, "times less than Digdag", f" ({echoes.megabytes:.0f} MB)")

    few, many = ran(project, "few", 3), ran(project, "many", 3)
    # The engine alone is measured in engine.py; here each task also has its parameters, its log and its lines.
    yield at_least("tasks of sh>: true of a whole run", 2000 / (many.seconds - few.seconds), 500, "a second")
    for name in ("items_echo", "items_sh"):
        items = use([STEPDIG, "run", f"{name}.dig"], project)
        yield at_most(f"10,000 items, {name[6:]}>", items.megabytes, 150, "MB", f" ({items.seconds:.1f} s)")


def workflows() -> dict[str, str]:
    """Return the workflows by name."""
    steps = "".join(f'+t{n}:\n  sh>: "true"\n' for n in range(100))
    return {
        "echo": "+t:\n  echo>: hello\n",
        "sequential": steps,
        "parallel": f"_parallel: true\n{steps}",
        "echoes": "_parallel: true\n" + "".join(f"+t{n}:\n  echo>: hello {n}\n" for n in range(990)),
        "few": loop(100, 'sh>: "true"'),
        "many": loop(2100, 'sh>: "true"'),
        "items_echo": loop(10_000, "echo>: item ${i}"),
        "items_sh": loop(10_000, 'sh>: "true"'),
    }


def loop(times: int, task: str) -> str:
    """Return a workflow that does a task so many times, in parallel."""
    return f"+all:\n  loop>: {times}\n  _parallel: true\n  _do:\n    +one:\n      {task}\n"


def ran(project: Path, name: str, runs: int) -> Usage:
    """Return what a whole `stepdig run` uses."""
    return median(lambda: use([STEPDIG, "run", f"{name}.dig"], project), runs)


def versus(what: str, digdag: float, seconds: float) -> Figure:
    """Return how many times faster than Digdag's recorded figure."""
    note = f" ({seconds * 1000:.1f} ms against {digdag * 1000:,.0f} ms)"
    return at_least(what, digdag / seconds, 10, "times faster than Digdag", note)
