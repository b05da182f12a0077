"""What is wrong with a user's file, as a value: where, which code, what, and what to try.

A user's mistake is a `Problem`, collected so that one run shows all of them; an exception with a traceback is a
bug of ours. Every stage may speak this vocabulary, so it stands on the ground floor and imports nothing of the house.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LINE_CHARS = 160  # of a source line that are shown around a caret


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: `path` as the user would type it, `line` and `column` counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake at one place.

    `length` is the number of characters the caret underlines, `hint` what to try, an example on lines of its own; the
    characters of a `secret` are not shown.
    """

    at: Position
    code: str
    text: str
    hint: str = ""
    length: int = 1
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.at}: {self.code} {self.text}"


class ProblemsFound(Exception):
    """The files cannot be compiled; `problems` holds every mistake found, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Problems:
    """The list the stages append to; a stage goes on where it can, so that all mistakes show in one run."""

    found: list[Problem] = field(default_factory=list)

    def add(self, at: Position, code: str, text: str, hint: str = "", length: int = 1, *, secret: bool = False) -> None:
        """Note one mistake; told once in the end, also when what holds it is compiled for two places."""
        self.found.append(Problem(at, code, text, hint, length, secret))

    def raise_if_any(self) -> None:
        """Raise `ProblemsFound` with everything noted so far, or return."""
        if self.found:
            raise ProblemsFound(self.found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def did_you_mean(word: str, known: Iterable[str], near_enough: float = 0.6) -> str:
    """Return "did you mean 'x'?" for the nearest of the known words, or an empty text when none is near (1.0: the same).

    Near is also a word in letters of another case, and the only one that begins like this.
    """
    from difflib import get_close_matches  # only needed once something is wrong

    words = list(known)
    small = word.lower()
    same = [it for it in words if it.lower() == small]
    longer = [it for it in words if len(small) > 2 and it.lower().startswith(small)]
    near = same or get_close_matches(word, words, n=1, cutoff=near_enough) or (longer if len(longer) == 1 else [])
    return f"did you mean '{near[0]}'?" if near else ""


def show(problem: Problem, source: str | None) -> str:
    """Render a problem as a person reads it: place, code and text; the source line; a caret with the hint.

    `source` is the text of the file, or None when it cannot be read (then only the first line is given).
    """
    head = str(problem)
    lines = source.splitlines() if source is not None else []
    if not 0 < problem.at.line <= len(lines):
        return f"{head}\n  hint: {problem.hint}" if problem.hint else head
    line = lines[problem.at.line - 1].replace("\t", " ")
    if problem.secret:
        start = problem.at.column - 1
        line = line[:start] + "*" * len(line[start : start + problem.length]) + line[start + problem.length :]
    line, column = _window(line, problem.at.column)
    number = f"{problem.at.line:>4} | "
    before = _width(line[: column - 1])
    room = max(1, min(problem.length, len(line) - column + 1))
    carets = "^" * max(1, _width(line[column - 1 : column - 1 + room]))
    hint = "  " + problem.hint.replace("\n", "\n" + " " * len(number)) if problem.hint else ""
    return f"{head}\n{number}{line}\n{' ' * (len(number) + before)}{carets}{hint}"


def _window(line: str, column: int) -> tuple[str, int]:
    """Return as much of a long line as a person can read, and the column in it."""
    if len(line) <= LINE_CHARS:
        return line, column
    start = max(0, min(column - 1 - LINE_CHARS // 2, len(line) - LINE_CHARS))
    cut = ("…" if start else "") + line[start : start + LINE_CHARS] + ("…" if start + LINE_CHARS < len(line) else "")
    return cut, column - start + (1 if start else 0)


def _width(text: str) -> int:
    """Return the columns a terminal needs for the text: wide East Asian characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
