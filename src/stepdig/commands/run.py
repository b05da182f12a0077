"""Run a workflow on this machine, through the very state machine that would be deployed."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from stepdig import given
from stepdig.commands import _params
from stepdig.commands._compile import compile_one, compile_required
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import SUFFIXES, Workflow, find, typed
from stepdig.report.view import Run, View

if TYPE_CHECKING:
    from stepdig.commands._local import Start
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
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line, see docs/reference/run-json.md")
    form.add_argument("--plain", action="store_true", help="lines instead of a tree, as when stdout is no terminal")


def run(args: Namespace) -> int:
    """Compile, run and report; 0 only for SUCCEEDED, 130 for a run that was stopped."""
    workflow = _workflow(args.workflow)
    if missing := [package for module, package in NEEDS.items() if find_spec(module) is None]:
        sys.stderr.write(f"stepdig run needs {', '.join(missing)}: pip install 'stepdig[local]'\n")
        return 1
    params = _params.attempt_params(args.files, args.pairs)
    compiled = compile_one(workflow)
    params, wrong = given.checked(compiled.bundle, params)
    if wrong:
        sys.stderr.write("".join(f"stepdig run: {text}\n" for text in wrong))
        return USAGE
    if note := given.unheard(compiled.bundle, compiled.definition_text, params):
        sys.stderr.write(f"stepdig run: note: {note}\n")
    from stepdig.commands import _local  # the engine, which a workflow with problems does not need
    from stepdig.local.session import SessionError

    try:
        start = _start(args, workflow, compiled, params)
    except SessionError as error:
        sys.stderr.write(f"stepdig run: --session: {error}\n")
        return USAGE

    return _local.execute(start, _view(args, start))


def epilog(words: Sequence[str]) -> str:
    """Return the parameters of the workflow named on a command line, for its --help; "" when there is none."""
    path = next((word for word in words if word.endswith(SUFFIXES)), None)
    if path is None:
        return ""
    try:
        bundle: dict[str, Any] = compile_one(_workflow(path)).bundle
    except ProblemsFound:
        return f"{path} has problems: stepdig check {path} tells which"
    takes = given.listed(bundle.get("params") or {}, bundle.get("lists") or {})
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


def _start(args: Namespace, workflow: Workflow, compiled: Compiled, params: dict[str, Any]) -> Start:
    """Name the run and lay out its folder."""
    from stepdig.commands import _local
    from stepdig.local import session
    from stepdig.local.rundir import RunDir

    runs = workflow.project.root / ".stepdig" / "runs" / workflow.machine
    zone = session.zone(str(compiled.bundle["timezone"]))
    at = session.session_time(args.session, zone, datetime.now(UTC), session.last_session(runs))
    required = _local.required_of(compile_required(compiled, workflow))
    definition = _local.definition_of(compiled, workflow)
    given = {"session_time": at.isoformat(), "params": params}
    name = session.execution_name(at, runs)
    folder = RunDir.create(
        workflow.project.root, f"{workflow.machine}/{name}", definition, given, name, workflow.machine
    )
    shown = typed(str(folder.path.relative_to(workflow.project.root)), workflow.project.root)
    again = _again(args, at)
    run_ = Run(
        workflow.name,
        typed(workflow.path, workflow.project.root),
        at.isoformat(),
        name,
        shown,
        again,
        workflow.project.root,
    )
    return _local.Start(workflow, definition, compiled.bundle, given, run_, folder, required)


def _view(args: Namespace, start: Start) -> View:
    """Return the form of the report: JSON lines, plain lines, or a tree on a terminal."""
    from stepdig.report.explain import Explainer
    from stepdig.report.jsonl import JsonLines
    from stepdig.report.plain import PlainLines

    if args.json:
        return JsonLines(sys.stdout)
    prefix = f"runs/{start.workflow.machine}/{start.run.execution}"
    explain = Explainer(start.folder.s3, prefix, start.bundle)
    if args.plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainLines(sys.stdout, explain)
    from rich.console import Console

    from stepdig.report.tree import Tree

    return Tree(Console(highlight=False), explain)


def _again(args: Namespace, at: datetime) -> str:
    """Return the command that runs the same session with the same parameters once more."""
    local = at.replace(tzinfo=None)
    session = local.date().isoformat() if local.time() == time() else local.isoformat(" ")
    words = ["stepdig", "run", args.workflow, "--session", session]
    words += [word for path in args.files for word in ("-P", path)]
    words += [word for pair in args.pairs for word in ("-p", pair)]
    return shlex.join(words)


def _pair(text: str) -> str:
    if not _params.is_pair(text):
        raise ArgumentTypeError(f"expected NAME=VALUE, got '{text}'")
    return text
