"""Examples run as a person runs them: a copy of the folder, the command line, real servers beside it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import databases as databases  # noqa: E402, PLC0414 - the examples' own


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    text: str


@dataclass(frozen=True)
class Example:
    """A copy of an example's folder, with what its tasks find in the environment."""

    folder: Path
    environ: dict[str, str]

    def stepdig(self, *words: str, **more: str) -> Done:
        """Run `stepdig` in the folder."""
        argv = [sys.executable, "-m", "stepdig", *words]
        done = subprocess.run(
            argv, cwd=self.folder, env={**self.environ, **more}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout)
