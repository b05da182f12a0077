"""The workflow as written -> what will happen: groups, `_parallel`, `_background`, `_retry`, `_error`, scopes of parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stepdig import model, plan
from stepdig.calls import called
from stepdig.draft import TOP, Draft, LoopDraft
from stepdig.model import Task, Workflow
from stepdig.operators import TABLE
from stepdig.operators._registry import Entries
from stepdig.place import Here, indexes, retry_of
from stepdig.problem import Position, did_you_mean
from stepdig.repeat import around, repeat
from stepdig.scopes import ErrorLayer, Scope, Store
from stepdig.tree import Node

# Digdag's own operators that are not here yet; any other word is a mistake. docs.digdag.io/operators.html
DIGDAG = frozenset(
    [
        "rb",
        "embulk",
        "http",
        "http_call",
        "require",
        "mail",
        "notify",
        "param_get",
        "param_set",
        "s3_wait",
        "s3_touch",
        "s3_copy",
        "s3_move",
        "s3_delete",
        "emr",
        "redshift",
        "redshift_load",
        "redshift_unload",
        "pg",
        "bq",
        "bq_ddl",
        "bq_load",
        "bq_extract",
        "gcs_wait",
        "td",
        "td_run",
        "td_load",
        "td_ddl",
        "td_table_export",
        "td_wait",
        "td_wait_table",
        "td_partial_delete",
        "td_result_export",
        "td_for_each",
    ]
)
Lowered = tuple[plan.Step, tuple[Store, ...]]


@dataclass(slots=True)
class Place(Here):
    """What an operator is given, whole: with other files' tasks and loops."""

    def called(self, node: Node) -> plan.Step:
        """Return the workflow of another file, inlined in this scope."""
        return called(self, node)

    def repeat(self, loop: LoopDraft, entries: Callable[[LoopDraft], Entries], count: int | None) -> plan.Step:
        """Return the loop over `_do`; `count` is the number of iterations when known."""
        return repeat(self, self.task, loop, entries, count)


def lower(workflow: Workflow, draft: Draft) -> plan.Machine:
    """Return the plan of a workflow; what is gathered on the way (compiled tasks, loops) is left in the draft."""
    scope = Scope(draft, TOP)
    body, _ = _task(workflow.root, scope)
    fetches = {key: plan.Fetched(it.variable, it.frame, tuple(sorted(it.names))) for key, it in draft.fetches.items()}
    return plan.Machine(
        comment=f"{draft.display(workflow.path)} +{workflow.name}",
        prefix=f"runs/{draft.project}-{draft.workflow}/",
        offsets=draft.offsets,
        body=body,
        fetches=fetches,
        gathers={number: tuple(sorted(pairs.items())) for number, pairs in draft.gathers.items()},
        needs_zone=draft.needs_zone,
        commands=bool(draft.tasks),
    )


def _task(task: Task, outer: Scope, generated: str = "") -> Lowered:
    """Return the plan of a task or group standing in `outer`, and the tasks inside that later ones see the stores of."""
    scope = _named(task, outer, generated).exporting(task.export)
    if task.operator is not None and task.operator not in TABLE:
        _refuse(task.operator, task.operator_at or task.at, scope.draft)
        return plan.Sequence(scope.path, ""), ()
    name = scope.path or scope.full
    if task.operator is not None:
        name = scope.draft.state_name(name)
    comment = f"{scope.draft.display(task.at.path)}:{task.at.line} {scope.full}"
    work = _group if task.operator is None else _operator
    return _guarded(task, scope, name, comment, *work(task, scope, name, comment))


def _refuse(operator: str, at: Position, draft: Draft) -> None:
    """Note an operator that is not here: one of Digdag's, or a mistake."""
    if operator in DIGDAG:
        text, hint = f"'{operator}>' is not supported yet", "a command can do its work for now: sh> or py>"
        draft.problems.add(at, "SD905", text, hint, len(operator) + 1)
        return
    known = f"known operators: {', '.join(f'{name}>' for name in sorted(TABLE))}"
    hint = did_you_mean(operator, TABLE) or known
    draft.problems.add(at, "SD401", f"unknown operator '{operator}>'", hint, len(operator) + 1)


