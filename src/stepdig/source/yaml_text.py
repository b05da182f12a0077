"""A file's bytes -> YAML events with positions; what is no YAML becomes a problem.

Built on the parser's events alone: libyaml's composer recurses in C and crashes on deep nesting, so the depth is
counted while building and the parser left there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.events import DocumentStartEvent, Event

from stepdig.problem import Position, Problems
from stepdig.source import yaml_mistakes

# What YAML lets through: https://yaml.org/spec/1.1/#id868518. A lone surrogate is outside too.
_UNPRINTABLE = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class UnreadableError(Exception):
    """The file is left here; its problem has been added."""


def decode(data: bytes | str, path: str, problems: Problems) -> str:
    """Return the text of a UTF-8 file without its byte order mark. Raises UnreadableError for anything else."""
    if isinstance(data, bytes):
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8-sig")
            at, _ = place(before, len(before), path)
            problems.add(at, "SD101", f"this file is not text in UTF-8 (byte {data[error.start]:#04x})", _SAVE_AS_UTF8)
            raise UnreadableError from None
    else:
        text = data.removeprefix("\ufeff")
    odd = _UNPRINTABLE.search(text)
    if odd:
        at, _ = place(text, odd.start(), path)
        what = f"this file is not text: it holds the character U+{ord(odd.group()):04X}"
        problems.add(
            at, "SD101", what, "is it a binary file?" if odd.group() == "\0" else 'write it as "\\x.." in quotes'
        )
        raise UnreadableError
    return text


_SAVE_AS_UTF8 = "save it as UTF-8"


def events(text: str, path: str, problems: Problems) -> Iterator[Event]:
    """Yield the events of the file's one document. Raises UnreadableError at what is no YAML and at a second document.

    Lazily: whoever builds nodes counts the levels and stops, so that no parser ever goes deeper.
    """
    documents = 0
    for event in _parse(text, path, problems):
        if type(event) is DocumentStartEvent:
            documents += 1
            if documents > 1:
                what = "a second document begins here; a file holds one"
                problems.add(position(event, path), "SD103", what, "remove the '---', or make it a file of its own", 3)
                raise UnreadableError
        yield event


def position(event: Event, path: str) -> Position:
    """Return where an event starts."""
    assert event.start_mark  # the parsers always mark; the types do not say so
    return Position(path, event.start_mark.line + 1, event.start_mark.column + 1)


def place(text: str, index: int, path: str) -> tuple[Position, str]:
    """Return the position of a character of the text and the line it is on, as YAML counts lines."""
    line, start = 1, 0
    for found in _LINE_BREAK.finditer(text, 0, index):
        line, start = line + 1, found.end()
    end = _LINE_BREAK.search(text, start)
    return Position(path, line, index - start + 1), text[start : end.start() if end else len(text)]


def _parse(text: str, path: str, problems: Problems) -> Iterator[Event]:
    # The two parsers accept the same files; libyaml's is twenty times as fast where PyYAML was built with it.
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        _syntax_problem(error, text, path, problems)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # pure Python: \UFFFFFFFF is chr()'s ValueError
        problems.add(Position(path, 1, 1), "SD102", f"not YAML: {error}")
        raise UnreadableError from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, path: str, problems: Problems) -> None:
    index = min(error.problem_mark.index, len(text)) if error.problem_mark else 0
    what = error.problem or "it cannot be read"
    opened = error.context_mark.index if error.context_mark else index
    if not text[index:].strip() and text.strip():
        # At the end of the file nobody sees what is missing; what was opened, or the last character, says more.
        what = "what opens here is not closed" if opened < index else "the file ends where more is expected"
        index = opened if opened < index else len(text.rstrip()) - 1
    mistake = yaml_mistakes.explain(what, text, index, opened)
    at, _ = place(text, mistake.index, path)
    problems.add(at, "SD102", f"not YAML: {mistake.text}", mistake.hint, mistake.length)
    raise UnreadableError


WHOLE_CHARACTER = yaml_mistakes.WHOLE_CHARACTER
