"""Entries of a mapping while it is read: keys in the place of their first appearance, includes merged in.

Where environments choose a file, there is one set of entries for each of them, and one that has every key.
"""

from __future__ import annotations

from stepdig.problem import Position
from stepdig.source.nodes import Mapping, Node, Scalar

_Rows = dict[str, tuple[Scalar, Node]]


class Entries:
    """The entries of one mapping, in all environments."""

    def __init__(self) -> None:
        self._every: _Rows = {}
        self._of: dict[str, _Rows] = {}

    def put(self, key: Scalar, value: Node) -> None:
        """Add a key, or replace what it holds."""
        for rows in self._all():
            rows[str(key.value)] = key, value

    def put_chosen(self, key: Scalar, value: Mapping) -> list[str]:
        """Add a key whose value environments choose; return the environments that do not agree, as `include` does."""
        disagree = self._open({name for name, _ in value.variants})
        self._every[str(key.value)] = key, value
        for name, rows in self._of.items():
            rows[str(key.value)] = key, value.of(name)
        return disagree

    def _open(self, named: set[str]) -> list[str]:
        """Tell entries apart for the environments that are named; return those that were not, or are not any more."""
        before = set(self._of)
        for name in sorted(named):
            self._of.setdefault(name, dict(self._every))
        return sorted(before ^ named) if before and named else []

    def put_if_new(self, key: Scalar, value: Node) -> None:
        """Add a key unless it is there."""
        for rows in self._all():
            rows.setdefault(str(key.value), (key, value))

    def include(self, mapping: Mapping) -> list[str]:
        """Merge an included mapping in; return the environments that it has and those before have not, or the reverse."""
        named = {name for name, _ in mapping.variants}
        disagree = self._open(named)
        for name, rows in self._of.items():
            for key, value in mapping.of(name) if name in named or not named else ():
                _add(rows, key, value)
        for key, value in mapping:
            _add(self._every, key, value)
        return disagree

    def mapping(self, at: Position) -> Mapping:
        """Return the mapping that begins at a place."""
        variants = tuple((name, Mapping(at, tuple(rows.values()))) for name, rows in sorted(self._of.items()))
        return Mapping(at, tuple(self._every.values()), variants)

    def _all(self) -> list[_Rows]:
        return [self._every, *self._of.values()]


def _add(rows: _Rows, key: Scalar, value: Node) -> None:
    before = rows.get(str(key.value))
    rows[str(key.value)] = (key, value) if before is None else (before[0], merged(before[1], value))


def merged(before: Node, after: Node) -> Node:
    """Merge what an include brings into a value that is there: mappings key by key, all else replaced."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return after
    entries = Entries()
    entries.include(before)
    entries.include(after)
    return entries.mapping(before.at)
