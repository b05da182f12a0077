"""`sh>: command` runs a shell command in a container."""

import re

from stepdig.language.declared import ARGV, TEXT, Option, list_of
from stepdig.language.keys import COMMAND
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.source.tree import Scalar, Sequence

_STORE = ["array", "string", "number", "boolean", "object"]  # what is no list is a parameter, as in Digdag
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def stores(task: Task) -> bool:
    """Return whether a command returns values: `store:` with a list; a text there is a parameter, as in Digdag."""
    return isinstance(task.options.get("store"), Sequence)


@operator(
    "sh",
    argument=TEXT,
    options=(
        Option(
            "shell",
            ARGV,
            'the program and its options, `["bash", "-eu"]`; `["/bin/sh"]` without it; `_export: {sh: {shell: ...}}` for many',
        ),
        Option(
            "store",
            {**list_of(TEXT), "type": _STORE},
            "names that the command returns by writing `NAME=VALUE` to `$STEPDIG_OUTPUT`; what is no list is a parameter",
        ),
        *COMMAND,
    ),
    stores=stores,
)
def sh(task: Task, place: Place) -> Step:
    """Run a shell command: `sh>: tasks/load.sh ${table}`."""
    shell = task.options.get("shell")
    if isinstance(shell, Scalar) and shell.value is not None and "${" not in str(shell.value):
        text = f"the shell of sh> must be a list, not '{shell.text}'"
        place.problem(shell.at, "SD419", text, "the program and its options: [bash, -eu]", shell.length)
    if place.required(task) is None or not _are_names(task, place):
        return nothing(place)
    return place.command(task, stores=stores(task))


def _are_names(task: Task, place: Place) -> bool:
    """Return whether `store:` lists names that a command can write, noting those that it cannot."""
    listed = task.options.get("store")
    wrong = [
        node
        for node in (listed.items if isinstance(listed, Sequence) else ())
        if not (isinstance(node, Scalar) and isinstance(node.value, str) and _NAME.match(node.value))
    ]
    for node in wrong:
        shown = f"'{node.text}' is" if isinstance(node, Scalar) else "this is"
        hint = "write the names out: letters, digits and _, such as [rows, path]"
        place.problem(node.at, "SD413", f"store: takes names, {shown} none", hint, node.length)
    return not wrong
