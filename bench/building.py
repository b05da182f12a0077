"""Building a repository for deployment: definitions, templates and the page of rights, as a whole process."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from compile_time import RUNS
from figures import STEPDIG, Figure, Usage, at_most, median, use, write

HEAD = """\
timezone: Asia/Tokyo
schedule:
  daily>: 02:30:00
_export:
  day: ${session_date}
"""
TASK = """\
+step_{number}:
  sh>: ./load.sh ${{day}} {number} ${{session_time}}
  ecs: {{job: {job}}}
"""
LISTS = """\
+tables:
  for_each>: {table: [users, orders, items]}
  _parallel: true
  _do:
    +load: {sh>: "./load.sh ${table}", ecs: {job: load}}
"""
TASKS = 29


def figures(folder: Path) -> Iterator[Figure]:
    """Measure 100 workflows of 30 tasks, from nothing, again, after one was changed; and the templates of 500."""
    project = write(folder / "hundred", files(100))
    yield at_most("build of 100 workflows with 3,000 tasks", median(lambda: cold(project), RUNS).seconds, 10, "s")
    yield at_most(
        "build again, nothing changed", median(lambda: use([STEPDIG, "build"], project), RUNS).seconds, 1, "s"
    )
    changes = iter(range(1000))
    yield at_most("build again, one changed", median(lambda: one(project, next(changes)), RUNS).seconds, 2, "s")

    many = write(folder / "many", files(500))
    use([STEPDIG, "build"], many)
    templates = [path.read_text() for path in sorted(many.glob("statemachines/template*.yaml"))]
    most = max(map(resources, templates))
    yield at_most("largest template of 500 workflows", most, 450, "resources", f" ({len(templates)} templates)")
    largest = max(len(text.encode()) for text in templates)
    yield at_most("its text, or that of a larger one", largest / 1000, 700, "KB")


def files(workflows: int) -> dict[str, str]:
    """Return the files of a repository of so many workflows, ten a project."""
    tasks = "".join(TASK.format(number=number, job=("default", "load")[number % 2]) for number in range(TASKS))
    names = [f"workflows/team_{number // 10}/flow_{number}.dig" for number in range(workflows)]
    jobs = {"jobs/default/job.yml": "", "jobs/load/job.yml": "cpu: 512\nmemory: 1024\n"}
    return {**dict.fromkeys(names, HEAD + tasks + LISTS), **jobs}


def cold(project: Path) -> Usage:
    """Build from nothing."""
    for made in (project / "statemachines", project / ".stepdig"):
        shutil.rmtree(made, ignore_errors=True)
    return use([STEPDIG, "build"], project)


def one(project: Path, number: int) -> Usage:
    """Change one workflow, then build."""
    (project / "workflows/team_3/flow_33.dig").write_text(f"+a:\n  echo>: {number}\n", encoding="utf-8")
    return use([STEPDIG, "build"], project)


def resources(template: str) -> int:
    """Return the resources of a template, with those that SAM adds to a state machine."""
    own = re.findall(r"^  [A-Za-z0-9]+:$", template.partition("\nResources:\n")[2], flags=re.MULTILINE)
    return len(own) + 2 * template.count("Type: AWS::Serverless::StateMachine")
