"""YAML text -> located nodes, with Digdag's scalar rules, `!include` and no duplicate keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepdig.problem import Position, Problems

Value = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar with Digdag's type: `value`; `style` is the quote or block sign ("" for plain), `text` as loaded."""

    at: Position
    value: Value
    text: str
    style: str = ""
    length: int = 1

    def position(self, offset: int) -> Position:
        """Return the place in the file of a character of `text`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Sequence:
    """A YAML list."""

    at: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping; `entries` in the order of first appearance, keys are text scalars, each once."""

    at: Position
    entries: tuple[tuple[Scalar, Node], ...]

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((value for name, value in self.entries if name.value == key), None)

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.entries)


Node = Scalar | Sequence | Mapping
Read = Callable[[str], bytes | None]


def plain(node: Node | None) -> object:
    """Return the node as plain Python: dict, list, str, int, float, bool, None."""
    raise NotImplementedError


def load(text: bytes | str, path: str, read: Read, problems: Problems) -> Mapping | None:
    """Load a YAML file whose top is a mapping; None when a mistake (added to `problems`) leaves nothing to go on with."""
    raise NotImplementedError
