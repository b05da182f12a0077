"""Options of an operator as Digdag finds them: of the task, of an `_export` around, of the operator's own map there.

`_export: {mail: {from: a@example.com}}` gives every `mail>` its `from`. What a run stores or is given is not looked at:
an option decides how the machine is built, or is read where it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from stepdig.language.directives import duration, is_template
from stepdig.language.model import Task
from stepdig.operators._registry import TABLE, Place
from stepdig.problem import did_you_mean
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

NEAR = 0.8
_TRUE, _FALSE = ("true", "True"), ("false", "False", "")


@dataclass(slots=True)
class Options:
    """The options of one task; `space` is the operator's own map in an `_export`. What is computed brings `guards`."""

    task: Task
    place: Place
    space: tuple[str, ...]
    guards: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Note keys that are an option but for a letter or two, and that no template of the task reads."""
        known = [it.name for it in TABLE[self.task.operator or ""].options]
        used = "".join(_templates((self.task.argument, *self.task.options.values())))
        for name, node in self.task.options.items():
            near = "" if name in known or name in used else did_you_mean(name, known, NEAR)
            if near:
                at = self.task.keys.get(name, node)
                self.place.problem(at.at, "SD242", f"{self.task.operator}> has no option '{name}'", near, at.length)

    def node(self, name: str) -> Node | None:
        """Return an option as written, or None; null counts as none."""
        for found in (
            self.task.options.get(name),
            self.place.exported(name),
            self.place.exported(*self.space, name),
        ):
            if found is not None:
                return None if isinstance(found, Scalar) and found.value is None else found
        return None

    def given(self, name: str) -> bool:
        """Return whether there is an option."""
        return self.node(name) is not None

    def payload(self, name: str) -> object:
        """Return an option as JSON for a function; None when there is none."""
        node = self.node(name)
        return None if node is None else self.filled(node)

    def filled(self, node: Node, *, long: bool = False) -> object:
        """Return a node as JSON for a function; a `long` text in parts."""
        value, guards = self.place.payload(node, long=long)
        self.guards += guards
        return value

    def text(self, name: str) -> object:
        """Return an option that is a text, as JSON for a function; None when there is none or after a mistake."""
        node = self.node(name)
        if node is None:
            return None
        if not isinstance(node, Scalar):
            self._wrong(node, f"'{name}' of {self.task.operator}> must be a text", "")
            return None
        return printed(self.filled(node))

    def constant(self, name: str) -> object:
        """Return an option that must be known when compiling; None when there is none or after a mistake."""
        node = self.node(name)
        return None if node is None else self.place.constant(node, f"'{name}' of {self.task.operator}>")

    def flag(self, name: str, default: bool) -> bool:
        """Return an option that is true or false."""
        node, value = self.node(name), self.constant(name)
        if node is None or value is None:
            return default
        if isinstance(value, bool):
            return value
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        self._wrong(node, f"'{name}' of {self.task.operator}> must be true or false, not '{value}'", "")
        return default

    def word(self, name: str, known: Collection[str], default: str) -> str:
        """Return an option that is one of some words, in the letters they have."""
        node, value = self.node(name), self.constant(name)
        if node is None or value is None:
            return default
        found = {word.lower(): word for word in known}.get(str(value).lower())
        if found is None:
            hint = did_you_mean(str(value), known) or f"known: {', '.join(known)}"
            self._wrong(node, f"'{name}' of {self.task.operator}> cannot be '{value}'", hint)
        return found or default

    def seconds(self, name: str, most: int) -> int | None:
        """Return an option that is a duration: `90s`, or a number of seconds; None when there is none."""
        node, value = self.node(name), self.constant(name)
        if node is None or value is None:
            return None
        whole = isinstance(value, int) or (isinstance(value, str) and value.strip().isdigit())
        found = int(str(value)) if whole and not isinstance(value, bool) else duration(str(value))
        if found is None or found < 1:
            self._wrong(
                node, f"'{name}' of {self.task.operator}> must be a duration, not '{value}'", "such as 90s or 10m"
            )
            return None
        if found > most:
            self._wrong(
                node, f"'{name}' of {self.task.operator}> is {found:,} s; at most {most:,} s can be waited for", ""
            )
        return min(found, most)

    def _wrong(self, node: Node, text: str, hint: str) -> None:
        self.place.problem(node.at, "SD482", text, hint, node.length)


def _templates(nodes: Iterable[Node | None]) -> Iterator[str]:
    """Yield the texts with `${` in some nodes."""
    for node in nodes:
        if isinstance(node, Mapping):
            yield from _templates(value for _, value in node)
        elif isinstance(node, Sequence):
            yield from _templates(node.items)
        elif isinstance(node, Scalar) and is_template(node):
            yield str(node.value)


def printed(value: object) -> object:
    """Return a scalar as the text that Digdag makes of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
