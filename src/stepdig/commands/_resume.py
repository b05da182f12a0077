"""`stepdig run --resume`: a run that failed or was stopped goes on from where it was.

Unchanged, the machine itself is redriven, as on AWS: what failed runs again, of a parallel list the failed items only. Where
the workflow was changed since, a new execution of the same session runs what the old one has not done.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepdig.commands import _begin, _local, _params, _parts
from stepdig.commands._compile import compile_one
from stepdig.commands._earlier import Earlier, to_resume
from stepdig.partial import Choice
from stepdig.project import Workflow
from stepdig.runner.templates import merge

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled


class ResumeError(ValueError):
    """There is nothing to go on with."""


def resume(args: Namespace, workflow: Workflow, compiled: Compiled, params: dict[str, Any]) -> int:
    """Go on with a run and return the exit code; `params` are merged over those it was started with."""
    earlier = to_resume(workflow.project.root / ".stepdig" / "runs" / workflow.machine, args.resume)
    if earlier is None:
        what = (
            f"no run {args.resume} is kept here"
            if args.resume
            else "the last run kept here has succeeded, or there is none"
        )
        raise ResumeError(f"--resume: {what}")
    if earlier.succeeded:
        raise ResumeError(f"--resume: {earlier.name} has succeeded: there is nothing left to run")
    given = earlier.start["input"]
    whole = _parts.asked(args) == Choice(again=True) and merge(given["params"], params) == given["params"]
    start = _begin.go_on(args, workflow, compiled, earlier) if whole else None
    if start is not None:
        return _local.execute(start, _begin.view(args, start))
    return _anew(args, workflow, compiled, earlier, merge(given["params"], params))


def _anew(args: Namespace, workflow: Workflow, compiled: Compiled, earlier: Earlier, params: dict[str, Any]) -> int:
    """Run what the earlier run has not done as a new execution of its session."""
    params = _params.checked(compiled, params)
    choice = _parts.asked(args)
    parts = _parts.parts_of(workflow, choice, earlier)
    sys.stderr.write(
        f"stepdig run: what {earlier.name} has done counts as done: {', '.join(parts.done) or 'nothing'}\n"
    )
    at = datetime.fromisoformat(earlier.start["input"]["session_time"])
    start = _begin.begin(args, workflow, compile_one(workflow, parts), parts, at, params)
    return _local.execute(start, _begin.view(args, start))
