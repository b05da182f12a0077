"""Lay out a new folder with a first workflow that runs as it is, and with all that deploys it.

In a folder that has workflows already only what deploying needs is laid beside them: the template and its settings where
there are none yet, since they are the user's from then on; the functions of this version, which are stepdig's.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from stepdig import DOCUMENTATION
from stepdig.commands import _staging
from stepdig.commands.schema import schemas
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import FOLDER as WORKFLOWS
from stepdig.project import unwritable

HELP = "lay out a new folder with a first workflow"
# Under their own names the one would hide files of this package from git, the other be taken for a part of it.
RENAMED = {"gitignore": ".gitignore", "tasks.py.txt": "tasks.py", "vscode": ".vscode"}
_PACKAGE = Path(str(files("stepdig")))
# Of a wheel, which holds them beside the skeleton; of the repository, whose own they are.
_SHIPPED = (_PACKAGE / "deploy", _PACKAGE.parent.parent)
SETTINGS = ("template.yaml", "samconfig.toml")
FUNCTIONS = "functions"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare DIR."""
    parser.add_argument("dir", metavar="DIR", help="the folder to lay out; it may exist if nothing in it is in the way")


def run(args: Namespace) -> int:
    """Write the skeleton; raises ProblemsFound, and writes nothing then, when a file of it is there already."""
    target = Path(args.dir)
    if (target / WORKFLOWS).is_dir():
        return _beside(target, args.dir)
    skeleton = _files(files("stepdig") / "skeleton") | {name: text.encode() for name, text in schemas().items()}
    skeleton |= _settings() | _functions()
    if in_the_way := [path for path in ("", *skeleton) if _is_taken(target, path)]:
        text = "is there already; nothing was written"
        raise ProblemsFound(Problem(Position(str(target / path), 1, 1), "SD006", text) for path in in_the_way)
    _write(target, skeleton, args.dir)
    enter = "" if target.resolve() == Path.cwd() else f"  cd {target}\n"
    sys.stdout.write(f"\nNext:\n{enter}  stepdig run workflows/hello/hello.dig\n  stepdig check\n{_DEPLOY}")
    return 0


_DEPLOY = f"To deploy ({DOCUMENTATION}/deploy.md):\n  stepdig build\n  sam build && sam deploy --guided\n"


def _beside(target: Path, given: str) -> int:
    """Write what deploying needs and what is not as in this version; files of functions that it has no more go."""
    missing = {name: content for name, content in _settings().items() if not os.path.lexists(target / name)}
    functions = _functions()
    changed = {name: content for name, content in functions.items() if _read(target / name) != content}
    left = [path for path in _ours(target) if path.relative_to(target).as_posix() not in functions]
    _write(target, missing | changed, given, [path.relative_to(target).as_posix() for path in left])
    sys.stdout.write(f"\n{_DEPLOY}" if missing or changed or left else "nothing to do: all is as in this version\n")
    return 0


def _settings() -> dict[str, bytes]:
    """Return the template and its settings for each environment, of which stepdig writes the first version alone."""
    return {name: (_shipped() / name).read_bytes() for name in SETTINGS}


def _functions() -> dict[str, bytes]:
    """Return the files of the functions by their paths in a project, with the makefile that builds them."""
    root = _shipped()
    found = (root / FUNCTIONS).rglob("*")
    kept = sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts and path.name[0] != ".")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


def _shipped() -> Path:
    return next(folder for folder in _SHIPPED if (folder / SETTINGS[0]).is_file())


def _ours(target: Path) -> list[Path]:
    """Return the Python files of folders that stepdig's functions have: one that is the user's own has its own folder."""
    folders = {name.split("/")[1] for name in _functions() if name.count("/") > 1}
    return [path for folder in sorted(folders) for path in sorted((target / FUNCTIONS / folder).glob("*.py"))]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(target: Path, written: dict[str, bytes], given: str, gone: Sequence[str] = ()) -> None:
    """Write files and remove others, all or nothing, and tell their names. Raises ProblemsFound."""
    try:
        _staging.write(target, written, gone)
    except OSError as error:
        raise ProblemsFound([unwritable(error, given)]) from error
    sys.stdout.write("".join(f"{target / path}\n" for path in written))
    sys.stdout.write("".join(f"{target / path} removed\n" for path in gone))


def _files(folder: Traversable, below: str = "") -> dict[str, bytes]:
    """Return the skeleton's files by their path in the new folder."""
    found: dict[str, bytes] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = below + RENAMED.get(entry.name, entry.name)
        if entry.is_dir():
            if entry.name != "__pycache__":
                found |= _files(entry, f"{path}/")
        else:
            found[path] = entry.read_bytes()
    return found


def _is_taken(target: Path, path: str) -> bool:
    """Tell whether a file stands where one of ours, or the folder it is in, would be."""
    folders = [target / above for above in Path(path).parents if above.name] if path else [target]
    return (path != "" and os.path.lexists(target / path)) or any(
        os.path.lexists(it) and not it.is_dir() for it in folders
    )
