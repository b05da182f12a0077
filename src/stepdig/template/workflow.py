"""A workflow -> all resources that are its own."""

from __future__ import annotations

from stepdig.problem import Problems
from stepdig.template import roles
from stepdig.template.alarms import alarms
from stepdig.template.containers import task_definitions
from stepdig.template.machine import state_machine
from stepdig.template.roles import Role
from stepdig.template.schedule import schedule
from stepdig.template.unit import Rights, Unit
from stepdig.template.values import Resources

_PATH = "/stepdig/${Stack}/"


def workflow(unit: Unit, rights: Rights, problems: Problems) -> Resources:
    """Return the resources of a workflow; a role that cannot be written is noted."""
    made: Resources = {**state_machine(unit)}
    for role in _roles(unit, rights):
        found = roles.resources(role)
        if found is None:
            text = f"{role.description}: its {roles.size(role.statements):,} characters are more than IAM takes"
            hint = "split the workflow, or give its jobs statements with fewer and wider resources"
            problems.add(unit.at, "SD643", text, hint)
        made.update(found or {})
    return {**made, **task_definitions(unit), **schedule(unit), **alarms(unit)}


def _roles(unit: Unit, rights: Rights) -> list[Role]:
    name = unit.machine
    found = [Role(unit.id("MachineRole"), "states.amazonaws.com", _PATH, f"state machine {name}", rights.machine)]
    if rights.tasks:
        about = f"start of the containers of {name}"
        found.append(Role(unit.id("ExecutionRole"), "ecs-tasks.amazonaws.com", _PATH, about, rights.execution))
    for job, statements in rights.tasks.items():
        about = f"containers of the job {job} of {name}"
        found.append(Role(unit.id("TaskRole", job), "ecs-tasks.amazonaws.com", f"{_PATH}tasks/", about, statements))
    return found
