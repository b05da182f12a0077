"""A folder on disk -> the files of it that travel: those git would carry, else all but what is never a source.

`git ls-files --cached --others --exclude-standard` is what a commit of the folder as it is would hold:
https://git-scm.com/docs/git-ls-files
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stepdig.packing.contents import File
from stepdig.packing.ignored import Ignored
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
# Where a hook of git's runs us, they name the repository of the hook, as seen from another folder.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
_CLOSED = re.compile(r"^warning: could not open directory '(.*?)/?': (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The folder whose files are asked for; `problems` is where what cannot travel is noted."""

    path: Path
    root: Path
    problems: Problems

    def refuse(self, path: str, text: str) -> None:
        hint = "put the file itself there, or name it in .gitignore"
        self.problems.add(self.at(self.path / path), "SD671", text, hint)

    def at(self, place: Path) -> Position:
        return Position(typed(str(place), self.root), 1, 1)


def sources(folder: Path, root: Path, problems: Problems) -> dict[str, File]:
    """Return the files of a folder by their paths in it; links become what they lead to, those that lead out are noted."""
    asked = _Folder(folder, root, problems)
    found = {}
    for path in sorted(set(_paths(asked, folder))):
        file = _file(asked, path)
        if file is not None:
            found[path] = file
    return found


def _paths(asked: _Folder, place: Path) -> Iterator[str]:
    """Yield the paths of what travels of a place in the folder: the folder itself, or another repository in it."""
    listed = _listed(asked, place)
    inner = _walk(asked, place) if listed is None else listed
    prefix = "" if place == asked.path else f"{place.relative_to(asked.path).as_posix()}/"
    for path in inner:
        if listed is None:
            yield prefix + path
        elif NEVER.isdisjoint(path.split("/")):
            yield from _given(asked, prefix + path)


def _listed(asked: _Folder, place: Path) -> list[str] | None:
    """Return what git says it would carry, or None where there is no git, no checkout, or git ignores all of the place."""
    if _checkout(place) is None:
        return None
    env = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(_GIT, cwd=place, env=env, capture_output=True, check=False)
    except OSError:
        return None
    said = os.fsdecode(done.stderr)
    if done.returncode:
        told = said.strip().splitlines()
        text = f"git does not tell which files it carries: {told[0] if told else f'exit code {done.returncode}'}"
        asked.problems.add(asked.at(place), "SD672", text, "`git status` there tells more")
        return []
    for path, why in _CLOSED.findall(said):
        asked.refuse((place / path).relative_to(asked.path).as_posix(), f"cannot be read: {why.lower()}")
    return [os.fsdecode(it) for it in done.stdout.split(b"\0") if it] or None


def _checkout(place: Path) -> Path | None:
    """Return the top of the checkout that a place is in; a link is where it leads to, as for git."""
    real = Path(os.path.realpath(place))
    return next((above for above in (real, *real.parents) if os.path.lexists(above / ".git")), None)


def _given(asked: _Folder, path: str) -> Iterator[str]:
    """Yield a file git named, if it is there; of another repository in the folder, which it names whole, the files."""
    place = asked.path / path
    if os.path.islink(place) or not os.path.isdir(place):  # noqa: PTH112, PTH114 - one in a closed folder is told later
        try:
            place.lstat()
        except (FileNotFoundError, NotADirectoryError):  # removed and not yet committed: still in git's list
            return
        except OSError:
            pass
        yield path
    elif os.path.lexists(place / ".git"):
        yield from _paths(asked, place)
    else:  # a submodule that was not fetched
        yield from (f"{path.rstrip('/')}/{inner}" for inner in _walk(asked, place))


def _walk(asked: _Folder, place: Path) -> Iterator[str]:
    """Yield the files of a place that no .gitignore hides; where it hides the place itself, all files."""

    def refuse(error: OSError) -> None:
        path = Path(error.filename or place).relative_to(asked.path).as_posix()
        asked.refuse(path, f"cannot be read: {(error.strerror or str(error)).lower()}")

    ignored = _rules(asked, place)
    for here, inner, names in os.walk(place, onerror=refuse):
        at = Path(here)
        links = [name for name in inner if os.path.islink(at / name)]  # noqa: PTH114 - as above
        inner[:] = sorted(set(inner) - UNASKED - set(links))
        if ignored is not None:
            inner[:] = [name for name in inner if not ignored.hides(at / name, True)]
        for name in [*names, *links]:
            if not name.endswith(".pyc") and not (ignored is not None and ignored.hides(at / name, False)):
                yield (at / name).relative_to(place).as_posix()


def _rules(asked: _Folder, place: Path) -> Ignored | None:
    """Return the rules for a place, from the top of the checkout or of the repository on; None where they hide all of it."""
    tops = [top for top in (_checkout(place), asked.root) if top is not None and place.is_relative_to(top)]
    top = tops[0] if tops else place
    ignored = Ignored(top)
    return None if ignored.hides_whole(place) else ignored


def _file(asked: _Folder, path: str) -> File | None:
    """Return one file, or None with a note of what is wrong with it."""
    try:
        real = Path(os.path.realpath(asked.path / path))
        wrong = _wrong(asked, path, real)
        if not wrong:
            return File(real, bool(real.stat().st_mode & 0o111))
    except OSError as error:
        wrong = f"cannot be read: {(error.strerror or str(error)).lower()}"
    asked.refuse(path, wrong)
    return None


def _wrong(asked: _Folder, path: str, real: Path) -> str:
    """Return why a file cannot travel, or an empty text. Raises OSError."""
    if not real.is_relative_to(os.path.realpath(asked.path)):
        return f"the link leads out of {typed(str(asked.path), asked.root)}"
    if real.is_dir():
        return "a link to a folder does not travel"
    if not real.exists():
        return "the link leads nowhere"
    if not real.is_file():
        return "no file: a socket, a pipe or a device"
    if not os.access(real, os.R_OK):
        return "cannot be read: permission denied"
    if not path.isprintable() or "\\" in path:
        return "the name has signs that a zip does not keep"
    return ""
