"""Located nodes: the shapes that a YAML file becomes, each value with its place in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from stepdig.problem import Position
from stepdig.source import scalar_source
from stepdig.source.scalars import Value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar with Digdag's type: `value`; `style` is the quote or block sign ("" for plain), `text` as loaded.

    `length` is the length of its source on its first line, `source` the source where `text` alone is not it.
    """

    at: Position
    value: Value
    text: str
    style: str = ""
    length: int = 1
    source: str = field(default="", repr=False, compare=False)

    def position(self, offset: int) -> Position:
        """Return the place in the file of a character of `text`; in folded texts the best there is."""
        line, column = scalar_source.locate(self.source or self.text, self.text, self.style, offset)
        return Position(self.at.path, self.at.line + line, column + (self.at.column if line == 0 else 1))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A YAML list."""

    at: Position
    items: tuple[Node, ...]
    length: ClassVar[int] = 1  # a caret points at its beginning


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping; `entries` in the order of first appearance, keys are text scalars, each once.

    A number or boolean as a key has become its text, as in Digdag's JSON; `text` of that key is what the file says.
    `variants` has the whole mapping for each environment by name, where files are included by `${env}`; `entries` then has
    every key that one of them has.
    """

    at: Position
    entries: tuple[tuple[Scalar, Node], ...]
    variants: tuple[tuple[str, Mapping], ...] = ()
    length: ClassVar[int] = 1

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((value for name, value in self.entries if name.value == key), None)

    def of(self, environment: str | None) -> Mapping:
        """Return the mapping as it is in one environment."""
        return next((it for name, it in self.variants if name == environment), self)

    @property
    def every(self) -> tuple[Mapping, ...]:
        """The mapping as it is in each environment; itself where it is the same in all."""
        return tuple(it for _, it in self.variants) or (self,)

    @property
    def all_entries(self) -> tuple[tuple[Scalar, Node], ...]:
        """The entries of all environments, each once."""
        found = {(id(key), id(value)): (key, value) for it in self.every for key, value in it}
        return tuple(found.values())

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.entries)


Node = Scalar | Sequence | Mapping


def plain(node: Node | None) -> object:
    """Return the node as plain Python: dict, list, str, int, float, bool, None."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {str(key.value): plain(value) for key, value in node.entries}


def template_texts(*nodes: Node, leave: Collection[object] = ()) -> Iterator[Scalar]:
    """Yield the texts below some nodes that hold `${`, but for those under keys to leave."""
    for node in nodes:
        if isinstance(node, Mapping):
            yield from template_texts(*(value for key, value in node if key.value not in leave), leave=leave)
        elif isinstance(node, Sequence):
            yield from template_texts(*node.items, leave=leave)
        elif isinstance(node.value, str) and "${" in node.value:
            yield node
