"""The nightly sync in a folder of its own, with the environment that its job has on a laptop."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from demo_night import PATHS, ROOT, Night

from stepdig.local.guard import Guard
from stepdig.local.jobs import Environment, Jobs


def copy_of_the_project(root: Path, environment: Environment) -> Night:
    for folder in ("workflows/nightly_sync", "jobs/load"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("var", "__pycache__"))
    (root / ".stepdig").mkdir()
    (root / ".stepdig" / "jobs").symlink_to(ROOT / ".stepdig" / "jobs")
    return Night(root, environment)


@pytest.fixture(scope="session")
def load_job() -> Environment:
    """Return the environment of the job `load`, installed once for the repository as `make demo` does."""
    guard = Guard()
    try:
        return asyncio.run(Jobs(ROOT / "jobs", ROOT / ".stepdig" / "jobs", guard, print).environment("load"))
    finally:
        guard.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, load_job: Environment) -> Path:
    """Return the shop's database, made once; loaders only read it."""
    night = copy_of_the_project(tmp_path_factory.mktemp("shop"), load_job)
    assert night.load("warehouses")[0] == 0
    return night.workflow / PATHS["source"]


@pytest.fixture
def new_night(tmp_path: Path, load_job: Environment) -> Night:
    """Return a copy of the project in which nothing ever ran."""
    return copy_of_the_project(tmp_path, load_job)


@pytest.fixture
def night(new_night: Night, shop: Path) -> Night:
    """Return a copy of the project whose shop is there."""
    place = new_night.workflow / PATHS["source"]
    place.parent.mkdir()
    os.link(shop, place)
    return new_night
