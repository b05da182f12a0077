"""Compile the workflows into statemachines/, with templates to deploy them: all of it or, if anything is wrong, nothing."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stepdig.commands import _outputs, _staging
from stepdig.commands._compile import compile_all
from stepdig.commands._remembered import PLACE, Remembered
from stepdig.pipeline import Compiled
from stepdig.problem import ProblemsFound
from stepdig.project import FOLDER as WORKFLOWS
from stepdig.project import Workflow, all_of, find, root_of, typed, unreadable, unwritable
from stepdig.report.problems import count
from stepdig.template.render import render
from stepdig.template.unit import Unit

HELP = "compile the workflows, and the templates that deploy them, into statemachines/"
FOLDER = "statemachines"
WORDS = {"new": "missing", "changed": "stale", "removed": "left over"}  # what `build` does, what `--check` calls it


def add_arguments(parser: ArgumentParser) -> None:
    """Declare PATH and --check."""
    parser.add_argument(
        "path", nargs="?", default=".", help="the folder that holds workflows/ (default: where you stand)"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; say what is stale, missing or left over, and exit 1 then"
    )


def run(args: Namespace) -> int:
    """Write what changed and remove what is gone, or only say it; raises ProblemsFound."""
    root = root_of(args.path)
    workflows = _workflows(args.path, root)
    folder = root / FOLDER
    try:
        if args.check:  # what was remembered is not asked: this is what a reviewer's machine would make
            wanted = _wanted(folder, compile_all(workflows))
            return _tell(folder, _outputs.changes(folder, wanted), len(workflows), check=True)
        with _staging.alone(root) as alone:
            if alone:
                _staging.sweep(folder)
                _staging.sweep(root.joinpath(*PLACE))
            changes = _build(root, folder, workflows)
    except OSError as error:
        raise ProblemsFound([unreadable(error, typed(error.filename or FOLDER, root))]) from error
    return _tell(folder, changes, len(workflows), check=False)


def _build(root: Path, folder: Path, workflows: tuple[Workflow, ...]) -> Mapping[str, str]:
    """Bring the folder up to date; return what was done to each file."""
    remembered = Remembered(root)
    if remembered.holds(workflows, folder):
        return {}
    wanted = _wanted(folder, remembered.compiled(workflows))
    changes = _outputs.changes(folder, wanted)
    texts = {name: wanted[name] for name, what in changes.items() if what != "removed"}
    try:
        _outputs.write(folder, texts, [name for name, what in changes.items() if what == "removed"])
    except OSError as error:
        raise ProblemsFound([unwritable(error, str(folder))]) from error
    remembered.keep(wanted)
    return changes


def _workflows(path: str, root: Path) -> tuple[Workflow, ...]:
    """Return all workflows of the root, whichever of them the path names: the templates hold all of them."""
    if not (root / WORKFLOWS).is_dir():
        find(path)
    return all_of(root)


def _wanted(folder: Path, compiled: Mapping[Workflow, Compiled]) -> dict[str, str]:
    """Return the text of each file that is to be there. Raises ProblemsFound."""
    problems = _outputs.foreign(folder)
    if problems:
        raise ProblemsFound(problems)
    units = [Unit(it.project.name, it.name, it.path, made) for it, made in compiled.items()]
    try:
        others = render(units, _outputs.templates(folder), folder.name)
    except ProblemsFound as wrong:
        shown = [replace(it, at=replace(it.at, path=typed(it.at.path, folder.parent))) for it in wrong.problems]
        raise ProblemsFound(shown) from None
    return {**{f"{it.machine}{_outputs.DEFINITION}": made.definition_text for it, made in compiled.items()}, **others}


def _tell(folder: Path, changes: Mapping[str, str], total: int, *, check: bool) -> int:
    for name, what in changes.items():
        path = typed(f"{folder.name}/{name}", folder.parent)
        sys.stdout.write(f"{WORDS[what] if check else what:<10}{path}\n")
    changed = sum(what != "removed" and name.endswith(_outputs.DEFINITION) for name, what in changes.items())
    end = "; `stepdig build` brings them up to date" if check and changes else ""
    sys.stdout.write(f"{count(total, 'state machine')}, {total - changed} up to date{end}\n")
    return 1 if check and changes else 0
