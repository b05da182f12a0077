"""checkov on both templates, as they are written and as they arrive: clean, and each skip says why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from deploying import HERE, ROOT
from sam_transform import packaged, transformed

CHECKOV = HERE / "checkov" / ".venv" / "bin" / "checkov"
INSTALL = (
    "python3 -m venv tests/deploy/checkov/.venv && "
    "tests/deploy/checkov/.venv/bin/pip install -r tests/deploy/checkov/requirements.txt"
)


def test_templates_are_clean(tmp_path: Path) -> None:
    """Without a network: the checks that are in the package are all of it."""
    if not CHECKOV.exists():
        pytest.skip(f"checkov is not installed: {INSTALL}")
    templates = {"template": ROOT / "template.yaml"}
    templates |= {
        path.stem: path for path in (ROOT / "statemachines").glob("template*.yaml") if path.stem != "template"
    }
    templates |= {"workflows": ROOT / "statemachines" / "template.yaml"}
    for name, path in templates.items():
        (tmp_path / f"{name}.yaml").write_text(path.read_text())
        (tmp_path / f"{name}-arrived.json").write_text(json.dumps(transformed(packaged(path.read_text())), indent=1))
    given = [
        "--skip-download",
        "--framework",
        "cloudformation",
        "--output",
        "json",
        "--quiet",
        "--directory",
        str(tmp_path),
    ]
    done = subprocess.run([CHECKOV, *given], capture_output=True, text=True, timeout=170, check=False)
    report = json.loads(done.stdout)
    failed = [f"{one['check_id']} {one['file_path']} {one['resource']}" for one in report["results"]["failed_checks"]]
    assert not failed
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 200
    skipped = report["results"].get("skipped_checks", [])
    assert not [one["check_id"] for one in skipped if not one["check_result"]["suppress_comment"]]
