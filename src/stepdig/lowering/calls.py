"""`call>`: another file of the project, read, parsed and placed in the scope of its caller."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from stepdig import plan
from stepdig.expressions import template
from stepdig.jsonata_text import literal
from stepdig.language import parse
from stepdig.language.model import Workflow
from stepdig.lowering.place import Here
from stepdig.naming.scopes import Scope
from stepdig.source import secrets, tree
from stepdig.source.tree import Node, Scalar

CHOICES = 50  # more files than this are no choice any more but a pattern that forgot its constant part


def called(here: Here, node: Node) -> plan.Step:
    """Return the tasks of another file, inlined in this scope; of several where only the run tells which."""
    value = here.text(node)
    if isinstance(value, plan.Constant):
        return _inlined(here, node, str(value.value))
    return _chosen(here, node, value)


def callee(here: Here, node: Node) -> tuple[Workflow, Scope] | None:
    """Return the called workflow and the scope it runs in; None when that is not known, or after noting a mistake."""
    value = here.text(node)
    return _found(here, node, str(value.value)) if isinstance(value, plan.Constant) else None


def _inlined(here: Here, node: Node, name: str) -> plan.Step:
    """Return the tasks of the file called `name`."""
    found = _found(here, node, name)
    if found is None:
        return plan.Sequence(here.name, here.comment)
    workflow, scope = found
    scope.draft.calls, before = (*scope.draft.calls, workflow.path), scope.draft.calls
    step, stores = here.lower(replace(workflow.root, name="^sub"), scope, "^sub")
    scope.draft.calls = before
    here.stores.extend(stores)
    return step


def _chosen(here: Here, node: Node, value: plan.Computed) -> plan.Step:
    """Return a choice among all files that the template may name when it runs."""
    draft = here.scope.draft
    names = _candidates(here, node)
    if draft.chosen or len(names) > CHOICES:
        text = f"call> could run any of {len(names)} files here"
        if draft.chosen:
            text = "call> of a file known only at run time, in a file chosen in the same way"
        here.problem(node.at, "SD469", text, "write the constant part: call>: load/${name}.dig", node.length)
        return plan.Sequence(here.name, here.comment)
    draft.chosen = True
    cases = [(f"({value.code}) in {literal(sorted(_spellings(name)))}", _inlined(here, node, name)) for name in names]
    draft.chosen = False
    message = plan.Computed(f"'File not found: '&({value.code})&' (config)'")
    missing = plan.Fail(f"{here.name} missing", here.comment, message)
    return plan.Switch(here.name, here.comment, tuple(cases), missing, value.guards)


def _candidates(here: Here, node: Node) -> list[str]:
    """Return the files a template may name: those the rows of a loop give, else all that fit its constant parts."""
    draft, directory = here.scope.draft, here.scope.directory
    around = {*draft.calls, here.task.at.path}
    named = {posixpath.relpath(path, directory or "."): path for path in draft.files() if path not in around}
    text = str(node.value) if isinstance(node, Scalar) else ""
    known = _known_values(here, text)
    if known is not None:
        return [name for name in named if known & _spellings(name)]
    parts = ["" if isinstance(part, template.Expression) else part.text for part in template.split(text)]
    fits = re.compile(".*".join(map(re.escape, parts)) or ".*")
    return [name for name in named if any(fits.fullmatch(spelling) for spelling in _spellings(name))]


def _known_values(here: Here, text: str) -> frozenset[str] | None:
    """Return what `a/${t.file}.dig` may be in a loop over known rows; None when that is not to be told."""
    found = re.fullmatch(r"([^$]*)\$\{\s*(\w+)(?:\.(\w+))?\s*\}([^$]*)", text)
    rows = here.names.rows(found[2]) if found else None
    if found is None or rows is None:
        return None
    values = [row.get(found[3]) if isinstance(row, dict) else row for row in rows] if found[3] else rows
    return frozenset(f"{found[1]}{value}{found[4]}" for value in values)


def _spellings(name: str) -> frozenset[str]:
    """Return how a file may be written in call>: with and without its suffix."""
    return frozenset({name, name.removesuffix(".yml"), name.removesuffix(".dig.yml").removesuffix(".dig")})


def _found(here: Here, node: Node, name: str) -> tuple[Workflow, Scope] | None:
    """Return the workflow in the file called `name` and the scope it runs in; None after noting a mistake.

    The path is relative to the directory of the calling file, `.dig` is added when missing; timezone, schedule and sla of
    the callee are ignored, as in Digdag.
    """
    draft, length = here.scope.draft, node.length
    path = target(here.scope.directory, name, draft.read)
    if path is None:
        text = f"there is no file '{name}' in the project"
        if posixpath.normpath(posixpath.join(here.scope.directory, name)).startswith(("..", "/")):
            text = f"call> cannot leave the project: '{name}'"
        here.problem(node.at, "SD471", text, "the path is relative to the calling file", length)
        return None
    if path in draft.calls or path == here.task.at.path:
        chain = " -> ".join((*draft.calls, path))
        here.problem(node.at, "SD472", f"call> comes back to itself: {chain}", "a workflow must end", length)
        return None
    content = draft.read(path)
    assert content is not None
    top = tree.load(content, path, draft.read, draft.problems, draft.files)
    if top is None:
        return None
    secrets.find(top, draft.problems)
    workflow = parse.workflow(top, here.task.name.lstrip("+^") or "called", path, draft.problems, called=True)
    inner = replace(here.scope, directory=posixpath.dirname(path)).declaring(workflow.params, checked=False)
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
