"""Lists that differ between environments, as one list: all their rows, and which of them each environment has.

So such a list is known when compiling like any other: its rows stay in the bundle, and the machine picks among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepdig.source import tables


@dataclass(frozen=True, slots=True)
class Chosen:
    """`rows` of all environments; `numbers` of those that each of them has, ascending."""

    rows: list[object]
    numbers: Mapping[str, list[int]]

    @property
    def label(self) -> str | None:
        """The column that names the rows in each environment."""
        own = [tables.label([self.rows[number] for number in it]) for it in self.numbers.values() if it]
        return own[0] if len(set(own)) == 1 else None


def chosen(lists: Mapping[str, object]) -> Chosen | None:
    """Return the lists of the environments as one; None where one is no list, or no order of rows is that of each."""
    ordered: list[str] = []
    for rows in sorted(lists.values(), key=lambda it: -len(it) if isinstance(it, list) else 0):
        if not isinstance(rows, list):
            return None
        _insert(ordered, [_key(row) for row in rows])
    place = {key: number for number, key in enumerate(ordered)}
    numbers = {name: [place[_key(row)] for row in rows] for name, rows in lists.items() if isinstance(rows, list)}
    if any(it != sorted(set(it)) for it in numbers.values()):
        return None
    return Chosen([json.loads(key) for key in ordered], numbers)


def _insert(ordered: list[str], keys: Sequence[str]) -> None:
    """Add keys that are not there, each behind the one before it."""
    after = -1
    for key in keys:
        if key in ordered:
            after = ordered.index(key)
        else:
            after += 1
            ordered.insert(after, key)


def _key(row: object) -> str:
    return json.dumps(row, ensure_ascii=False)
