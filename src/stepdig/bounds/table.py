"""The rows of a workflow: each limit of AWS, the worst case of a run, where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stepdig import limits, plan
from stepdig.asl.fanout import CHILDREN_AT_ONCE
from stepdig.bounds.fit import Fitted
from stepdig.bounds.history import Counted, budget, children, largest, steps_in
from stepdig.bounds.override import Override
from stepdig.bounds.payloads import Payloads
from stepdig.bounds.shapes import Row
from stepdig.bounds.stores import Rooms
from stepdig.definitions import machines_in, own_file, whole
from stepdig.runner.outputs import STORES_BYTES


def rows(
    machine: plan.Machine, definition: Mapping[str, Any], size: int, fitted: Fitted, payloads: Payloads, rooms: Rooms
) -> tuple[Row, ...]:
    """Return the rows of a workflow whose definition has `size` bytes as text."""
    return (
        Row("definition", "bytes", limits.DEFINITION_BYTES, size, "", f"{_count(definition):,} states"),
        _names(definition),
        *_histories(fitted),
        *_overrides(machine, payloads),
        *_inputs(payloads),
        *_sums(rooms),
        *_launches(machine),
        *_times(machine.body),
    )


def _scopes(scope: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every state with its name."""
    for name, state in scope["States"].items():
        yield name, state
        for inner in machines_in(state):
            yield from _scopes(inner)


def _count(definition: Mapping[str, Any]) -> int:
    return sum(1 for _ in _scopes(definition))


def _names(definition: Mapping[str, Any]) -> Row:
    name, state = max(_scopes(definition), key=lambda it: len(it[0]))
    where = whole(str(state.get("Comment", "")), own_file(definition))
    return Row("name of a state", "chars", limits.STATE_NAME_CHARS, len(name), where, f"'{name}'")


def _histories(fitted: Fitted) -> Iterator[Row]:
    assert fitted.history is not None
    for execution in fitted.executions:
        step, events = largest(fitted.history, execution)
        name = "events of the run" if execution.step is None else f"events of an item of {execution.step.name}"
        where = step.comment if step.comment else ""
        yield Row(name, "events", budget(), execution.events, where, _why(execution, step, events))


def _why(execution: Counted, step: plan.Step, events: int) -> str:
    """Return where most of an execution's events come from, in words."""
    shared = f", {execution.pool} more tries of launches in all" if execution.pool else ""
    tries = shared or (f", {execution.launches} more tries of a launch" if _any_command(execution.body) else "")
    if isinstance(step, plan.ForEach) and step.count and step.mode != "distributed":
        return f"{step.count:,} iterations of {events // step.count:,}{tries}"
    if isinstance(step, plan.ForEach) and step.most and step.mode == "counted":
        return f"at most {step.most:,} iterations, more are refused{tries}"
    parts = len([it for it in children(step) if it is not None])
    return (f"{events:,} of {parts:,} tasks" if parts > 1 else f"{events:,} of this task") + tries


def _any_command(step: plan.Step) -> bool:
    return any(isinstance(it, plan.Command) for it in steps_in(step))


def _overrides(machine: plan.Machine, payloads: Payloads) -> Iterator[Row]:
    if not payloads.overrides:
        return
    chars, step = max(payloads.overrides, key=lambda it: it[0])
    if step.plain is not None:
        why = f"as written; with what the run puts in, ECS takes {limits.OVERRIDE_CHARS:,}"
        yield Row("container override", "chars", limits.OVERRIDE_OURS_CHARS, chars, step.comment, why)
        return
    override = Override(machine.prefix)
    known = (
        f"{chars - override.fixed(step):,} of loop variables"
        if step.room is None
        else "a longer element is taken from S3"
        if step.lists
        else "the task fails above it"
    )
    why = f"{limits.START_CHARS:,} of the run's input, {known}"
    yield Row("container override", "chars", limits.OVERRIDE_OURS_CHARS, chars, step.comment, why)


