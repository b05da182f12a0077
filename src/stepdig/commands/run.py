"""Run a workflow on this machine, through the very state machine that would be deployed."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from stepdig.commands import _params, _parts
from stepdig.commands._compile import compile_one, compile_required
from stepdig.language import given
from stepdig.language.partial import ALL, Choice, Done
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import SUFFIXES, Workflow, find

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled

HELP = "run a workflow on this machine"
USAGE = 2
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
        help="a parameter: a text, or of the type that the workflow declares; dots nest",
    )  # fmt: skip
    parser.add_argument(
        "-P", dest="files", metavar="FILE", action="append", default=[], help="parameters from a YAML or JSON file"
    )
    parser.add_argument("--env", metavar="NAME", help="the environment whose files `${env}` in includes stands for")
    _parts.add_arguments(parser)
    parser.add_argument(
        "--exit-code", action="store_true",
        help="exit with the code of the command that failed, in place of 1",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line, see docs/reference/run-json.md")
    form.add_argument("--plain", action="store_true", help="lines instead of a tree, as when stdout is no terminal")


def run(args: Namespace) -> int:
    """Compile, run and report; 0 only for SUCCEEDED, 130 for a run that was stopped, else 1 or the code of a task."""
    workflow = _workflow(args.workflow)
    if missing := [package for module, package in NEEDS.items() if find_spec(module) is None]:
        sys.stderr.write(f"stepdig run needs {', '.join(missing)}: pip install 'stepdig[local]'\n")
        return 1
    args.name = workflow.name
    params = _params.attempt_params(args.files, args.pairs)
    params = {**params, **({"env": args.env} if args.env else {})}
    compiled = compile_one(workflow)  # all of it: what is wrong is told, also of parts that do not run
    from stepdig.commands import _resume  # the engine, which a workflow with problems does not need
    from stepdig.local.session import SessionError

    try:
        return (
            _resume.resume(args, workflow, compiled, params)
            if args.resume is not None
            else _new(args, workflow, compiled, params)
        )
    except SessionError as error:
        sys.stderr.write(f"stepdig run: --session: {error}\n")
        return USAGE
    except (_resume.ResumeError, _params.RefusedError) as error:
        sys.stderr.write("".join(f"stepdig run: {text}\n" for text in str(error).split("\n")))
        return USAGE


def _new(args: Namespace, workflow: Workflow, compiled: Compiled, params: dict[str, Any]) -> int:
    """Run a workflow, or parts of it, as a new execution."""
    from stepdig.commands import _begin, _dry, _local
    from stepdig.local import session

    params = _params.checked(compiled, _params.in_environment(compiled, params, compile_required(compiled, workflow)))
    runs = workflow.project.root / ".stepdig" / "runs" / workflow.machine
    zone = session.zone(str(compiled.bundle["timezone"]))
    at = session.session_time(args.session, zone, datetime.now(UTC), session.last_session(runs))
    choice = _parts.asked(args)
    done = _parts.earlier_done(runs, at, choice)
    parts = ALL if choice == Choice() else _parts.parts_of(workflow, choice, done or Done())
    made = compiled if parts == ALL else compile_one(workflow, parts)
    if choice.uses_earlier:
        none = f"no earlier run of the session {at.isoformat()} is kept here: nothing is done yet"
        told = f"done in the session {at.isoformat()} before, not run again: {_parts.told(parts, made)}"
        sys.stderr.write(f"stepdig run: {none if done is None else told}\n")
    if args.dry_run:
        return _dry.show(args, workflow, made, parts, at, params)
    start = _begin.begin(args, workflow, made, choice, parts, at, params)
    return _local.execute(start, _begin.view(args, start), tasks_code=args.exit_code)


def epilog(words: Sequence[str]) -> str:
    """Return the parameters of the workflow named on a command line, for its --help; "" when there is none."""
    path = next((word for word in words if word.endswith(SUFFIXES)), None)
    if path is None:
        return ""
    try:
        bundle: dict[str, Any] = compile_one(_workflow(path)).bundle
    except ProblemsFound:
        return f"{path} has problems: stepdig check {path} tells which"
    takes = given.listed(bundle.get("params") or {}, bundle.get("lists") or {}, bundle.get("environments") or ())
    if not takes:
        none = "takes no parameters" if "params" in bundle else "declares no parameters: any may be given"
        return f"{path} {none}"
    return f"parameters of {path}, given with -p NAME=VALUE:\n{takes}"


def _workflow(path: str) -> Workflow:
    found = find(path)
    if len(found) != 1:
        names = ", ".join(workflow.file for workflow in found[:5])
        raise ProblemsFound(
            [Problem(Position(path, 1, 1), "SD008", "several workflows are here", f"name one: {names}")]
        )
    return found[0]


def _pair(text: str) -> str:
    if not _params.is_pair(text):
        raise ArgumentTypeError(f"expected NAME=VALUE, got '{text}'")
    return text
