"""Compiling large workflows, as a whole process: reading, compiling, writing definitions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from figures import STEPDIG, Figure, Usage, at_most, median, use, write

RUNS = 5
SYNC = """\
timezone: Asia/Tokyo
_export:
  since: ${moment(session_time).subtract(30, 'days').format('YYYY-MM-DD')}
+sync:
  for_each>: {t: {file: source_table/shop.json}}
  _parallel: {limit: 20}
  _do:
    +load:
      sh>: python load.py
      _retry: 2
+verify:
  sh>: python verify.py
_error:
  sh>: echo failed
"""


def figures(folder: Path) -> Iterator[Figure]:
    """Measure a sync of 1,000 tables, 1,000 tasks in one workflow, and 100 workflows of 100 tasks."""
    row = {"dataset": "shop", "select": "id, name, price, created_at", "where": "created_at >= :since"}
    tables = json.dumps([{"table": f"table_{n}", "out_table": f"table_{n}", **row} for n in range(1000)])
    sync = write(folder / "sync", {"workflows/sync/sync.dig": SYNC, "workflows/sync/source_table/shop.json": tables})
    usage = built(sync)
    yield at_most("compile of a sync of 1,000 tables", usage.seconds, 0.25, "s")
    yield at_most("its memory", usage.megabytes, 60, "MB")
    definition = next(sync.glob("statemachines/*.asl.json")).stat().st_size
    yield at_most("its definition", definition / 1000, 30, "KB")

    tasks = write(folder / "tasks", {"workflows/tasks/tasks.dig": workflow(1000)})
    yield at_most("compile of 1,000 command tasks in one workflow", built(tasks).seconds, 0.6, "s")

    many = write(folder / "many", {f"workflows/many/wf{n}.dig": workflow(100) for n in range(100)})
    yield at_most("compile of 100 workflows of 100 tasks", built(many).seconds, 6, "s")


def workflow(tasks: int) -> str:
    """Return a workflow of so many commands, in groups of ten."""
    lines = ["timezone: Asia/Tokyo", "_export: {target: warehouse}"]
    for group in range(tasks // 10):
        lines += [f"+group{group}:"]
        for task in range(10):
            lines += [f"  +task{task}:", f"    sh>: ./load.sh ${{target}} {group} {task} ${{session_date}}"]
    return "\n".join(lines) + "\n"


def built(project: Path) -> Usage:
    """Return what `stepdig build` uses; everything is compiled and written anew each time."""

    def build() -> Usage:
        for made in (project / "statemachines", project / ".stepdig"):
            shutil.rmtree(made, ignore_errors=True)
        return use([STEPDIG, "build"], project)

    return median(build, RUNS)
