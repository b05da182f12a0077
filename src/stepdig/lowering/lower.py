"""The workflow as written -> what will happen: groups, `_parallel`, `_background`, `_retry`, `_error`, scopes of parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from stepdig import plan
from stepdig.language import model
from stepdig.language.model import Task, Workflow
from stepdig.language.order import Arranged, in_sequence, side_by_side
from stepdig.lowering.calls import called
from stepdig.lowering.picks import pick
from stepdig.lowering.place import Here, indexes, retry_of
from stepdig.lowering.repeat import around, repeat
from stepdig.lowering.requires import required
from stepdig.lowering.watch import watched
from stepdig.naming.draft import TOP, Draft, LoopDraft
from stepdig.naming.scopes import Deadline, ErrorLayer, LoopLayer, Scope, Store
from stepdig.operators import TABLE
from stepdig.operators._elsewhere import CALLED, ELSEWHERE
from stepdig.operators._registry import Entries
from stepdig.problem import Position, did_you_mean
from stepdig.source.tree import Mapping, Node

Lowered = tuple[plan.Step, tuple[Store, ...]]


@dataclass(slots=True)
class Place(Here):
    """What an operator is given, whole: with other files' tasks and loops."""

    def called(self, node: Node) -> plan.Step:
        """Return the workflow of another file, inlined in this scope."""
        return called(self, node)

    def workflow(self, node: Node, name: str, *, same_session: bool) -> plan.Required | None:
        """Return a step that requires another workflow of the project; None after noting that it cannot be."""
        found = required(self, node, name, same_session=same_session)
        if found is None:
            return None
        again, limit = self.task.retry is not None, self.time_limit(self.task)
        return plan.Required(
            self.name, self.comment, name, takes=found.takes, run=self.scope.run, retried=again, timeout=limit
        )

    def repeat(self, loop: LoopDraft, entries: Callable[[LoopDraft], Entries], count: int | None) -> plan.Step:
        """Return the loop over `_do`; `count` is the number of iterations when known."""
        return repeat(self, self.task, loop, entries, count)


def lower(workflow: Workflow, draft: Draft) -> plan.Machine:
    """Return the plan of a workflow; what is gathered on the way (compiled tasks, loops) is left in the draft."""
    draft.inputs = workflow.params
    scope = Scope(draft, TOP).declaring(workflow.params, checked=True)
    if workflow.sla is not None:
        body = watched(workflow, workflow.sla, scope, _task)
    else:
        body, _ = _task(workflow.root, scope)
    outputs = _outputs(draft)
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
        inputs=workflow.params,
        lists=tuple(plan.NamedList(path, names) for path, names in draft.lists.items()),
        outputs=outputs,
        scheduled=draft.schedule is not None,
        environments=draft.environments,
    )


def _outputs(draft: Draft) -> frozenset[str]:
    """Return the calls whose stores command tasks may read; a variable of the machine holds them on the way to S3."""
    if not draft.storing:
        return frozenset()
    layers = [layer for task in draft.tasks.values() for layer in cast(list[list[Any]], task["layers"])]
    read = {entry["task"] for layer in layers if layer[0] == "stores" for entry in layer[1]}
    found = frozenset(draft.storing.keys() & read)
    for key in sorted(found):
        draft.fetch(key, draft.storing[key].frame)
    return found


def _task(task: Task, outer: Scope, generated: str = "") -> Lowered:
    """Return the plan of a task or group standing in `outer`, and the tasks inside that later ones see the stores of."""
    scope = _limited(task, _named(task, outer, generated).exporting(task.export))
    if (written := scope.written) and scope.draft.parts.skip(written):
        return plan.Sequence(scope.path, ""), scope.recorded(written)
    if task.operator is not None and task.operator not in TABLE:
        _refuse(task.operator, task.operator_at or task.at, scope.draft)
        _look_inside(task, scope)
        return plan.Sequence(scope.path, ""), ()
    name = scope.path or scope.full
    if task.operator is not None:
        name = scope.draft.state_name(name)
    comment = f"{scope.draft.display(task.at.path)}:{task.at.line} {scope.full}"
    if task.operator is None:
        step, stores = _group(task, scope, name, comment)
        return _guarded(task, scope, name, comment, step, stores, retry_of(task.retry))
    here = Place(task, scope, name, comment, _task)
    before = len(scope.draft.problems)
    step = TABLE[task.operator].lower(task, here)
    if len(scope.draft.problems) > before and plan.is_empty(step):
        _look_inside(task, scope)
        if "ecs" in task.options or "docker" in task.options:
            pick(here)  # for the mistakes in them
    step = _in_time(step, scope)
    retry = here.retry(task) if _runs_anew(task, step, here) else None
    if task.check is not None and not plan.is_empty(step):
        check, more = _task(task.check, scope.after(tuple(here.stores)), "^check")
        here.stores.extend(more)
        step = plan.Sequence(name, comment, (step, check))
    return _guarded(task, scope, name, comment, step, tuple(here.stores), retry)


