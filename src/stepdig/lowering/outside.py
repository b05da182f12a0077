"""Files that a command names outside of the project folder: there on this machine, not in the archive that containers get.

Digdag pushes the project folder alone, too (https://docs.digdag.io/command_reference.html#push).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stepdig.language.model import Task
from stepdig.naming.scopes import Scope
from stepdig.problem import Problems
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence

_UP = re.compile(r"(?<![^\s'\"=:(])\.\./[^\s'\"$`|&;<>()]*")
_CHANGES = re.compile(r"(^|[\s;&|(])(cd|pushd)\s")  # then `..` is anywhere


def refuse_outside(task: Task, scope: Scope, problems: Problems) -> None:
    """Note paths that lead out of the project folder to what is there now."""
    argument = [task.argument] if task.argument is not None else []
    for node in (*argument, *task.options.values()):
        for scalar in _texts(node):
            text = str(scalar.value)
            if _CHANGES.search(text):
                continue
            for found in _UP.finditer(text):
                path = posixpath.normpath(posixpath.join(scope.directory, found[0]))
                if path.startswith("..") and scope.draft.outside(path):
                    what = f"'{found[0]}' lies outside of the project folder: it does not travel with the workflow"
                    inside = posixpath.normpath(found[0]).lstrip("./")
                    hint = f"move it into the folder of the workflow: {inside}"
                    problems.add(scalar.position(found.start()), "SD443", what, hint, len(found[0]))


def _texts(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Mapping):
        for _, value in node:
            yield from _texts(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _texts(item)
    elif isinstance(node.value, str) and "../" in node.value:
        yield node
