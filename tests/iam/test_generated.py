"""The roles of the generated templates: what stands in them is enough for what the machines beside them call."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from asked import requests
from golden_machines import FILES, OWN, compiled
from policies import HERE, VALUES, allows, resolved
from samtranslator.yaml_helper import yaml_parse
from test_machine import UNKNOWN
from test_parliament import checked

from stepdig.template.render import render
from stepdig.template.unit import Unit

PATHS = list(
    {path.stem: path for path in FILES if path != UNKNOWN}.values()
)  # one of each name: a project holds no two


@cache
def units() -> tuple[Unit, ...]:
    return tuple(
        Unit(path.parent.name if path in OWN else "golden", path.stem, path.name, compiled(path)) for path in PATHS
    )


@cache
def resources() -> dict[str, Any]:
    """Return the resources of all templates, as they are written."""
    found: dict[str, Any] = {}
    for name, text in render(units(), {}, "statemachines").items():
        if name.endswith(".yaml"):
            found |= yaml_parse(text)["Resources"]
    return found


def _arn(name: str) -> str:
    """Return the ARN that a resource will have."""
    made = resources()[name]
    if made["Type"] == "AWS::ECS::TaskDefinition":
        return f"arn:aws:ecs:{HERE}:task-definition/{resolved(made['Properties']['Family'])}:7"
    assert made["Type"] == "AWS::IAM::Role", made["Type"]
    return f"arn:aws:iam::123456789012:role/{name}"


def _filled(value: Any) -> str:
    """Return what a substitution of a definition stands for."""
    if isinstance(value, dict) and "Ref" in value:
        name = value["Ref"]
        if name in resources():
            return _arn(name)
        return {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "Environment": "dev"}.get(name) or str(
            resolved(value)
        )
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return "archives/golden-0123456789abcdef.zip"
    return str(resolved(value))


def _policy(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role, its own or of managed policies."""
    properties = resources()[role]["Properties"]
    documents = [it["PolicyDocument"] for it in properties.get("Policies", ())]
    documents += [
        resources()[it["Ref"]]["Properties"]["PolicyDocument"] for it in properties.get("ManagedPolicyArns", ())
    ]
    return [statement for document in documents for statement in resolved(document)["Statement"]]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_deployed_role_is_enough_for_its_machine(path: Any) -> None:
    unit = next(it for it in units() if it.compiled is compiled(path))
    machine = resources()[unit.id("StateMachine")]["Properties"]
    name = resolved(machine["Name"])
    tasks = {
        _arn(unit.id("TaskDefinition", job)): _arn(
            resources()[unit.id("TaskDefinition", job)]["Properties"]["TaskRoleArn"]["Fn::GetAtt"][0]
        )
        for job in unit.own_jobs
    }
    foreign = [job.task_definition for job in unit.compiled.jobs.values() if job.task_definition]
    tasks |= dict.fromkeys(foreign, "arn:aws:iam::123456789012:role/theirs")
    starts = unit.id("ExecutionRole")
    substitutions = {name: _filled(value) for name, value in machine.get("DefinitionSubstitutions", {}).items()}
    execution = _arn(starts) if starts in resources() else "arn:aws:iam::123456789012:role/theirs"
    policy = _policy(machine["Role"]["Fn::GetAtt"][0])
    asked = list(requests(unit.compiled.definition, substitutions, name, execution, tasks))
    assert name.startswith(f"{VALUES['Stack']}-")
    assert [it for it in asked if not allows(policy, it)] == []


def test_the_deployed_roles_are_clean() -> None:
    roles = [name for name, it in resources().items() if it["Type"] == "AWS::IAM::Role"]
    assert len(roles) > len(PATHS)
    documents = {name: {"Version": "2012-10-17", "Statement": _policy(name)} for name in roles if _policy(name)}
    assert {name: found for name, found in checked(documents).items() if found} == {}


def test_every_role_trusts_one_service_for_this_account_alone() -> None:
    for name, made in resources().items():
        if made["Type"] == "AWS::IAM::Role":
            [trust] = made["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert set(trust["Principal"]) == {"Service"}, name
            assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, name


def test_the_path_of_a_role_says_whether_it_is_a_containers() -> None:
    """The bucket's policy goes by it."""
    for name, made in resources().items():
        if made["Type"] == "AWS::IAM::Role":
            own = made["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
            start = "Execution" in name
            path = "/stepdig/shop-dev/" + ("tasks/" if own == "ecs-tasks.amazonaws.com" and not start else "")
            assert resolved(made["Properties"]["Path"]) == path, name
