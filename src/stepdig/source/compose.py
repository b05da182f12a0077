"""One YAML file's events -> nodes: Digdag's scalars, anchors, `<<`, no duplicate keys; `!include` by whoever asked.

An include of `${env}` gives one mapping for each environment (`variants`), which only `_export` may hold, at any depth.

Why not PyYAML's composer: it has no limit of depth (libyaml's crashes), takes duplicate keys, and forgets the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stepdig.problem import Position, Problems, did_you_mean
from stepdig.source import scalars, yaml_text
from stepdig.source.merging import Entries
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence
from stepdig.source.scalars import Value
from stepdig.source.yaml_mistakes import ODD_BLANKS, odd_indent

MAX_DEPTH = 100  # levels of mappings and lists; deeper is no workflow a person wrote, and every stage may recurse
MAX_REPEATED_NODES = 100_000  # what aliases and repeated includes may add to a file; a bomb of ten lines makes 10^9

# Load the mapping that `!include : name` of the file `path` stands for, inside of so many levels; None with a problem.
Include = Callable[[Scalar, str, int], Mapping | None]


def compose(text: str, path: str, level: int, surroundings: Surroundings, *, included: bool) -> Node | None:
    """Build the node of a file's text, or None when there is none; `level` is the number of levels around it.

    Whether an included file may differ between environments is for the mapping to say that includes it.

    Raises yaml_text.UnreadableError after a mistake that ends the reading; others are noted and left out.
    """
    events = yaml_text.events(text, path, surroundings.problems)
    return _Document(surroundings, path, text, level, events, exporting=included).root()


def too_deep(at: Position, problems: Problems) -> None:
    """Note that nesting is deeper than `MAX_DEPTH` and raise UnreadableError."""
    what = f"nested deeper than {MAX_DEPTH} levels"
    problems.add(at, "SD104", what, "move inner tasks to a file of their own and use call>")
    raise yaml_text.UnreadableError


@dataclass(slots=True)
class Repeats:
    """How much of a workflow is there more than once; shared nodes cost nothing until a later stage walks them."""

    problems: Problems
    count: int = 0
    sizes: dict[int, tuple[Node, int, int]] = field(default_factory=dict)

    def add(self, node: Node, at: Position, level: int) -> None:
        """Count a node used once more, inside of so many levels. UnreadableError when it is too much."""
        size, height = self._size(node)
        self.count += size
        if self.count > MAX_REPEATED_NODES:
            what = f"aliases and includes repeat more than {MAX_REPEATED_NODES:,} values"
            self.problems.add(
                at, "SD109", what, "an alias of aliases grows tenfold with each line; write less of it so"
            )
            raise yaml_text.UnreadableError
        if level + height > MAX_DEPTH:
            too_deep(at, self.problems)

    def _size(self, node: Node) -> tuple[int, int]:
        """Return how many nodes this one is when written out, and how many levels."""
        if isinstance(node, Scalar):
            return 1, 0
        if id(node) not in self.sizes:
            inner = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
            sizes = [self._size(child) for child in inner]
            height = 1 + max((height for _, height in sizes), default=0)
            self.sizes[id(node)] = node, 1 + sum(size for size, _ in sizes), height  # keeping the node keeps its id its
        return self.sizes[id(node)][1:]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the files of one `load` share."""

    problems: Problems
    repeats: Repeats
    include: Include


