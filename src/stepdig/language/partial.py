"""Which tasks of a workflow do not run: those done in an earlier run, and those after the end that was asked for.

The options are Digdag's (https://docs.digdag.io/command_reference.html#run): `--start` and `--goal` run tasks again that an
earlier run of the session has done, `--end` leaves out a task and all that follow it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import cast

from stepdig.language.model import Task, Workflow
from stepdig.problem import Position, Problems, did_you_mean

Stores = Mapping[str, object]  # what a task stored, by name
Values = Sequence[object]  # of a loop's variables in one iteration


@dataclass(frozen=True, slots=True)
class Parts:
    """Tasks that do not run, by their path without the workflow: `+load+users`, in a called file `+load^sub+users`.

    done     those that an earlier run has done, with what they stored there
    dropped  those that are left out altogether
    items    loops of which an earlier run has done some iterations: the values of each one's variables; none if it runs whole
    """

    done: Mapping[str, Stores] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    items: Mapping[str, list[Values]] = field(default_factory=dict)

    def skip(self, path: str) -> bool:
        """Return whether a task does not run."""
        return path in self.done or path in self.dropped

    def left(self, path: str, entries: list[object], variables: Sequence[Mapping[str, object]]) -> list[object]:
        """Return those entries of a loop over known rows that are not done; rows go by their label, if they have one."""
        done = {_row_names(values, variables) for values in self.items.get(path, ())}
        rows = [cast(list[object], variable["rows"]) for variable in variables]
        named = [_row_names(values, variables) for values in product(*rows)]
        if len(set(named)) < len(named):
            return entries  # which of two alike was done cannot be told
        return [entry for entry, name in zip(entries, named, strict=True) if name not in done]


ALL = Parts()


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a workflow is to run; each a task's path or "". `again`: a run goes on, what was done counts as done."""

    start: str = ""
    goal: str = ""
    end: str = ""
    only: str = ""
    again: bool = False

    @property
    def uses_earlier(self) -> bool:
        """Whether an earlier run of the session matters."""
        return bool(self.start or self.goal or self.only or self.again)


@dataclass(frozen=True, slots=True)
class Done:
    """What an earlier run has done: tasks with what they stored, iterations of loops that did not end well as a whole."""

    tasks: Mapping[str, Stores] = field(default_factory=dict)
    items: Mapping[str, list[Values]] = field(default_factory=dict)


def chosen(workflow: Workflow, choice: Choice, done: Done, problems: Problems) -> Parts:
    """Return what does not run; unknown names are noted."""
    paths = [path for path, task in walked(workflow.root) if not task.children]
    for name in (choice.start, choice.goal, choice.end, choice.only):
        _check(name, workflow, problems)
    last = _first(paths, choice.end) if choice.end else len(paths)
    keeps = _kept(paths[:last], choice)
    dropped = set(paths[last:])
    if choice.only:
        dropped.update(path for path in paths if not is_at(path, choice.only) and path not in done.tasks)
    tasks = {path: stores for path, stores in done.tasks.items() if _top(path) in keeps}
    items = {path: found for path, found in done.items.items() if _top(path) in keeps}
    return Parts(tasks, frozenset(dropped), items)


def _kept(paths: list[str], choice: Choice) -> frozenset[str]:
    """Return the tasks, as written, that are not to run again where they are done."""
    if not choice.uses_earlier:
        return frozenset()
    first = _first(paths, choice.start) if choice.start else len(paths)
    kept = [path for path in paths[:first] if not choice.goal or not is_at(path, choice.goal)]
    return frozenset(path for path in kept if choice.again or not choice.only or not is_at(path, choice.only))


def walked(task: Task, path: str = "") -> Iterator[tuple[str, Task]]:
    """Yield the tasks and groups below one, with their paths, in the order written."""
    for child in task.children:
        yield path + child.name, child
        yield from walked(child, path + child.name)


def is_at(path: str, around: str) -> bool:
    """Return whether a path is another one or below it."""
    return path == around or path.startswith((f"{around}+", f"{around}^"))


def _top(path: str) -> str:
    """Return the task of the workflow itself that one of a called file belongs to."""
    return path.partition("^")[0]


def _row_names(values: Values, variables: Sequence[Mapping[str, object]]) -> str:
    """Return what tells an iteration from the others: the labels of its rows, or the rows."""
    names = []
    for value, variable in zip(values, variables, strict=False):
        label = variable.get("label")
        names.append(value.get(label) if isinstance(value, dict) and label is not None else value)
    return json.dumps(names, sort_keys=True)


def _first(paths: list[str], name: str) -> int:
    """Return the number of the first task at or below `name`."""
    return next((number for number, path in enumerate(paths) if is_at(path, name)), len(paths)) if name else 0


def _check(name: str, workflow: Workflow, problems: Problems) -> None:
    known = [path for path, _ in walked(workflow.root)]
    if name and name not in known:
        hint = did_you_mean(name, known) or f"tasks here: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}"
        problems.add(Position(workflow.path, 1, 1), "SD551", f"the workflow has no task '{name}'", hint)