def _inputs(payloads: Payloads) -> Iterator[Row]:
    for name, (size, step, why) in payloads.largest.items():
        yield Row(name, "bytes", limits.PAYLOAD_BYTES, size, step.comment, why)


def _sums(rooms: Rooms) -> Iterator[Row]:
    """Return the stores that states read, and the sums they stand in."""
    if rooms.bytes:
        key = min(rooms.bytes, key=lambda it: rooms.bytes[it])
        room = rooms.bytes[key]
        why = f"the runner holds each task to its room; the least is {room:,} bytes"
        where = next((it.step.comment for it in rooms.sums if it.each == room), "")
        worst = max(rooms.bytes.values()) + limits.PAYLOAD_BYTES - STORES_BYTES
        yield Row(
            "stores that states read", "bytes", limits.PAYLOAD_BYTES, min(worst, limits.PAYLOAD_BYTES), where, why
        )
    for it in rooms.sums:
        worst = it.fixed + sum(weight * rooms.bytes[key] for key, weight in it.weights.items())
        count = sum(it.weights.values())
        where = "" if it.step is rooms.machine.body else it.step.comment
        yield Row(it.what, "bytes", it.most, worst, where, f"{count:,} stored values, {it.fixed:,} bytes beside")


def _launches(machine: plan.Machine) -> Iterator[Row]:
    """Return how many containers may be launched at once. More is no failure: AWS refuses, and a launch is tried again."""
    found = _at_once(machine.body)
    if found[0]:
        number, step = found
        why = f"then {limits.LAUNCHES_PER_SECOND} a second; what AWS refuses is tried again"
        yield Row("launches at once", "tasks", limits.LAUNCHES_AT_ONCE, number, step.comment, why, soft=True)


def _at_once(step: plan.Step) -> tuple[int, plan.Step]:
    """Return how many containers a step may run at the same time, and the step that most of them are of."""
    if isinstance(step, plan.Command):
        return 1, step
    inner = [(_at_once(it)) for it in children(step) if it is not None]
    if not inner:
        return 0, step
    most = max(inner, key=lambda it: it[0])
    if isinstance(step, plan.Branches):
        together = sorted((number for number, _ in inner), reverse=True)[: step.limit or len(inner)]
        return sum(together), step
    if isinstance(step, plan.ForEach) and step.parallel is not None:
        limit = step.parallel if isinstance(step.parallel, int) and step.parallel else _unlimited(step)
        return most[0] * min(limit, step.count or limit), step
    return most


def _unlimited(step: plan.ForEach) -> int:
    return limits.INLINE_MAP_CONCURRENCY if step.mode == "map" else CHILDREN_AT_ONCE


def _times(body: plan.Step) -> Iterator[Row]:
    """Return the longest wait and the longest time limit that are known."""
    kinds: tuple[tuple[str, int, Callable[[plan.Step], object]], ...] = (
        ("wait", limits.WAIT_SECONDS, _wait_seconds),
        ("time limit of a task", limits.TIMEOUT_SECONDS, lambda it: getattr(it, "timeout", None)),
    )
    for name, most, seconds_of in kinds:
        found = [(value, it) for it in steps_in(body) if isinstance(value := seconds_of(it), int)]
        if found:
            seconds, step = max(found, key=lambda it: it[0])
            yield Row(name, "seconds", most, seconds, step.comment, "")


def _wait_seconds(step: plan.Step) -> object:
    seconds = step.seconds if isinstance(step, plan.Wait) else None
    return seconds.value if isinstance(seconds, plan.Constant) else None


def as_json(row: Row) -> dict[str, object]:
    """Return a row for machines to read."""
    shown: dict[str, object] = {name: getattr(row, name) for name in ("limit", "unit", "most", "worst", "where", "why")}
    return {**shown, "headroom": None if row.headroom is None else round(row.headroom, 4)}
