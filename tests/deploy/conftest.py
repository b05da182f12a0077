"""The project as a fresh clone, SAM's command line, and a cloud on loopback to deploy to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploying import INSTALL, ROOT, SAM, Cloud, Project, copied, deploy, running_cloud

MORNING = "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n+greet:\n  sh>: echo good morning\n"


@pytest.fixture(scope="session")
def sam() -> Path:
    if not SAM.exists():
        pytest.skip(f"SAM is not installed: {INSTALL}")
    return SAM


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the repository, with a workflow beside the others that has a schedule, and is compiled."""
    folder = tmp_path_factory.mktemp("clone") / "project"
    copied(ROOT, folder)
    (folder / "workflows" / "hello" / "morning.dig").write_text(MORNING)
    subprocess.run(
        [Path(sys.executable).parent / "stepdig", "build"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return Project(folder)


@pytest.fixture(scope="session")
def built(sam: Path, project: Project) -> Project:
    """The project after `sam build`."""
    project.sam("build")
    return project


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with running_cloud() as running:
        yield running


@pytest.fixture
def another_cloud() -> Iterator[Cloud]:
    """A cloud with nothing in it."""
    with running_cloud() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(built: Project, cloud: Cloud) -> Cloud:
    """The cloud after `sam deploy`."""
    deploy(built, cloud)
    return cloud
