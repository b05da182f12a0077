"""Texts that data could make too long for a payload: they are cut, or measured before they are sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from stepdig import limits, plan
from stepdig.plan import ERROR_TEXT_CHARS

LONGEST_BYTES = 6  # a character in JSON: a control character as \u0001; others four at most
SMALL = 2_000  # a value of a loop up to this size makes no text too long
ERROR_BYTES = LONGEST_BYTES * ERROR_TEXT_CHARS  # of an error's message, or of its stack trace
_DATA = re.compile(r"\$o\d|vars\.o\d|\[[^][]*\.\.")
_PARAMS = re.compile(r"\.params\b")
_ERROR = re.compile(r"\$error\d|vars\.error\d")


def room() -> int:
    """Return the bytes of a payload that data may fill; the rest is for what stands around it."""
    return limits.PAYLOAD_BYTES * 3 // 4


def _text_chars() -> int:
    """Return how long a text may be that is one payload: each character may take six bytes."""
    return room() // LONGEST_BYTES


@dataclass(frozen=True, slots=True)
class Inputs:
    """The state input where a step stands: its bytes; its characters as an override takes them, None when data decides.

    unknown  lists around whose elements only the run knows; `lists` are those, with the key of their number
    rest     characters of the values that are no elements of such a list
    """

    bytes: int = 2
    chars: int | None = 0
    unknown: int = 0
    rest: int = 0
    lists: tuple[tuple[str, plan.ForEach], ...] = ()


def json_bytes(code: str) -> str:
    """Return JSONata for the most bytes a value's JSON has in UTF-8: four for a character that is not ASCII."""
    return f"$length($replace($string({code}),/[^ -~]/,'0000'))"


def fitted(step: plan.Step, at: Inputs) -> plan.Step:
    """Return a step whose texts fit; steps inside of it are as they were."""
    if isinstance(step, plan.Log):
        return replace(step, text=_cut(step.text, _text_chars(), at))
    if isinstance(step, plan.Fail):
        return replace(step, message=_cut(step.message, min(limits.CAUSE_CHARS, _text_chars()), at))
    if isinstance(step, plan.Notify):
        each = _text_chars() // max(1, len(_long(step.message, at)))
        return replace(step, message=_mapped(step.message, lambda it: _cut(it, each, at)))
    if isinstance(step, plan.Choose) and _is_data(step.condition.message, at):
        short = f"$substring({step.condition.message},0,{SMALL})"
        return replace(step, condition=replace(step.condition, message=short))
    return _measured(step, at) if isinstance(step, plan.Call) else step


def _is_data(code: str, at: Inputs) -> bool:
    """Return whether what a text is made of may be too long: stores, long rows, many parameters, many error messages."""
    if _DATA.search(code) or (at.bytes > SMALL and "$states.input" in code):
        return True
    parameters = len(_PARAMS.findall(code)) * limits.START_CHARS * 4
    return len(code) * 2 + parameters + len(_ERROR.findall(code)) * ERROR_BYTES > room()


def _cut(value: plan.Value, chars: int, at: Inputs) -> plan.Value:
    if isinstance(value, plan.Constant) or not _is_data(value.code, at):
        return value
    return replace(value, code=f"$substring({value.code},0,{chars})")


def _long(value: object, at: Inputs) -> list[plan.Computed]:
    """Return the computed values in a structure that may be long."""
    if isinstance(value, plan.Computed):
        return [value] if _is_data(value.code, at) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [it for part in inner for it in _long(part, at)]


def _mapped(value: object, change: Callable[[plan.Computed], object]) -> object:
    if isinstance(value, plan.Computed):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(inner, change) for inner in value]
    return value


def _measured(step: plan.Call, at: Inputs) -> plan.Call:
    """Return a call that fails with our words when what it is to send is too long."""
    found = _long(step.arguments, at)
    if not found:
        return step
    most = room() // len(found)
    words = f"{step.name} sends more than a state can hold: {most} bytes of JSON for each value it is given"
    guards = {it.code: (f"{json_bytes(it.code)}<={most}", words) for it in found}
    own = tuple(dict.fromkeys((*step.guards, *guards.values())))
    changed = _mapped(
        step.arguments,
        lambda it: replace(it, guards=(*it.guards, guards[it.code])) if it.code in guards else it,
    )
    return replace(step, arguments=changed, guards=own)
