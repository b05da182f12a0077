"""Workflows -> the templates that hold them, numbered from 1.

A machine that moved from one nested stack to another would be deleted in one and made in the other, in any order, under the same
name. So a workflow stays where the committed templates have it; a new one goes into the last template with room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepdig import limits


@dataclass(frozen=True, slots=True)
class Weight:
    """What a workflow takes of a template, `shared` by name: what others of the template may bring, too."""

    resources: int
    bytes: int
    shared: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Filled:
    resources: int = 0
    bytes: int = 0
    shared: set[str] = field(default_factory=set)

    def add(self, weight: Weight) -> None:
        self.resources += weight.resources + len(weight.shared - self.shared)
        self.bytes += weight.bytes
        self.shared |= weight.shared

    def has_room(self, weight: Weight, number: int) -> bool:
        most = limits.TEMPLATE_FIRST_RESOURCES if number == 1 else limits.TEMPLATE_FILLED_RESOURCES
        resources = self.resources + weight.resources + len(weight.shared - self.shared)
        return resources <= most and self.bytes + weight.bytes <= limits.TEMPLATE_FILLED_KILOBYTES * 1000


def place(weights: Mapping[str, Weight], before: Mapping[str, int]) -> dict[str, int]:
    """Return the template of each workflow; `before` is where the committed ones have them.

    A template that loses all its workflows gives its number back only if it is the last.
    """
    filled: dict[int, _Filled] = {1: _Filled()}
    placed: dict[str, int] = {}
    for name in sorted(weights.keys() & before.keys()):
        placed[name] = before[name]
        filled.setdefault(before[name], _Filled()).add(weights[name])
    for name in sorted(weights.keys() - placed.keys()):
        last = max(filled)
        if filled[last].resources and not filled[last].has_room(weights[name], last):
            last += 1
        placed[name] = last
        filled.setdefault(last, _Filled()).add(weights[name])
    return placed
