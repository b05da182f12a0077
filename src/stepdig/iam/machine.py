"""Compiled definition -> the role of its state machine: each call it makes, in whatever scope, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from stepdig.iam.statement import Roles, Statement
from stepdig.language.job import Job


def machine_statements(
    definition: Mapping[str, object],
    machine: str,
    jobs: Mapping[str, Job],
    *,
    roles: Roles,
    requires: Mapping[str, str],
) -> tuple[Statement, ...]:
    """Return what the state machine of a workflow may. Raises ProblemsFound (SD660-SD669) for what cannot be derived.

    machine    `<project>-<workflow>`
    jobs       those that its tasks run in, by name
    roles      logical ids of the roles of its containers
    requires   workflow as `require>` names it (`Compiled.requires`) -> its machine, `<project>-<workflow>`
    """
    raise NotImplementedError