_BEGINNINGS = (ScalarEvent, SequenceStartEvent, MappingStartEvent, AliasEvent)
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*(?:#.*\s*)*)+")  # anchor and tag before a value, and comments after them


@dataclass(slots=True)
class _Document:
    """One file being read: events -> nodes, by recursive descent that stops at `MAX_DEPTH` levels."""

    surroundings: Surroundings
    path: str
    text: str
    level: int  # levels around the document, when it is included
    events: Iterator[Event]
    exporting: bool = False  # inside of an `_export`
    anchors: dict[str, Node | None] = field(default_factory=dict)  # None: its node is still open

    def root(self) -> Node | None:
        """Return the node of the document, or None when there is none."""
        found: Node | None = None
        for event in self.events:
            if isinstance(event, _BEGINNINGS):
                found = self._node(event, self.level)
        return None if isinstance(found, Scalar) and not found.text and not found.style else found

    def _node(self, event: Event, depth: int) -> Node:
        """Build the node that an event begins; `depth` is the number of levels around it."""
        if isinstance(event, AliasEvent):
            return self._alias(event, depth)
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node: Node
        if isinstance(event, ScalarEvent):
            node = self._value(event)
        elif depth >= MAX_DEPTH:
            too_deep(self._at(event), self.surroundings.problems)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(event, depth + 1)
        else:
            node = self._mapping(event, depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _at(self, event: Event) -> Position:
        return yaml_text.position(event, self.path)

    def _report(self, at: Position, code: str, what: str, hint: str = "", length: int = 1) -> None:
        self.surroundings.problems.add(at, code, what, hint, length)

    def _alias(self, event: AliasEvent, depth: int) -> Node:
        at, name = self._at(event), str(event.anchor)
        node = self.anchors.get(name)
        if node is None:
            if name in self.anchors:
                self._report(at, "SD108", f"'*{name}' lies inside of what it stands for", "", len(name) + 1)
            else:
                hint = did_you_mean(name, self.anchors) or f"mark the value with '&{name}' before this line"
                self._report(at, "SD108", f"there is no anchor '&{name}' above", hint, len(name) + 1)
            return Mapping(at, ())
        self.surroundings.repeats.add(node, at, depth)
        return node

    def _sequence(self, start: SequenceStartEvent, depth: int) -> Sequence:
        self._check_tag(start, "seq")
        items = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._same_everywhere(self._node(event, depth)))
        return Sequence(self._at(start), tuple(items))

    def _mapping(self, start: MappingStartEvent, depth: int) -> Mapping:
        self._check_tag(start, "map")
        entries = Entries()
        own: dict[str, Scalar] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if isinstance(event, ScalarEvent) and event.tag == "!include":
                self._include(event, entries, depth)
                continue
            key = self._key(event, depth)
            around, self.exporting = self.exporting, self.exporting or (key is not None and key.value == "_export")
            value = self._node(next(self.events), depth)
            self.exporting = around
            if key is None:
                continue
            name = str(key.value)
            if name in own:
                line = own[name].at.line
                self._report(key.at, "SD106", f"the key '{name}' is already on line {line}", "", key.length)
                continue
            own[name] = key
            if name == "<<" and not key.style:
                self._merge(key, self._same_everywhere(value), entries)
            else:
                self._put(entries, key, value)
        return entries.mapping(self._at(start))

    def _put(self, entries: Entries, key: Scalar, value: Node) -> None:
        """Add a value; what environments choose inside of an `_export` makes the mapping around differ, up to that."""
        if isinstance(value, Mapping) and value.variants and key.value != "_export" and self.exporting:
            if missing := entries.put_chosen(key, value):
                self._disagree(value.at, missing)
            return
        entries.put(key, value if key.value == "_export" else self._same_everywhere(value))

    def _disagree(self, at: Position, missing: list[str], length: int = 1) -> None:
        what = f"not every include of this mapping has a file for each environment: {', '.join(missing)}"
        self._report(at, "SD692", what, "each `${env}` stands for the same names", length)

    def _same_everywhere(self, node: Node) -> Node:
        """Return a node that is no mapping of `_export`; an empty one after noting that environments choose what is in it."""
        if not isinstance(node, Mapping) or not node.variants:
            return node
        self._report(node.at, "SD691", "only `_export` can include a file by `${env}`", "move it into `_export:`")
        return Mapping(node.at, ())

    def _key(self, event: Event, depth: int) -> Scalar | None:
        node = self._node(event, depth)
        if not isinstance(node, Scalar):
            hint = "put a text with { } or [ ] in quotes"
            self._report(self._at(event), "SD107", "a key must be a text, and this is a list or mapping", hint)
            return None
        if node.value is None:
            self._report(node.at, "SD107", "a key must be a text, and this is empty", "put it in quotes", node.length)
            return None
        if isinstance(node.value, str):
            if not node.style and node.text and node.text[0] in ODD_BLANKS:
                self._odd_indent(node, event)
            return node
        # Digdag keeps its configuration as JSON, where every key is a text: `1: x` is "1", `010: x` is "8".
        text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
        return replace(node, value=text)

    def _odd_indent(self, key: Scalar, event: Event) -> None:
        """Note a blank that looks like an indentation and is none. Raises UnreadableError."""
        assert event.start_mark
        _, line = yaml_text.place(self.text, event.start_mark.index, self.path)
        mistake = odd_indent(self.text, 0, line)
        at = Position(self.path, key.at.line, mistake.index + 1)
        self._report(at, "SD102", f"not YAML: {mistake.text}", mistake.hint)
        raise yaml_text.UnreadableError

    def _merge(self, key: Scalar, value: Node, entries: Entries) -> None:
        """Add what `<<` brings; a key that is there already wins, of several mappings the first."""
        for mapping in value.items if isinstance(value, Sequence) else [value]:
            if not isinstance(mapping, Mapping):
                self._report(key.at, "SD107", "'<<' takes a mapping or a list of mappings", "", key.length)
                return
            for name, inner in mapping:
                entries.put_if_new(name, inner)

    def _include(self, key: ScalarEvent, entries: Entries, depth: int) -> None:
        event = next(self.events)
        if key.value or not isinstance(event, ScalarEvent) or event.tag is not None or not event.value:
            if not isinstance(event, ScalarEvent):
                self._node(event, depth)
            self._report(self._at(key), "SD110", "'!include' takes the path of a file", _INCLUDE_FORM, len("!include"))
            return
        path = self._scalar(event)
        included = self.surroundings.include(path, self.path, depth - 1)
        if included is not None and (missing := entries.include(included)):
            self._disagree(path.at, missing, path.length)

    def _value(self, event: ScalarEvent) -> Node:
        if event.tag == "!include:":
            self._check_tag(event, "str")
            return Mapping(self._at(event), ())  # what it would have brought
        if event.tag != "!include":
            return self._scalar(event)
        hint = "write '!include : path' as a key of the mapping, on a line of its own"
        self._report(self._at(event), "SD110", "'!include' cannot be a value", hint, len("!include"))
        return Mapping(self._at(event), ())

    def _scalar(self, event: ScalarEvent) -> Scalar:
        start, end, style = event.start_mark, event.end_mark, event.style or ""
        assert start is not None
        assert end is not None  # the parsers always mark; the types do not say so
        if style or event.tag or event.anchor or start.line != end.line or start.index >= len(self.text):
            at, source = self._source(event, start.index, end.index)
            length = max(1, len(source.splitlines()[0].rstrip())) if source else 1
        else:
            at, source = Position(self.path, start.line + 1, start.column + 1), ""
            length = max(1, end.column - start.column)
        return Scalar(at, self._typed(event, style, at, length), event.value, style, length, source)

    def _source(self, event: ScalarEvent, start: int, end: int) -> tuple[Position, str]:
        """Return where a scalar begins behind its anchor and tag, and its source from there."""
        at = self._at(event)
        before = _PROPERTIES.match(self.text, start, end) if event.tag or event.anchor else None
        if before:
            inner, _ = yaml_text.place(before[0], len(before[0]), self.path)
            column = inner.column + (at.column - 1 if inner.line == 1 else 0)
            at, start = Position(self.path, at.line + inner.line - 1, column), before.end()
        if start >= len(self.text):  # an empty value, which libyaml places on the line after the last
            at, _ = yaml_text.place(self.text, len(self.text.rstrip()), self.path)
        return at, self.text[start:end]

    def _typed(self, event: ScalarEvent, style: str, at: Position, length: int) -> Value:
        text: str = event.value
        try:
            if event.tag in scalars.TAGS:
                return scalars.tagged_value(event.tag, text)
            if event.tag is None and not style:
                return scalars.plain_value(text)
            if style == '"':
                text.encode()  # half a surrogate pair, which PyYAML without libyaml lets through
        except UnicodeEncodeError:
            self._report(
                at, "SD102", "not YAML: \\ud800 to \\udfff are no characters", yaml_text.WHOLE_CHARACTER, length
            )
            raise yaml_text.UnreadableError from None
        except ValueError:
            shown = text if len(text) <= 40 else text[:37] + "..."
            kind = event.tag.rpartition(":")[2] if event.tag else "number"
            self._report(at, "SD113", f"'{shown}' cannot be read as {kind}", "put a text in quotes", length)
            return text
        if event.tag is not None:
            self._check_tag(event, "str")
        return text

    def _check_tag(self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent, kind: str) -> None:
        tag = event.tag
        if tag is None or tag in ("!", f"tag:yaml.org,2002:{kind}"):
            return
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        hint = _INCLUDE_FORM if tag.startswith("!include") else "put a text that begins with ! in quotes"
        self._report(self._at(event), "SD114", f"unknown tag '{shown}'", hint, len(shown))


_INCLUDE_FORM = "write '!include : path', with a blank before the colon"
