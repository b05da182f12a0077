"""What AWS keeps for a project, kept in `.stepdig/` of a repository: its secrets, its parameters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stepdig.local.secrets import LocalSecrets


def find_secrets(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the secrets there are of some names: a file `.stepdig/secrets/<name>`, else a variable of the environment."""
    kept = LocalSecrets(root)
    found = {name: kept.get(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


class KeptParams:
    """The parameters below a path of the Parameter Store, `/stepdig/<stack>/params/shop/`, as `.stepdig/params/shop/<name>`."""

    def __init__(self, root: Path, path: str) -> None:
        self._folder = root / ".stepdig" / "params" / path.strip("/").split("/")[3]

    def get(self, names: Sequence[str]) -> dict[str, str]:
        """Return the parameters that there are of some names."""
        files = {name: self._folder / name for name in names}
        return {name: file.read_bytes().decode() for name, file in files.items() if file.is_file()}

    def put(self, name: str, value: str) -> None:
        """Keep a text under a name, whole or not at all; an empty one is forgotten, as on AWS."""
        path = self._folder / name
        if not value:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".put-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(value)
        Path(draft).replace(path)
