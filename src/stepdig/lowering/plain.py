"""What a container of a plain image is given: its command, and in its environment what `sh>` would set, as far as states know it.

The image has no task runner, so the machine itself evaluates the texts. Lists, objects and what earlier tasks stored are not
in the environment by themselves: `_env` names what the command needs of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepdig import plan
from stepdig.language.job import Job
from stepdig.lowering.values import Values
from stepdig.naming.scopes import ExportLayer, LoopLayer, RecordedLayer
from stepdig.operators import TABLE
from stepdig.problem import Position
from stepdig.runner import zones
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SESSION = (
    "timezone", "session_uuid", "session_time", "session_date", "session_date_compact", "session_local_time",
    "session_tz_offset", "session_unixtime", "task_name",
)  # fmt: skip


def shell(values: Values, job: Job, secrets: list[str], *, stores: bool) -> plan.Plain | None:
    """Return what the command of a `sh>` is in a plain image; None after noting why it cannot run there."""
    task = values.task
    at, length = task.operator_at or task.at, len(task.operator or "") + 1
    why, hint = "", "use a job without plain: true"
    if task.operator != "sh":
        code, why = "SD621", f"{task.operator}> needs the task runner"
    elif stores:
        code, why = "SD622", "'store' needs the task runner"
    elif secrets:
        code, why = "SD622", "'${secret:...}' needs the task runner"
        hint = "name the secret under secrets: of its job.yml, and read the variable"
    if why:
        what = f"{why}, and job '{job.name}' runs its image as it is (plain)"
        values.problem(at, code, what, hint, length)
        return None
    command = values.text(task.argument) if task.argument is not None else plan.Constant("")
    given = task.options.get("shell") or values.exported("sh", "shell")
    words = [*texts(values, given.items)] if isinstance(given, Sequence) else [plan.Constant("sh")]
    return plan.Plain(job.container, (*words, plan.Constant("-c"), command), environment(values))


def texts(values: Values, nodes: tuple[Node, ...]) -> Iterator[plan.Value]:
    """Yield scalars as texts."""
    for node in nodes:
        yield values.text(node)


def environment(values: Values, own: Mapping | None = None) -> tuple[tuple[str, plan.Value], ...]:
    """Return the variables of a plain image: parameters by their names, `_env` over them, `own` over all."""
    found: dict[str, plan.Value] = {"TZ": plan.Constant(zones.posix(values.scope.draft.timezone))}
    found |= {name: values.text(node) for name, node in _parameters(values)}
    option = values.task.options.get("_env")
    for mapping in (*values.scope.env, option, own):
        for name, node in mapping if isinstance(mapping, Mapping) else ():
            found[str(name.value)] = values.text(node)
    return tuple((name, value) for name, value in found.items() if value != plan.Constant(None))


def _parameters(values: Values) -> Iterator[tuple[str, Node]]:
    """Yield the names of parameters that a variable can have, each with a text that gives its value."""
    task, scope = values.task, values.scope
    known = {it.name for it in TABLE[task.operator or ""].options}
    names: dict[str, Node] = {name: _reference(task.at, name) for name in _SESSION}
    for defaults in scope.defaults:
        names |= {it.name: _reference(task.at, it.name) for it in defaults.inputs if not isinstance(it.default, _DEEP)}
    for layer in scope.layers:
        if isinstance(layer, ExportLayer):
            _set_everywhere(layer, values)
            for key, node in layer.mapping:
                names.pop(str(key.value), None)
                if not isinstance(node, _DEEP) and not (isinstance(node, Scalar) and node.value is None):
                    names[str(key.value)] = _reference(key.at, str(key.value))
        elif isinstance(layer, LoopLayer):
            for variable in scope.draft.loops[layer.loop].variables:
                rows = variable["rows"]
                names.pop(str(variable["name"]), None)
                if isinstance(rows, list) and not any(isinstance(row, dict | list) for row in rows):
                    names[str(variable["name"])] = _reference(task.at, str(variable["name"]))
        elif isinstance(layer, RecordedLayer):
            simple = {name: it for name, it in layer.values.items() if isinstance(it, str | int | float)}
            names |= {name: _reference(task.at, name) for name in simple}
    for name, node in task.options.items():
        if name not in known and not isinstance(node, _DEEP) and not (isinstance(node, Scalar) and node.value is None):
            names[name] = node
    yield from ((name, node) for name, node in names.items() if _VARIABLE.match(name) and not name.startswith("_"))


def _set_everywhere(layer: ExportLayer, values: Values) -> None:
    """Note names that some environments have alone: what becomes a variable there would be none elsewhere."""
    for key, _ in layer.mapping:
        if any(it.get(str(key.value)) is None for it in layer.mapping.every):
            what = f"'{key.value}' is set in some environments alone, and an image run as it is gets it as a variable"
            values.problem(key.at, "SD693", what, "set it for each environment", key.length)


_DEEP = (Mapping, Sequence)


def _reference(at: Position, name: str) -> Scalar:
    return Scalar(at, f"${{{name}}}", f"${{{name}}}")
