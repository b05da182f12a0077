"""`stepdig run --dry-run`: each task and what it would run, its templates filled in as far as they are known; nothing runs."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepdig import parse, tree
from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.model import Task
from stepdig.partial import Parts
from stepdig.problem import Problems
from stepdig.project import Workflow
from stepdig.runner import parameters
from stepdig.runner.shapes import TaskRun

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled

Json = Any  # any value of JSON


class _Nothing:
    """A storage without outputs: no task has run."""

    def get(self, _key: str) -> bytes | None:
        """Return nothing."""
        return None

    def put(self, _key: str, _body: bytes) -> None:
        """Keep nothing."""

    def list(self, _prefix: str) -> list[str]:
        """Return nothing."""
        return []


def show(
    args: Namespace, workflow: Workflow, compiled: Compiled, parts: Parts, at: datetime, params: Mapping[str, Json]
) -> int:
    """Print what would run; return the exit code."""
    content = workflow.project.read(workflow.file) or b""
    top = tree.load(content, workflow.file, workflow.project.read, Problems())
    assert top is not None
    written = parse.workflow(top, workflow.name, workflow.path, Problems())
    run = {"prefix": "", "session_time": at.isoformat(), "params": params}
    context = evaluate.Context(compiled.bundle["offsets"], int(at.timestamp() * 1000))  # type: ignore[arg-type] # its JSON
    for path, task in _all(written.root):
        if parts.skip(path) or task.operator is None:
            continue
        argument, shown = _evaluated(TaskRun(compiled.bundle, path, run), context)
        text = argument if argument is not None else tree.plain(task.argument) if task.argument is not None else ""
        if args.json:
            told = {"event": "planned", "task": f"+{workflow.name}{path}", "operator": task.operator, "argument": text}
            sys.stdout.write(json.dumps({**told, **({"params": shown} if args.show_params else {})}) + "\n")
            continue
        lines = (text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)).split("\n")
        sys.stdout.write(f"{path}  {task.operator}> {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:]))
        for name, value in sorted(shown.items()) if args.show_params else ():
            sys.stdout.write(f"    {name}: {json.dumps(value, ensure_ascii=False)}\n")
    return 0


def _all(task: Task, path: str = "") -> Iterator[tuple[str, Task]]:
    """Yield every task with its path, also those inside of loops and choices."""
    for child in task.children:
        yield path + child.name, child
        yield from _all(child, path + child.name)
    for body in task.bodies.values():
        if body.operator is not None:
            yield f"{path}^sub", body
        yield from _all(body, path)


def _evaluated(at: TaskRun, context: evaluate.Context) -> tuple[Json, dict[str, Json]]:
    """Return a command's argument and its parameters; None and nothing where only the run knows them."""
    if at.key not in at.bundle["tasks"] or at.bundle["tasks"][at.key]["loops"] or not at.task["local"]:
        return None, {}
    try:
        found = parameters.shown(at, _Nothing(), context)
    except (EvaluationError, ValueError):
        return None, {}
    return found.get(f"{at.task['operator']}>"), found
