"""How large the stored values may be that states of the machine read: what a task stores is fetched into a variable, and
what tasks of a loop or of branches store is handed out as one result.

Nobody can bound what a program stores, so the room is shared out here and the task's runner holds the program to it
(`runner.outputs`): the task fails and says so, long before AWS would end the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepdig import limits, plan
from stepdig.bounds.history import children
from stepdig.bounds.payloads import STORING_ITERATIONS
from stepdig.bounds.places import problem
from stepdig.problem import Problem
from stepdig.runner.outputs import STORES_BYTES

ASIDE = 4_000  # punctuation, names, what S3 says of an object
LEAST_BYTES = 100  # less room is of no use
RUN_BYTES = 5 * limits.START_CHARS + 8_000  # the run object with the rows of a zone
ERROR_BYTES = 2 * 6 * plan.ERROR_TEXT_CHARS  # message and stack trace
Weights = dict[str, int]


@dataclass(frozen=True, slots=True)
class Sum:
    """What has to fit into `most` bytes at one place: `fixed`, and the stores of tasks so many times."""

    step: plan.Step
    what: str
    most: int
    fixed: int
    weights: Mapping[str, int]

    @property
    def each(self) -> int:
        """Return the bytes that are left for the stores of each task."""
        return (self.most - self.fixed) // max(1, sum(self.weights.values()))


@dataclass(slots=True)
class Rooms:
    """The room of each task whose stores states read, in bytes of JSON, and what it comes from."""

    machine: plan.Machine
    sums: list[Sum] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _vars: dict[str, Weights] = field(default_factory=dict)
    _fixed: dict[str, int] = field(default_factory=dict)
    _total: Weights = field(default_factory=dict)
    _copies: int = 1  # iterations at once in this execution, each with variables of its own

    def find(self) -> Rooms:
        """Share out the room; notes a problem where there is none."""
        if not self.machine.fetches:
            return self
        self._walk(self.machine.body, {})
        most = limits.VARIABLES_TOTAL_BYTES
        self.sums.append(Sum(self.machine.body, "all variables", most, most // 10, self._total))
        self.bytes = {key: STORES_BYTES for key in self.machine.fetches if key not in self._fixed}
        for it in self.sums:
            if it.fixed > it.most or (it.weights and it.each < LEAST_BYTES):
                self._none(it)
            for key in it.weights:
                self.bytes[key] = min(self.bytes[key], it.each)
        return self

    def _none(self, it: Sum) -> None:
        count = sum(it.weights.values())
        stores = f", and {count:,} stored values" if count else ""
        text = f"{it.what} hold {it.fixed:,} bytes{stores} that states read; AWS allows {it.most:,}"
        hint = "let a command read them: what only commands read goes through S3, whatever its size"
        self.problems.append(problem(it.step, "SD506", text, hint))

    def _size(self, variable: str) -> tuple[int, Weights]:
        """Return the bytes and the stores that a variable holds."""
        if variable.startswith("error"):
            return ERROR_BYTES, {}
        return self._fixed.get(variable, 0), self._vars.get(variable, {})

    def _sum(self, step: plan.Step, what: str, variables: list[str], times: int, fixed: int = 0) -> None:
        sizes = [self._size(it) for it in variables]
        weights: Weights = {}
        for _, own in sizes:
            _add(weights, own, times)
        bytes_ = sum(own for own, _ in sizes) * times + fixed + ASIDE
        if weights or bytes_ > limits.PAYLOAD_BYTES:
            self.sums.append(Sum(step, what, limits.PAYLOAD_BYTES, bytes_, weights))

    def _walk(self, step: plan.Step | None, around: dict[str, int]) -> None:
        """Go down; `around` tells for each task how many iterations of loops in a circle are merged in one variable."""
        if step is None:
            return
        if isinstance(step, plan.Command | plan.Call) and step.name in self.machine.fetches:
            self._fetched(step, around.get(step.name, 0))
        if isinstance(step, plan.ForEach):
            self._for_each(step, around)
            return
        for inner in children(step):
            self._walk(inner, around)
        if isinstance(step, plan.Branches):
            pairs = [pair for frame in step.frames for pair in self.machine.gathers.get(frame, ())]
            self._gathered(step, pairs, 1)

    def _fetched(self, step: plan.Command | plan.Call, merged: int) -> None:
        variable = self.machine.fetches[step.name].variable
        if isinstance(step, plan.Call):
            # What a call stores stands in place of what it stored in an earlier iteration, so that merging adds nothing.
            self._fixed[variable], self._fixed[f"{variable}e"] = step.answer, step.answer if merged else 0
            self._fixed[step.name] = step.answer
            return
        self._vars[variable] = {step.name: 1}
        if merged:
            self._vars[f"{variable}e"] = {step.name: merged}
        _add(self._total, {step.name: 1 + merged}, self._copies)

    def _for_each(self, step: plan.ForEach, around: dict[str, int]) -> None:
        times = step.count if step.count is not None else step.most or STORING_ITERATIONS
        inside = dict(around)
        if step.mode == "counted":
            inside.update({key: around.get(key, 1) * times for key in step.stores})
        before = self._copies
        self._copies *= _at_once(step)
        self._walk(step.body, inside)
        self._copies = before
        if step.mode == "counted":
            keys = [key for key in step.stores if key in self.machine.fetches]
            variables = [self.machine.fetches[key].variable for key in keys]
            fixed = limits.PAYLOAD_BYTES * 3 // 4 if step.count is None else 40 * times
            self._sum(step, "the iterations of this loop", [f"{it}e" for it in variables] + variables, 1, fixed)
        if step.mode == "distributed":
            given = [name for name, _ in step.passes]
            self._sum(step, "what each child execution is given", given, 1, RUN_BYTES + ASIDE)
        self._gathered(step, list(self.machine.gathers.get(step.frame, ())), times)

    def _gathered(self, step: plan.Step, pairs: list[tuple[str, str]], times: int) -> None:
        """Note what an inner scope hands out as one result, and the variables it goes to."""
        if not pairs:
            return
        parts = len(step.frames) if isinstance(step, plan.Branches) else times
        names = sum(len(inner) + 8 for inner, _ in pairs) * parts
        self._sum(step, "the results of its parts", [inner for inner, _ in pairs], times, names)
        for inner, outer in pairs:
            fixed, weights = self._size(inner)
            self._fixed[outer] = self._fixed.get(outer, 0) + fixed * times
            _add(self._vars.setdefault(outer, {}), weights, times)
            _add(self._total, weights, times * self._copies)


def _at_once(step: plan.ForEach) -> int:
    """Return how many iterations of a loop run at once in one execution."""
    if step.parallel is None or step.mode != "map":
        return 1
    limit = step.parallel if isinstance(step.parallel, int) and step.parallel else limits.INLINE_MAP_CONCURRENCY
    return min(limit, limits.INLINE_MAP_CONCURRENCY, step.count or limit)


def _add(weights: Weights, more: Mapping[str, int], times: int) -> None:
    for key, number in more.items():
        weights[key] = weights.get(key, 0) + number * times
