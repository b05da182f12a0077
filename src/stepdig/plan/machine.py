"""The whole of a workflow, with what its states read of stores and of its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepdig.language.model import Input
from stepdig.plan.steps import Step


@dataclass(frozen=True, slots=True)
class Fetched:
    """Stored names of one task that states read: fetched into `variable` of the scope `frame` when the task has ended."""

    variable: str
    frame: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list that `only` narrows at start: the path of its loop, without the first `+`, and the names of its rows."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """The whole of a workflow.

    prefix   of the keys of a run's outputs, before the execution's name
    offsets  the zone of session times: (UTC seconds of a transition, offset seconds from then on), the first with None
    fetches  key of a task -> what states read of its stores
    outputs  keys of the calls whose stores later command tasks may read: they leave them in S3 as a command does
    gathers  number of an inner scope -> (variable inside, variable outside) that its iterations or branch return
    commands whether there is any command task
    inputs   declared parameters, which the first state checks; None: anything may be given
    lists    the lists that `only` narrows
    scheduled whether the start may be given the sessions around this one
    environments names of those that exports tell apart; the run is in one of them
    """

    comment: str
    prefix: str
    offsets: tuple[tuple[int | None, int], ...]
    body: Step
    fetches: Mapping[str, Fetched]
    gathers: Mapping[int, tuple[tuple[str, str], ...]]
    needs_zone: bool = False
    commands: bool = True
    inputs: tuple[Input, ...] | None = None
    lists: tuple[NamedList, ...] = ()
    outputs: frozenset[str] = frozenset()
    scheduled: bool = False
    environments: tuple[str, ...] = ()
