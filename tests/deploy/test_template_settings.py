"""What no checker knows of the templates: settings that keep runs private, watched and findable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deploying import ROOT
from sam_transform import packaged, transformed

TEMPLATES = {
    "root": ROOT / "template.yaml",
    **{path.stem: path for path in sorted((ROOT / "statemachines").glob("template*.yaml"))},
}
FUNCTIONS = ("NotifySlack", "FailRun", "HttpRequest", "SendMail", "ParamsStore", "StartSession", "Publish")


def loaded(name: str) -> dict[str, Any]:
    return transformed(packaged(TEMPLATES[name].read_text()))


def resources(*kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the resources of some types, of all templates, after the SAM transform."""
    for name in TEMPLATES:
        for logical_id, one in loaded(name)["Resources"].items():
            if one["Type"] in kinds:
                yield f"{name}.{logical_id}", one


def texts(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def statements(value: object) -> Iterator[dict[str, Any]]:
    """Yield all statements below a value, whatever conditions stand around them."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        else:
            for inner in value.values():
                yield from statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements(inner)


def test_the_parameters_of_the_workflows_are_those_that_are_given() -> None:
    given = loaded("root")["Resources"]["Workflows"]["Properties"]
    assert set(given["Parameters"]) == set(loaded("template")["Parameters"])


def test_state_machines_log_and_trace() -> None:
    found = dict(resources("AWS::StepFunctions::StateMachine"))
    assert found
    for name, one in found.items():
        logging = one["Properties"]["LoggingConfiguration"]
        assert logging["Level"] in ("ALL", "ERROR", "FATAL"), name
        assert logging["Destinations"], name
        assert one["Properties"]["TracingConfiguration"] == {"Enabled": True}, name


def test_task_definitions_are_of_fargate_without_privileges_and_write_logs() -> None:
    found = dict(resources("AWS::ECS::TaskDefinition"))
    assert found
    for name, one in found.items():
        given = one["Properties"]
        assert given["RequiresCompatibilities"] == ["FARGATE"], name
        assert given["NetworkMode"] == "awsvpc", name
        assert {"TaskRoleArn", "ExecutionRoleArn"} <= set(given), name
        for container in given["ContainerDefinitions"]:
            assert not container.get("Privileged"), name
            assert container["LogConfiguration"]["LogDriver"] == "awslogs", name


def below(value: object, key: str) -> Iterator[Any]:
    """Yield all that stands under a key, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from below(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from below(inner, key)


def test_containers_have_no_public_address() -> None:
    """Containers are started with `$network`, or with a configuration of the same."""
    runs = 0
    for path in (ROOT / "statemachines").glob("*.asl.json"):
        definition = json.loads(path.read_text())
        given = list(below(definition, "NetworkConfiguration"))
        runs += len(given)
        assert all(one == "{% $network %}" or "AwsvpcConfiguration" in one for one in given), path.name
        made = list(below(definition, "AwsvpcConfiguration"))
        assert bool(made) == bool(given), path.name
        assert {one["AssignPublicIp"] for one in made} <= {"DISABLED"}, path.name
        assert texts(definition).count("AssignPublicIp") == len(made), path.name
    assert runs


def test_log_groups_forget_and_are_encrypted() -> None:
    found = dict(resources("AWS::Logs::LogGroup"))
    assert len(found) >= 9
    for name, one in found.items():
        assert one["Properties"]["RetentionInDays"], name
        assert one["Properties"]["KmsKeyId"], name


def test_the_key_lets_in_every_log_group() -> None:
    key = texts(loaded("root")["Resources"]["Key"]["Properties"]["KeyPolicy"])
    for name, one in resources("AWS::Logs::LogGroup"):
        group = one["Properties"]["LogGroupName"]["Fn::Sub"].replace("${Stack}", "${AWS::StackName}")
        known = [
            "/stepdig/${AWS::StackName}/",
            "/aws/vendedlogs/states/${AWS::StackName}-",
            "/aws/lambda/${AWS::StackName}-",
            "/aws/codebuild/${AWS::StackName}-",
            "/aws/ecs/containerinsights/${AWS::StackName}/",
        ]
        fitting = [prefix for prefix in known if group.startswith(prefix)]
        assert fitting, name
        assert f"log-group:{fitting[0]}*" in key, name


def test_every_role_is_bounded_and_known_to_the_bucket() -> None:
    found = dict(resources("AWS::IAM::Role"))
    assert len(found) >= 12
    for name, one in found.items():
        given = one["Properties"]
        path = given["Path"]["Fn::Sub"].replace("${Stack}", "${AWS::StackName}")
        principals = texts(given["AssumeRolePolicyDocument"])
        assert path.startswith("/stepdig/${AWS::StackName}/"), name
        assert "PermissionsBoundary" in given, name
        if "ecs-tasks.amazonaws.com" in principals:
            assert "aws:SourceAccount" in principals, name


def test_task_roles_have_the_path_that_the_bucket_holds_to_the_network() -> None:
    roles = dict(resources("AWS::IAM::Role"))
    for name, one in resources("AWS::ECS::TaskDefinition"):
        role = one["Properties"]["TaskRoleArn"].get("Fn::GetAtt", [""])[0]
        path = roles[f"{name.partition('.')[0]}.{role}"]["Properties"]["Path"]["Fn::Sub"]
        assert path == "/stepdig/${Stack}/tasks/", name


def test_the_bucket_is_private() -> None:
    root = loaded("root")["Resources"]
    assert all(root["Bucket"]["Properties"]["PublicAccessBlockConfiguration"].values())
    denied = {one["Sid"]: one for one in statements(root["BucketPolicy"]["Properties"]["PolicyDocument"])}
    assert {one["Effect"] for one in denied.values()} == {"Deny"}
    assert {one["Principal"] for one in denied.values()} == {"*"}
    assert denied["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied["NoOldTls"]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    inside = denied["ContainersFromInsideOnly"]["Condition"]
    assert inside["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"].endswith(":role/stepdig/${AWS::StackName}/tasks/*")
    assert inside["StringNotEquals"]["aws:SourceVpc"] == {"Fn::If": ["MakesNetwork", {"Ref": "Vpc"}, {"Ref": "VpcId"}]}
    ours = ":role/stepdig/${AWS::StackName}/*"
    for sid in ("OnlyOurRolesRead", "OnlyOurRolesWrite"):
        assert ours in texts(denied[sid]["Condition"]["ArnNotLike"]["aws:PrincipalArn"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_own_role_and_log(function: str) -> None:
    root = loaded("root")["Resources"]
    given = root[f"{function}Function"]["Properties"]
    assert given["Role"] == {"Fn::GetAtt": [f"{function}Role", "Arn"]}
    assert given["LoggingConfig"]["LogGroup"] == {"Ref": f"{function}LogGroup"}
    assert (given["Runtime"], given["Architectures"]) == ("python3.13", ["arm64"])
    log = next(one for one in statements(root[f"{function}Role"]["Properties"]["Policies"]) if one["Sid"] == "WriteLog")
    assert log["Resource"] == {"Fn::GetAtt": [f"{function}LogGroup", "Arn"]}


def test_alarms_have_somebody_who_hears_them() -> None:
    found = dict(resources("AWS::CloudWatch::Alarm"))
    assert {"root.SessionNotStarted", "root.EventNotDelivered", "root.FunctionsThrottled"} <= set(found)
    for name, one in found.items():
        topic = {"Ref": "AlarmTopic" if name.startswith("root.") else "AlarmTopicArn"}
        assert topic in one["Properties"]["AlarmActions"], name
        assert one["Properties"]["TreatMissingData"] == "notBreaching", name
        assert one["Properties"]["AlarmDescription"], name
