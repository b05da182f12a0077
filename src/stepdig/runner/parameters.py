"""Parameters of a task: its layers as Digdag orders them, weakest first, under its local keys.

The names of project and workflow; defaults of declared inputs; attempt parameters; the layers of the compiled task (exports,
stores of earlier tasks, loop variables, `error`); built-ins; local keys. Texts of defaults, exports and local keys are
templates; all other values are data. (Digdag evaluates those again: a stored `cost $$5` reads `cost $5` in the next task,
and a stored `${x}` breaks every later one.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List, Tuple

from stepdig.expressions import builtins, evaluate
from stepdig.runner import loops, outputs, templates
from stepdig.runner.shapes import Json, TaskRun
from stepdig.runner.storage import Storage


def shown(at: TaskRun, storage: Storage, context: evaluate.Context) -> Dict[str, Json]:
    """Return every parameter of a task for a person to read; secrets stay references.

    Raises `stepdig.expressions.errors.EvaluationError`, OutputError and LoopError.
    """
    at = loops.completed(at, storage)
    return templates.evaluated(layers(at, storage), at.task["local"], context)


def layers(at: TaskRun, storage: Storage) -> List[templates.Layer]:
    """Return the layers under the local keys, weakest first. Raises OutputError and LoopError."""
    weakest = {"project_name": at.bundle["project"], "workflow_name": at.bundle["workflow"]}
    found = [templates.Layer({**weakest, **({"env": at.run["env"]} if "env" in at.run else {})})]
    found += [templates.Layer(at.bundle["scopes"][it], is_template=True) for it in at.task.get("defaults", ())]
    found.append(templates.Layer(at.run.get("params") or {}))
    for kind, *what in at.task["layers"]:
        if kind == "export":
            found.append(templates.Layer(at.bundle["scopes"][what[0]], is_template=True))
        elif kind == "chosen":  # one for each environment
            found.append(templates.Layer(at.bundle["scopes"][what[0][at.run["env"]]], is_template=True))
        elif kind == "stores":
            found += map(templates.Layer, outputs.visible_stores(at, what[0], storage))
        elif kind == "recorded":
            found.append(templates.Layer(at.bundle["recorded"][what[0]]))
        elif kind == "loop":
            found.append(templates.Layer(loops.values(at.bundle["loops"][what[0]], at.loop_input)))
        elif kind == "error":
            found.append(templates.Layer({"error": at.run.get("error") or {}}))
        else:
            raise ValueError(f"a layer of kind {kind!r}: the bundle was made by another version")
    found.append(templates.Layer(_built_ins(at)))
    return found


def _built_ins(at: TaskRun) -> Dict[str, Json]:
    """Return the variables of "Built-in variables" in https://docs.digdag.io/workflow_definition.html."""
    run = {name: value for name, value in at.run.items() if name in _OF_THE_SESSION}
    values = dict(_session_values(tuple(sorted(run.items())), at.bundle["timezone"]))
    values["task_name"] = loops.full_name(at.task, at.bundle, at.loop_input)
    if at.task.get("directory"):
        values["_workdir"] = at.task["directory"]
    return values


@lru_cache(maxsize=16)
def _session_values(run: Tuple[Tuple[str, Json], ...], timezone: str) -> Dict[str, Json]:
    """Return the session's variables; the same for every task of a run."""
    return builtins.session_values(dict(run), timezone)


_OF_THE_SESSION = frozenset(
    (
        "session_time",
        "session_uuid",
        "attempt_id",
        "last_session_time",
        "next_session_time",
        "last_executed_session_time",
    )
)
