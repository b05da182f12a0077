"""The machines of the goldens and of this repository, as a deployment has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from policies import HERE, VALUES, resolved

from stepdig.asl.tokens import job_token, machine_token
from stepdig.iam import Roles, Statement, document, machine_statements
from stepdig.language.job import Job
from stepdig.pipeline import Compiled, compile_workflow
from stepdig.problem import Problems
from stepdig.project import Project
from test_golden import JOBS

ROOT = Path(__file__).resolve().parents[2]
OWN = sorted(path for path in ROOT.glob("workflows/*/*.dig"))
FILES = sorted([*OWN, *(path.with_suffix("").with_suffix(".dig") for path in ROOT.glob("tests/golden/*/*.asl.json"))])
FUNCTIONS = ("NotifySlack", "FailRun", "HttpRequest", "SendMail", "ParamsStore")


@cache
def compiled(path: Path) -> Compiled:
    """Return what a workflow of the goldens, or of this repository, is compiled to."""
    ours = path in OWN
    project = Project(path.parent.name if ours else "golden", path.parent, ROOT if ours else path.parent)
    return compile_workflow(
        project.read,
        path.name,
        display=lambda name: name,
        project=project.name,
        workflow=path.stem,
        jobs=project.jobs(Problems()) if ours else JOBS,
        files=project.files,
        outside=project.outside,
    )


@dataclass(frozen=True)
class Deployed:
    """One definition beside what its substitutions stand for.

    machine   `<project>-<workflow>`
    requires  the workflow that it requires -> that one's machine
    """

    definition: Mapping[str, Any]
    machine: str
    jobs: Mapping[str, Job]
    requires: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{VALUES['Stack']}-{self.machine}"

    @property
    def roles(self) -> Roles:
        return Roles("ExecutionRole", {name: f"{job_token(name)}TaskRole" for name in self.jobs})

    @property
    def task_roles(self) -> dict[str, str]:
        """ARN of a task definition -> ARN of its task role; of one from elsewhere, of what it may have."""
        return {
            self.task_definition(job): f"arn:aws:iam::123456789012:role/{self.roles.tasks[name]}"
            for name, job in self.jobs.items()
        }

    def task_definition(self, job: Job) -> str:
        given = job.task_definition
        if given:
            return given if given.rpartition("/")[2].count(":") else f"{given}:12"
        return f"arn:aws:ecs:{HERE}:task-definition/{self.name}-{job.name}:7"

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
            **{job_token(name): self.task_definition(job) for name, job in self.jobs.items()},
            **{
                machine_token(workflow): f"arn:aws:states:{HERE}:stateMachine:{VALUES['Stack']}-{machine}"
                for workflow, machine in self.requires.items()
            },
        }

    def statements(self) -> tuple[Statement, ...]:
        return machine_statements(self.definition, self.machine, self.jobs, roles=self.roles, requires=self.requires)

    def policy(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = resolved(document(self.statements()))["Statement"]
        return found


def deployed(path: Path) -> Deployed:
    """Return the machine of a workflow."""
    made = compiled(path)
    project = path.parent.name if path in OWN else "golden"
    requires = {name: f"{project}-{name}" for name in made.requires}
    return Deployed(made.definition, f"{project}-{path.stem}", made.jobs, requires)
