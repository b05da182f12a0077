"""An account that holds what a template makes: each resource in moto, by the call that CloudFormation would make for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from template_stack import GIVEN, HERE, REGION, Resolved

from stepdig.local.substitutions import substitute


@dataclass
class Account:
    """Makes the resources of a template; `definitions` are the uploaded files by name, `archives` the keys that publish knows."""

    definitions: Mapping[str, str]
    archives: Mapping[str, str]
    made: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")

    def deploy(self, template: Mapping[str, Any]) -> Resolved:
        """Make all resources of a template, each after those that it names."""
        self.client("scheduler").create_schedule_group(Name=GIVEN["ScheduleGroup"])
        at = Resolved(template)
        for name in at.order:
            kind = at.kind(name)
            getattr(self, "_" + kind.replace("AWS::", "").replace("::", "_"))(at, name, at.properties(name))
            self.made.append(kind)
        return at

    def _Custom_ProjectArchive(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        at.attributes[name, "Key"] = self.archives[given["Project"]]

    def _Custom_JobImage(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        at.attributes[name, "Uri"] = f"{GIVEN['Repository']}:{given['Job']}-0123456789abcdef"

    def _Custom_ScheduleState(self, at: Resolved, name: str, _given: dict[str, Any]) -> None:  # noqa: N802
        at.attributes[name, "State"] = "ENABLED"

    def _Logs_LogGroup(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        logs = self.client("logs")
        logs.create_log_group(logGroupName=given["LogGroupName"], kmsKeyId=given["KmsKeyId"])
        days = int(given["RetentionInDays"])
        logs.put_retention_policy(logGroupName=given["LogGroupName"], retentionInDays=days)
        at.refs[name] = given["LogGroupName"]
        at.attributes[name, "Arn"] = f"arn:aws:logs:{HERE}:log-group:{given['LogGroupName']}:*"

    def _IAM_Role(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        iam = self.client("iam")
        trust = json.dumps(given["AssumeRolePolicyDocument"])
        bounded = {key: given[key] for key in ("PermissionsBoundary",) if key in given}
        made = iam.create_role(
            RoleName=name,
            Path=given["Path"],
            AssumeRolePolicyDocument=trust,
            Description=given["Description"],
            **bounded,
        )
        for policy in given.get("Policies", ()):
            document = json.dumps(policy["PolicyDocument"])
            iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        for arn in given.get("ManagedPolicyArns", ()):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        at.refs[name], at.attributes[name, "Arn"] = name, made["Role"]["Arn"]

    def _IAM_ManagedPolicy(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        document = json.dumps(given["PolicyDocument"])
        made = self.client("iam").create_policy(PolicyName=name, Path=given["Path"], PolicyDocument=document)
        at.refs[name] = made["Policy"]["Arn"]

    def _ECS_TaskDefinition(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        made = self.client("ecs").register_task_definition(**_camel(given))
        at.refs[name] = made["taskDefinition"]["taskDefinitionArn"]

    def _StepFunctions_StateMachine(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        text = self.definitions[given["DefinitionS3Location"]["Key"]]
        filled = substitute(text, given.get("DefinitionSubstitutions", {}))
        logging = {
            "level": given["LoggingConfiguration"]["Level"],
            "includeExecutionData": given["LoggingConfiguration"]["IncludeExecutionData"],
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": it["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
                for it in given["LoggingConfiguration"]["Destinations"]
            ],
        }
        made = self.client("stepfunctions").create_state_machine(
            name=given["StateMachineName"],
            definition=filled,
            roleArn=given["RoleArn"],
            type=given["StateMachineType"],
            loggingConfiguration=logging,
            tracingConfiguration={"enabled": given["TracingConfiguration"]["Enabled"]},
        )
        at.refs[name] = made["stateMachineArn"]
        at.attributes[name, "StateMachineRevisionId"] = "1"

    def _StepFunctions_StateMachineVersion(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        at.refs[name] = f"{given['StateMachineArn']}:1"  # moto has no versions

    def _StepFunctions_StateMachineAlias(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        version = given["DeploymentPreference"]["StateMachineVersionArn"]
        at.refs[name] = f"{version.rpartition(':')[0]}:{given['Name']}"

    def _CloudWatch_Alarm(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        self.client("cloudwatch").put_metric_alarm(AlarmName=name, **given)

    def _Scheduler_Schedule(self, at: Resolved, name: str, given: dict[str, Any]) -> None:  # noqa: N802
        self.client("scheduler").create_schedule(**given)


def _camel(node: Any, *, free: bool = False) -> Any:
    """Return properties of CloudFormation by the names that the API of ECS has for them."""
    if isinstance(node, list):
        return [_camel(it) for it in node]
    if not isinstance(node, dict):
        return node
    special = {"EFSVolumeConfiguration": "efsVolumeConfiguration", "IAM": "iam", "FilesystemId": "fileSystemId"}
    return {
        key if free else special.get(key, key[:1].lower() + key[1:]): _camel(it, free=key == "Options")
        for key, it in node.items()
    }


def uploaded(folder: Path) -> dict[str, str]:
    """Return the definitions of a project by the names that their templates have for them."""
    return {path.name: path.read_text() for path in folder.glob("statemachines/*.asl.json")}
