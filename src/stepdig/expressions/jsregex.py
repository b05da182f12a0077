"""ES5 regular expressions on Python's `re`: the few spellings that mean something else are rewritten."""

import re
from functools import lru_cache
from typing import Any, List, Match, Pattern

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, Object, to_string

_BLANK = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_PIECE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\c([A-Za-z])|\\([\s\S])|\[(\^?)(\])?|([\s\S])")
_CLASSES = {"s": _BLANK, "d": "0-9", "w": "A-Za-z0-9_"}
_CONTROL = {"0": r"\x00", "v": r"\v", "n": r"\n", "r": r"\r", "t": r"\t", "f": r"\f"}


class RegExp(Object):
    """A regular expression of the workflow; `pattern` and `flags` as written, `compiled` what Python runs."""

    tag = "RegExp"

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = pattern
        self.flags = flags
        self.compiled = compiled(pattern, flags)

    def primitive(self, number: bool) -> Js:
        """Return `/pattern/flags`."""
        return float("nan") if number else f"/{self.pattern}/{self.flags}"

    def member(self, name: str) -> Js:
        """Return `test`, `exec`, `source` or a flag."""
        if name == "test":
            return Function("test", lambda this, args: self.compiled.search(_argument(args)) is not None)
        if name == "exec":
            return Function("exec", lambda this, args: groups(self.compiled.search(_argument(args))))
        known = {"source": self.pattern, "global": "g" in self.flags, "ignoreCase": "i" in self.flags}
        return known.get(name, "m" in self.flags if name == "multiline" else UNDEFINED)


@lru_cache(maxsize=512)
def compiled(pattern: str, flags: str) -> "Pattern[str]":
    """Return Python's pattern for an ES5 one; raise EvaluationError (SyntaxError) for a broken one."""
    mode = re.ASCII | (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    if re.search(r"\(\?<|\(\?P", pattern):
        raise EvaluationError(f"SyntaxError: Invalid regular expression: /{pattern}/: invalid group (ES5 has no (?<)")
    try:
        return re.compile(python_pattern(pattern, "m" in flags), mode)
    except (re.error, RecursionError, OverflowError) as error:
        raise EvaluationError(f"SyntaxError: Invalid regular expression: /{pattern}/: {error}") from None


def python_pattern(pattern: str, multiline: bool) -> str:
    """Rewrite an ES5 pattern in Python's spelling."""
    out: List[str] = []
    position, inside = 0, False
    while position < len(pattern):
        match = _PIECE.match(pattern, position)
        if match is None:
            break
        piece = match.group()
        if inside and piece[0] == "[":
            out.append(r"\[")
            position += 1
            continue
        if piece[0] == "[":
            empty = match.group(6) is not None
            out.append({"[]": "(?!)", "[^]": r"[\s\S]"}[piece] if empty else piece)
            inside = not empty
        else:
            out.append(_rewritten(match, inside, multiline))
            inside = inside and piece != "]"
        position = match.end()
    return "".join(out)


_MEANT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(,?)(\d*)\}|[()|*+]", re.DOTALL)
_TRIES = 10_000_000  # less than a second


def takes_long_on(size: int, pattern: str) -> bool:
    """Tell whether a search through so many characters may go back and forth for long.

    `*` within `(...)*` may take exponential time; otherwise each `*` is one more power. Seldom right, never too small.
    """
    repeats, groups_open, closed = 0, [], False  # closed: what came last is a group with a choice or repeat inside
    for found in _MEANT.finditer(pattern):
        sign, after = found.group(), closed
        closed = False
        if sign == "(":
            groups_open.append(False)
        elif sign == ")":
            closed = groups_open.pop() if groups_open else False
            if closed and groups_open:
                groups_open[-1] = True
        elif sign == "|" or sign in "*+" or (sign[0] == "{" and (found.group(2) or int(found.group(1)) > 20)):
            if sign != "|" and after and pattern[found.start() - 1] == ")":
                return True
            repeats += sign != "|"
            if groups_open:
                groups_open[-1] = True
    tries: int = size ** (repeats + 1)
    return tries > _TRIES


def groups(match: "Match[str] | None") -> Js:
    """Return a match as JavaScript's array of the whole and the groups, or null."""
    if match is None:
        return None
    return [match.group(), *(UNDEFINED if group is None else group for group in match.groups())]


def _rewritten(match: "Match[str]", inside: bool, multiline: bool) -> str:
    piece = match.group()
    code = match.group(1) or match.group(2)
    if code:
        return re.escape(chr(int(code, 16)))
    if match.group(3):
        return f"\\x{ord(match.group(3)) % 32:02x}"
    escaped = match.group(4)
    if escaped is None:
        if inside:
            return "\\" + piece if piece in "&~|-" and piece != "-" else piece
        return {".": r"[^\n\r\u2028\u2029]", "$": "$" if multiline else r"\Z"}.get(piece, piece)
    return _escape(escaped, inside)


def _escape(char: str, inside: bool) -> str:
    if char in _CLASSES:
        return _CLASSES[char] if inside else f"[{_CLASSES[char]}]"
    if char.lower() in _CLASSES:
        return f"\\{char}" if inside or char == "D" else f"[^{_CLASSES[char.lower()]}]"
    if char in _CONTROL:
        return _CONTROL[char]
    if char in "bB":
        return r"\x08" if inside and char == "b" else f"\\{char}"
    return f"\\{char}" if char.isdigit() else re.escape(char)


def _argument(args: List[Any]) -> str:
    return to_string(args[0] if args else UNDEFINED)
