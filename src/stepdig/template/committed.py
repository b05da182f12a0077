"""The committed templates -> which of them has which workflow: no workflow may move to another one.

A file that git merged may hold both branches, each between marks; then what either of them says holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from stepdig.problem import Position, Problems

_MARK = 7  # signs that begin a line of git's: https://git-scm.com/docs/git-merge#_how_conflicts_are_presented


def places(committed: Mapping[int, tuple[str, str]], problems: Problems) -> dict[str, int]:
    """Return the number of the template that each workflow is in; `committed` are (path, text) by number.

    A template that does not tell is noted.
    """
    found: dict[str, int] = {}
    for number, (path, text) in committed.items():
        try:
            names = [name for side in _sides(text) for name in _workflows(side)]
        except (yaml.YAMLError, RecursionError, ValueError, KeyError, TypeError):
            wrong = "it does not say which workflows it holds, so they might move to another template"
            hint = "take it from the last commit: `git checkout HEAD -- <file>`; workflows must not move between stacks"
            problems.add(Position(path, 1, 1), "SD644", wrong, hint)
        else:
            found.update({name: number for name in names if name not in found})
    return found


def _workflows(text: str) -> list[str]:
    """Return the workflows that a template says it holds. Raises ValueError and its like."""
    names = yaml.safe_load(_metadata(text))["Metadata"]["stepdig"]["Workflows"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("no list of names")
    return names


def _metadata(text: str) -> str:
    """Return the section alone: a whole template takes YAML a second to read."""
    start = text.index("\nMetadata:") if "\nMetadata:" in text else 0
    end = text.find("\nParameters:", start)
    return text[start : end if end > 0 else None]


def _sides(text: str) -> tuple[str, ...]:
    """Return a text as each of two branches has it; one that holds no marks of a merge, as it is."""
    if "<" * _MARK not in text:
        return (text,)
    turns = {
        "both": {"<": "ours"},
        "ours": {"|": "base", "=": "theirs"},
        "base": {"=": "theirs"},
        "theirs": {">": "both"},
    }
    lines: dict[str, list[str]] = {"ours": [], "theirs": []}
    side = "both"
    for line in text.splitlines(keepends=True):
        turn = turns[side].get(line[0]) if line[:_MARK] == line[0] * _MARK else None
        if turn is not None:
            side = turn
            continue
        for one, own in lines.items():
            if side in (one, "both"):
                own.append(line)
    return tuple("".join(own) for own in lines.values())
