"""Workflows on disk -> compiled, with the paths of problems as the user would type them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stepdig import digdag_check, pipeline
from stepdig.language.job import Job
from stepdig.language.partial import ALL, Parts
from stepdig.problem import Problem, Problems, ProblemsFound
from stepdig.project import Workflow, is_text, no_text, typed, unreadable

Known = tuple[Mapping[str, Job] | None, Sequence[Problem]]  # the jobs of a repository, and what is wrong with them


def compile_one(workflow: Workflow, parts: Parts = ALL, known: Known | None = None) -> pipeline.Compiled:
    """Compile one workflow; raises ProblemsFound, also of job.yml files, and for a file that the system does not hand over.

    `known` are the jobs, where they have been read already.
    """
    project = workflow.project
    jobs, wrong_jobs = known or known_jobs(workflow)
    if not is_text(workflow.path):
        raise ProblemsFound([no_text(typed(workflow.path, project.root)), *wrong_jobs])
    try:
        made = pipeline.compile_workflow(
            project.read,
            workflow.file,
            display=project.display,
            project=project.name,
            workflow=workflow.name,
            jobs=jobs,
            files=project.files,
            names=project.names,
            outside=project.outside,
            parts=parts,
        )
    except ProblemsFound as wrong:
        found = [_typed(problem, workflow) for problem in wrong.problems]
        raise ProblemsFound([*found, *wrong_jobs]) from None
    except OSError as error:
        path = typed(error.filename or workflow.path, project.root)
        raise ProblemsFound([unreadable(error, path), *wrong_jobs]) from None
    if wrong_jobs:
        raise ProblemsFound(wrong_jobs)
    return made


def known_jobs(workflow: Workflow) -> Known:
    """Return the jobs beside a workflow, and the problems of their files as the user would type them."""
    problems = Problems()
    jobs = workflow.project.jobs(problems)
    return jobs, [_typed(it, workflow) for it in problems]


def compile_required(compiled: pipeline.Compiled, workflow: Workflow) -> dict[Workflow, pipeline.Compiled]:
    """Compile what a workflow requires, and what that requires in turn; raises ProblemsFound with all their problems."""
    known = {it.name: it for it in workflow.project.workflows()}
    done: dict[Workflow, pipeline.Compiled] = {workflow: compiled}
    problems: list[Problem] = []
    waiting = [known[name] for name in compiled.requires]
    while waiting:
        other = waiting.pop()
        if other in done:
            continue
        try:
            done[other] = compile_one(other)
        except ProblemsFound as wrong:
            problems += wrong.problems
            continue
        waiting += [known[name] for name in done[other].requires]
    if problems:
        raise ProblemsFound(problems)
    del done[workflow]
    return done


def compile_all(workflows: Iterable[Workflow]) -> dict[Workflow, pipeline.Compiled]:
    """Compile all; raises ProblemsFound with the problems of every one of them."""
    compiled = {}
    problems: list[Problem] = []
    known: dict[Path, Known] = {}
    for workflow in workflows:
        root = workflow.project.root
        if root not in known:
            known[root] = known_jobs(workflow)
        try:
            compiled[workflow] = compile_one(workflow, known=known[root])
        except ProblemsFound as wrong:
            problems += wrong.problems
    if problems:
        raise ProblemsFound(problems)
    return compiled


def problems_on_digdag(workflow: Workflow) -> list[Problem]:
    """Return where a workflow uses what Digdag does not know; nothing for a file that cannot be read."""
    project = workflow.project
    try:
        found = digdag_check.find(project.read, workflow.file, project.files)
    except OSError:
        return []  # told when it is compiled
    return [_typed(replace(it, at=replace(it.at, path=project.display(it.at.path))), workflow) for it in found]


def _typed(problem: Problem, workflow: Workflow) -> Problem:
    return replace(problem, at=replace(problem.at, path=typed(problem.at.path, workflow.project.root)))
