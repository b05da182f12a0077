"""Print the JSON Schema of `.dig` files or of job.yml, or give a folder what VS Code needs to complete and underline in them."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from importlib.resources import files
from pathlib import Path

from stepdig import schema
from stepdig.problem import ProblemsFound
from stepdig.project import unwritable

HELP = "tell an editor the language: completion, help, mistakes underlined"
FILE = ".vscode/stepdig.schema.json"
JOB_FILE = ".vscode/stepdig-job.schema.json"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare `--job` and `--vscode`."""
    parser.add_argument(
        "--job", action="store_true", help="the schema of jobs/<name>/job.yml, in place of the language's"
    )
    parser.add_argument(
        "--vscode", metavar="DIR", help=f"write DIR/{FILE}, DIR/{JOB_FILE} and the settings that name them"
    )


def run(args: Namespace) -> int:
    """Print a schema, or write both and the settings; settings that are there are left as they are."""
    if args.vscode is None:
        sys.stdout.write(schema.job_text() if args.job else schema.text())
        return 0
    folder = Path(args.vscode)
    try:
        for name, text in schemas().items():
            _write(folder / name, text)
        for name, text in settings().items():
            if not (folder / name).exists():
                _write(folder / name, text)
            elif not _is_in(text, (folder / name)):
                sys.stdout.write(f"\n{folder / name} is there already. Put into it:\n{text}")
    except OSError as error:
        raise ProblemsFound([unwritable(error, args.vscode)]) from error
    return 0


def schemas() -> dict[str, str]:
    """Return the files of schemas, by their path in a repository."""
    return {FILE: schema.text(), JOB_FILE: schema.job_text()}


def settings() -> dict[str, str]:
    """Return the editor's files besides the schema, by their path in a repository."""
    folder = files("stepdig") / "skeleton/vscode"
    return {f".vscode/{entry.name}": entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".json")}


def _is_in(text: str, path: Path) -> bool:
    """Return whether a file of settings holds ours already; one with comments, which JSON has not, does not say."""
    try:
        there = json.loads(path.read_text())
    except ValueError:
        return False
    return isinstance(there, dict) and all(there.get(key) == value for key, value in json.loads(text).items())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    sys.stdout.write(f"{path}\n")
