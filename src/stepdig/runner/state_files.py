"""Files that a task finds again as its last successful run left them: `state: [diff.yml]` of a job or a task.

They lie beside the runs, by the workflow, the task and the rows of its loops: a row goes by its label, wherever its list has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Tuple
from urllib.parse import quote

from stepdig.runner import loops
from stepdig.runner.shapes import TaskRun
from stepdig.runner.storage import Storage

FOLDER = "state"
_LABEL_CHARS = 100  # a file system takes names of 255 bytes

# (key in the storage, place beside the command)
Kept = Sequence[Tuple[str, Path]]


def fetch(at: TaskRun, storage: Storage, cwd: Path) -> Kept:
    """Put the files of a task where its command runs; what was never kept stays as the project has it. Raises LoopError."""
    found: List[Tuple[str, Path]] = []
    names: Sequence[str] = at.task.get("state") or ()
    prefix = _prefix(at) if names else ""
    for name in names:
        body = storage.get(prefix + name)
        path = cwd / name
        if body is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        found.append((prefix + name, path))
    return found


def keep(kept: Kept, storage: Storage) -> None:
    """Keep the files that a command which succeeded has left; of one that is gone the last stays."""
    for key, path in kept:
        if path.is_file():
            storage.put(key, path.read_bytes())


def _prefix(at: TaskRun) -> str:
    parts = [FOLDER, f"{at.bundle['project']}-{at.bundle['workflow']}", at.key]
    parts += [_shortened(loops.label(at.bundle["loops"][loop], at.loop_input)) for loop in at.task["loops"]]
    return "/".join(parts) + "/"


def _shortened(label: str) -> str:
    """Return a label as a part of a key; what is left out of a long one is told by a hash."""
    text = quote(label, safe=" =+@,")
    if len(text) <= _LABEL_CHARS:
        return text
    import hashlib  # OpenSSL, for which few containers have to wait

    return f"{text[: _LABEL_CHARS - 17]}~{hashlib.sha256(label.encode('utf-8', 'replace')).hexdigest()[:16]}"