def _named(task: Task, outer: Scope, generated: str) -> Scope:
    """Return the scope under the task's name; a generated body adds `^sub` to Digdag's name, and to ours if it is a task."""
    if outer.full == "" and not generated:
        return replace(outer, full=task.name)
    if not task.name.startswith("^"):
        return outer.inside(task.name, generated)
    suffix = task.name if task.operator is not None or task.name == "^error" else ""
    return replace(outer, path=outer.path + suffix, full=outer.full + (generated or task.name))


def _operator(task: Task, scope: Scope, name: str, comment: str) -> Lowered:
    """Return the plan an operator gives."""
    here = Place(task, scope, name, comment, _task)
    step = TABLE[task.operator or ""].lower(task, here)
    return step, tuple(here.stores)


def _group(task: Task, scope: Scope, name: str, comment: str) -> Lowered:
    """Return the plan of a group: its children in sequence, or side by side under `_parallel`."""
    if task.parallel is None:
        return _sequence(_arranged(task.children), scope, name, comment)
    if len(task.children) < 2:
        return _sequence(list(task.children), scope, name, comment)
    branches: list[_Arranged] = [[child] for child in task.children]
    return _branches(branches, scope, scope.draft.state_name(name), comment, task.parallel.limit)


_Arranged = list["Task | tuple[_Arranged, ...]"]


def _arranged(children: tuple[Task, ...]) -> _Arranged:
    """Return a sequence in which everything that runs beside a `_background` task is made one parallel step.

    A background task starts with the group, beside all earlier siblings; the next child waits for it and for them.
    """
    done: _Arranged = []
    waiting: list[_Arranged] = []
    for child in children:
        if child.background:
            waiting.append([child])
            continue
        done = [*_joined(done, waiting), child]
        waiting = []
    return _joined(done, waiting)


def _joined(done: _Arranged, waiting: list[_Arranged]) -> _Arranged:
    """Return the steps so far with those that run beside them."""
    beside = [part for part in (done, *waiting) if part]
    if not waiting or len(beside) < 2:
        return [step for part in beside for step in part]
    return [tuple(beside)]


def _sequence(parts: _Arranged, scope: Scope, name: str, comment: str) -> Lowered:
    """Return steps one after the other, each seeing the stores of those before."""
    steps: list[plan.Step] = []
    stores: tuple[Store, ...] = ()
    for part in parts:
        inner = scope.after(stores)
        if isinstance(part, tuple):
            beside = scope.draft.state_name(f"{name} together")
            step, more = _branches(list(part), inner, beside, comment, None)
        else:
            step, more = _task(part, inner)
        steps.append(step)
        stores += more
    return plan.Sequence(name, comment, tuple(steps)), stores


def _branches(parts: list[_Arranged], scope: Scope, name: str, comment: str, limit: int | None) -> Lowered:
    """Return steps at the same time, none seeing the stores of another."""
    steps: list[plan.Step] = []
    frames: list[int] = []
    stores: tuple[Store, ...] = ()
    for part in parts:
        frame = scope.draft.new_frame(scope.frame)
        step, more = _sequence(part, replace(scope, frame=frame), name, comment)
        only = isinstance(step, plan.Sequence) and len(step.steps) == 1
        steps.append(step.steps[0] if only and isinstance(step, plan.Sequence) else step)
        frames.append(frame.number)
        stores += more
    return plan.Branches(name, comment, tuple(steps), limit, tuple(frames), around(scope)), stores


def _guarded(task: Task, scope: Scope, name: str, comment: str, step: plan.Step, stores: tuple[Store, ...]) -> Lowered:
    """Return the step with what follows its failure: `_retry` of a group, `_error`."""
    known = TABLE.get(task.operator or "")
    retry = task.retry if known is None or known.children else None
    if (retry is None and task.error is None) or plan.is_empty(step):
        return step, stores
    handler: plan.Step | None = None
    variable = ""
    if task.error is not None:
        handler, variable = _handler(task.error, scope, stores)
    keys = tuple(store.task for store in stores)
    return plan.Guarded(
        name, comment, step, retry_of(retry), handler, variable, keys, indexes(scope), scope.run
    ), stores


def _handler(error: model.Task, scope: Scope, stores: tuple[Store, ...]) -> tuple[plan.Step, str]:
    """Return the plan of `_error` and the variable in which it finds `error`."""
    scope.draft.errors += 1
    variable = f"error{scope.draft.errors}"
    after = scope.after(stores)
    inner = replace(after, layers=(*after.layers, ErrorLayer(variable, scope.frame)))
    step, _ = _task(replace(error, name="^error"), inner, "^error")
    return step, variable
