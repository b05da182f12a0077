"""Loops: which kind of Map, or circle of states, runs the iterations of `loop>`, `for_each>` and `for_range>`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepdig import limits, plan
from stepdig.language.model import Parallel, Task
from stepdig.lowering.calls import callee
from stepdig.lowering.place import Here, indexes
from stepdig.naming.draft import TOP, Frame, LoopDraft
from stepdig.naming.scopes import LoopLayer, Scope, Store
from stepdig.operators import TABLE
from stepdig.operators._registry import Entries
from stepdig.source.tree import Scalar


def repeat(
    here: Here, task: Task, loop: LoopDraft, entries: Callable[[LoopDraft], Entries], count: int | None
) -> plan.Step:
    """Return the loop over `_do` of a task, and leave the loop and its tasks in the draft.

    Without `_parallel` iterations run one after another and see earlier stores: where they can store, as states in a
    circle; else as a Map of concurrency 1. A Map runs inline while 40 at once and the history provably suffice.
    """
    body = task.bodies.get("_do")
    if body is None:
        here.problem(task.at, "SD407", f"{task.operator}> has no _do", "add _do: with the tasks to run for each")
        return plan.Sequence(here.name, here.comment)
    if task.parallel is not None and task.parallel.switch is not None:
        return _switched(here, task, loop, entries, count, task.parallel.switch)
    stores = may_store(body, here)
    _unique_inputs(loop, here.scope)
    loop.numbered = loop.numbered or (stores and loop.operator == "for_each")
    if count == 0:
        return plan.Sequence(here.name, here.comment)
    if task.parallel is None and stores:
        return _counted(here, body, loop, entries, count)
    parallel = None if task.parallel is None else here.number(task.parallel.limit or 0)
    mode = _mode(here, count, parallel)
    frame = here.scope.draft.new_frame(here.scope.frame, distributed=mode == "distributed")
    scope = _iteration(here.scope, here.name, loop, frame, body)
    step, inner = here.lower(replace(body, export=None), scope, f"^sub+[{here.name}]")
    here.stores.extend(inner)
    return _for_each(here, _left(here, loop, entries(loop), inner), step, inner, frame, mode, parallel, count)


def _switched(
    here: Here,
    task: Task,
    loop: LoopDraft,
    entries: Callable[[LoopDraft], Entries],
    count: int | None,
    switch: Scalar,
) -> plan.Step:
    """Return the loop whose `_parallel` is a template: both ways of running it, where only the run can tell."""
    condition = here.condition(switch, "_parallel")
    if condition is None:
        return plan.Sequence(here.name, here.comment)
    together = replace(task, parallel=Parallel(None, switch.at))
    in_turn = replace(task, parallel=None)
    if condition.false is None and condition.true in ("true", "false"):
        return repeat(here, together if condition.true == "true" else in_turn, loop, entries, count)
    other = replace(loop, variables=[dict(it) for it in loop.variables], columns={})
    first = repeat(here, together, loop, entries, count)
    second = repeat(replace(here, name=here.scope.draft.state_name(here.name)), in_turn, other, entries, count)
    return plan.Choose(f"{here.name} parallel?", here.comment, condition, first, second)


def _counted(
    here: Here,
    body: Task,
    loop: LoopDraft,
    entries: Callable[[LoopDraft], Entries],
    count: int | None,
) -> plan.Step:
    """Return the loop as states in a circle, whose iterations see the stores of earlier ones."""
    trial_scope = replace(here.scope, draft=here.scope.draft.fork())
    trial = _iteration(trial_scope, here.name, replace(loop, columns={}), trial_scope.frame, body)
    _, expected = here.lower(replace(body, export=None), trial, f"^sub+[{here.name}]")
    earlier = tuple(replace(store, counted=True) for store in expected)
    scope = _iteration(here.scope, here.name, loop, here.scope.frame, body, earlier)
    step, inner = here.lower(replace(body, export=None), scope, f"^sub+[{here.name}]")
    here.stores.extend(replace(store, counted=True) for store in inner)
    left = _left(here, loop, entries(loop), inner)
    return _for_each(here, left, step, inner, here.scope.frame, "counted", None, count)


def _left(here: Here, loop: LoopDraft, found: Entries, inner: tuple[Store, ...]) -> Entries:
    """Return what a loop runs over without the iterations that an earlier run has done.

    Those stored nothing, or they would not be told as done; what a call stores in a variable is not to be told from outside.
    """
    draft, path = here.scope.draft, here.scope.written
    rows = [variable.get("rows") for variable in loop.variables]
    if path not in draft.parts.items or None in rows or not isinstance(found.value, plan.Constant):
        return found
    if any(store.names is not None for store in inner) or not isinstance(found.value.value, list):
        return found
    left = draft.parts.left(path, found.value.value, loop.variables)
    draft.narrowed[path] = len(found.value.value) - len(left)
    return replace(found, value=plan.Constant(left))


def _iteration(
    scope: Scope, name: str, loop: LoopDraft, frame: Frame, body: Task, earlier: tuple[Store, ...] = ()
) -> Scope:
    """Return the scope of an iteration: stores of earlier ones, the export of `_do`, over it the loop's variables."""
    scope.draft.loops[name] = loop
    inside = replace(scope, full=f"{scope.full}^sub+[{name}]").exporting(body.export)
    seen = scope.after(earlier, earlier=True)
    seen = replace(seen, layers=(*seen.layers, *inside.layers[len(scope.layers) :]))
    return replace(seen, frame=frame, layers=(*seen.layers, LoopLayer(name)), loops=(*scope.loops, name))


