"""`require>`: the other workflow it names, read to see that it is there, what it takes, and that it does not wait for us."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepdig.language import parse
from stepdig.language.model import Task, Workflow
from stepdig.lowering.place import Here
from stepdig.problem import Problems, did_you_mean
from stepdig.source import tree
from stepdig.source.tree import Node, Scalar

SUFFIXES = (".dig", ".dig.yml")


@dataclass(frozen=True, slots=True)
class Declared:
    """What is known of a required workflow: the parameters it declares, None when it takes any."""

    takes: tuple[str, ...] | None


def required(here: Here, node: Node, name: str, *, same_session: bool) -> Declared | None:
    """Return what is known of the workflow `name`; None after noting a mistake.

    `same_session`: it runs for the session of this workflow, so that it must not require this one for it.
    """
    draft = here.scope.draft
    workflow = _workflow(here, name)
    if workflow is None:
        known = [_name(path) for path in draft.files() if "/" not in path]
        text, hint = f"there is no workflow '{name}' in the project", did_you_mean(name, known)
        hint = hint or "require> takes the name of a .dig file at the top of the project, without .dig"
        here.problem(node.at, "SD473", text, hint, node.length)
        return None
    chain = _chain(here, workflow, draft.workflow, (name,)) if same_session else None
    if chain:
        text = f"require> waits for itself: {' -> '.join((draft.workflow, *chain))}"
        here.problem(node.at, "SD476", text, "give one of them another session_time", node.length)
        return None
    draft.requires.add(name)
    takes = None if workflow.params is None else tuple(it.name for it in workflow.params)
    return Declared(takes)


def _workflow(here: Here, name: str) -> Workflow | None:
    """Return a workflow of the project; what is wrong in it is told where it is compiled itself."""
    read, files = here.scope.draft.read, here.scope.draft.files
    for path in [f"{name}{suffix}" for suffix in SUFFIXES] if "/" not in name else []:
        content = read(path)
        if content is not None:
            problems = Problems()
            top = tree.load(content, path, read, problems, files)
            return None if top is None else parse.workflow(top, name, path, problems)
    return None


def _chain(here: Here, workflow: Workflow, sought: str, seen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names through which a workflow requires `sought` for its own session; empty when it does not."""
    if workflow.name == sought:
        return seen
    for name in _names(workflow.root):
        if name == sought:
            return (*seen, name)
        further = None if name in seen else _workflow(here, name)
        chain = () if further is None else _chain(here, further, sought, (*seen, name))
        if chain:
            return chain
    return ()


def _names(task: Task) -> Iterator[str]:
    """Yield the workflows that a task, and those inside, require for their own session."""
    argument = task.argument
    if task.operator == "require" and isinstance(argument, Scalar) and "session_time" not in task.options:
        yield str(argument.value)
    for inner in (*task.children, *task.bodies.values(), *(it for it in (task.error, task.check) if it is not None)):
        yield from _names(inner)


def _name(path: str) -> str:
    return next((path.removesuffix(suffix) for suffix in reversed(SUFFIXES) if path.endswith(suffix)), path)
