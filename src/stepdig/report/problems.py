"""Problems as a person reads them (place, line, caret, hint, count) and as tools do (one JSON object a line)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from stepdig.problem import Problem, show

LINE_CHARS = 120  # of a source line: more is cut around the place that is meant
LINE_BREAKS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # YAML 1.1's, by which positions count
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # would change the terminal
OF_FILES = "SD00"  # codes about a file itself: none of its lines is meant
HEAD = re.compile(r"(?m)^(.+?:\d+:\d+): (SD\d+)")
CARETS = re.compile(r"(?m)^( {7,})(\^+)(.*)$")


def as_text(problems: Sequence[Problem], colour: bool) -> str:
    """Return all problems with their source lines and the count at the end; paths are read from where we stand."""
    sources = {path: _lines(path) for path in dict.fromkeys(problem.at.path for problem in problems)}
    problems, lines = _hidden(problems, sources)
    text = "\n".join(_shown(problem, lines[problem.at.path]) for problem in problems)
    if colour:
        text = HEAD.sub("\x1b[1m\\1\x1b[0m: \x1b[31m\\2\x1b[0m", text)
        text = CARETS.sub("\\1\x1b[1;31m\\2\x1b[0m\x1b[33m\\3\x1b[0m", text)
    return f"{text}\n{count(len(problems), 'problem')} in {count(len(sources), 'file')}\n"


def as_json(problems: Sequence[Problem]) -> str:
    """Return one object a line: event, path, line, column, code, text, hint."""
    if any(problem.secret for problem in problems):
        problems, _ = _hidden(problems, {path: _lines(path) for path in {problem.at.path for problem in problems}})
    rows = (
        {"event": "problem", "path": p.at.path, "line": p.at.line, "column": p.at.column}
        | {"code": p.code, "text": p.text, "hint": p.hint}
        for p in problems
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _hidden(
    problems: Sequence[Problem], sources: Mapping[str, list[str]]
) -> tuple[Sequence[Problem], Mapping[str, list[str]]]:
    """Return problems and lines without the secrets that were found: other problems show the same line, or repeat it."""
    found: set[str] = set()
    for problem in problems:
        at, lines = problem.at, sources[problem.at.path]
        if problem.secret and 0 < at.line <= len(lines):
            found.add(lines[at.line - 1][at.column - 1 : at.column - 1 + problem.length].strip())
    for text in sorted(found - {""}, key=len, reverse=True):
        stars = "*" * len(text)
        sources = {path: [line.replace(text, stars) for line in lines] for path, lines in sources.items()}
        problems = [
            replace(it, text=it.text.replace(text, stars), hint=it.hint.replace(text, stars)) for it in problems
        ]
    return problems, sources


def count(number: int, noun: str) -> str:
    """Return "1 file", "3 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def colours(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that wants colours (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _lines(path: str) -> list[str]:
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return []
        text = Path(path).read_bytes().decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return []
    return [UNSAFE.sub("\N{REPLACEMENT CHARACTER}", line) for line in LINE_BREAKS.split(text)]


def _shown(problem: Problem, lines: Sequence[str]) -> str:
    """Return one problem with its line, cut to the part that is meant when it is long."""
    problem = replace(problem, text=UNSAFE.sub("?", problem.text), hint=UNSAFE.sub("?", problem.hint))
    at = problem.at
    if problem.code.startswith(OF_FILES) or not (0 < at.line <= len(lines) and lines[at.line - 1].strip()):
        return show(problem, None)
    above, line = "\n" * (at.line - 1), lines[at.line - 1]
    if len(line) <= LINE_CHARS:
        return show(problem, above + line)
    start = max(0, at.column - LINE_CHARS // 3)
    near = replace(problem, at=replace(at, column=at.column - start + 1))
    _, _, rest = show(near, f"{above}…{line[start : start + LINE_CHARS]}").partition("\n")
    return f"{problem}\n{rest}"
