"""Files of `state:` on a laptop: kept in `.stepdig/state/`, which outlives runs, and shown to a task in a folder of its own.

A container has its own copy of the project; here all tasks share one folder, where two iterations would write one diff.yml.
So a task with such files runs in a folder of links to everything else.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from stepdig.runner import state_files
from stepdig.runner.storage import FolderStorage, Storage


class LastingStorage:
    """The local bucket: what belongs to a run lies in the run's folder, what lasts longer beside all runs."""

    def __init__(self, run: Storage, lasting: Path) -> None:
        self._run = run
        self._lasting = FolderStorage(lasting)

    def get(self, key: str) -> bytes | None:
        """Return the object, or None when there is none."""
        return self._of(key).get(key)

    def put(self, key: str, body: bytes) -> None:
        """Write the object whole."""
        self._of(key).put(key, body)

    def list(self, prefix: str) -> list[str]:
        """Return the keys that begin with the prefix, sorted."""
        return self._of(prefix).list(prefix)

    def _of(self, key: str) -> Storage:
        return self._lasting if key.startswith(f"{state_files.FOLDER}/") else self._run


def mirror(source: Path, target: Path, files: Sequence[str]) -> Path:
    """Make a folder that shows another by links, but for some files, of which it has copies; return it."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        inner = [file.partition("/")[2] for file in files if file.startswith(f"{entry.name}/")]
        if entry.name in files and entry.is_file():
            shutil.copy2(entry, target / entry.name)
        elif inner and entry.is_dir():
            mirror(entry, target / entry.name, inner)
        else:
            (target / entry.name).symlink_to(entry)
    return target
