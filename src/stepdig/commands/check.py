"""Say what is wrong with workflows, and where: every mistake of every file in one run."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from stepdig.commands._compile import compile_all, problems_on_digdag
from stepdig.pipeline import Compiled
from stepdig.problem import ProblemsFound
from stepdig.project import Workflow, find_all
from stepdig.report.problems import count

HELP = "say what is wrong with workflows, and where"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare PATH... and --json."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a .dig file, a project folder, or the folder that holds workflows/ (default: where you stand)",
    )
    parser.add_argument(
        "--digdag", action="store_true", help="tell also where a file would not run, or run differently, on Digdag"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show for each workflow what its runs may need of AWS's limits, and where that comes from",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")


def run(args: Namespace) -> int:
    """Compile and throw the result away; raises ProblemsFound."""
    workflows = find_all(args.paths)
    compiled = _check(workflows, elsewhere=args.digdag)
    if args.explain:
        _explain(compiled, as_json=args.json)
    if args.json:
        sys.stdout.write(json.dumps({"event": "end", "workflows": len(workflows), "problems": 0}) + "\n")
    else:
        sys.stdout.write(f"{count(len(workflows), 'workflow')}, no problems\n")
    return 0


def _explain(compiled: Mapping[Workflow, Compiled], *, as_json: bool) -> None:
    """Show the limits of each workflow."""
    from stepdig.bounds import table  # only when asked for, as the next
    from stepdig.report import limits_table

    for workflow, made in compiled.items():
        rows = made.bounds()
        if not as_json:
            sys.stdout.write(limits_table.table(workflow.machine, rows) + "\n")
        for row in rows if as_json else ():
            told = {"event": "limit", "workflow": workflow.machine, **table.as_json(row)}
            sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")


def _check(workflows: tuple[Workflow, ...], *, elsewhere: bool) -> Mapping[Workflow, Compiled]:
    """Compile all; raise ProblemsFound with every problem; with `elsewhere` what Digdag would not take is one too."""
    problems = [it for workflow in workflows for it in problems_on_digdag(workflow)] if elsewhere else []
    try:
        compiled = compile_all(workflows)
    except ProblemsFound as wrong:
        raise ProblemsFound([*wrong.problems, *problems]) from None
    if problems:
        raise ProblemsFound(problems)
    return compiled
