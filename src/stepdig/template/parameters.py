"""What template.yaml hands to the generated templates: the same to each, whichever workflows they hold (docs/design.md)."""

from __future__ import annotations

from stepdig.template.values import Value, ref

BOUNDED = "HasPermissionsBoundary"  # condition: PermissionsBoundaryArn is given
_TEXTS = {
    "Stack": "name of the root stack; names of what is made here begin with it",
    "Environment": "dev, stg, prod: what workflows know as environment",
    "Cluster": "name of the ECS cluster",
    "SubnetIds": "subnets of containers, joined by commas",
    "SecurityGroupIds": "security groups of containers, joined by commas",
    "Bucket": "name of the bucket of runs and archives",
    "KeyArn": "key of the bucket and of logs; its policy lets CloudWatch Logs use it",
    "NotifySlackFunctionArn": "",
    "FailRunFunctionArn": "",
    "HttpRequestFunctionArn": "",
    "SendMailFunctionArn": "",
    "ParamsStoreFunctionArn": "",
    "StartSessionFunctionArn": "what schedules call",
    "PublishFunctionArn": "what answers for archives and images; without a version",
    "PublishVersion": "its version that carries what these templates were made with",
    "Repository": "URI of the ECR repository of the jobs' images",
    "FileSystemId": "file system of jobs with a workspace; may be empty",
    "AccessPointId": "its access point; may be empty",
    "ScheduleGroup": "name of the schedule group",
    "ScheduleRoleArn": "role with which EventBridge Scheduler calls start_session",
    "DeadLetterQueueArn": "queue of sessions that could not be started",
    "AlarmTopicArn": "topic that alarms tell",
    "LogRetentionDays": "days that logs of state machines are kept",
    "PermissionsBoundaryArn": "boundary of all roles; may be empty",
}
_EMPTY = ("FileSystemId", "AccessPointId", "PermissionsBoundaryArn")
NAMES = tuple(_TEXTS)


def parameters() -> dict[str, Value]:
    """Return the Parameters of a generated template."""
    return {
        name: {
            "Type": "Number" if name == "LogRetentionDays" else "String",
            **({"Default": ""} if name in _EMPTY else {}),
            **({"Description": what} if what else {}),
        }
        for name, what in _TEXTS.items()
    }


def conditions() -> dict[str, Value]:
    """Return the Conditions that roles name."""
    return {BOUNDED: {"Fn::Not": [{"Fn::Equals": [ref("PermissionsBoundaryArn"), ""]}]}}


def rules(jobs_with_workspace: list[str]) -> dict[str, Value]:
    """Return what is to be said, before anything is made, where jobs want a workspace and there is no file system.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
    """
    if not jobs_with_workspace:
        return {}
    jobs = ", ".join(jobs_with_workspace)
    return {
        "WorkspaceNeedsFileSystem": {
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::Equals": [ref(name), ""]}]},
                    "AssertDescription": f"{name} must be given: the workspace of {jobs} is a file system",
                }
                for name in ("FileSystemId", "AccessPointId")
            ]
        }
    }