def _look_inside(task: Task, scope: Scope) -> None:
    """Note the mistakes below a task that has one itself; its loop's variables may be anything."""
    names = ["i"] if task.operator == "loop" else ["range"] if task.operator == "for_range" else []
    if isinstance(task.argument, Mapping) and not names:
        names = [str(key.value) for key, _ in task.argument]
    loop = scope.draft.state_name(f"{scope.path} ")
    scope.draft.loops[loop] = LoopDraft(
        "for_each", [{"name": it, "input": it, "rows": None, "label": None} for it in names]
    )
    inside = replace(scope, layers=(*scope.layers, LoopLayer(loop))) if names else scope
    for body in task.bodies.values():
        _task(body, inside, "^sub")
    for handler in (task.check, task.error):
        if handler is not None:
            _task(handler, scope, handler.name)


def _limited(task: Task, scope: Scope) -> Scope:
    """Return the scope with `_env` and `_timeout` of a group, which count for the tasks inside."""
    if task.env is not None:
        scope = replace(scope, env=(*scope.env, task.env))
    if task.timeout is None or not _has_tasks(task):
        return scope
    scope.draft.deadlines += 1
    deadline = Deadline(f"deadline{scope.draft.deadlines}", scope.frame, task.timeout)
    return replace(scope, deadlines=(*scope.deadlines, deadline))


def _has_tasks(task: Task) -> bool:
    """Return whether there are tasks inside: of a group, a loop, an `if>`, a called file."""
    return task.operator is None or (task.operator in TABLE and TABLE[task.operator].children)


def _runs_anew(task: Task, step: plan.Step, here: Place) -> bool:
    """Return whether `_retry` goes through a counter: children run again, or the Retry field cannot say it."""
    own = isinstance(step, plan.Command | plan.Call) and here.native_retry(task) is None
    if isinstance(step, plan.Required):
        return task.retry is not None or task.check is not None
    if isinstance(step, plan.Call) and step.polls:
        return task.check is not None
    if isinstance(step, plan.Sequence) and any(isinstance(it, plan.Call | plan.Looked) for it in step.steps):
        return True  # several states, of which only the whole can be done again
    return own or TABLE[task.operator or ""].children or task.check is not None


def _in_time(step: plan.Step, scope: Scope) -> plan.Step:
    """Return a `wait>` that ends with the time limit of the groups around, and fails then."""
    if not isinstance(step, plan.Wait) or not isinstance(step.seconds, plan.Constant) or not scope.deadlines:
        return step
    left = ",".join(scope.remaining())
    wait = replace(step, seconds=plan.Computed(f"$min([{step.seconds.value},{left}])"))
    late = plan.Fail(f"{step.name} late", step.comment, plan.Constant("the time limit of its group is over"))
    in_time = plan.Condition(f"$min([{left}])>1", None)
    return plan.Sequence(
        step.name, step.comment, (wait, plan.Choose(f"{step.name} in time?", step.comment, in_time, None, late))
    )


def _refuse(operator: str, at: Position, draft: Draft) -> None:
    """Note an operator that is not here: one of Digdag's or a plug-in's, or a mistake."""
    if operator in ELSEWHERE:
        text = f"stepdig has no operator '{operator}>'"
        draft.problems.add(at, "SD905", text, ELSEWHERE[operator], len(operator) + 1)
        return
    known = f"known operators: {', '.join(f'{name}>' for name in sorted(TABLE))}"
    hint = f"did you mean '{CALLED[operator]}'?" if operator in CALLED else did_you_mean(operator, TABLE) or known
    draft.problems.add(at, "SD401", f"unknown operator '{operator}>'", hint, len(operator) + 1)


