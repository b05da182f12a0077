"""`call>`: another file of the project, read, parsed and placed in the scope of its caller."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from stepdig import parse, plan, secrets, tree
from stepdig.model import Workflow
from stepdig.place import Here
from stepdig.scopes import Scope
from stepdig.tree import Node


def called(here: Here, node: Node) -> plan.Step:
    """Return the tasks of another file, inlined in this scope."""
    found = callee(here, node)
    if found is None:
        return plan.Sequence(here.name, here.comment)
    workflow, scope = found
    scope.draft.calls, before = (*scope.draft.calls, workflow.path), scope.draft.calls
    step, stores = here.lower(replace(workflow.root, name="^sub"), scope, "^sub")
    scope.draft.calls = before
    here.stores.extend(stores)
    return step


def callee(here: Here, node: Node) -> tuple[Workflow, Scope] | None:
    """Return the called workflow and the scope it runs in; None after noting a mistake.

    The path is relative to the directory of the calling file, `.dig` is added when missing; timezone, schedule and sla of
    the callee are ignored, as in Digdag.
    """
    name = here.constant(node, "the file of call>")
    if name is None:
        return None
    draft, length = here.scope.draft, node.length
    path = target(here.scope.directory, str(name), draft.read)
    if path is None:
        text = f"there is no file '{name}' in the project"
        if posixpath.normpath(posixpath.join(here.scope.directory, str(name))).startswith(("..", "/")):
            text = f"call> cannot leave the project: '{name}'"
        here.problem(node.at, "SD471", text, "the path is relative to the calling file", length)
        return None
    if path in draft.calls or path == here.task.at.path:
        chain = " -> ".join((*draft.calls, path))
        here.problem(node.at, "SD472", f"call> comes back to itself: {chain}", "a workflow must end", length)
        return None
    content = draft.read(path)
    assert content is not None
    top = tree.load(content, path, draft.read, draft.problems)
    if top is None:
        return None
    secrets.find(top, draft.problems)
    workflow = parse.workflow(top, here.task.name.lstrip("+^") or "called", path, draft.problems, called=True)
    inner = replace(here.scope, directory=posixpath.dirname(path))
    return workflow, inner


def target(directory: str, name: str, read: tree.Read) -> str | None:
    """Return the project's path of a called file, or None when there is none."""
    path = posixpath.normpath(posixpath.join(directory, name))
    if path.startswith(("..", "/")):
        return None
    for candidate in (path, f"{path}.dig", f"{path}.dig.yml"):
        if candidate.endswith((".dig", ".dig.yml")) and read(candidate) is not None:
            return candidate
    return None
