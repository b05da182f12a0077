"""What a sh> with `store:` writes to `$STEPDIG_OUTPUT`: lines `NAME=VALUE`, and values of several lines.

    rows=1042
    note<<END
    one line
    and another
    END

Values are texts. Blank lines are skipped; of a name written twice the last counts. The form is that of GitHub Actions:
https://docs.github.com/actions/reference/workflow-commands-for-github-actions#multiline-strings
"""

from __future__ import annotations

import re
from typing import Dict, Sequence

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SHOWN = 60  # characters of a line in a message


class OutputFileError(ValueError):
    """The file is not of the form, or lacks a name that was to be stored."""


def parse(text: str) -> Dict[str, str]:
    """Return the values of the file by name. Raises OutputFileError."""
    found: Dict[str, str] = {}
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip("\r")
        number += 1
        if not line.strip():
            continue
        name, mark, value = _cut(line, number)
        if mark == "<<":
            begun, body = number, []
            while number < len(lines) and lines[number].rstrip("\r") != value:
                body.append(lines[number])
                number += 1
            if number == len(lines):
                raise OutputFileError(f"line {begun}: '{name}<<{value}' has no line '{value}' that ends it")
            number += 1
            value = "\n".join(body)
        found[name] = value
    return found


def declared(text: str, names: Sequence[str]) -> Dict[str, str]:
    """Return the values of some names, in their order. Raises OutputFileError when one was not written."""
    found = parse(text)
    missing = [name for name in names if name not in found]
    if missing:
        wrote = f"; it wrote {', '.join(found)}" if found else ""
        raise OutputFileError(f"'{missing[0]}' was not written to $STEPDIG_OUTPUT{wrote}")
    return {name: found[name] for name in names}


def _cut(line: str, number: int) -> "tuple[str, str, str]":
    """Return name, `=` or `<<`, and what follows: whichever of the two comes first."""
    equals, opens = line.find("="), line.find("<<")
    if opens >= 0 and (equals < 0 or opens < equals):
        name, mark, value = line[:opens], "<<", line[opens + 2 :].strip()
    elif equals >= 0:
        name, mark, value = line[:equals], "=", line[equals + 1 :]
    else:
        name, mark, value = "", "", ""
    name = name.strip()
    if not _NAME.match(name) or (mark == "<<" and not value):
        shown = line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
        raise OutputFileError(f"line {number} is not NAME=VALUE: {shown}")
    return name, mark, value