def _named(task: Task, outer: Scope, generated: str) -> Scope:
    """Return the scope under the task's name; a generated body adds `^sub` to Digdag's name, and to ours if it is a task."""
    if outer.full == "" and not generated:
        return replace(outer, full=task.name)
    if not task.name.startswith("^"):
        return outer.inside(task.name, generated)
    suffix = task.name if task.operator is not None or task.name in ("^error", "^check", "^sla") else ""
    return replace(outer, path=outer.path + suffix, full=outer.full + (generated or task.name))


def _group(task: Task, scope: Scope, name: str, comment: str) -> Lowered:
    """Return the plan of a group: its children in sequence, or side by side under `_parallel`."""
    if task.parallel is None:
        return _sequence(in_sequence(task.children), scope, name, comment)
    order = side_by_side(task.children)
    if len(order) != 1 or not isinstance(order[0], tuple):
        return _sequence(order, scope, name, comment)
    limit = task.parallel.limit if isinstance(task.parallel.limit, int) else None
    return _branches(list(order[0]), scope, scope.draft.state_name(name), comment, limit)


def _sequence(parts: Arranged, scope: Scope, name: str, comment: str) -> Lowered:
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


def _branches(parts: list[Arranged], scope: Scope, name: str, comment: str, limit: int | None) -> Lowered:
    """Return steps at the same time, none seeing the stores of another."""
    steps: list[plan.Step] = []
    frames: list[int] = []
    stores: tuple[Store, ...] = ()
    for part in parts:
        frame = scope.draft.new_frame(scope.frame)
        step, more = _sequence(part, replace(scope, frame=frame), name, comment)
        stores += more
        if plan.is_empty(step):
            continue
        only = isinstance(step, plan.Sequence) and len(step.steps) == 1
        steps.append(step.steps[0] if only and isinstance(step, plan.Sequence) else step)
        frames.append(frame.number)
    if not steps:
        return plan.Sequence(name, comment), stores
    return plan.Branches(name, comment, tuple(steps), limit, tuple(frames), around(scope)), stores


def _guarded(
    task: Task,
    scope: Scope,
    name: str,
    comment: str,
    step: plan.Step,
    stores: tuple[Store, ...],
    retry: plan.Retry | None,
) -> Lowered:
    """Return the step with its time limit and what follows its failure: `_retry` of a group, `_error`."""
    if plan.is_empty(step):
        if task.error is not None and len(scope.draft.problems):
            _handler(task.error, scope, stores)  # for the mistakes in it
        return step, stores
    if task.timeout is not None and _has_tasks(task):
        *outer, own = scope.deadlines
        around = scope.variable(outer[-1].variable, outer[-1].frame) if outer else ""
        start = plan.Deadline(f"{name} time limit", comment, own.variable, task.timeout, around)
        step = plan.Sequence(name, comment, (start, step))
    if retry is None and task.error is None and not task.ignore_failure:
        return step, stores
    handler: plan.Step | None = None
    variable = ""
    if task.error is not None:
        handler, variable = _handler(task.error, scope, stores)
    keys = tuple(store.task for store in stores if store.recorded is None)
    index, ignored = indexes(scope), task.ignore_failure
    return plan.Guarded(name, comment, step, retry, handler, variable, keys, index, scope.run, ignored), stores


def _handler(error: model.Task, scope: Scope, stores: tuple[Store, ...]) -> tuple[plan.Step, str]:
    """Return the plan of `_error` and the variable in which it finds `error`."""
    scope.draft.errors += 1
    variable = f"error{scope.draft.errors}"
    after = replace(scope.after(stores), deadlines=())  # what tells of a failure is not cut short
    inner = replace(after, layers=(*after.layers, ErrorLayer(variable, scope.frame)))
    step, _ = _task(replace(error, name="^error"), inner, "^error")
    return step, variable
