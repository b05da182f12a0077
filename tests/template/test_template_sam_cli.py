"""The SAM CLI builds templates that nest each other, every definition in its place."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from template_stack import ROOT, rendered, units

from stepdig import limits

SAM = ROOT / "tests/deploy/.venv/bin/sam"
INSTALL = "python3 -m venv tests/deploy/.venv && tests/deploy/.venv/bin/pip install -r tests/deploy/requirements.txt"


def test_sam_builds_all_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not SAM.exists():
        pytest.skip(f"no SAM CLI: {INSTALL}")
    monkeypatch.setattr(limits, "TEMPLATE_FIRST_RESOURCES", 20)
    monkeypatch.setattr(limits, "TEMPLATE_FILLED_RESOURCES", 30)
    for number in range(6):
        (tmp_path / f"workflows/p{number % 2}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"workflows/p{number % 2}/w{number}.dig").write_text(f"+a:\n  sh>: echo {number}\n")
    folder = tmp_path / "statemachines"
    folder.mkdir()
    made = rendered(tmp_path)
    assert {"template.yaml", "template-2.yaml", "template-3.yaml"} <= set(made)
    texts = made | {f"{it.machine}.asl.json": it.compiled.definition_text for it in units(tmp_path)}
    for name, text in texts.items():
        (folder / name).write_text(text)

    command = [SAM, "build", "--template", "statemachines/template.yaml"]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "ap-northeast-1", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    found = []
    for path in (tmp_path / ".aws-sam/build").rglob("template.yaml"):
        for it in yaml.safe_load(path.read_text())["Resources"].values():
            if it["Type"] == "AWS::Serverless::StateMachine":
                definition = path.parent / it["Properties"]["DefinitionUri"]
                assert json.loads(definition.read_text())["StartAt"]
                found.append(definition.name)
    assert sorted(found) == sorted(f"{it.machine}.asl.json" for it in units(tmp_path))
