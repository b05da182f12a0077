"""Makes a plan fit the history: loops whose iterations become executions of their own, fewer tries of launches, a most
number of iterations for loops whose number only the run knows. What does not fit even so is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from stepdig import limits, plan
from stepdig.bounds.costs import costs
from stepdig.bounds.history import Counted, History, budget, children, largest
from stepdig.bounds.places import problem
from stepdig.problem import Problem

LEAST_LAUNCHES = 1  # tries of a launch that a workflow must have room for
MODEST_LAUNCHES = 6  # a list has executions of its own for its items where not even so many tries have room
LEAST_LOOKS = 200  # a poll is not made rarer than this
LEAST_ITERATIONS = 10  # a loop whose number only the run knows must be allowed so many


@dataclass(frozen=True, slots=True)
class Fitted:
    """What has to change: loops to be lowered `apart`, or another `body`; neither: it fits, or there are problems."""

    executions: tuple[Counted, ...] = ()
    history: History | None = None
    apart: frozenset[str] = frozenset()
    body: plan.Step | None = None
    problems: tuple[Problem, ...] = ()


def fit(machine: plan.Machine, definition: Mapping[str, Any], owners: Mapping[str, plan.Step]) -> Fitted:
    """Count the events of all executions and return what has to change for each to stay within its budget."""
    history = History(costs(definition, owners))
    history.usual = MODEST_LAUNCHES
    apart = {step.name for it in history.executions(machine.body) for step in _too_dear(it)}
    if apart:
        return Fitted(apart=frozenset(apart))
    history.usual = plan.LAUNCHES
    executions = history.executions(machine.body)
    problems: list[Problem] = []
    changed: dict[int, Callable[[Any], plan.Step]] = {}
    for execution in executions:
        _bounded(execution, history, changed, problems)
        if execution.events > budget() and _slower(execution, changed):
            continue
        if execution.events > budget():
            _fewer_launches(execution, history, changed, problems)
    if problems:
        return Fitted(tuple(executions), history, problems=tuple(problems))
    if changed:
        body = rebuilt(machine.body, changed)
        return Fitted(body=body) if body is not machine.body else Fitted(tuple(executions), history)
    return Fitted(tuple(executions), history)


def _too_dear(execution: Counted) -> list[plan.ForEach]:
    """Return the inline loops to give executions of their own, dearest first, until the rest fits."""
    over = execution.events - budget()
    found: list[plan.ForEach] = []
    names: set[str] = set()
    for events, step in sorted(execution.inline, key=lambda it: -it[0]):
        if over <= 0:
            break
        # One inside another that goes counts with that one: it is looked at again when its executions are counted.
        if step.name in names or any(step in _within(it) for it in found):
            continue
        found.append(step)
        names.add(step.name)
        over -= events
    return found


def _within(step: plan.Step) -> list[plan.Step]:
    inner = [it for it in children(step) if it is not None]
    return [*inner, *(deep for it in inner for deep in _within(it))]


def _bounded(
    execution: Counted, history: History, changed: dict[int, Callable[[Any], plan.Step]], problems: list[Problem]
) -> None:
    """Give the loops whose number of iterations only the run knows the most there is room for."""
    loops = [step for step in execution.open if step.most is None]
    if not loops:
        for step in execution.open:
            history.most[id(step)] = step.most or 0
        if execution.open:
            execution.events = history.count(execution).events
        return
    low, high = 0, budget()
    while low < high:
        middle = (low + high + 1) // 2
        history.most.update({id(step): middle for step in execution.open})
        low, high = (middle, high) if history.count(execution).events <= budget() else (low, middle - 1)
    history.most.update({id(step): low for step in execution.open})
    execution.events = history.count(execution).events
    for step in loops:
        changed[id(step)] = partial(_held, most=low)
        if low < LEAST_ITERATIONS:
            text = (
                f"how often this loop runs is known only at run time, and there is room for the events of {low} iterations: "
                f"a run may have {limits.HISTORY_EVENTS:,}, of which half are kept for redrives"
            )
            hint = "give it _parallel: true, so that each iteration is an execution of its own"
            problems.append(problem(step, "SD504", text, hint))


def _held(step: plan.ForEach, most: int) -> plan.ForEach:
    """Return a loop that fails with our words, before anything runs, when it has more entries than there is room for."""
    assert isinstance(step.entries, plan.Computed)
    words = (
        f"{step.name} may run {most} times at most: its iterations stand one after another in the history of the run"
    )
    guard = (f"$count({step.entries.code})<={most}", words)
    return replace(step, most=most, entries=replace(step.entries, guards=(*step.entries.guards, guard)))


def _fewer_launches(
    execution: Counted, history: History, changed: dict[int, Callable[[Any], plan.Step]], problems: list[Problem]
) -> None:
    """Allow as many tries of launches as there is room for; too little room even so is a problem."""
    history.launches[id(execution.step)] = 0
    least = history.count(execution).events
    # Between none and all of them the events grow at most in proportion.
    low = int((budget() - least) * plan.LAUNCHES // max(1, execution.events - least))
    if low < LEAST_LAUNCHES and _pooled(execution, history, changed, least):
        return
    history.launches[id(execution.step)] = max(low, LEAST_LAUNCHES)
    counted = history.count(execution)
    execution.events, execution.launches = counted.events, counted.launches
    if low < LEAST_LAUNCHES:
        step, events = largest(history, execution)
        of = "the run" if execution.step is None else f"one item of {execution.step.name}"
        here = f", {events:,} of them here" if events < execution.events * 0.99 else ""
        text = (
            f"{of} may need {execution.events:,} events of its history{here}; AWS allows "
            f"{limits.HISTORY_EVENTS:,}, of which half are kept for redrives"
        )
        hint = "split it into several workflows, or run a part of it in a loop with _parallel"
        problems.append(problem(step, "SD503", text, hint))
        return
    for step in steps(execution.body, plan.Command):
        if step.launches != low:
            changed[id(step)] = partial(_launching, launches=low)


def _pooled(execution: Counted, history: History, changed: dict[int, Callable[[Any], plan.Step]], least: int) -> bool:
    """Let the tasks of each scope share a number of launches: hardly all of many tasks fail to start. Return whether it fits.

    `least` are the events without any launch that is tried again.
    """
    history.pools[id(execution.step)] = 1
    each = history.count(execution).events - least
    pool = (budget() - least) // max(1, each)
    if pool < LEAST_LAUNCHES:
        del history.pools[id(execution.step)]
        return False
    history.pools[id(execution.step)] = pool
    counted = history.count(execution)
    execution.events, execution.launches, execution.pool = counted.events, 0, pool
    for step in steps(execution.body, plan.Command):
        if step.pool != pool:
            changed[id(step)] = partial(_sharing, pool=pool)
    return True


def _sharing(step: plan.Command, pool: int) -> plan.Command:
    return replace(step, launches=plan.POOLED, pool=pool)


def _slower(execution: Counted, changed: dict[int, Callable[[Any], plan.Step]]) -> bool:
    """Let what polls or waits look more seldom, for as long as before; return whether anything does that could."""
    polls = [it for it in steps(execution.body, plan.Call) if it.polls and it.again[0].limit > LEAST_LOOKS]
    waits = [it for it in steps(execution.body, plan.Required) if it.pace != plan.PACES[-1]]
    for step in polls:
        changed[id(step)] = _rarer
    for wait in waits:
        changed[id(wait)] = _seldom
    return bool(polls or waits)


def _rarer(step: plan.Call) -> plan.Call:
    first = step.again[0]
    rarer = replace(first, limit=first.limit // 2, most=first.most * 2)
    return replace(step, again=(rarer, *step.again[1:]))


def _seldom(step: plan.Required) -> plan.Required:
    return replace(step, pace=plan.PACES[plan.PACES.index(step.pace) + 1])


def _launching(step: plan.Command, launches: int) -> plan.Command:
    return replace(step, launches=launches)


Kind = TypeVar("Kind", bound=plan.Step)


def steps(step: plan.Step, kind: type[Kind]) -> list[Kind]:
    """Return the steps of a kind in an execution, those of executions inside it not among them."""
    if isinstance(step, kind):
        return [step]
    if isinstance(step, plan.ForEach) and step.mode == "distributed":
        return []
    return [it for inner in children(step) if inner is not None for it in steps(inner, kind)]


def rebuilt(step: plan.Step, changed: Mapping[int, Callable[[Any], plan.Step]]) -> plan.Step:
    """Return a step with others in place of those that changed, and itself where nothing did."""
    made: Any = step
    if isinstance(step, plan.Sequence | plan.Branches):
        steps = tuple(rebuilt(it, changed) for it in step.steps)
        if any(new is not old for new, old in zip(steps, step.steps, strict=True)):
            made = replace(step, steps=steps)
    elif isinstance(step, plan.Switch):
        cases = tuple((test, rebuilt(it, changed)) for test, it in step.cases)
        otherwise = None if step.otherwise is None else rebuilt(step.otherwise, changed)
        made = replace(step, cases=cases, otherwise=otherwise)
    else:
        names = {plan.Choose: ("then", "otherwise"), plan.ForEach: ("body",), plan.Guarded: ("body", "handler")}
        for name in names.get(type(step), ()):
            inner = getattr(step, name)
            new = None if inner is None else rebuilt(inner, changed)
            if new is not inner:
                made = replace(made, **{name: new})
    change = changed.get(id(step))
    return made if change is None else change(made)
