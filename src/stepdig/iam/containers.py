"""Roles of containers: the program's own, and the one with which ECS starts them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stepdig.iam.statement import Statement
from stepdig.language.job import Job


def task_statements(machine: str, job: Job, *, project: str) -> tuple[Statement, ...]:
    """Return what the task role of a workflow's job may: what the task runner needs, then the job's own statements.

    machine   `<project>-<workflow>`
    """
    raise NotImplementedError


def execution_statements(machine: str, jobs: Mapping[str, Job], secrets: Collection[str]) -> tuple[Statement, ...]:
    """Return what starts the containers of a workflow may: pull their images, write their logs, read their secrets.

    secrets   names as job.yml gives them, of all jobs together (`secret_names.of_job`)
    """
    raise NotImplementedError
