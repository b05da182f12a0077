"""Digdag's names of iterations, put together by the machine for `task_name` inside loops."""

from __future__ import annotations

from math import prod

from stepdig.draft import LoopDraft
from stepdig.expressions import translate
from stepdig.jsonata_text import field, literal
from stepdig.scopes import Scope


def task_name(scope: Scope) -> translate.Known | translate.Code:
    """Return Digdag's full name of a task, the iterations of its loops filled in by the machine."""
    if not scope.loops:
        return translate.Known(scope.full)
    parts: list[str] = []
    rest = scope.full
    for loop in scope.loops:
        before, _, rest = rest.partition(f"[{loop}]")
        parts += [literal(before), _iteration_name(scope.draft.loops[loop])]
    return translate.Code(f"({'&'.join([*parts, literal(rest)])})", "str")


def _iteration_name(loop: LoopDraft) -> str:
    """Return JSONata for the name Digdag gives an iteration, without the `+` before it."""
    inputs = [f"$states.input.{field(str(it['input']))}" for it in loop.variables]
    if loop.operator == "loop":
        return f"'loop-'&$string({inputs[0]})"
    if loop.operator == "for_range":
        return f"'range-from='&$string({inputs[0]}.from)&'&to='&$string({inputs[0]}.to)"
    named = []
    for position, (variable, value) in enumerate(zip(loop.variables, inputs, strict=True)):
        key = f"{position}={str(variable['name'])[:8]}="
        text = f"$type({value})='string'?{value}:$string({value})"
        number = f"$string({_element(loop, position)})"
        named.append(f"{literal(key)}&{number}&'='&$encodeUrlComponent($substring({text},0,8))")
    return "'for-'&" + "&'&'&".join(named)


def _element(loop: LoopDraft, position: int) -> str:
    """Return JSONata for the index of an element in its own list."""
    first = f"$states.input.{field(str(loop.variables[0]['input']))}"
    rows = [it["rows"] if isinstance(it["rows"], list) else [] for it in loop.variables]
    if loop.numbered:
        below = prod(len(it) for it in rows[position + 1 :])
        number = f"$states.input.{field(str(loop.variables[0]['input']) + '#')}"
        return f"$floor({number}/{below})%{len(rows[position]) or 1}" if len(rows) > 1 else number
    label = loop.variables[0]["label"]
    names = [row[label] if isinstance(row, dict) else row for row in rows[0]]
    value = f"($type({first})='object'?{first}.{field(str(label))}:{first})" if label is not None else first
    return f"$lookup({literal({str(name): index for index, name in enumerate(names)})},{value})"
