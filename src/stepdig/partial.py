"""Which tasks of a workflow do not run: those done in an earlier run, and those after the end that was asked for.

The options are Digdag's (https://docs.digdag.io/command_reference.html#run): `--start` and `--goal` run tasks again that an
earlier run of the session has done, `--end` leaves out a task and all that follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stepdig.model import Task, Workflow
from stepdig.problem import Position, Problems, did_you_mean

Stores = Mapping[str, object]  # what a task stored, by name


@dataclass(frozen=True, slots=True)
class Parts:
    """Tasks that do not run, by their path without the workflow (`+load+users`).

    done     those that an earlier run has done, with what they stored there
    dropped  those that are left out altogether
    """

    done: Mapping[str, Stores] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    def skip(self, path: str) -> bool:
        """Return whether a task does not run."""
        return path in self.done or path in self.dropped

    def stored(self, path: str) -> list[Stores]:
        """Return what was stored by the tasks done at and below a path."""
        return [stores for at, stores in self.done.items() if is_at(at, path) and stores]


ALL = Parts()


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a workflow is to run; each a task's path or "". `again`: what was done before counts as done."""

    start: str = ""
    goal: str = ""
    end: str = ""
    only: str = ""
    again: bool = False

    @property
    def uses_earlier(self) -> bool:
        """Whether an earlier run of the session matters."""
        return bool(self.start or self.goal or self.only or self.again)


def chosen(workflow: Workflow, choice: Choice, done: Mapping[str, Stores], problems: Problems) -> Parts:
    """Return what does not run. `done` are the tasks that the earlier run has done; unknown names are noted."""
    paths = [path for path, task in walked(workflow.root) if not task.children]
    for name in (choice.start, choice.goal, choice.end, choice.only):
        _check(name, workflow, problems)
    first = _first(paths, choice.start)
    last = _first(paths, choice.end) if choice.end else len(paths)
    dropped = set(paths[last:])
    kept: dict[str, Stores] = {}
    for number, path in enumerate(paths[:last]):
        again = (choice.start and number >= first) or (choice.goal and is_at(path, choice.goal))
        if choice.only:
            again = is_at(path, choice.only)
            if not again and path not in done:
                dropped.add(path)
        if path in done and choice.uses_earlier and not again:
            kept[path] = done[path]
    return Parts(kept, frozenset(dropped))


def walked(task: Task, path: str = "") -> Iterator[tuple[str, Task]]:
    """Yield the tasks and groups below one, with their paths, in the order written."""
    for child in task.children:
        yield path + child.name, child
        yield from walked(child, path + child.name)


def is_at(path: str, around: str) -> bool:
    """Return whether a path is another one or below it."""
    return path == around or path.startswith((f"{around}+", f"{around}^"))


def _first(paths: list[str], name: str) -> int:
    """Return the number of the first task at or below `name`."""
    return next((number for number, path in enumerate(paths) if is_at(path, name)), len(paths)) if name else 0


def _check(name: str, workflow: Workflow, problems: Problems) -> None:
    known = [path for path, _ in walked(workflow.root)]
    if name and name not in known:
        hint = did_you_mean(name, known) or f"tasks here: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}"
        problems.add(Position(workflow.path, 1, 1), "SD551", f"the workflow has no task '{name}'", hint)
