"""A folder on disk -> the files of it that travel: those git would carry, else all but what is never a source.

`git ls-files --cached --others --exclude-standard` is what a commit of the folder as it is would hold:
https://git-scm.com/docs/git-ls-files
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from stepdig.packing.contents import File
from stepdig.problem import Position, Problems
from stepdig.project import typed

# Never a source, also where git would carry it: what stepdig, SAM, Python and their like make.
NEVER = frozenset((".git", ".stepdig", ".aws-sam", ".venv", "__pycache__"))
# Never a source where there is no git to ask.
UNASKED = NEVER | {
    ".hg",
    ".svn",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".tox",
    "node_modules",
    "venv",
}
_GIT = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")


def sources(folder: Path, root: Path, problems: Problems) -> dict[str, File]:
    """Return the files of a folder by their paths in it; links become what they lead to, those that lead out are noted."""
    asked = _asked(folder, root, problems)
    paths = _walk(folder) if asked is None else _given(folder, asked)
    found = {}
    for path in sorted(paths):
        file = _file(folder, path, root, problems)
        if file is not None:
            found[path] = file
    return found


def _asked(folder: Path, root: Path, problems: Problems) -> list[str] | None:
    """Return what git says it would carry, or None where there is no git, no checkout, or git ignores all of the folder."""
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return None
    try:
        done = subprocess.run(_GIT, cwd=folder, capture_output=True, check=False)
    except OSError:
        return None
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        text = f"git does not tell which files it carries: {told[0] if told else f'exit code {done.returncode}'}"
        problems.add(Position(typed(str(folder), root), 1, 1), "SD672", text, "`git status` there tells more")
    return [os.fsdecode(it) for it in done.stdout.split(b"\0") if it] or None


def _given(folder: Path, asked: Iterable[str]) -> Iterator[str]:
    """Yield the files git named that are there; of another repository in the folder, which it names whole, the files."""
    for path in dict.fromkeys(asked):
        if not NEVER.isdisjoint(path.split("/")):
            continue
        place = folder / path
        if place.is_dir() and not place.is_symlink():
            yield from (f"{path.rstrip('/')}/{inner}" for inner in _walk(place))
        elif os.path.lexists(place):  # a file that was removed and not yet committed is still in git's list
            yield path


def _walk(folder: Path) -> Iterator[str]:
    for here, inner, names in os.walk(folder):
        place = Path(here).relative_to(folder)
        links = [name for name in inner if (Path(here) / name).is_symlink()]
        inner[:] = sorted(set(inner) - UNASKED - set(links))
        yield from ((place / name).as_posix() for name in [*names, *links] if not name.endswith(".pyc"))


def _file(folder: Path, path: str, root: Path, problems: Problems) -> File | None:
    """Return one file, or None with a note of what is wrong with it."""
    place = folder / path
    real = Path(os.path.realpath(place))
    wrong = ""
    if not real.is_relative_to(os.path.realpath(folder)):
        wrong = f"the link leads out of {typed(str(folder), root)}"
    elif real.is_dir():
        wrong = "a link to a folder does not travel"
    elif not real.exists():
        wrong = "the link leads nowhere"
    elif not real.is_file():
        wrong = "no file: a socket, a pipe or a device"
    elif not os.access(real, os.R_OK):
        wrong = "cannot be read: permission denied"
    elif not path.isprintable() or "\\" in path:
        wrong = "the name has signs that a zip does not keep"
    if not wrong:
        return File(real, bool(real.stat().st_mode & 0o111))
    hint = "put the file itself there, or name it in .gitignore"
    problems.add(Position(typed(str(place), root), 1, 1), "SD671", wrong, hint)
    return None
