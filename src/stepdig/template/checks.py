"""Names that a deployment cannot have: too long for AWS, of other characters, or one name for two things."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stepdig import limits
from stepdig.asl.tokens import job_token, machine_token
from stepdig.iam import Used, used
from stepdig.problem import Problems
from stepdig.template.containers import secrets_of
from stepdig.template.unit import Unit

_NAME = re.compile(r"[A-Za-z0-9_-]+")  # what both the family of a task definition and the name of a log group may have


def check(units: Iterable[Unit], problems: Problems) -> None:
    """Note what is wrong with the names of workflows and jobs."""
    for unit in units:
        _machine(unit, problems)
        for name in unit.own_jobs:
            _job(unit, name, problems)
        _tokens(unit, problems)
        _variables(unit, problems)


def _machine(unit: Unit, problems: Problems) -> None:
    name = unit.machine
    if not _NAME.fullmatch(name):
        wrong = "".join(sorted({it for it in name if not _NAME.fullmatch(it)}))
        text = f"the state machine '{name}' cannot be deployed: its name holds {wrong!r}"
        hint = "ASCII letters, digits, - and _ are what names of log groups and task definitions may have"
        problems.add(unit.at, "SD641", text, hint)
    if len(name) > limits.MACHINE_CHARS:
        text = (
            f"the state machine '{name}' has {len(name)} characters; {limits.MACHINE_CHARS} may follow a stack's name"
        )
        problems.add(unit.at, "SD640", text, "shorten the name of the project or of the workflow")


def _job(unit: Unit, name: str, problems: Problems) -> None:
    if not _NAME.fullmatch(name):
        wrong = "".join(sorted({it for it in name if not _NAME.fullmatch(it)}))
        text = f"the job '{name}' cannot be deployed: its name holds {wrong!r}"
        problems.add(unit.at, "SD641", text, "rename its folder: ASCII letters, digits, - and _")
    family = limits.STACK_CHARS + 1 + len(unit.machine) + 1 + len(name)
    if family > limits.FAMILY_CHARS and len(unit.machine) <= limits.MACHINE_CHARS:
        text = f"the name of the job '{name}' is too long for a task definition"
        problems.add(unit.at, "SD640", text, f"a stack, a workflow and a job have {limits.FAMILY_CHARS} together")


def _tokens(unit: Unit, problems: Problems) -> None:
    """Note jobs that a definition could not tell apart."""
    known: dict[str, str] = {}
    names = [(job_token(it), f"job '{it}'") for it in sorted(unit.compiled.jobs)]
    names += [(machine_token(it), f"workflow '{it}'") for it in unit.compiled.requires]
    for token, name in names:
        other = known.setdefault(token, name)
        if other != name:
            text = f"the {name} and the {other} have one name in the definition: ${{{token}}}"
            problems.add(unit.at, "SD642", text, "rename one of the two")


def _variables(unit: Unit, problems: Problems) -> None:
    """Note secrets that one variable of a container would have to hold."""
    needs = used(unit.compiled.bundle)
    for name, job in unit.own_jobs.items():
        held: dict[str, str] = {}
        for key in needs.get(name, Used()).keys:
            variable = next(iter(secrets_of(job, Used((key,))).keys() - secrets_of(job, Used()).keys()), "")
            other = held.setdefault(variable, key)
            if other != key:
                text = f"the secrets '{key}' and '{other}' would be one variable of the job '{name}': {variable}"
                problems.add(unit.at, "SD642", text, "rename one of the two")
