"""Where a step stands in the files, from its comment `path:line +full+task+name`."""

from __future__ import annotations

from stepdig import plan
from stepdig.problem import Position, Problem


def problem(step: plan.Step, code: str, text: str, hint: str = "") -> Problem:
    """Return a mistake at the line of a step; the path is as a person types it."""
    path, _, line = step.comment.partition(" ")[0].rpartition(":")
    at = Position(path or step.comment, int(line) if line.isdigit() else 1, 1)
    return Problem(at, code, text, hint)
