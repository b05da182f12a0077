"""Lay out a new folder with a first workflow that runs as it is."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from stepdig.commands.schema import schemas
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import unwritable

HELP = "lay out a new folder with a first workflow"
# Under their own names the one would hide files of this package from git, the other be taken for a part of it.
RENAMED = {"gitignore": ".gitignore", "tasks.py.txt": "tasks.py", "vscode": ".vscode"}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare DIR."""
    parser.add_argument("dir", metavar="DIR", help="the folder to lay out; it may exist if nothing in it is in the way")


def run(args: Namespace) -> int:
    """Write the skeleton; raises ProblemsFound, and writes nothing then, when a file of it is there already."""
    target = Path(args.dir)
    skeleton = _files(files("stepdig") / "skeleton") | {name: text.encode() for name, text in schemas().items()}
    if in_the_way := [path for path in ("", *skeleton) if _is_taken(target, path)]:
        text = "is there already; nothing was written"
        raise ProblemsFound(Problem(Position(str(target / path), 1, 1), "SD006", text) for path in in_the_way)
    try:
        for path, content in skeleton.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
    except OSError as error:
        raise ProblemsFound([unwritable(error, args.dir)]) from error
    sys.stdout.write("".join(f"{target / path}\n" for path in skeleton))
    enter = "" if target.resolve() == Path.cwd() else f"  cd {target}\n"
    sys.stdout.write(f"\nNext:\n{enter}  stepdig run workflows/hello/hello.dig\n  stepdig check\n")
    return 0


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
    place = target / path
    if not path:
        return place.exists() and not place.is_dir()
    return place.exists() or any((target / above).is_file() for above in Path(path).parents if above.name)
