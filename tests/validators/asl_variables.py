"""Variables of a definition: assigned on every path before they are read, and never from an inner scope.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asl_expressions import expressions, look
from asl_scopes import Scope, scopes, ways

HAVE_RESULT = frozenset({"Task", "Map", "Parallel"})
VARIABLE_NAME = re.compile(r"[^\W\d][\w]{0,79}")  # Unicode identifiers, 80 characters
BACK = re.compile(r"(^| )try (wait|task)$")  # states that lead back to a task that failed
AT = re.compile(r"\{% \$at(_\d+)?='(?P<task>[^']*)' %\}")
NOT_EVALUATED = frozenset({"Comment", "Type", "Resource", "Next", "Default", "ItemProcessor", "Branches"})


@dataclass(frozen=True)
class Known:
    """Variables at the entry of a state: assigned on every path to it, and on some path."""

    every: frozenset[str] = frozenset()
    some: frozenset[str] = frozenset()

    def after(self, names: Any) -> Known:
        """Return what is known once these names are assigned."""
        return Known(self.every | set(names), self.some | set(names))

    def meet(self, other: Known) -> Known:
        """Return what is known where two paths come together."""
        return Known(self.every & other.every, self.some | other.some)


def variable_findings(definition: dict[str, Any]) -> list[str]:
    """Say what is wrong with the variables and the expressions of a definition."""
    found: list[str] = []
    entries: dict[int, dict[str, Known]] = {}
    for scope in scopes(definition):
        outside = Known()
        if scope.outer is not None and not scope.distributed:
            outside = entries[id(scope.outer.states)].get(scope.owner, outside)
        entries[id(scope.states)] = entry = _flow(scope, outside)
        taken = set() if scope.distributed else set(_outer_names(scope))
        for name, state in scope.states.items():
            if name in entry:
                found += [f"{scope.where}{name}: {text}" for text in _state_findings(state, entry[name], taken)]
    return found


def _flow(scope: Scope, outside: Known) -> dict[str, Known]:
    """Return what is known at the entry of each state, following every arrow until nothing changes."""
    entry = {scope.start: outside}
    todo = [scope.start]
    while todo:
        name = todo.pop()
        state = scope.states.get(name, {})
        for to, assign in ways(state):
            known = entry[name].after(assign)
            if _leads_back(name, to, state):
                # The machine came from there, where all that was assigned then still is; more may be now.
                if to not in entry:
                    continue
                known = Known(entry[to].every, known.some)
            met = known.meet(entry[to]) if to in entry else known
            if entry.get(to) != met:
                entry[to] = met
                todo += [to, *(it for it in entry if BACK.search(it))]
    return entry


def _leads_back(name: str, to: str, state: dict[str, Any]) -> bool:
    """Tell whether an arrow leads to the task that failed; of several to the one that `at` names."""
    if not BACK.search(name) or BACK.search(to):
        return False
    for rule in state.get("Choices", []):
        at = AT.fullmatch(rule["Condition"])
        assert at, f"{name} leads on by {rule['Condition']}"
        assert at["task"] == rule["Next"], f"{name} leads {at['task']} to {rule['Next']}"
    return True


def _outer_names(scope: Scope) -> Iterator[str]:
    """Yield every name assigned in a scope around this one; a distributed processor is a world of its own."""
    around = scope.outer
    while around is not None:
        for state in around.states.values():
            yield from state.get("Assign", {})
            yield from (name for _, assign in ways(state) for name in assign)
        around = None if around.distributed else around.outer


def _state_findings(state: dict[str, Any], known: Known, taken: set[str]) -> Iterator[str]:
    result = {"result"} if state["Type"] in HAVE_RESULT else set()
    yield from _assigned(state, taken)
    for field, value in state.items():
        if field in NOT_EVALUATED:
            continue
        if field in ("Output", "Assign"):
            yield from _value_findings(value, field, known, {"input", "context"} | result)
        elif field == "Catch":
            yield from _value_findings(value, field, known, {"input", "context", "errorOutput"})
        else:
            yield from _value_findings(value, field, known, {"input", "context"})


def _assigned(state: dict[str, Any], taken: set[str]) -> Iterator[str]:
    for name in dict.fromkeys([*state.get("Assign", {}), *(name for _, assign in ways(state) for name in assign)]):
        if name == "states":
            yield "assigns 'states', which is reserved"
        elif not VARIABLE_NAME.fullmatch(name):
            yield f"assigns {name!r}, which is no name of a variable"
        elif name in taken:
            yield f"assigns '{name}' of an outer scope"


def _value_findings(value: Any, where: str, known: Known, members: set[str]) -> Iterator[str]:
    for place, text in expressions(value, where):
        uses, found = look(text)
        yield from (f"{place}: {each}: {text}" for each in found)
        for use in uses:
            if use.name == "states":
                if use.step and use.step not in members:
                    yield f"{place}: '$states.{use.step}' is not there: {text}"
            elif use.name not in known.some:
                yield f"{place}: '${use.name}' is never assigned before: {text}"
            elif use.name not in known.every and not use.guarded:
                yield f"{place}: '${use.name}' is not assigned on every path: {text}"
