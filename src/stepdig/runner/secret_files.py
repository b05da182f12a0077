"""Secrets that commands read from files: ECS gives them in variables, `STEPDIG_FILE_<NAME>`; the variable NAME tells the file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Dict, Mapping

VARIABLE = "STEPDIG_FILE_"


def given(environ: Mapping[str, str]) -> Dict[str, str]:
    """Return the secrets that a container is given for files, by the names of their variables."""
    return {name[len(VARIABLE) :]: text for name, text in environ.items() if name.startswith(VARIABLE)}


def write(folder: Path, secrets: Mapping[str, str]) -> Dict[str, str]:
    """Write each secret to a file that its user alone can read; return the variables that name them."""
    if secrets:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in secrets.items():
        handle = os.open(str(folder / name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    return {name: str(folder / name) for name in secrets}


def forget(variables: Mapping[str, str]) -> None:
    """Remove the files again."""
    for path in variables.values():
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
