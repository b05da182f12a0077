"""A run about to begin: its session and name, its folder, the form of its report."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepdig.commands import _local
from stepdig.commands._compile import compile_required
from stepdig.commands._earlier import ENDED_WELL, Earlier
from stepdig.language.partial import Choice, Parts
from stepdig.local import session
from stepdig.local.rundir import RunDir
from stepdig.project import Workflow, typed
from stepdig.report.view import Run, View

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled


def begin(
    args: Namespace,
    workflow: Workflow,
    compiled: Compiled,
    choice: Choice,
    parts: Parts,
    at: datetime,
    params: Mapping[str, Any],
) -> _local.Start:
    """Name a new run and lay out its folder."""
    root = workflow.project.root
    runs = root / ".stepdig" / "runs" / workflow.machine
    others = compile_required(compiled, workflow)
    environment = str(params.get("env", _local.LOCAL))
    required, jobs = _local.required_of(others, environment), _local.settings_of([*others.values(), compiled], root)
    definition = _local.definition_of(compiled, workflow, environment)
    around = session.scheduled(compiled.bundle, at, at.tzinfo or UTC, runs)
    given = {"session_time": at.isoformat(), "params": params, **around}
    name = session.execution_name(at, runs)
    asked = {"done": parts.done, "dropped": sorted(parts.dropped), "items": parts.items, "choice": asdict(choice)}
    kept = {"bundle": compiled.bundle, "parts": asked}
    folder = RunDir.create(root, f"{workflow.machine}/{name}", definition, given, name, workflow.machine, kept)
    run = _run(args, workflow, at, folder, name)
    shows = args.show_params
    return _local.Start(
        workflow, definition, compiled.bundle, given, run, folder, required, shows_params=shows, jobs=jobs
    )


def go_on(args: Namespace, workflow: Workflow, compiled: Compiled, earlier: Earlier) -> _local.Start | None:
    """Return an earlier run to be redriven; None when the workflow was changed, so that another machine would go on."""
    given = earlier.start["input"]
    environment = str((given.get("params") or {}).get("env", _local.LOCAL))
    definition = _local.definition_of(compiled, workflow, environment)
    if definition != earlier.definition:
        return None
    others = compile_required(compiled, workflow)
    required = _local.required_of(others, environment)
    jobs = _local.settings_of([*others.values(), compiled], workflow.project.root)
    folder = RunDir(earlier.folder)
    run = _run(args, workflow, datetime.fromisoformat(given["session_time"]), folder, earlier.name)
    rows = earlier.tracker()
    rows.cut()
    for row in rows.rows.values():
        row.started = row.started if row.state in ENDED_WELL else None  # the time in between was not spent on it
    return _local.Start(
        workflow, definition, compiled.bundle, given, run, folder, required, rows, args.show_params, jobs
    )


def view(args: Namespace, start: _local.Start) -> View:
    """Return the form of the report: JSON lines, plain lines, or a tree on a terminal."""
    from stepdig.report.explain import Explainer
    from stepdig.report.jsonl import JsonLines
    from stepdig.report.plain import PlainLines

    if args.json:
        return JsonLines(sys.stdout)
    required = {machine: bundle for machine, (_, bundle) in start.required.items()}
    explain = Explainer(start.folder.s3, start.bundle, start.run.execution, required)
    if args.plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainLines(sys.stdout, explain)
    from rich.console import Console

    from stepdig.report.tree import Tree

    return Tree(Console(highlight=False), explain)


def _run(args: Namespace, workflow: Workflow, at: datetime, folder: RunDir, name: str) -> Run:
    root = workflow.project.root
    shown = typed(str(folder.path.relative_to(root)), root)
    return Run(workflow.name, typed(workflow.path, root), at.isoformat(), name, shown, _again(args, name), root)


def _again(args: Namespace, name: str) -> str:
    """Return the command that goes on with this run; the parameters of the run are kept with it."""
    return shlex.join(["stepdig", "run", args.workflow, "--resume", name])
