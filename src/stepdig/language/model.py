"""The workflow as written: what `parse` gives and `lower` takes. Frozen shapes, each with the place it came from."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from stepdig.problem import Position
from stepdig.source.tree import Mapping, Node, Scalar

Number = int | Scalar  # a number, or the template that gives one when the task runs


@dataclass(frozen=True, slots=True)
class Retry:
    """`_retry`: how often a task or group runs again; N retries are N + 1 runs.

    `interval` and `max_interval` are seconds; with `exponential` the wait is interval * 2^n, capped by max_interval.
    """

    limit: Number
    interval: Number
    max_interval: Number | None
    exponential: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Parallel:
    """`_parallel: true` (limit None) or `{limit: N}`; absent or false is no Parallel at all.

    Of a loop, `limit` may be a template, and `switch` the template that says whether it runs in parallel.
    """

    limit: Number | None
    at: Position
    switch: Scalar | None = None


@dataclass(frozen=True, slots=True)
class After:
    """One name in `_after`: the sibling that must have succeeded first."""

    name: str
    at: Position


@dataclass(frozen=True, slots=True)
class Task:
    """A task or a group of a workflow.

    name      its key, `+load`; bodies that Digdag generates have a name with `^`: `^sub`, `^error`
    operator  `sh` of `sh>: ...`; None for a group
    argument  the value behind the operator's key; None when that is null or absent
    options   the other local keys of an operator task (also `_env`), in the order written; `keys` where their names stand
    bodies    `_do` and `_else_do`, parsed as tasks named `^sub`
    children  the `+` keys of a group, in the order written; empty for an operator task and a disabled task
    export    `_export`, or None
    error     the body of `_error` as a task named `^error`, or None
    check     the body of `_check` as a task named `^check`, or None; a group's is never run, as in Digdag
    after     the siblings that `_after` names
    env       `_env` of a group, for the commands inside; a command's own is among its options
    timeout   `_timeout` in seconds, or None
    ignore_failure  whether the failure of the task or group leaves the workflow going on
    """

    name: str
    at: Position
    operator: str | None = None
    operator_at: Position | None = None
    argument: Node | None = None
    options: MappingOf[str, Node] = field(default_factory=dict)
    keys: MappingOf[str, Scalar] = field(default_factory=dict, compare=False, repr=False)
    bodies: MappingOf[str, Task] = field(default_factory=dict)
    children: tuple[Task, ...] = ()
    export: Mapping | None = None
    retry: Retry | None = None
    parallel: Parallel | None = None
    background: bool = False
    error: Task | None = None
    check: Task | None = None
    after: tuple[After, ...] = ()
    env: Mapping | None = None
    timeout: int | None = None
    ignore_failure: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A parameter that a workflow declares under `params:`.

    type      a row of `input_types.TYPES`
    default   as written, with its templates; None: null, unless it is `required`, so that it must be given
    values    the allowed ones; none: any
    """

    name: str
    at: Position
    type: str
    default: Node | None = None
    required: bool = False
    values: tuple[object, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Sla:
    """`sla:`: by when a run should have ended, and what happens when it has not.

    seconds  after midnight of the workflow's zone when `clock`, the first such time after the start; else after the start
    alert    whether Slack is told; `fail` whether the run fails at its end; `body` the tasks that run, as a group `^sla`
    """

    at: Position
    seconds: int
    clock: bool
    alert: bool
    fail: bool
    body: Task | None


@dataclass(frozen=True, slots=True)
class Workflow:
    """One `.dig` file. `root` is its top level as a group named `+<name>`; `timezone` an IANA name or an offset.

    `schedule` is kept as written. `params` are the declared inputs; None: anything may be given, as in Digdag.
    """

    name: str
    path: str
    timezone: str
    root: Task
    schedule: Mapping | None = None
    sla: Sla | None = None
    params: tuple[Input, ...] | None = None
