"""`stepdig run --resume`: a run that failed or was stopped goes on from where it was.

Unchanged, the machine itself is redriven, as on AWS: what failed runs again, of a parallel list the failed items only. Where
the workflow was changed since, a new execution of the same session runs what the old one has not done.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepdig.commands import _begin, _local, _params, _parts
from stepdig.commands._compile import compile_one
from stepdig.commands._earlier import Earlier, to_resume
from stepdig.language.partial import ALL, Choice
from stepdig.local import session
from stepdig.problem import ProblemsFound
from stepdig.project import Workflow
from stepdig.runner.templates import merge

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled


class ResumeError(ValueError):
    """There is nothing to go on with."""


def resume(args: Namespace, workflow: Workflow, compiled: Compiled, params: dict[str, Any]) -> int:
    """Go on with a run and return the exit code; `params` are merged over those it was started with."""
    runs = workflow.project.root / ".stepdig" / "runs" / workflow.machine
    zone = session.zone(str(compiled.bundle["timezone"]))
    last = session.last_session(runs)
    at = session.session_time(args.session, zone, datetime.now(UTC), last) if args.session else None
    earlier = to_resume(runs, args.resume, at)
    if earlier is None:
        of = f" of the session {at.isoformat()}" if at is not None else ""
        none = f"no failed run{of} is kept here whose session has not succeeded since"
        raise ResumeError(f"--resume: no run {args.resume} is kept here" if args.resume else f"--resume: {none}")
    if not earlier.is_whole:
        raise ResumeError(f"--resume: {earlier.name} is damaged: its start.json or definition.json cannot be read")
    if earlier.succeeded:
        raise ResumeError(f"--resume: {earlier.name} has succeeded: there is nothing left to run")
    if earlier.running:
        raise ResumeError(f"--resume: {earlier.name} is running")
    given = earlier.start["input"]["params"]
    params = _params.checked(compiled, merge(given, params))
    whole = _parts.asked(args) == Choice(again=True) and params == given
    start = _same(args, workflow, compiled, earlier) if whole and earlier.redrivable else None
    if start is None:
        start = _anew(args, workflow, earlier, params)
    else:
        sys.stderr.write(f"stepdig run: {earlier.name} goes on\n")
    return _local.execute(start, _begin.view(args, start), tasks_code=args.exit_code)


def _same(args: Namespace, workflow: Workflow, compiled: Compiled, earlier: Earlier) -> _local.Start | None:
    """Return the run itself, to be redriven; None when the workflow was changed."""
    parts = earlier.parts
    try:
        made = compiled if parts == ALL else compile_one(workflow, parts)
    except ProblemsFound:  # of the parts that the changed workflow would leave
        return None
    return _begin.go_on(args, workflow, made, earlier)


def _anew(args: Namespace, workflow: Workflow, earlier: Earlier, params: dict[str, Any]) -> _local.Start:
    """Return a new execution of its session, which runs what the earlier run has not done of what it was asked for."""
    asked, before = _parts.asked(args), earlier.choice
    choice = replace(asked, end=asked.end or before.end, only=asked.only or before.only)
    parts = _parts.parts_of(workflow, choice, earlier.done())
    made = compile_one(workflow, parts)
    sys.stderr.write(f"stepdig run: done in {earlier.name}, not run again: {_parts.told(parts, made)}\n")
    return _begin.begin(args, workflow, made, choice, parts, datetime.fromisoformat(earlier.at), params)
