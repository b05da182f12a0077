"""`.gitignore` where there is no git to ask: which paths of a folder it hides, by the rules of git's own documentation.

https://git-scm.com/docs/gitignore
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = ".gitignore"
# The classes of characters that git knows, of ASCII as in its C locale.
_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": rb" \t\n\r\f\v",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}
_NAMED = re.compile(rb"\[:([^\]]*):\]")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a .gitignore: `back` takes a path in again, `inner` fits only the last name of a path, not the path."""

    pattern: re.Pattern[bytes]
    back: bool
    folders: bool
    inner: bool

    def fits(self, path: bytes, is_folder: bool) -> bool:
        """Tell whether it speaks of a path below the folder of its file."""
        text = path.rpartition(b"/")[2] if self.inner else path
        return (is_folder or not self.folders) and self.pattern.fullmatch(text) is not None


class Ignored:
    """The .gitignore files of a folder and of all below it."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._known: dict[Path, list[Rule]] = {}

    def hides(self, path: Path, is_folder: bool) -> bool:
        """Tell whether a path is ignored, where none of the folders that it is in is."""
        above = path.parent
        while True:
            inner = os.fsencode(path.relative_to(above).as_posix())
            for rule in self._of(above):
                if rule.fits(inner, is_folder):
                    return not rule.back
            if above in (self._base, above.parent):
                return False
            above = above.parent

    def hides_whole(self, folder: Path) -> bool:
        """Tell whether a folder, or one that it is in, is ignored."""
        inner = folder.relative_to(self._base).parts
        return any(self.hides(self._base.joinpath(*inner[:number]), True) for number in range(1, len(inner) + 1))

    def _of(self, folder: Path) -> list[Rule]:
        """Return the rules of a folder's own file, the strongest first."""
        if folder not in self._known:
            path = folder / FILE
            self._known[folder] = list(rules(_text(path)))[::-1]
        return self._known[folder]


def _text(path: Path) -> bytes:
    """Return a file's text; git, too, follows no link here. Raises OSError: who knows what a closed one would hide."""
    if os.path.islink(path) or not os.path.isfile(path):  # noqa: PTH113, PTH114 - in a closed folder there is none
        return b""
    return path.read_bytes()


def rules(text: bytes) -> Iterator[Rule]:
    """Yield the rules of a file as they stand there; a line that git can make nothing of is left out."""
    for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        words = _trimmed(line.removesuffix(b"\r"))
        back = words.startswith(b"!")
        words = words[1:] if back else words
        folders = words.endswith(b"/")
        words = words[:-1] if folders else words
        inner = b"/" not in words
        if not words or line.startswith(b"#"):
            continue
        pattern = _pattern(words.removeprefix(b"/"))
        if pattern is not None:
            yield Rule(pattern, back, folders, inner)


def _trimmed(line: bytes) -> bytes:
    """Return a line without the blanks at its end, but for one behind a backslash."""
    kept = line.rstrip(b" ")
    escapes = len(kept) - len(kept.rstrip(b"\\"))
    return line[: len(kept) + 1] if escapes % 2 and len(line) > len(kept) else kept


def _pattern(words: bytes) -> re.Pattern[bytes] | None:
    """Return the expression of a pattern, or None for one that fits nothing."""
    found = b""
    at = 0
    while at < len(words):
        sign = words[at : at + 1]
        if sign == b"*":
            made, at = _stars(words, at)
        elif sign == b"?":
            made, at = b"[^/]", at + 1
        elif sign == b"[":
            group = _group(words, at)
            if group is None:
                return None
            made, at = group
        else:
            at += sign == b"\\"
            if at >= len(words):
                return None
            made, at = re.escape(words[at : at + 1]), at + 1
        found += made
    return re.compile(found, re.DOTALL)


def _stars(words: bytes, at: int) -> tuple[bytes, int]:
    """Return what one or more `*` stand for, and where they end: `**` between slashes stands for folders."""
    end = at
    while words[end : end + 1] == b"*":
        end += 1
    alone = end - at >= 2 and (at == 0 or words[at - 1 : at] == b"/")
    if alone and end == len(words):
        return b".*", end
    if alone and words[end : end + 1] == b"/":
        return b"(?:.*/)?", end + 1
    return b"[^/]*", end


def _group(words: bytes, at: int) -> tuple[bytes, int] | None:
    """Return what `[...]` stands for, and where it ends; None where it does not end. As git's wildmatch.c reads it."""
    at += 1
    none = words[at : at + 1] in (b"!", b"^")
    at += none
    parts, low, first = b"", b"", True
    while first or words[at : at + 1] != b"]":
        first = False
        named = _NAMED.match(words, at)
        if words[at : at + 1] == b"-" and low and words[at + 1 : at + 2] not in (b"]", b""):
            high, at = _sign(words, at + 1)
            if low <= high:
                parts += re.escape(low) + b"-" + re.escape(high)
            low = b""
        elif named:
            if named[1] not in _CLASSES:
                return None
            parts, at, low = parts + _CLASSES[named[1]], named.end(), b""
        else:
            low, at = _sign(words, at)
            if not low:
                return None
            parts += re.escape(low)
    inside = b"[" + (b"^" if none else b"") + parts + b"]" if parts else (b"." if none else b"(?!)")
    return b"(?!/)" + inside, at + 1


def _sign(words: bytes, at: int) -> tuple[bytes, int]:
    at += words[at : at + 1] == b"\\"
    return words[at : at + 1], at + 1
