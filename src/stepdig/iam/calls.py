"""Compiled definition -> the calls of AWS that it makes, in the order in which it holds them, from all scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepdig.definitions import machines_in, own_file, whole
from stepdig.problem import Position

_PREFIX = "arn:aws:states:::"
_COMMENT = re.compile(r"(?P<path>[^\s:][^:]*):(?P<line>[0-9]+)( |\Z)")
_LITERAL = re.compile(r"\$\{[A-Za-z0-9]+\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a definition.

    service    `ecs:runTask`, `aws-sdk:s3:getObject`; `map` for a distributed Map's own executions
    pattern    "", "sync", "sync:2" or "waitForTaskToken"
    arguments  as the state has them; an expression in place of the whole leaves them empty
    state      the name of the state
    at         the line of the workflow that it comes from
    """

    service: str
    pattern: str
    arguments: Mapping[str, Any]
    state: str
    at: Position


def calls(definition: Mapping[str, Any]) -> Iterator[Call]:
    """Yield the calls of a definition."""
    yield from _of_scope(definition, own_file(definition))


def _of_scope(definition: Mapping[str, Any], own: str) -> Iterator[Call]:
    for name, state in definition.get("States", {}).items():
        at = _position(whole(str(state.get("Comment", "")), own))
        if state["Type"] == "Task":
            yield _call(state["Resource"], state.get("Arguments"), name, at)
        if state["Type"] == "Map":
            yield from _of_map(state, name, at)
        for inner in machines_in(state):
            yield from _of_scope(inner, own)


def is_expression(value: object) -> bool:
    """Tell whether a value is known only by the run."""
    return not isinstance(value, str) or value.startswith("{%")


def token(value: object) -> str | None:
    """Return the name of a substitution that is all of a value: `${Cluster}` -> `Cluster`."""
    return value[2:-1] if isinstance(value, str) and _LITERAL.fullmatch(value) else None


def _of_map(state: Mapping[str, Any], name: str, at: Position) -> Iterator[Call]:
    if state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        yield Call("map", "", {}, name, at)
    reader, writer = state.get("ItemReader"), state.get("ResultWriter")
    if reader is not None:
        yield _call(reader["Resource"], reader.get("Arguments"), name, at)
    if writer is not None and "Resource" in writer:
        made = _call(writer["Resource"], writer.get("Arguments"), name, at)
        yield Call("map-results", "", made.arguments, name, at)


def _call(resource: str, arguments: object, name: str, at: Position) -> Call:
    service, dot, pattern = resource.removeprefix(_PREFIX).partition(".")
    return Call(service, pattern if dot else "", arguments if isinstance(arguments, dict) else {}, name, at)


def _position(comment: str) -> Position:
    """Return the place that a state's Comment names."""
    found = _COMMENT.match(comment)
    if found:
        return Position(found["path"], int(found["line"]), 1)
    return Position(comment.partition(" ")[0] or "definition", 1, 1)
