"""A text that cannot be read to its end -> one that can, so that what is wrong elsewhere in it is told in the same run.

Nothing is built from such a text: its problem stands. Every character keeps its line and column.
"""

from __future__ import annotations

import re

from stepdig.problem import Problem
from stepdig.source.yaml_mistakes import ODD_BLANKS, oddly_indented

_TASK = re.compile(r"(\+[^\s:'\"]+|'\+[^']+'|\"\+[^\"]+\")[ ]*:(?=\s|$)")
_LINE = re.compile("(?<=\n)|(?<=\r)(?!\n)|(?<=[\x85\u2028\u2029])")


def without(text: str, problem: Problem) -> str | None:
    """Return the text with blanks where others indent, or without the task at its top that a problem lies in.

    None where neither helps.
    """
    if problem.code != "SD102":
        return None
    lines = _LINE.split(text)
    odd = oddly_indented(lines[problem.at.line - 1])
    if odd:
        return "".join(_indented(line, odd) for line in lines)
    tops = [
        number
        for number, line in enumerate(lines)
        if line.strip() and line[0] not in " #\r\n" and line[:1] not in ODD_BLANKS
    ]
    start = max((number for number in tops if number < problem.at.line), default=None)
    task = _TASK.match(lines[start]) if start is not None else None
    if start is None or task is None:
        return None
    end = min((number for number in tops if number > start), default=len(lines))
    broken = [f"{task[0]} {{}}\n", *("\n" for _ in lines[start + 1 : end])]
    made = "".join([*lines[:start], *broken, *lines[end:]])
    return made if made != text else None


def _indented(line: str, odd: str) -> str:
    rest = line.lstrip(f" {odd}")
    return " " * (len(line) - len(rest)) + rest
