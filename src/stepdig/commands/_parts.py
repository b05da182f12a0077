"""What of a workflow `stepdig run` is asked to run: Digdag's `--start`, `--goal`, `--end`, and a failed run to go on with."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path

from stepdig import parse, tree
from stepdig.commands._earlier import Earlier, of_session
from stepdig.partial import ALL, Choice, Parts, chosen
from stepdig.problem import Problems, ProblemsFound
from stepdig.project import Workflow


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options that choose tasks."""
    parts = parser.add_argument_group(
        "parts of the workflow",
        "tasks that an earlier run of the session has done count as done, with what they stored",
    )
    parts.add_argument(
        "task", metavar="+TASK", nargs="?", default="", help="run this task only, a group with all inside"
    )
    parts.add_argument("-s", "--start", metavar="+TASK", default="", help="run this task and all that follow it")
    parts.add_argument("-g", "--goal", metavar="+TASK", default="", help="run this task, and what was not done before")
    parts.add_argument("-e", "--end", metavar="+TASK", default="", help="leave out this task and all that follow it")
    parts.add_argument("-a", "--rerun", action="store_true", help="run all tasks: the default, for Digdag's sake")
    parts.add_argument(
        "-d", "--dry-run", action="store_true", help="run nothing: show each task, its templates filled in where known"
    )
    parts.add_argument("-E", "--show-params", action="store_true", help="show the parameters of each command task")
    parts.add_argument(
        "--resume",
        metavar="EXECUTION",
        nargs="?",
        const="",
        help="go on where a run failed or was stopped; the last one when no name is given",
    )


def asked(args: Namespace) -> Choice:
    """Return what the command line asks for."""
    root = f"+{args.name}"
    tasks = [args.start, args.goal, args.end, args.task]
    start, goal, end, only = (it.removeprefix(root) if it.startswith(f"{root}+") else it for it in tasks)
    return Choice(start, goal, end, only, args.resume is not None)


def parts_of(workflow: Workflow, choice: Choice, earlier: Earlier | None) -> Parts:
    """Return which tasks do not run. Raises ProblemsFound for a task that is not there."""
    if choice == Choice():
        return ALL
    problems = Problems()
    content = workflow.project.read(workflow.file)
    top = tree.load(content or b"", workflow.file, workflow.project.read, problems)
    if top is None:
        raise ProblemsFound(problems)
    written = parse.workflow(top, workflow.name, workflow.path, Problems())
    done = earlier.done() if earlier is not None and choice.uses_earlier else {}
    parts = chosen(written, choice, done, problems)
    problems.raise_if_any()
    return parts


def earlier_of(runs: Path, at: datetime, choice: Choice) -> tuple[Earlier | None, str]:
    """Return the earlier run of the session whose tasks count as done, and a sentence about it."""
    if not choice.uses_earlier:
        return None, ""
    earlier = of_session(runs, at)
    if earlier is None:
        return None, "no earlier run of this session is kept here: nothing counts as done"
    return earlier, f"what {earlier.name} has done counts as done"
