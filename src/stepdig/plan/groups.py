"""Steps made of steps: one after another, side by side, for each entry, under a handler."""

from __future__ import annotations

from dataclasses import dataclass

from stepdig.plan.steps import Step
from stepdig.plan.values import Condition, Constant, Number, Retry, Value


@dataclass(frozen=True, slots=True)
class Sequence(Step):
    """One step after the other; empty is allowed and does nothing."""

    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Choose(Step):
    """Run one of two steps."""

    condition: Condition = Condition("true", "false")
    then: Step | None = None
    otherwise: Step | None = None


@dataclass(frozen=True, slots=True)
class Switch(Step):
    """Run the step of the first case that holds: (JSONata test, step) pairs; else `otherwise`."""

    cases: tuple[tuple[str, Step], ...] = ()
    otherwise: Step | None = None
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Branches(Step):
    """Run steps at the same time, at most `limit` of them; all run to their end, then a failure fails the step.

    `frames` are the numbers of the branches' scopes of variables; `around` are the keys of the state input; `told` is as
    for a loop. `decided`: the first one decides: its end, or failure, is that of the step, whatever the others do.
    """

    steps: tuple[Step, ...] = ()
    limit: int | None = None
    frames: tuple[int, ...] = ()
    around: tuple[str, ...] = ()
    told: int | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True)
class ForEach(Step):
    """Run `body` for each entry of `entries`.

    entries   a list, or JSONata that gives one; an entry is what the console shows of an item
    selector  key of the state input -> JSONata over `$item`, the entry
    around    keys of the state input that the iterations keep from the loops around
    back      JSONata over `$input`, a state input of an iteration, that gives its entry again
    parallel  None: one after another, stop at the first failure; else all run, at most `parallel` at once (0: no limit)
    mode      "map" (in this execution), "distributed" (child executions) or "counted" (states in a circle: iterations
              that see the stores of earlier ones)
    label     JSONata over `$input` (a state input of an iteration) that names the item for a person
    passes    variables of outer scopes that a distributed iteration reads, and JSONata for each
    frame     number of the iterations' scope of variables
    stores    keys of the tasks inside that may store
    run       JSONata of the run object around the loop
    count     number of entries where known
    most      number of entries that a counted loop takes: its events stand in the history of the run
    index     JSONata for the index of each loop around
    listed    JSONata of where in S3 commands find the entries, which may be too long for an override
    told      characters of its reason that a failed iteration hands on; None: error and reason as they come
    narrow    JSONata of the names asked for (nothing: all), and of what an entry is called; one pair for each list
    """

    entries: Value = Constant(())
    selector: tuple[tuple[str, str], ...] = ()
    around: tuple[str, ...] = ()
    back: str = "$input"
    body: Step | None = None
    parallel: Number | None = None
    mode: str = "map"
    label: str = ""
    passes: tuple[tuple[str, str], ...] = ()
    frame: int = 0
    stores: tuple[str, ...] = ()
    run: str = "$run"
    count: int | None = None
    most: int | None = None
    index: tuple[str, ...] = ()
    listed: str = ""
    told: int | None = None
    narrow: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Guarded(Step):
    """Run `body`; when it fails, run it again as `retry` says, then run `handler`, then fail with the first error.

    With `ignored` the run goes on instead of failing.
    `error_variable` receives {"message": ...} before the handler runs. `stores` are the keys of the tasks inside that may
    store: a new try begins without what they stored. `index` and `run` are as for a command.
    """

    body: Step | None = None
    retry: Retry | None = None
    handler: Step | None = None
    error_variable: str = ""
    stores: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    run: str = "$run"
    ignored: bool = False


def is_empty(step: Step | None) -> bool:
    """Return whether a step does nothing at all, so that no state is made for it."""
    return step is None or (isinstance(step, Sequence) and all(is_empty(inner) for inner in step.steps))
