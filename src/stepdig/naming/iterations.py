"""What the machine knows of the iteration it is in: the variables of its loop, and Digdag's name of it for `task_name`."""

from __future__ import annotations

from math import prod

from stepdig.expressions import translate
from stepdig.jsonata_text import field, literal
from stepdig.naming.bindings import Binding, type_of
from stepdig.naming.draft import WHOLE, LoopDraft
from stepdig.naming.scopes import Scope


def loop_variable(loop: LoopDraft, path: tuple[str, ...]) -> tuple[Binding, int] | None:
    """Return what a variable of a loop is bound to and how many segments that covers; note which columns the machine reads."""
    variable = next((it for it in loop.variables if it["name"] == path[0]), None)
    if variable is None:
        return None
    key = str(variable["input"])
    base = f"$states.input.{field(key)}"
    rows = variable["rows"]
    if not isinstance(rows, list):
        return translate.Code(base, "num" if loop.operator == "loop" else "any"), 1
    if not any(isinstance(row, dict) for row in rows):
        return translate.Code(base, type_of(rows)), 1
    columns = loop.columns.setdefault(key, set())
    if len(path) == 1:
        columns.add(WHOLE)
        return translate.Code(base, "any"), 1
    columns.add(path[1])
    values = [row[path[1]] if isinstance(row, dict) and path[1] in row else None for row in rows]
    return translate.Code(f"{base}.{field(path[1])}", type_of(values)), 2


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
        number = f"$string({element(loop, position)})"
        named.append(f"{literal(key)}&{number}&'='&$encodeUrlComponent($substring({text},0,8))")
    return "'for-'&" + "&'&'&".join(named)


def element(loop: LoopDraft, position: int) -> str:
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
