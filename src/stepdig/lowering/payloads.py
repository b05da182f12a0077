"""What a function of ours is given: values of a task as JSON, secrets named by their shape.

A text with `${secret:key}` becomes `{"parts": ["Bearer ", {"secret": "key"}]}`; the function puts the secret in. So no
definition and no history of a run holds one, and data that looks like a reference stays data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from stepdig import plan
from stepdig.expressions import template
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

Guards = tuple[tuple[str, str], ...]
Filled = tuple[object, Guards]
# The value of the characters from..to of a scalar's text, templates evaluated.
Piece = Callable[[Scalar, int, int], plan.Value]

_PREFIX = "${secret:"
_SECRET = re.compile(r"\$\{secret:([A-Za-z0-9_.-]+)\}")


class SecretUnclear(Exception):
    """A reference to a secret, in the scalar `node`, that cannot be told from the text around it, or has no place there."""

    def __init__(self, node: Scalar, text: str = "", hint: str = "") -> None:
        super().__init__(text or "which secret '${secret:...}' names must be known when compiling")
        self.node = node
        self.hint = hint or "write ${secret:name} itself, in the task or in an export of text alone"


def payload(node: Node, piece: Piece) -> Filled:
    """Return a node as JSON for a function, `Computed` for what the machine computes, and the guards of that.

    Raises SecretUnclear.
    """
    if isinstance(node, Mapping):
        fields = [(str(key.value), payload(value, piece)) for key, value in node]
        found = {key: it[0] for key, it in fields}
        # What would look like a text in parts is wrapped, and what would look wrapped, too.
        wrapped = {"mapping": found} if set(found) in ({"parts"}, {"mapping"}) else found
        return wrapped, _guards([it for _, it in fields])
    if isinstance(node, Sequence):
        items = [payload(item, piece) for item in node.items]
        return [it[0] for it in items], _guards(items)
    if not isinstance(node.value, str):
        return node.value, ()
    return text(node, piece)


def text(node: Scalar, piece: Piece) -> Filled:
    """Return a text as JSON for a function. Raises SecretUnclear."""
    source = str(node.value)
    references = list(_SECRET.finditer(source))
    kept = [
        part for part in template.split(source) if isinstance(part, template.Reserved) and part.text.startswith(_PREFIX)
    ]
    if not references or len(kept) != len(references):  # `${secret:${k}}`, or one inside an expression
        return _whole(node, piece)
    parts: list[object] = []
    guards: Guards = ()
    position = 0
    for found in [*references, None]:
        end = found.start() if found else len(source)
        if end > position:
            value = piece(node, position, end)
            inner, more = _known(node, value)
            parts += inner
            guards += more
        if found:
            parts.append({"secret": found[1]})
            position = found.end()
    return {"parts": parts}, guards


def segments(node: Scalar, piece: Piece) -> Filled:
    """Return a long text in parts, each `${...}` by itself, so that no expression grows with the text around it.

    Raises SecretUnclear for a secret in it.
    """
    source = str(node.value)
    cuts = [0]
    for part in template.split(source):
        if isinstance(part, template.Reserved) and part.text.startswith(_PREFIX):
            raise SecretUnclear(node, "a secret has no place in a text that people read", "remove it")
        if isinstance(part, template.Expression):
            cuts += [part.start - len("${"), part.start + len(part.source) + len("}")]
    cuts.append(len(source))
    found = [_known(node, piece(node, start, end)) for start, end in pairwise(cuts) if end > start]
    parts = [part for parts, _ in found for part in parts]
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts)), ()
    return {"parts": parts}, tuple(guard for _, guards in found for guard in guards)


def _whole(node: Scalar, piece: Piece) -> Filled:
    """Return a text without references of its own; an export that it folds may bring some."""
    value = piece(node, 0, len(str(node.value)))
    parts, guards = _known(node, value)
    if len(parts) == 1 and not isinstance(parts[0], dict):
        return parts[0], guards
    return ({"parts": parts}, guards) if parts else ("", ())


def _known(node: Scalar, value: plan.Value) -> tuple[list[object], Guards]:
    """Return a value as parts: references in a known text are taken out of it."""
    if isinstance(value, plan.Computed):
        if "{secret:" in value.code:
            raise SecretUnclear(node)
        return [value], value.guards
    whole = str(value.value)
    parts: list[object] = []
    position = 0
    for found in _SECRET.finditer(whole):
        parts += [whole[position : found.start()]] if found.start() > position else []
        parts.append({"secret": found[1]})
        position = found.end()
    if _PREFIX in _SECRET.sub("", whole):
        raise SecretUnclear(node)
    return [*parts, whole[position:]] if position < len(whole) else parts, ()


def _guards(filled: list[Filled]) -> Guards:
    return tuple(guard for it in filled for guard in it[1])
