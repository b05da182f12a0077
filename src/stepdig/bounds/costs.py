"""Events of each state of a definition in a run's history, all its tries included, by the step it was written for.

Types of events: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepdig import plan
from stepdig.asl.require import DESCRIBE
from stepdig.asl.tries import ASKED, BACK, WAITS
from stepdig.definitions import machines_in

PLAIN = 2  # a state is entered and left
FAIL = 1  # a Fail state is entered
TRY = 4  # of a task whose end is waited for: scheduled, started, submitted, ended
CALL = 3  # of a task whose answer is all: scheduled, started, ended
FAN_OUT = 5  # Map or Parallel: entered, started, ended, left, and an expression that failed
MAP_RUN = 2  # more, of a distributed Map: its Map Run starts and ends
ITERATION = 2  # of an inline Map: starts, ends
EXECUTION = 2  # starts, ends
LOOK = 9  # of the circle in which `require>` waits: a task, a choice, a wait
ROUNDS = 10  # in which a place in S3 is emptied, as we reckon: 1,900 objects
AGAIN = PLAIN + TRY + 3 * PLAIN  # a command's next try: after a choice, a wait, a choice that leads back
DEFAULT_TRIES = 3  # of a Retry without MaxAttempts


@dataclass(frozen=True, slots=True)
class Cost:
    """Events of one visit to a state: `events`, and `AGAIN` for each of `launches`, the tries to launch a container.

    `scopes`: a number of launches is shared by the tasks of so many scopes (1 with the first state that leads back in one).
    """

    state: str
    events: int
    launches: int = 0
    inner: bool = False
    scopes: int = 0


@dataclass(slots=True)
class Costs:
    """The states that were written for each step; those inside the Map or Parallel that the step is are `inner` ones."""

    of: dict[int, list[Cost]] = field(default_factory=dict)
    start: int = 0
    scopes: int = 0

    def add(self, step: plan.Step | None, cost: Cost) -> None:
        """Note a state; one that no step was written for stands before all others."""
        if step is None:
            self.start += cost.events
            self.scopes += cost.scopes
        else:
            self.of.setdefault(id(step), []).append(cost)


def costs(definition: Mapping[str, Any], owners: Mapping[str, plan.Step]) -> Costs:
    """Return what each state of a definition costs."""
    found = Costs()
    _scope(definition, None, owners, found)
    return found


def _scope(scope: Mapping[str, Any], around: plan.Step | None, owners: Mapping[str, plan.Step], found: Costs) -> None:
    for name, state in scope["States"].items():
        step = owners.get(name, around)
        events, launches = _events(state), 0
        if isinstance(step, plan.Required) and state.get("Resource") == DESCRIBE:
            events += LOOK * step.pace[0]
        if isinstance(step, plan.Looked) and step.empties:
            events *= ROUNDS
        if isinstance(step, plan.Command) and name == step.name:
            events, launches = events + AGAIN * _own_tries(step), step.launches
        elif name.endswith((WAITS, BACK)):
            events = 0  # is in that of the task
        # One after another, only one iteration fails.
        once = isinstance(around, plan.ForEach) and around.parallel is None and _ends(name)
        found.add(step, Cost(name, events, launches, inner=around is not None and step is around and not once))
        for inner in machines_in(state):
            _scope(inner, step, owners, found)

    if any(name.endswith(ASKED) for name in scope["States"]):
        found.add(around, Cost("", 0, inner=around is not None, scopes=1))


def _own_tries(step: plan.Command) -> int:
    """Return how often a command runs again by its own `_retry`."""
    return step.retry.limit if step.retry is not None and isinstance(step.retry.limit, int) else 0


def _ends(name: str) -> bool:
    """Return whether a state stands where failures lead."""
    return name.endswith((ASKED, " failed", " failed again", " resume"))


def _events(state: Mapping[str, Any]) -> int:
    """Return the events of a visit."""
    kind = state["Type"]
    if kind == "Task":
        retries = state.get("Retry", ())
        tries = [int(retry.get("MaxAttempts", DEFAULT_TRIES)) for retry in retries]
        resource = str(state["Resource"])
        each = TRY if resource.endswith((".sync", ".waitForTaskToken")) else CALL
        # A result that an expression cannot use is one more event; where such an error is tried again, at each such try.
        anew = [n for n, retry in zip(tries, retries, strict=True) if "States." in str(retry["ErrorEquals"])]
        once = 1 + sum(anew)
        return PLAIN + each * (1 + sum(tries)) + once
    if kind == "Map":
        config = state["ItemProcessor"].get("ProcessorConfig") or {}
        return FAN_OUT + (MAP_RUN if config.get("Mode") == "DISTRIBUTED" else 0)
    return {"Parallel": FAN_OUT, "Fail": FAIL}.get(kind, PLAIN)
