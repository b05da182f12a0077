"""Run a workflow on this machine, through the very state machine that would be deployed."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from importlib.util import find_spec

from stepdig.commands import _params
from stepdig.commands._compile import compile_one
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import find

HELP = "run a workflow on this machine"
NEEDS = {"jsonata": "jsonata-python", "rich": "rich", "urllib3": "urllib3"}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the workflow, its session, its parameters and the form of the report."""
    parser.add_argument("workflow", metavar="WORKFLOW.dig", help="the workflow's file")
    parser.add_argument(
        "--session",
        metavar="TIME",
        help='daily (the default: today, 00:00), hourly, last, "YYYY-MM-DD", "YYYY-MM-DD HH:MM:SS" in the '
        "workflow's time zone, or a time with an offset",
    )
    parser.add_argument(
        "-p", dest="pairs", metavar="NAME=VALUE", action="append", default=[], type=_pair,
        help="a parameter, always a text; dots nest",
    )  # fmt: skip
    parser.add_argument(
        "-P", dest="files", metavar="FILE", action="append", default=[], help="parameters from a YAML or JSON file"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line, see docs/reference/run-json.md")
    form.add_argument("--plain", action="store_true", help="lines instead of a tree, as when stdout is no terminal")


def run(args: Namespace) -> int:
    """Compile, run and report; 0 only for SUCCEEDED, 130 for a run that was stopped."""
    found = find(args.workflow)
    if len(found) != 1:
        names = ", ".join(workflow.file for workflow in found[:5])
        at = Position(args.workflow, 1, 1)
        raise ProblemsFound([Problem(at, "SD008", "several workflows are here; name one of them", names)])
    if missing := [package for module, package in NEEDS.items() if find_spec(module) is None]:
        sys.stderr.write(f"stepdig run needs {', '.join(missing)}: pip install 'stepdig[local]'\n")
        return 1
    params = _params.attempt_params(args.files, args.pairs)
    compiled = compile_one(found[0])
    from stepdig.commands import _local  # imports the engine, which nothing else needs

    return _local.run(found[0], compiled, params, args, datetime.now(UTC))


def again(args: Namespace, session: str) -> str:
    """Return the command that runs the same session with the same parameters once more."""
    words = ["stepdig", "run", args.workflow, "--session", session]
    words += [word for path in args.files for word in ("-P", path)]
    words += [word for pair in args.pairs for word in ("-p", pair)]
    return shlex.join(words)


def _pair(text: str) -> str:
    if not _params.is_pair(text):
        raise ArgumentTypeError(f"expected NAME=VALUE, got '{text}'")
    return text
