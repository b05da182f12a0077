"""Attempt parameters from the command line: `-p` texts over the values of `-P` files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepdig.language import given
from stepdig.problem import Position, Problem, Problems, ProblemsFound
from stepdig.project import unreadable
from stepdig.runner.templates import merge
from stepdig.source.tree import load, plain

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled


def attempt_params(files: Iterable[str], pairs: Iterable[str]) -> dict[str, Any]:
    """Return the parameters: files in turn, then `-p`, merged deeply, later over earlier. Raises ProblemsFound.

    As in Digdag a `-p` value is always a text and a dot in its name nests; a file (YAML or JSON) keeps its types.
    """
    params: dict[str, Any] = {}
    problems: list[Problem] = []
    for path in files:
        try:
            params = merge(params, _file(path))
        except ProblemsFound as wrong:
            problems += wrong.problems
    if problems:
        raise ProblemsFound(problems)
    for pair in pairs:
        name, _, value = pair.partition("=")
        params = merge(params, _nested(name.split("."), value))
    return params


def is_pair(text: str) -> bool:
    """Tell whether a `-p` has the form name=value."""
    name, equals, _ = text.partition("=")
    return bool(equals) and all(name.split("."))


def _nested(path: list[str], value: str) -> dict[str, Any]:
    name, *rest = path
    return {name: _nested(rest, value) if rest else value}


def _file(path: str) -> dict[str, Any]:
    problems = Problems()
    folder = Path(path).parent
    try:
        text = Path(path).read_bytes()
        node = load(text, path, lambda name: _beside(folder, name), problems)
    except OSError as error:
        raise ProblemsFound([unreadable(error, path)]) from None
    problems.raise_if_any()
    found = plain(node)
    if not isinstance(found, dict):
        raise ProblemsFound([Problem(Position(path, 1, 1), "SD007", "parameters are no mapping of names to values")])
    return found


def _beside(folder: Path, name: str) -> bytes | None:
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


class RefusedError(ValueError):
    """Parameters that the workflow does not take; the text has a line for each."""


DEV = "dev"


def in_environment(compiled: Compiled, params: dict[str, Any], others: Mapping[Any, Compiled]) -> dict[str, Any]:
    """Return the parameters with the environment of a laptop, where a workflow, or one that it requires, asks for one.

    It is `dev`, or the only one there is. Raises RefusedError when there are several others.
    """
    bundles: list[dict[str, Any]] = [it.bundle for it in (compiled, *others.values())]
    names = sorted({name for bundle in bundles for name in bundle.get("environments", ())})
    if not names or params.get("env") is not None:
        return params
    if DEV not in names and len(names) > 1:
        raise RefusedError(f"this workflow runs in one of several environments: --env {'|'.join(names)}")
    return {**params, "env": DEV if DEV in names else names[0]}


def checked(compiled: Compiled, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the types that a workflow declares. Raises RefusedError."""
    params, wrong = given.checked(compiled.bundle, params)
    if wrong:
        raise RefusedError("\n".join(wrong))
    if note := given.unheard(compiled.bundle, compiled.definition_text, params):
        sys.stderr.write(f"stepdig run: note: {note}\n")
    return params
