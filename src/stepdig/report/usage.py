"""History of a run -> its containers: how long each took to start, how long it ran, of what size; and its billed transitions.

The history is AWS's (GetExecutionHistory) or our engine's. ECS describes a task that has ended with the times of its life, in
milliseconds; of one that it did not describe (stopped by a time limit, still running, run on a laptop) the events' own times
stand. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepdig.report import events, prices
from stepdig.report.prices import Size

_AGAIN = frozenset({"TaskScheduled", "LambdaFunctionScheduled", "MapStateStarted", "ParallelStateStarted"})
_ENDS = frozenset({"TaskSucceeded", "TaskFailed", "TaskTimedOut"})
_REGION = 3  # of an ARN's parts


@dataclass(frozen=True, slots=True)
class Container:
    """One container; times are seconds since 1970.

    created, started  when ECS was asked for it, when its command began; None where nobody told
    billed            when its image began to be pulled; else `created`
    ended             its end; of one that runs, the last event
    region            of its ARN
    """

    state: str
    size: Size
    created: float
    started: float | None
    billed: float
    ended: float
    region: str
    spot: bool = False

    @property
    def start_up(self) -> float | None:
        """Seconds from RunTask to the beginning of the command."""
        return None if self.started is None else max(0.0, self.started - self.created)

    @property
    def seconds(self) -> float:
        """Seconds that are billed, before rounding."""
        return max(0.0, self.ended - self.billed)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took."""

    containers: tuple[Container, ...]
    transitions: int

    def dollars(self, rates: prices.Rates) -> float:
        """Return the estimate: containers as if all were launched on demand, and transitions."""
        return (
            sum(prices.container(it.size, it.seconds, rates) for it in self.containers)
            + self.transitions * prices.TRANSITION
        )


@dataclass(slots=True)
class _Visit:
    """A state that was entered: its name, how often its work was begun, the task that ECS described last."""

    state: str
    scheduled: int = 0
    task: Mapping[str, Any] | None = None
    asked: float = 0.0


def read(history: Iterable[Mapping[str, Any]], size_of: Callable[[str], Size] = lambda _: Size()) -> Usage:
    """Return what a run took; `size_of` gives the size of a state's container where the history does not tell it."""
    return _Reader(size_of).read(history)


@dataclass(slots=True)
class _Reader:
    size_of: Callable[[str], Size]
    transitions: int = 0
    found: list[Container] = field(default_factory=list)
    visits: dict[tuple[str, int], _Visit] = field(default_factory=dict)

    def read(self, history: Iterable[Mapping[str, Any]]) -> Usage:
        last = 0.0
        for event in history:
            last = events.seconds(event["timestamp"])
            self._take(event, last)
        running = {id(it): it for it in self.visits.values() if it.task is not None}
        for visit in running.values():
            self._end(visit, {}, last)
        return Usage(tuple(self.found), self.transitions)

    def _take(self, event: Mapping[str, Any], now: float) -> None:
        kind, execution, details = event["type"], event.get("execution", ""), events.details(event)
        if kind.endswith("StateEntered"):
            self.transitions += 1
            self.visits[execution, event["id"]] = _Visit(details["name"])
            return
        visit = self.visits.get((execution, event.get("previousEventId", 0)))
        if visit is None:
            return
        self.visits[execution, event["id"]] = visit
        if kind in _AGAIN:
            visit.scheduled += 1
            self.transitions += visit.scheduled > 1  # a retry is billed as a transition
        elif kind == "TaskSubmitted" and details.get("resourceType") == "ecs":
            (visit.task,), visit.asked = _object(details.get("output")).get("Tasks") or [{}], now
        elif kind in _ENDS and visit.task is not None:
            self._end(visit, _object(details.get("output") or details.get("cause")), now)

    def _end(self, visit: _Visit, told: Mapping[str, Any], now: float) -> None:
        task = {**(visit.task or {}), **told}
        created = _time(task, "CreatedAt") or visit.asked
        started = _time(task, "StartedAt")
        pulled = _time(task, "PullStartedAt") or created
        ended = _time(task, "StoppedAt") or now
        parts = str(task.get("TaskArn", "")).split(":")
        region = parts[_REGION] if len(parts) > _REGION else ""
        spot = task.get("CapacityProviderName") == "FARGATE_SPOT"
        if started is not None or told.get("StopCode") != "TaskFailedToStart":
            size = _size(task, self.size_of(visit.state))
            self.found.append(Container(visit.state, size, created, started, pulled, ended, region, spot))
        visit.task = None


def _size(task: Mapping[str, Any], own: Size) -> Size:
    """Return the size that ECS tells, else what the run asked for, else the job's own."""
    asked = task.get("Overrides") or {}
    disk = (task.get("EphemeralStorage") or asked.get("EphemeralStorage") or {}).get("SizeInGiB")
    cpu, memory = (task.get(name) or asked.get(name) for name in ("Cpu", "Memory"))
    return Size(int(cpu or own.cpu), int(memory or own.memory), int(disk or own.disk))


def _time(task: Mapping[str, Any], name: str) -> float | None:
    value = task.get(name)
    return value / 1000 if isinstance(value, int | float) else None


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
