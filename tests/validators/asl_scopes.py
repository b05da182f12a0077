"""The shape of a definition for checks: its scopes (the machine, each branch, each item processor) and their graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scope:
    """One `States` object; `owner` is the Map or Parallel state around it, in the scope `outer`."""

    where: str
    start: str
    states: dict[str, Any]
    outer: Scope | None = None
    owner: str = ""
    distributed: bool = False


def scopes(definition: dict[str, Any], where: str = "", outer: Scope | None = None, owner: str = "") -> Iterator[Scope]:
    """Yield the scope of a definition and of everything inside it, outer before inner."""
    mode = definition.get("ProcessorConfig", {}).get("Mode", "INLINE")
    scope = Scope(
        where, definition.get("StartAt", ""), definition.get("States", {}), outer, owner, mode == "DISTRIBUTED"
    )
    yield scope
    for name, state in scope.states.items():
        if "ItemProcessor" in state:
            yield from scopes(state["ItemProcessor"], f"{where}{name} / ", scope, name)
        for number, branch in enumerate(state.get("Branches", [])):
            yield from scopes(branch, f"{where}{name} [{number}] / ", scope, name)


def ways(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every way out of a state as (the next state, the Assign that is done on that way)."""
    if "Next" in state:
        yield state["Next"], state.get("Assign", {})
    if "Default" in state:
        yield state["Default"], state.get("Assign", {})
    for rule in [*state.get("Choices", []), *state.get("Catch", [])]:
        yield rule.get("Next", ""), rule.get("Assign", {})


def graph_findings(definition: dict[str, Any]) -> list[str]:
    """Say what is wrong with the arrows: unknown targets, states no arrow reaches, ends missing, names used twice."""
    found: list[str] = []
    seen: set[str] = set()
    for scope in scopes(definition):
        reached = _reached(scope)
        if scope.start not in scope.states:
            found.append(f"{scope.where}StartAt {scope.start!r} is no state")
        for name, state in scope.states.items():
            lost = [to for to, _ in ways(state) if to not in scope.states]
            found += [f"{scope.where}{name}: goes to {to!r}, which is no state of its scope" for to in lost]
            if name not in reached:
                found.append(f"{scope.where}{name}: no arrow reaches it")
            if name in seen:
                found.append(f"{scope.where}{name}: the name is used twice in the machine")
            if len(name) > 80:
                found.append(f"{scope.where}{name}: the name has {len(name)} characters, 80 are allowed")
            found += [f"{scope.where}{name}: {text}" for text in _ends(state)]
            seen.add(name)
        if not any(state.get("End") or state["Type"] in ("Succeed", "Fail") for state in scope.states.values()):
            found.append(f"{scope.where}no state ends it")
    return found


def _reached(scope: Scope) -> set[str]:
    reached, todo = set(), [scope.start]
    while todo:
        name = todo.pop()
        if name in scope.states and name not in reached:
            reached.add(name)
            todo += [to for to, _ in ways(scope.states[name])]
    return reached


def _ends(state: dict[str, Any]) -> Iterator[str]:
    """https://states-language.net/spec.html#transitions: Next or End, but for Choice, Succeed and Fail."""
    ends = ("Next" in state) + bool(state.get("End"))
    if state["Type"] in ("Choice", "Succeed", "Fail"):
        if ends:
            yield f"{state['Type']} has Next or End"
    elif ends != 1:
        yield "wants exactly one of Next and End"