def _for_each(
    here: Here,
    found: Entries,
    step: plan.Step,
    inner: tuple[Store, ...],
    frame: Frame,
    mode: str,
    parallel: plan.Number | None,
    count: int | None,
) -> plan.Step:
    """Return the plan shape."""
    if plan.is_empty(step):
        return plan.Sequence(here.name, here.comment)
    return plan.ForEach(
        here.name,
        here.comment,
        entries=found.value,
        selector=found.selector,
        body=step,
        parallel=parallel,
        mode=mode,
        label=found.label,
        passes=_passes(here.scope, frame) if mode == "distributed" else (),
        frame=frame.number,
        stores=tuple(store.task for store in inner),
        around=around(here.scope),
        back=found.back,
        narrow=found.narrow,
        run=here.scope.run,
        count=count,
        index=indexes(here.scope, unnumbered=isinstance(found.value, plan.Computed)),
    )


def around(scope: Scope) -> tuple[str, ...]:
    """Return the keys of the state input in a scope: the variables of its loops, and what child executions are given."""
    given = ("run", "vars") if scope.run != "$run" else ()
    return (*(key for name in scope.loops for key in scope.draft.loops[name].keys), *given)


def _passes(scope: Scope, frame: Frame) -> tuple[tuple[str, str], ...]:
    """Return what child executions must be given of this scope's variables, which they do not see."""
    names = sorted(scope.draft.passes.get(frame.number, ()))
    inside = any(it.distributed for it in scope.frame.up_to(TOP) or ())
    return tuple((name, f"$states.input.vars.{name}" if inside else f"${name}") for name in names)


def _unique_inputs(loop: LoopDraft, scope: Scope) -> None:
    """Give the loop's variables keys of the state input that no loop around uses."""
    taken = {str(it["input"]) for name in scope.loops for it in scope.draft.loops[name].variables}
    for variable in loop.variables:
        name, count = str(variable["name"]), 1
        key = name
        while key in taken or key in {"run", "vars"}:
            count += 1
            key = f"{name}_{count}"
        variable["input"] = key
        taken.add(key)


def _mode(here: Here, count: int | None, parallel: plan.Number | None) -> str:
    """Return "map" while an inline Map suffices, else "distributed"; a limit known only then is cut at 40.

    `_parallel: true` runs all at once, as with Digdag, so a list of more than 40 needs executions of their own. Whether
    the history has room for all events is counted when the plan is whole (`bounds`), and noted in `apart`.
    """
    if count is None or here.name in here.scope.draft.apart:
        return "distributed"
    at_once = (parallel or count) if isinstance(parallel, int) else 1
    return "map" if at_once <= limits.INLINE_MAP_CONCURRENCY else "distributed"


def may_store(task: Task, here: Here) -> bool:
    """Return whether a task, or one inside it or of a file it calls, may store parameters."""
    known = TABLE.get(task.operator or "")
    if known is not None and known.may_store(task):
        return True
    if task.operator == "call" and task.argument is not None:
        return _callee_stores(task, here)
    inner = (*task.children, *task.bodies.values(), *([task.error] if task.error else ()))
    return any(may_store(child, here) for child in inner)


def _callee_stores(task: Task, here: Here) -> bool:
    """Return whether a called file may store; one that cannot be read now is taken to."""
    draft = here.scope.draft.fork()
    trial = replace(here, scope=replace(here.scope, draft=draft), task=task)
    assert task.argument is not None
    found = callee(trial, task.argument)
    if found is None:
        return True
    draft.calls = (*draft.calls, found[0].path)
    return may_store(found[0].root, replace(trial, scope=replace(found[1], draft=draft), task=found[0].root))
