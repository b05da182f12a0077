"""What to do about a failed command: told from its exit code, its last lines, and the files that are there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from stepdig.report.reasons import exit_code
from stepdig.report.rows import Row

MISSING_SECRET = re.compile(r"Secret not found for key: '([\w.@-]+)'")
UNDEFINED = re.compile(r"ReferenceError: (\w+) is not defined")
CANNOT_RUN = re.compile(r'Cannot run program "([^"]+)" \(in directory "([^"]+)"\): No such file')
BAD_INTERPRETER = re.compile(r"(?P<what>[^\s:]+): \S+: bad interpreter")
# The last line of shells, env and others, in English: `/bin/sh: 1: ./load.sh: Permission denied`.
LOST = "cannot execute: required file not found"
SAID = re.compile(rf"^(?:.*: )?[‘'\"]?(?P<what>[^\s:‘’'\"]+)[’'\"]?: (?P<why>{LOST}|[^:]+)$")
ZSH = re.compile(r": (?P<why>command not found|no such file or directory|permission denied): (?P<what>\S+)$")
REFUSED = {"permission denied"}
FOREIGN = {"exec format error", "cannot execute binary file"}
ABSENT = {"not found", "command not found", "no such file or directory", LOST}
NOT_EXECUTABLE, NOT_FOUND = 126, 127


def hints(row: Row, why: str, base: Path) -> Iterator[str]:
    """Yield what a person may do about a failure, none where only the command knows.

    `why` is its reason, `base` the folder that sources are relative to; commands run in that of their file.
    """
    if missing := MISSING_SECRET.search(why):
        yield f"keep it with: stepdig secrets --local --set {missing[1]}"
    if undefined := UNDEFINED.search(why):
        yield f"nothing gives it a value: -p {undefined[1]}=..., an _export, or a task before that stores it"
    folder = (base / row.source.rpartition(":")[0]).parent
    code = exit_code(row.cause)
    if code == NOT_EXECUTABLE:
        yield _not_executable(row, folder)
    elif code == NOT_FOUND:
        what, _ = _said(row, ABSENT)
        yield from [_not_found(what, folder)] if what else []
    elif (absent := CANNOT_RUN.search(why)) and Path(absent[2]).is_dir():
        yield _not_found(absent[1], Path(absent[2]))


def _said(row: Row, words: set[str]) -> tuple[str, str]:
    """Return what the last line is about that ends with one of some words, and those; nothing where none does."""
    for text in reversed(row.tail or ()):
        found = ZSH.search(text.rstrip()) or SAID.match(text.rstrip())
        if found and found["why"].lower() in words:
            return found["what"], found["why"].lower()
    return "", ""


def _not_executable(row: Row, folder: Path) -> str:
    for text in row.tail or ():
        if bad := BAD_INTERPRETER.search(text):
            return _not_found(bad["what"], folder)
    what, said = _said(row, REFUSED | FOREIGN)
    if said in FOREIGN:
        return f"{what} is made for another processor, or its first line does not say what runs it: #!/bin/sh"
    if what and (folder / what).is_dir():
        return f"{what} is a folder"
    name = what or "FILE"
    return f"make it executable: chmod +x {name}; in git, too: git update-index --chmod=+x {name}"


def _not_found(what: str, folder: Path) -> str:
    """Return why a command was not found: a path and its first line are looked at, a name is the PATH's."""
    path = folder / what
    if "/" not in what:
        if path.is_file() and _first_line(path).startswith("#!"):
            return f"{what} lies beside the workflow: a file there is called by its path, ./{what}"
        return f"there is no '{what}' on the PATH here; in the cloud its job's image has to have it"
    if not path.is_file():
        return f"there is no file {what}" + ("" if Path(what).is_absolute() else f" in {os.path.relpath(folder)}")
    first = _first_line(path)
    if first.endswith("\r"):
        return f"{what} has the line ends of Windows, which its first line cannot have: sed -i 's/\\r$//' {what}"
    return f"{what} is there, but not what its first line names: {first}" if first.startswith("#!") else f"see {what}"


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.readline(200).rstrip(b"\n").decode("utf-8", "replace")
    except OSError:
        return ""
