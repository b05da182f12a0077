"""A text with `${...}` -> its parts, by the rules of Digdag's scanner.

The scanner counts braces without knowing strings, keeps `${word:...}` for the operators, takes an unterminated `${`
for text up to the end, and turns `$$` into `$` in the text alone: there is no way to write a literal `${`.
"""

import re
from functools import lru_cache
from typing import List, NamedTuple, Tuple, Union


class Text(NamedTuple):
    """Text as it comes out (`$$` already is `$`)."""

    text: str


class Expression(NamedTuple):
    """The inside of one `${...}`; `start` is its offset in the whole text."""

    source: str
    start: int


class Reserved(NamedTuple):
    """`${secret:key}` and its like, kept literally for an operator; only the opening when it holds a `${...}` itself."""

    text: str


Part = Union[Text, Expression, Reserved]

_OPENING = re.compile(r"\$\{(?![a-z]+:)(?=[\s\S])")
_RESERVED = re.compile(r"\$\{[a-z]+:(?:[^${}]|\$(?!\{))*\}?")


@lru_cache(maxsize=4096)
def split(text: str) -> Tuple[Part, ...]:
    """Split a text into its parts, in order; parts without content are left out."""
    parts: List[Part] = []
    position = 0
    while position < len(text):
        opening = _OPENING.search(text, position)
        if opening is None:
            break
        end = closing_brace(text, opening.end())
        if end < 0:
            break
        parts += _plain(text[position : opening.start()])
        if end > opening.end():
            parts.append(Expression(text[opening.end() : end], opening.end()))
        position = end + 1
    return tuple(parts + _plain(text[position:]))


def is_template(text: str) -> bool:
    """Tell whether a text holds anything to evaluate or to unescape."""
    return "$" in text and split(text) != (Text(text),)


def closing_brace(text: str, position: int) -> int:
    """Return the offset of the brace that closes the one before `position`, or -1."""
    depth = 0
    for brace in re.compile(r"[{}]").finditer(text, position):
        if brace.group() == "{":
            depth += 1
        elif depth == 0:
            return brace.start()
        else:
            depth -= 1
    return -1


def _plain(text: str) -> List[Part]:
    """Split text without expressions into text and what is kept for operators."""
    parts: List[Part] = []
    position = 0
    for kept in _RESERVED.finditer(text):
        if kept.start() > position:
            parts.append(Text(text[position : kept.start()].replace("$$", "$")))
        parts.append(Reserved(kept.group()))
        position = kept.end()
    if position < len(text):
        parts.append(Text(text[position:].replace("$$", "$")))
    return parts
