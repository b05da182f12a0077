"""What a new user has: stepdig from a wheel, `stepdig init`, `stepdig build`, `sam build`. No file of this repository's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from deploying import ROOT, SAM, copied


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with stepdig's wheel and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    copied(ROOT, folder / "source")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv" / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, folder / "source"], capture_output=True, text=True, timeout=170, check=False)
    if done.returncode and ("Could not fetch" in done.stderr or "No matching distribution" in done.stderr):
        pytest.skip("needs a package index: pip install .")
    assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


def test_a_new_project_builds(sam: Path, programs: Path, tmp_path: Path) -> None:
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "SAM_CLI_TELEMETRY": "0"}

    def ran(*command: str | Path, folder: Path) -> str:
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=170, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    assert "sam build && sam deploy" in ran("stepdig", "init", "my-batch", folder=tmp_path)
    project = tmp_path / "my-batch"
    ran("stepdig", "build", folder=project)
    ran(SAM, "build", folder=project)
    built = project / ".aws-sam" / "build"
    assert (built / "PublishFunction" / "archives" / "hello.zip").is_file()
    assert (built / "PublishFunction" / "images" / "default.zip").is_file()
    assert (built / "StartSessionFunction" / "aws_lambda_powertools").is_dir()
    assert (built / "Workflows" / "template.yaml").is_file()
