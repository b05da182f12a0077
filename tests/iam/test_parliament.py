"""Every role, resolved, through parliament: no unknown action, resource or condition, and "*" only where IAM has no more."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from golden_machines import FILES, deployed
from policies import resolved
from test_containers import TASKS
from test_machine import OTHERS, UNKNOWN, _derived

from stepdig.iam import document, execution_statements, task_statements
from stepdig.language.job import Job

HERE = Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"
INSTALL = "python3 -m venv tests/iam/.venv && tests/iam/.venv/bin/pip install -r tests/iam/requirements.txt"


def checked(policies: dict[str, Any]) -> dict[str, list[str]]:
    """Return parliament's findings. Skips where it is not installed."""
    if not any((HERE / ".venv").glob("lib/*/site-packages/parliament")):
        pytest.skip(f"parliament is not installed: {INSTALL}")
    asked = json.dumps(policies)
    done = subprocess.run([PYTHON, HERE / "check_policies.py"], input=asked, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_roles_are_clean() -> None:
    policies = {path.stem: resolved(document(deployed(path).statements())) for path in FILES if path != UNKNOWN}
    for name, (job, _) in TASKS.items():
        policies[f"task {name}"] = resolved(document(task_statements("shop-nightly", job, project="shop")))
    jobs = {"load": Job("load")}
    names = ["/shop/db", "shop/db:password"]
    policies["execution"] = resolved(document(execution_statements(jobs, names)))
    for name, (state, _) in OTHERS.items():
        policies[f"other {name}"] = {"Version": "2012-10-17", "Statement": _derived(state)}
    assert {name: found for name, found in checked(policies).items() if found} == {}


def _mutated(**change: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::in/a"], **change}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_the_check_finds_what_is_wrong() -> None:
    """A checker that cannot fail proves nothing."""
    broken = {
        "unknown action": _mutated(Action=["s3:GetObjekt"]),
        "wrong resource": _mutated(Action=["s3:ListBucket"]),
        "unknown key": _mutated(Condition={"StringEquals": {"s3:nonsense": "a"}}),
        "star": _mutated(Resource=["*"]),
        "pass any role": _mutated(Action=["iam:PassRole"], Resource=["*"]),
        "stop on a cluster": _mutated(
            Action=["ecs:StopTask"], Resource=["arn:aws:ecs:eu-west-1:123456789012:cluster/a"]
        ),
    }
    found = checked({"sound": _mutated(), **broken})
    assert found.pop("sound") == []
    assert [name for name, findings in found.items() if not findings] == []
