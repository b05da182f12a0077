"""Makes a plan fit payloads: texts that data could make too long are cut, lists that only the run knows are measured before
they are used, results of failed items are as short as their number asks for. What cannot fit is a problem.

A payload is a state's input or output, a task's arguments or result, a variable. Sizes are bytes of compact JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepdig import limits, plan
from stepdig.asl.tokens import output_key
from stepdig.bounds import texts
from stepdig.bounds.history import steps_in
from stepdig.bounds.override import Override, escaped
from stepdig.bounds.places import problem
from stepdig.bounds.texts import LONGEST_BYTES, Inputs, json_bytes, room
from stepdig.problem import Problem

REASON_CHARS = 80  # of a failed item's reason where there is room
LEAST_REASON = 14  # "exit code 137"; with less room the reason is left out
FAILED_BYTES = 14  # {"failed":{}}, around the item of a failed item's result
REASON_BYTES = 36  # "error":"","reason":"",
# Of a list that only the run knows, where states read what its tasks store: one payload holds all.
STORING_ITERATIONS = 500
LIST = "list.json"
LIST_CHARS = 200  # of where a list is in S3, beside the names: the execution's, indexes, punctuation
NUMBER_CHARS = 20
RANGE_BYTES = 90  # the value of an iteration of for_range>: from, to and index
WHOLE_BYTES = REASON_BYTES + LONGEST_BYTES * (limits.ERROR_CHARS + REASON_CHARS)  # error and reason as they come


@dataclass(slots=True)
class Payloads:
    """Goes down a plan and returns it with what has to be cut or measured."""

    override: Override
    gathers: Mapping[int, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    overrides: list[tuple[int, plan.Command]] = field(default_factory=list)
    largest: dict[str, tuple[int, plan.Step, str]] = field(default_factory=dict)

    def _note(self, what: str, size: int, step: plan.Step, why: str) -> None:
        """Remember the largest payload of a kind."""
        if what not in self.largest or size > self.largest[what][0]:
            self.largest[what] = (size, step, why)

    def fitted(self, step: plan.Step, at: Inputs) -> plan.Step:
        """Return a step that fits."""
        if isinstance(step, plan.Sequence):
            return replace(step, steps=self._many(step.steps, at))
        if isinstance(step, plan.Branches):
            told = _told(len(step.steps), FAILED_BYTES + 10)
            return replace(step, steps=self._many(step.steps, replace(at, bytes=at.bytes + 10)), told=told)
        if isinstance(step, plan.Switch):
            cases = tuple((test, self.fitted(it, at)) for test, it in step.cases)
            return replace(step, cases=cases, otherwise=self._maybe(step.otherwise, at))
        if isinstance(step, plan.Choose):
            step = replace(step, then=self._maybe(step.then, at), otherwise=self._maybe(step.otherwise, at))
            return texts.fitted(step, at)
        if isinstance(step, plan.Guarded):
            return replace(step, body=self._maybe(step.body, at), handler=self._maybe(step.handler, at))
        if isinstance(step, plan.ForEach):
            return self._for_each(step, at)
        if isinstance(step, plan.Command):
            return self._command(step, at)
        return texts.fitted(step, at)

    def _many(self, steps: tuple[plan.Step, ...], at: Inputs) -> tuple[plan.Step, ...]:
        return tuple(self.fitted(it, at) for it in steps)

    def _maybe(self, step: plan.Step | None, at: Inputs) -> plan.Step | None:
        return None if step is None else self.fitted(step, at)

    def _command(self, step: plan.Command, at: Inputs) -> plan.Command:
        if step.plain is not None:
            return self._plain(step)
        left = self.override.room(step)
        if at.chars is None:
            step = replace(step, room=self.override.text(step), lists=self._lists(step, at, left))
            self.overrides.append((limits.OVERRIDE_OURS_CHARS, step))
            return step
        self.overrides.append((self.override.fixed(step) + at.chars, step))
        if at.chars > left:
            text = (
                f"the loop variables of this task may have {at.chars:,} characters in the container's override; it may "
                f"have {limits.OVERRIDE_OURS_CHARS:,} in all, and {left:,} are left beside the run's own"
            )
            hint = "read long values in the command, or shorten the columns that if> and echo> read"
            self.problems.append(problem(step, "SD507", text, hint))
        return step

    def _plain(self, step: plan.Command) -> plan.Command:
        chars = self.override.plain(step)
        self.overrides.append((chars, step))
        if chars > limits.OVERRIDE_OURS_CHARS:
            text = (
                f"the command and the environment of this task have {chars:,} characters in the container's override; "
                f"they may have {limits.OVERRIDE_OURS_CHARS:,}"
            )
            self.problems.append(problem(step, "SD625", text, "put the command into a script of the image"))
        return step

    def _lists(self, step: plan.Command, at: Inputs, left: int) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Return where the runner finds the elements of lists that only the run knows, if there is room to say so."""
        if at.rest + sum(len(self.override.prefix) + len(loop.name) + LIST_CHARS for _, loop in at.lists) > left:
            return ()
        return tuple(
            (number, output_key(loop.name, step.run, loop.index, LIST), tuple(key for key, _ in loop.selector[1:]))
            for number, loop in at.lists
        )

    def _for_each(self, step: plan.ForEach, at: Inputs) -> plan.ForEach:
        keys = sum(len(escaped(key)) + 6 for key, _ in step.selector)
        total, largest, chars = _entries(step)
        unknown = total is None
        listed: tuple[tuple[str, plan.ForEach], ...] = ()
        if total is None and _numbers(step):
            total, largest, chars, unknown = room(), RANGE_BYTES, RANGE_BYTES, False
            step = _weighed(step, total, FAILED_BYTES + REASON_BYTES + 4 * LEAST_REASON)
        elif total is None:
            listed = ((step.selector[0][0], step),)
            total = largest = room() // (at.unknown + 1)
            each = FAILED_BYTES + REASON_BYTES + 4 * LEAST_REASON
            step = _weighed(step, total, max(each, total // STORING_ITERATIONS) if step.frame in self.gathers else each)
        elif total > limits.PAYLOAD_BYTES:
            self._too_long(step, f"its entries have {total:,} bytes")
        why = "more is refused when the run comes here" if unknown else ""
        self._note("list of a loop", total, step, why or f"{step.count or 0:,} entries")
        if listed and any(isinstance(it, plan.Command) for it in steps_in(step.body)):
            step = replace(step, listed=output_key(step.name, step.run, step.index, LIST))
        rest = at.rest + keys + (NUMBER_CHARS if chars is None else chars)
        inside = Inputs(at.bytes + keys + largest, None, at.unknown + unknown, rest, (*at.lists, *listed))
        self._note("input of an item", inside.bytes, step, why)
        if chars is not None and at.chars is not None:
            inside = replace(inside, chars=at.chars + keys + chars)
        if step.parallel is not None:
            own = FAILED_BYTES + keys + largest + (at.bytes if step.mode != "distributed" else 0)
            told = LEAST_REASON if unknown else _told(step.count or 0, own)
            if told is not None and told < 0 and total <= limits.PAYLOAD_BYTES:
                self._too_long(
                    step, f"the results of {step.count:,} items that failed have {(step.count or 0) * own:,} bytes"
                )
            self._note("results of items that all fail", *_failing(step, own, told, total), why)
            step = replace(step, told=told)
        return replace(step, body=self._maybe(step.body, inside))

    def _too_long(self, step: plan.ForEach, what: str) -> None:
        text = f"this list is too long for one Map: {what}; Step Functions takes {limits.PAYLOAD_BYTES:,}"
        hint = "split the list: a loop over its parts, and in it a loop over the elements of a part"
        self.problems.append(problem(step, "SD505", text, hint))


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _numbers(step: plan.ForEach) -> bool:
    """Return whether the entries are numbers, of `loop>` and `for_range>`."""
    return isinstance(step.entries, plan.Computed) and step.entries.code.startswith("[0..")


def _entries(step: plan.ForEach) -> tuple[int | None, int, int | None]:
    """Return the bytes of all entries and of the largest, its characters in an override; None for what the run decides."""
    if isinstance(step.entries, plan.Constant) and isinstance(step.entries.value, list | tuple):
        texts = list(map(_compact, step.entries.value))
        sizes = [len(it) if it.isascii() else len(it.encode()) for it in texts]
        return sum(sizes) + len(sizes) + 1, max(sizes, default=0), max((len(escaped(it)) for it in texts), default=0)
    if step.count is not None:  # numbers from 0 on
        digits = len(str(step.count))
        value = digits if all(code == "$item" for _, code in step.selector) else RANGE_BYTES
        return step.count * (digits + 1) + 2, value, value
    return None, 0, None


def _told(count: int, own: int) -> int | None:
    """Return how many characters of a reason each failed item may tell: None as they come, -1 when nothing fits."""
    if not count or count * (own + WHOLE_BYTES) <= room():
        return None
    chars = min(REASON_CHARS, (room() // count - own - REASON_BYTES) // 4)
    if chars >= LEAST_REASON:
        return chars
    return 0 if count * own + 2 <= limits.PAYLOAD_BYTES else -1


def _failing(step: plan.ForEach, own: int, told: int | None, total: int) -> tuple[int, plan.Step]:
    """Return the bytes of the results of a loop whose items all fail; of a list that only the run knows, its guard's."""
    if step.count is None:
        return total, step
    more = WHOLE_BYTES if told is None else REASON_BYTES + 4 * told if told else 0
    return step.count * (own + more) + 2, step


def _weighed(step: plan.ForEach, most: int, each: int) -> plan.ForEach:
    """Return a loop that fails with our words when its list, and what failed items tell of it, is too long for a payload."""
    assert isinstance(step.entries, plan.Computed)
    code = step.entries.code
    words = f"the list of {step.name} is too long: its JSON and {each} bytes for each element may have {most} bytes"
    guard = (f"($e:={code};{json_bytes('$e')}+{each}*$count($e)<={most})", words)
    return replace(step, entries=replace(step.entries, guards=(*step.entries.guards, guard)))
