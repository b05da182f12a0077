"""The machines of the goldens and of this repository, as a deployment has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from policies import HERE, VALUES, resolved

from stepdig.asl.leaves import job_token, machine_token
from stepdig.iam import Roles, Statement, document, machine_statements
from stepdig.language.job import named

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("statemachines/*.asl.json"), *ROOT.glob("tests/golden/*/*.asl.json")])
JOBS = named(("default", "load", "load-small"))
WORKFLOWS = {path.name.removesuffix(".asl.json"): f"golden-{path.name.removesuffix('.asl.json')}" for path in FILES}
ROLES = Roles("ExecutionRole", {name: f"{job_token(name)}TaskRole" for name in JOBS})
FUNCTIONS = ("NotifySlack", "FailRun", "HttpRequest", "SendMail", "ParamsStore")


@dataclass(frozen=True)
class Deployed:
    """One definition beside what its substitutions stand for.

    machine   `<project>-<workflow>`
    """

    definition: dict[str, Any]
    machine: str

    @property
    def name(self) -> str:
        return f"{VALUES['Stack']}-{self.machine}"

    @property
    def task_roles(self) -> dict[str, str]:
        return {
            self.task_definition(job): f"arn:aws:iam::123456789012:role/{role}" for job, role in ROLES.tasks.items()
        }

    def task_definition(self, job: str) -> str:
        return f"arn:aws:ecs:{HERE}:task-definition/{self.name}-{job}:7"

    @cached_property
    def substitutions(self) -> dict[str, str]:
        return {
            "Cluster": VALUES["Cluster"],
            "Bucket": VALUES["Bucket"],
            "Stack": VALUES["Stack"],
            "Environment": "dev",
            "Archive": "archives/golden/0123456789abcdef.zip",
            "SubnetIds": "subnet-1,subnet-2",
            "SecurityGroupIds": "sg-1",
            **{f"{name}Function": f"arn:aws:lambda:{HERE}:function:shop-dev-{name}" for name in FUNCTIONS},
            **{job_token(job): self.task_definition(job) for job in JOBS},
            **{
                machine_token(workflow): f"arn:aws:states:{HERE}:stateMachine:{VALUES['Stack']}-{machine}"
                for workflow, machine in WORKFLOWS.items()
            },
        }

    def statements(self) -> tuple[Statement, ...]:
        return machine_statements(self.definition, self.machine, JOBS, roles=ROLES, requires=WORKFLOWS)

    def policy(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = resolved(document(self.statements()))["Statement"]
        return found


def deployed(path: Path) -> Deployed:
    """Return the machine of a definition that is kept in the repository."""
    name = path.name.removesuffix(".asl.json")
    return Deployed(json.loads(path.read_text()), name if path.parent.name == "statemachines" else f"golden-{name}")
