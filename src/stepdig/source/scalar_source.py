"""Where in the file a character of a scalar is: the inverse of YAML's quotes, escapes, indentation and folding."""

from __future__ import annotations

import re

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_KEPT_BREAK = re.compile("[\n\u2028\u2029]")  # what YAML leaves of them in a text
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")


def locate(raw: str, text: str, style: str, offset: int) -> tuple[int, int]:
    """Return the line and the column, counted from 0, of a character of a scalar.

    `raw` is the scalar in the file from its first character (quote, `|` or `>` included); a column on line 0 counts
    from there, on later lines from the line's start. A character that folding made of a line break is placed at the
    end of the line that broke.
    """
    if not text:  # an empty block may be the end of the file
        return 0, 0
    offset = max(0, min(offset, len(text)))
    lines = _LINE_BREAK.split(raw)
    if style == "|":
        return _in_literal(lines, text, offset)
    if style == ">":
        return _in_lines(_folded_lines(lines), text, offset)
    if style == "" and len(lines) == 1:
        return 0, offset
    return _in_lines([(n, _flow_line(line, style, n, len(lines))) for n, line in enumerate(lines)], text, offset)


# One line of the source: its number and, character by character, the text it gives with the column of each.
_Line = tuple[int, list[tuple[str, int]]]


def _in_literal(lines: list[str], text: str, offset: int) -> tuple[int, int]:
    before = _KEPT_BREAK.split(text[:offset])
    line = before[-1] + _KEPT_BREAK.split(text[offset:], maxsplit=1)[0]
    number = min(len(before), len(lines) - 1)
    indent = max(0, len(lines[number]) - len(line))
    return number, min(indent + len(before[-1]), len(lines[number]))


def _folded_lines(lines: list[str]) -> list[_Line]:
    left = min((len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip(" ")), default=0)
    return [(n, [(char, left + i) for i, char in enumerate(line[left:])]) for n, line in enumerate(lines) if n > 0]


def _flow_line(line: str, style: str, number: int, count: int) -> list[tuple[str, int]]:
    """Return the characters that a line of a plain or quoted scalar gives, blanks that folding drops left out."""
    begin = 1 if style and number == 0 else 0
    end = len(line) - 1 if style and number == count - 1 else len(line)
    if number > 0:
        begin = min(end, len(line) - len(line.lstrip(" \t")))
    if number < count - 1:
        end = max(begin, len(line[:end].rstrip(" \t")))
    if style == '"':
        return _unescaped(line, begin, end)
    if style == "'":
        return _unquoted(line, begin, end)
    return [(line[i], i) for i in range(begin, end)]


def _unquoted(line: str, begin: int, end: int) -> list[tuple[str, int]]:
    given, i = [], begin
    while i < end:
        given.append((line[i], i))
        i += 2 if line[i] == "'" else 1
    return given


def _unescaped(line: str, begin: int, end: int) -> list[tuple[str, int]]:
    given, i = [], begin
    while i < end:
        escape = _ESCAPE.match(line, i, end) if line[i] == "\\" else None
        if escape:
            given.append((_meaning(escape.group()), i))
            i = escape.end()
        elif line[i] == "\\":  # an escaped line break gives nothing
            break
        else:
            given.append((line[i], i))
            i += 1
    return given


# https://yaml.org/spec/1.1/#id872840
_MEANINGS = dict(zip('0abt\tnvfre "/\\N_LP', '\0\a\b\t\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029', strict=True))


def _meaning(escape: str) -> str:
    if escape[1] in "xuU" and len(escape) > 2:
        code = int(escape[2:], 16)
        return chr(code) if code <= 0x10FFFF else "?"
    return _MEANINGS.get(escape[1], escape[1])


def _in_lines(lines: list[_Line], text: str, offset: int) -> tuple[int, int]:
    """Find each source line's share of the text, in order, and the character in it."""
    cursor, best = 0, (lines[0][0] if lines else 0, 0)
    for number, given in lines:
        if not given:
            continue
        start = text.find("".join(char for char, _ in given), cursor)
        if start < 0:
            continue
        if offset < start:
            break
        cursor = start + len(given)
        if offset < cursor:
            return number, given[offset - start][1]
        best = (number, given[-1][1] + 1)
    return best
