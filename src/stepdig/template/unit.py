"""A workflow to deploy, and the rights that are derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stepdig import iam
from stepdig.iam.page import Grant
from stepdig.language.job import Job
from stepdig.pipeline import Compiled
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.template.ids import logical_id


@dataclass(frozen=True, slots=True)
class Unit:
    """A compiled workflow of a project; `path` is its file, as people call it."""

    project: str
    workflow: str
    path: str
    compiled: Compiled

    @property
    def machine(self) -> str:
        """The name of its state machine, without the stack's."""
        return f"{self.project}-{self.workflow}"

    @property
    def at(self) -> Position:
        """Where problems of the whole workflow stand."""
        return Position(self.path, 1, 1)

    @property
    def own_jobs(self) -> dict[str, Job]:
        """The jobs that get a task definition: all but those whose task definition is somebody else's."""
        return {name: job for name, job in sorted(self.compiled.jobs.items()) if not job.task_definition}

    def id(self, kind: str, *parts: str) -> str:
        """Return the logical id of one of its resources."""
        return logical_id(kind, self.project, self.workflow, *parts)


@dataclass(frozen=True, slots=True)
class Rights:
    """The statements of a workflow's roles; `tasks` by job."""

    machine: tuple[iam.Statement, ...]
    execution: tuple[iam.Statement, ...]
    tasks: Mapping[str, tuple[iam.Statement, ...]]


def rights(units: Iterable[Unit]) -> dict[str, Rights]:
    """Return the rights of all workflows by machine; raises ProblemsFound with those of all that cannot be derived."""
    found: dict[str, Rights] = {}
    problems: list[Problem] = []
    for unit in units:
        try:
            found[unit.machine] = _rights(unit)
        except ProblemsFound as wrong:
            problems += wrong.problems
    if problems:
        raise ProblemsFound(problems)
    return found


def _rights(unit: Unit) -> Rights:
    made, jobs, machine = unit.compiled, unit.own_jobs, unit.machine
    roles = iam.Roles(unit.id("ExecutionRole"), {name: unit.id("TaskRole", name) for name in jobs})
    requires = {name: f"{unit.project}-{name}" for name in made.requires}
    used = iam.used(made.bundle)
    secrets = {it for name, job in jobs.items() for it in iam.of_job(job, used.get(name, iam.Used()).keys)}
    return Rights(
        iam.machine_statements(made.definition, machine, made.jobs, roles=roles, requires=requires),
        iam.execution_statements(jobs, sorted(secrets)) if jobs else (),
        {
            name: iam.task_statements(machine, job, project=unit.project, state=used.get(name, iam.Used()).state)
            for name, job in jobs.items()
        },
    )


def grants(units: Iterable[Unit], found: Mapping[str, Rights]) -> list[Grant]:
    """Return the roles of all workflows for the page of rights."""
    made: list[Grant] = []
    for unit in units:
        own = found[unit.machine]
        made.append(Grant(unit.machine, "state machine", own.machine))
        made += [Grant(unit.machine, f"job {name}", statements) for name, statements in own.tasks.items()]
        if own.tasks:
            made.append(Grant(unit.machine, "start of containers", own.execution))
    return made
