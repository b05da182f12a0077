"""Fixtures of the examples: a copy of one, its databases."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from example_project import ROOT, Example, databases


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
