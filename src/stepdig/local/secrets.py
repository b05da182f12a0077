"""Secrets on a laptop: a file each in `.stepdig/secrets/`, named by its key; else a variable of the environment.

They are for runs on this machine alone, never deployed. The files are their user's alone, and the folder holds a
`.gitignore` that keeps it out of the repository.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from stepdig.runner.secret_texts import KEY, variable


class LocalSecrets:
    """The secrets of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".stepdig" / "secrets"

    def get(self, key: str) -> str | None:
        """Return a secret, without the line end that editors add; None when there is none."""
        if KEY.match(key):
            try:
                return (self.folder / key).read_bytes().decode("utf-8", "replace").rstrip("\r\n")
            except (FileNotFoundError, IsADirectoryError):
                pass
        return os.environ.get(variable(key))

    def put(self, key: str, value: str) -> None:
        """Keep a secret under a key that fits KEY; a reader sees the old one or the new one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignored = self.folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        handle, draft = tempfile.mkstemp(dir=self.folder, prefix=".put-")  # mode 0600
        with os.fdopen(handle, "wb") as file:
            file.write(value.encode())
        Path(draft).replace(self.folder / key)

    def delete(self, key: str) -> bool:
        """Forget a secret; return whether there was one."""
        try:
            (self.folder / key).unlink()
        except FileNotFoundError:
            return False
        return True

    def listed(self) -> list[str]:
        """Return the keys that are kept, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(it.name for it in self.folder.iterdir() if KEY.match(it.name) and it.is_file())
