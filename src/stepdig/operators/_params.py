"""What `param_get>` and `param_set>` share: which keys are meant, and the function that does the work."""

from __future__ import annotations

import re

from stepdig.jsonata_text import literal
from stepdig.language.model import Task
from stepdig.operators._registry import Place
from stepdig.plan import Call, Computed
from stepdig.source.tree import Node, Scalar

# A part of a name in the Parameter Store:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def keys(task: Task, place: Place) -> list[tuple[str, Node]]:
    """Return the names of a task with what stands behind them; null is left out, as in Digdag."""
    found = []
    for key, node in task.options.items():
        if key.startswith("_") or (isinstance(node, Scalar) and node.value is None):
            continue
        if _NAME.fullmatch(key):
            found.append((key, node))
        else:
            place.problem(
                node.at, "SD487", f"'{key}' cannot be kept", "use letters, digits and _ . - in its name", node.length
            )
    if task.argument is not None:
        hint = f"write the names below it: {task.operator}>: and on the next line name: value"
        place.problem(task.argument.at, "SD489", f"{task.operator}> takes no value", hint, task.argument.length)
    elif not any(not key.startswith("_") for key in task.options):
        at = task.operator_at or task.at
        place.problem(at, "SD489", f"{task.operator}> names no parameter", "name: value", len(task.operator or "") + 1)
    return found


def call(
    place: Place,
    event: dict[str, object],
    *,
    stores: str = "",
    answer: int = 0,
    guards: tuple[tuple[str, str], ...] = (),
) -> Call:
    """Return the call of the function that keeps the parameters of a project."""
    # The stack's name stands in an expression: in a text it would be one of the user's, who may write `${Stack}` himself.
    path = Computed(f"'/stepdig/${{Stack}}/params/'&{literal(f'{place.project}/')}")
    arguments = {"path": path, **event}
    return Call(
        place.name,
        place.comment,
        function="ParamsStoreFunction",
        arguments=arguments,
        guards=guards,
        stores=stores,
        answer=answer,
    )
