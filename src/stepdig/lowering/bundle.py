"""What the task runner needs of a workflow, as one JSON: compiled tasks, export layers, loops with their rows.

It travels in the project archive, so that constants cost no character of an override (docs/design.md, "The bundle").
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from stepdig.language.given import spec
from stepdig.language.model import Task
from stepdig.naming.draft import Draft
from stepdig.naming.scopes import Scope, bundle_layers
from stepdig.runner.outputs import STORES_BYTES
from stepdig.source.tree import plain

FORMAT = 1


def compiled_task(task: Task, scope: Scope, comment: str, job: str, secrets: list[str]) -> dict[str, object]:
    """Return one command task as the runner reads it: its layers by name, weakest first, and its keys as written."""
    local: dict[str, object] = {f"{task.operator}>": plain(task.argument)}
    local.update({key: plain(node) for key, node in task.options.items()})
    return {
        "name": scope.full,
        "source": comment.partition(" ")[0],
        "operator": task.operator,
        "directory": scope.directory,
        "job": job,
        "layers": bundle_layers(scope),
        "local": local,
        "loops": list(scope.loops),
        "fetch": [],
        **({"defaults": [it.key for it in scope.defaults]} if scope.defaults else {}),
        **({"env": [plain(it) for it in scope.env]} if scope.env else {}),
        **({"secrets": secrets} if secrets else {}),
    }


def stored_task(task: Task, scope: Scope, comment: str) -> dict[str, object]:
    """Return a task that stores and is no command: what it takes to find its outputs, and nothing to run."""
    entry: dict[str, object] = {
        "name": scope.full,
        "source": comment.partition(" ")[0],
        "operator": task.operator,
        "directory": scope.directory,
        "job": "",
        "layers": [],
        "local": {},
        "loops": list(scope.loops),
        "fetch": [],
    }
    return entry


def bundle(draft: Draft, rooms: MappingOf[str, int]) -> dict[str, object]:
    """Return the bundle of a compiled workflow; `rooms` are the bytes that states have for what a task stores."""
    tasks = {
        key: {**task, **_fetch(draft.fetches[key].names, rooms.get(key))} if key in draft.fetches else task
        for key, task in draft.tasks.items()
    }
    return {
        "format": FORMAT,
        "project": draft.project,
        "workflow": draft.workflow,
        "timezone": draft.timezone,
        "offsets": [list(row) for row in draft.offsets],
        "scopes": draft.scopes,
        "loops": {name: {"operator": loop.operator, "variables": loop.variables} for name, loop in draft.loops.items()},
        "tasks": {**tasks, **{key: it.entry for key, it in draft.storing.items()}},
        **({"schedule": draft.schedule} if draft.schedule else {}),
        **({"environments": list(draft.environments)} if draft.environments else {}),
        **({"recorded": draft.recorded} if draft.recorded else {}),
        **({"params": spec(draft.inputs)} if draft.inputs is not None else {}),
        **({"lists": {path: list(names) for path, names in draft.lists.items()}} if draft.lists else {}),
    }


def _fetch(names: set[str], room: int | None) -> dict[str, object]:
    """Return what a task's runner leaves for the machine, and the bytes there are for it where that is less than usual."""
    less = room is not None and room < STORES_BYTES
    return {"fetch": sorted(names), **({"fetch_bytes": room} if less else {})}
