"""Events of the history of each execution a run is made of: the run itself, and each child of a distributed Map.

The worst case of a step counts every try: launches that AWS refused, `_retry` of tasks and groups (retries of retries
multiply), the handler and the end after the last. Of an `if>` the dearer side counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stepdig import limits, plan
from stepdig.bounds.costs import AGAIN, EXECUTION, ITERATION, Cost, Costs


def budget() -> int:
    """Return the events that a run may need: half of what AWS allows is kept for redrives, which go on in the same history."""
    return limits.HISTORY_EVENTS // 2


@dataclass(slots=True)
class Counted:
    """The events of one execution: of the run (`step` is None), or of one child of the distributed loop `step`.

    inline    its inline loops with what each costs, for those that may be given executions of their own
    launches  tries of a launch after the first, of each task; or `pool`: of all tasks of a scope together
    open      loops in a circle whose number of iterations only the run knows
    """

    step: plan.ForEach | None
    body: plan.Step
    events: int = 0
    launches: int = plan.LAUNCHES
    pool: int = 0
    inline: list[tuple[int, plan.ForEach]] = field(default_factory=list)
    open: list[plan.ForEach] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """Counts the events of a plan whose states cost `costs`; a launch is tried `usual` times more, where nothing else is said."""

    costs: Costs
    launches: dict[int, int] = field(default_factory=dict)
    pools: dict[int, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    usual: int = plan.LAUNCHES
    _found: list[Counted] = field(default_factory=list)
    _tries: int = plan.LAUNCHES
    _pool: int = 0

    def executions(self, body: plan.Step) -> list[Counted]:
        """Return the run and every kind of child execution, the run first."""
        self._found = []
        self._execution(None, body)
        return self._found

    def count(self, execution: Counted) -> Counted:
        """Count the events of one execution anew, after `launches` or `most` changed."""
        self._found = []
        return self._execution(execution.step, execution.body)

    def _execution(self, step: plan.ForEach | None, body: plan.Step) -> Counted:
        pool = self.pools.get(id(step), next((it.pool or 0 for it in _commands(body)), 0))
        own = 0 if pool else self.launches.get(id(step), self.usual)
        counted = Counted(step, body, launches=own, pool=pool)
        self._found.append(counted)
        before, self._tries, self._pool = (self._tries, self._pool), own, pool
        fixed = (
            self.costs.start + AGAIN * pool * self.costs.scopes
            if step is None
            else self._own(step, lambda it: it.inner)
        )
        counted.events = EXECUTION + fixed + self._step(body, counted)
        self._tries, self._pool = before
        return counted

    def _own(self, step: plan.Step, which: Callable[[Cost], bool] = lambda _: True) -> int:
        """Return the events of one visit to each state that was written for a step itself."""
        mine = self.costs.of.get(id(step), ())
        return sum(
            it.events + AGAIN * (min(it.launches, self._tries) + it.scopes * self._pool) for it in mine if which(it)
        )

    def _step(self, step: plan.Step | None, at: Counted) -> int:
        if step is None or plan.is_empty(step):
            return 0
        if isinstance(step, plan.Sequence):
            return self._own(step) + sum(self._step(it, at) for it in step.steps)
        if isinstance(step, plan.Choose):
            return self._own(step) + max(self._step(step.then, at), self._step(step.otherwise, at))
        if isinstance(step, plan.Switch):
            inner = [*(it for _, it in step.cases), step.otherwise]
            return self._own(step) + max(self._step(it, at) for it in inner)
        if isinstance(step, plan.Guarded):
            return self._guarded(step, at)
        if isinstance(step, plan.Branches):
            return self._branches(step, at)
        if isinstance(step, plan.ForEach):
            return self._for_each(step, at)
        return self._own(step)

    def _guarded(self, step: plan.Guarded, at: Counted) -> int:
        tries = 1 + tries_of(step.retry)
        counter = self._own(step, lambda it: it.state.endswith((" retry", " retry wait")))
        once = self._own(step) - counter
        return once + (counter + self._step(step.body, at)) * tries + self._step(step.handler, at)

    def _branches(self, step: plan.Branches, at: Counted) -> int:
        parts = sum(self._step(it, at) for it in step.steps)
        inner = self._own(step, lambda it: it.inner)
        outer = self._own(step) - inner
        if any(it.state.endswith(" which?") for it in self.costs.of.get(id(step), ())):
            # A Map over their numbers: each branch is an iteration and passes the states that all share.
            return outer + parts + (inner + ITERATION) * len(step.steps)
        return outer + parts + inner

    def _for_each(self, step: plan.ForEach, at: Counted) -> int:
        inner = self._own(step, lambda it: it.inner)
        outer = self._own(step) - inner
        if step.mode == "distributed":
            assert step.body is not None
            self._execution(step, step.body)
            return outer
        if step.mode == "counted":
            return self._circle(step, at)
        assert step.count is not None
        total = outer + (ITERATION + inner + self._step(step.body, at)) * step.count
        at.inline.append((total, step))
        return total

    def _circle(self, step: plan.ForEach, at: Counted) -> int:
        times = step.count if step.count is not None else self.most.get(id(step), 0)
        if step.count is None:
            at.open.append(step)
        each = self._own(step, lambda it: it.state.endswith(" each"))
        once = self._own(step) - each
        return once + each * (times + 1) + self._step(step.body, at) * times


def tries_of(retry: plan.Retry | None) -> int:
    """Return how often a group runs again at most."""
    if retry is None:
        return 0
    return retry.limit if isinstance(retry.limit, int) else plan.UNKNOWN_TRIES


def largest(history: History, execution: Counted) -> tuple[plan.Step, int]:
    """Return the step that most of an execution's events come from, and how many."""
    step, events = execution.body, execution.events
    while True:
        own = Counted(execution.step, step)
        parts = [(history._step(it, own), it) for it in children(step) if it is not None]
        if not parts:
            return step, events
        most, dearest = max(parts, key=lambda it: it[0])
        if isinstance(step, plan.ForEach | plan.Branches) or most * 2 < events:
            return step, events
        step, events = dearest, most


def steps_in(step: plan.Step | None) -> Iterator[plan.Step]:
    """Yield a step and all steps in it."""
    if step is not None:
        yield step
        for inner in children(step):
            yield from steps_in(inner)


def _commands(step: plan.Step) -> Iterator[plan.Command]:
    """Yield the commands of an execution, not those of executions inside it."""
    if isinstance(step, plan.Command):
        yield step
    elif not (isinstance(step, plan.ForEach) and step.mode == "distributed"):
        for inner in children(step):
            if inner is not None:
                yield from _commands(inner)


def children(step: plan.Step) -> Iterator[plan.Step | None]:
    """Yield the steps right inside another."""
    if isinstance(step, plan.Sequence | plan.Branches):
        yield from step.steps
    elif isinstance(step, plan.Choose):
        yield from (step.then, step.otherwise)
    elif isinstance(step, plan.Switch):
        yield from (it for _, it in step.cases)
        yield step.otherwise
    elif isinstance(step, plan.ForEach):
        yield step.body
    elif isinstance(step, plan.Guarded):
        yield from (step.body, step.handler)
