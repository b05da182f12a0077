"""Examples run as a person runs them: a copy of the folder, the command line, real servers beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import databases  # noqa: E402 - the examples' own


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


@pytest.fixture
def example(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Example]:
    """Return a function that copies an example; environments of its jobs are shared by all tests of this machine."""

    def copy(name: str, **environ: str) -> Example:
        folder = tmp_path / name
        ignored = shutil.ignore_patterns(".stepdig", "var", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, folder, ignore=ignored, symlinks=True)
        (folder / ".stepdig").mkdir()
        (folder / ".stepdig/jobs").symlink_to(_environments(tmp_path_factory))
        kept = {key: value for key, value in os.environ.items() if not key.startswith("STEPDIG_")}
        return Example(folder, {**kept, "PYTHONPATH": str(ROOT / "src"), **environ})

    return copy


def _environments(factory: pytest.TempPathFactory) -> Path:
    """Return the folder for the environments of jobs, which are made once for all tests of a session."""
    folder = factory.getbasetemp() / "environments"
    folder.mkdir(exist_ok=True)
    return folder


def _served(
    server: Callable[[Path], AbstractContextManager[databases.Database]], folder: Path
) -> Iterator[databases.Database]:
    try:
        with server(folder) as database:
            yield database
    except databases.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.Database]:
    yield from _served(databases.mariadb, tmp_path_factory.mktemp("mariadb"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.Database]:
    yield from _served(databases.postgres, tmp_path_factory.mktemp("postgres"))
