"""A night of 120 tables (examples/capybara), against the same loader under `xargs -P`, as a crontab would run it."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import ROOT, STEPDIG, Figure, at_most, copied, median, use

EXAMPLE = ROOT / "examples/capybara"
PARALLEL = 8
ROUNDS = 3
XARGS = ["xargs", "-d", "\\n", "-n", "1", "-P", str(PARALLEL), "-a", "rows", "sh", "-c", 't=$1 exec "$0" load.py']

sys.path[:0] = [str(EXAMPLE), str(EXAMPLE.parent)]


def figures(folder: Path) -> Iterator[Figure]:
    """Run whole nights, one by the engine, one by xargs, in turn; look at the last one's history."""
    import databases
    import here
    import seed

    try:
        with (
            tempfile.TemporaryDirectory() as servers,
            databases.mariadb(Path(servers)) as market,
            databases.postgres(Path(servers)) as warehouse,
        ):
            market.mariadb(seed.sql())
            os.environ.update(here.secrets())
            yield from _nights(copied("capybara", folder), here.parameters(market, warehouse))
    except databases.Absent as absent:
        sys.exit(str(absent))


def _nights(project: Path, where: dict[str, str]) -> Iterator[Figure]:
    given = [word for name, value in where.items() for word in ("-p", f"{name}={value}")]
    night = [STEPDIG, "run", "workflows/warehouse/nightly_sync.dig", *given, "--plain"]
    use(night, project)  # makes the job's environment and the tables
    (python,) = project.glob(".stepdig/jobs/load-*/bin/python")
    code = project / "workflows/warehouse"
    rows = json.loads((code / "source_table/market.json").read_text(encoding="utf-8"))
    (code / "rows").write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.environ.update(where, TZ="Asia/Tokyo")
    ratios, seconds = [], []
    for _ in range(ROUNDS):
        shutil.rmtree(project / ".stepdig/state", ignore_errors=True)
        (code / "seen.json").unlink(missing_ok=True)
        seconds.append(use(night, project).seconds)
        ratios.append(seconds[-1] / use([*XARGS, str(python)], code).seconds)
    note = f" ({statistics.median(seconds):.1f} s; of {ROUNDS} rounds)"
    yield at_most(
        f"a night of {len(rows)} tables, against xargs -P {PARALLEL}", statistics.median(ratios), 1.15, "times", note
    )
    yield from counts(project)
    yield at_most("stepdig check of the example", median(lambda: use([STEPDIG, "check"], project), 3).seconds, 1, "s")


def counts(project: Path) -> Iterator[Figure]:
    """Count in the history of the last run, and in the definition."""
    last = max(
        (project / ".stepdig/runs/warehouse-nightly_sync").iterdir(), key=lambda path: int(path.name.split("-")[1])
    )
    files = ("history.jsonl", "children.jsonl")  # each table is an execution of its own
    events = [json.loads(line) for name in files for line in (last / name).read_text(encoding="utf-8").splitlines()]
    tasks = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    asked = [json.loads(task["parameters"]) for task in tasks]
    containers = [each for each in asked if "TaskDefinition" in each]
    billed = json.loads((last / "status.json").read_text(encoding="utf-8"))["transitions"]
    yield at_most("its billed transitions", billed, 126, "")
    yield at_most("its containers", len(containers), 122, "")
    longest = max(len(json.dumps(task["Overrides"])) for task in containers)
    yield at_most("its longest override", longest, 4096, "characters")
    use([STEPDIG, "build"], project)
    size = (project / "statemachines/warehouse-nightly_sync.asl.json").stat().st_size
    yield at_most("its definition", size, 15_000, "bytes")


if __name__ == "__main__":
    subprocess.run([sys.executable, str(ROOT / "bench/run.py"), "capybara"], check=True)
