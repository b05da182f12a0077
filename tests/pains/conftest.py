"""The fixture of the pains: an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest
from pains_project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "repository").mkdir()
    return Project(tmp_path / "repository")
