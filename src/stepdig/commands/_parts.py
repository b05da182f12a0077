"""What of a workflow `stepdig run` is asked to run: Digdag's `--start`, `--goal`, `--end`, and a failed run to go on with."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stepdig.language import parse
from stepdig.language.partial import Choice, Done, Parts, chosen, is_at
from stepdig.problem import Problems, ProblemsFound
from stepdig.project import SUFFIXES, Workflow
from stepdig.source import tree

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled


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
    parts.add_argument("-o", "--save", type=_no_save, help=SUPPRESS)  # Digdag's
    parts.add_argument(
        "--resume",
        metavar="EXECUTION",
        nargs="?",
        const="",
        type=_execution,
        help="go on where a run failed or was stopped; the last one when no name is given",
    )


def _no_save(_folder: str) -> str:
    raise ArgumentTypeError("each run is kept in .stepdig/runs, which --resume, --start and --goal read")


def _execution(text: str) -> str:
    if text.endswith(SUFFIXES):
        raise ArgumentTypeError(f"'{text}' is a workflow: write stepdig run {text} --resume")
    return text


def asked(args: Namespace) -> Choice:
    """Return what the command line asks for."""
    root = f"+{args.name}"
    tasks = [args.start, args.goal, args.end, args.task]
    start, goal, end, only = (it.removeprefix(root) if it.startswith(f"{root}+") else it for it in tasks)
    return Choice(start, goal, end, only, args.resume is not None)


def parts_of(workflow: Workflow, choice: Choice, done: Done) -> Parts:
    """Return which tasks do not run. Raises ProblemsFound for a task that is not there."""
    problems = Problems()
    content = workflow.project.read(workflow.file)
    top = tree.load(content or b"", workflow.file, workflow.project.read, problems, workflow.project.files)
    if top is None:
        raise ProblemsFound(problems)
    written = parse.workflow(top, workflow.name, workflow.path, Problems())
    parts = chosen(written, choice, done, problems)
    problems.raise_if_any()
    return parts


def earlier_done(runs: Path, at: datetime, choice: Choice) -> Done | None:
    """Return what runs of the session have done before; None when none is kept, or when that does not matter."""
    if not choice.uses_earlier:
        return None
    from stepdig.commands._earlier import all_done, of_session  # the engine, which a broken workflow does not need

    earlier = of_session(runs, at)
    return all_done(earlier) if earlier else None


def told(parts: Parts, compiled: Compiled) -> str:
    """Return what counts as done, for people: tasks, iterations of loops, and loops that cannot leave any out."""
    found = [path for path in parts.done if not any(is_at(path, it) for it in parts.done if it != path)]
    for path in parts.items:
        count = compiled.narrowed.get(path, 0)
        left_out = f"{count} iteration{'' if count == 1 else 's'}" if count else "nothing"
        found.append(f"{left_out} of {path}" + ("" if count else ", which runs whole"))
    return ", ".join(found) or "nothing"
