"""The roles of the hand-written template: what each function calls, and no more (docs/iam.md, "Functions")."""

from __future__ import annotations

from typing import Any

import pytest
from policies import HERE, Request, allows
from root import TEMPLATE, policies, resolved, template
from test_parliament import checked

pytestmark = pytest.mark.skipif(not TEMPLATE.exists(), reason="the template is written by stepdig init")

MACHINE, RUN = (
    f"arn:aws:states:{HERE}:stateMachine:shop-dev-shop-nightly",
    f"arn:aws:states:{HERE}:execution:shop-dev-shop-nightly:a",
)
SECRET = f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/secrets/api.token"
PARAM = f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/params/shop/day"
HOOK = f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/secrets/slack.webhook"


def _arn(resource: str) -> str:
    return str(resolved({"Fn::GetAtt": [resource, "Arn"]}, {}))


def _objects(*keys: str) -> list[str]:
    return [f"{_arn('Bucket')}/{key}" for key in keys]


def _decrypt(parameter: str) -> Request:
    """Return the request to decrypt a SecureString that a key of one's own encrypts."""
    told = {"kms:ViaService": "ssm.ap-northeast-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": parameter}
    return Request("kms:Decrypt", f"arn:aws:kms:{HERE}:key/0f1e", told)


def needed() -> dict[str, list[Request]]:
    """Return what each function asks of AWS, read from its code."""
    by_s3 = {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"}
    archive, context, waiting = _objects(
        "archives/shop-0f.zip", "builds/a-0f/context.zip", "builds/a-0f/waiting/1.json"
    )
    return {
        "notify_slack": [
            Request("ssm:GetParameter", HOOK),
            _decrypt(HOOK),
            Request("states:DescribeExecution", RUN),
            Request("states:GetExecutionHistory", RUN),
            Request("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/stepdig/shop-dev/load:log-stream:a/b/c"),
        ],
        # IAM is asked about the machine of the token, whatever the reference says: https://github.com/aws/aws-cdk/pull/8486
        "fail_run": [Request("states:SendTaskSuccess", MACHINE), Request("states:SendTaskFailure", MACHINE)],
        "http_request": [Request("ssm:GetParameters", SECRET), _decrypt(SECRET)],
        "send_mail": [Request("ssm:GetParameters", SECRET), _decrypt(SECRET)],
        "params_store": [Request(f"ssm:{it}", PARAM) for it in ("GetParameters", "PutParameter", "DeleteParameters")],
        "start_session": [
            Request("states:StartExecution", MACHINE),
            Request("states:ListExecutions", MACHINE),
            Request("states:DescribeExecution", RUN),
            Request("scheduler:GetSchedule", f"arn:aws:scheduler:{HERE}:schedule/{_group()}/shop-nightly"),
        ],
        "publish": [
            *(Request("s3:GetObject", it) for it in (archive, waiting)),
            *(Request("s3:PutObject", it) for it in (archive, context, waiting)),
            Request("s3:DeleteObject", waiting),
            Request("s3:ListBucket", _arn("Bucket")),
            Request("kms:Decrypt", _arn("Key"), by_s3),
            Request("kms:GenerateDataKey", _arn("Key"), by_s3),
            Request("ecr:DescribeImages", _arn("Repository")),
            Request("codebuild:StartBuild", _arn("BuildProject")),
            Request("codebuild:BatchGetBuilds", _arn("BuildProject")),
            Request("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{_function('publish')}:7"),
        ],
    }


def _group() -> str:
    groups = [name for name, it in template()["Resources"].items() if it["Type"] == "AWS::Scheduler::ScheduleGroup"]
    return str(resolved({"Ref": groups[0]}, {})) if groups else "none"


def _function(folder: str) -> str:
    names = [
        name
        for name, it in template()["Resources"].items()
        if it["Type"] == "AWS::Serverless::Function" and it["Properties"]["CodeUri"].rstrip("/").endswith(folder)
    ]
    return str(resolved({"Ref": names[0]}, {})) if names else "none"


FORBIDDEN = (
    Request("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:other"),
    Request("states:StopExecution", RUN),
    Request("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/stepdig/other/secrets/api.token"),
    Request("ssm:PutParameter", SECRET),
    _decrypt(f"arn:aws:ssm:{HERE}:parameter/stepdig/other/secrets/api.token"),
    Request("states:SendTaskSuccess", f"arn:aws:states:{HERE}:stateMachine:other"),
    Request(
        "iam:PassRole",
        "arn:aws:iam::123456789012:role/Administrator",
        {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
    ),
    Request("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/other:log-stream:a"),
    Request("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:other"),
    Request("s3:GetObject", "arn:aws:s3:::other/a"),
    Request("ecr:PutImage", f"arn:aws:ecr:{HERE}:repository/shop-dev-repository"),
)
# What Lambda itself does for a function: its log, its trace, what could not be handled.
LAMBDA = {
    "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "sqs:SendMessage",
}  # fmt: skip


def _own(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [it for it in statements if not set(it.get("Action", ())) <= LAMBDA]


FOLDERS = ("notify_slack", "fail_run", "http_request", "send_mail", "params_store", "start_session", "publish")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_may_do_what_it_does_and_no_more(folder: str) -> None:
    statements = policies({})[folder]
    asked = needed()[folder]
    assert [it for it in asked if not allows(statements, it)] == []
    assert [it for it in FORBIDDEN if allows(statements, it)] == []
    idle = [
        f"{statement.get('Sid')} {gone}"
        for statement in _own(statements)
        for gone in statement["Action"]
        if not any(it.action == gone for it in asked)
    ]
    assert idle == []


def test_each_function_has_a_row() -> None:
    """A function without a reviewed list of rights is a mistake."""
    functions = {
        it["Properties"]["CodeUri"].rstrip("/").rpartition("/")[2]
        for it in template()["Resources"].values()
        if it["Type"] == "AWS::Serverless::Function"
    }
    assert functions == set(needed()) == set(FOLDERS)


@pytest.mark.parametrize(
    ("given", "action", "webhook"),
    [
        ({"SlackWebhookSecret": "shop/slack"}, "secretsmanager:GetSecretValue",
         f"arn:aws:secretsmanager:{HERE}:secret:shop/slack-AbCdEf"),
        ({"SlackWebhookParameter": "/shop/hook"}, "ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/shop/hook"),
        ({"SlackWebhookParameter": "hook"}, "ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/hook"),
        ({}, "ssm:GetParameter", HOOK),
    ],
)  # fmt: skip
def test_the_webhook_is_read_from_where_it_is_kept_alone(given: dict[str, str], action: str, webhook: str) -> None:
    statements = policies(given)["notify_slack"]
    assert allows(statements, Request(action, webhook))
    read = {"secretsmanager:GetSecretValue", "ssm:GetParameter"}
    found = [resource for it in statements if read & set(it["Action"]) for resource in it["Resource"]]
    assert len(found) == 1


def test_the_roles_are_clean() -> None:
    documents = {name: {"Version": "2012-10-17", "Statement": it} for name, it in policies({}).items() if it}
    secret = policies({"SlackWebhookSecret": "shop/slack"})["notify_slack"]
    documents["by a secret"] = {"Version": "2012-10-17", "Statement": secret}
    assert {name: found for name, found in checked(documents).items() if found} == {}


def test_no_role_passes_roles_or_makes_them() -> None:
    for name, statements in policies({}).items():
        actions = {action for it in statements for action in it.get("Action", ())}
        assert not {it for it in actions if it.startswith("iam:") or it.endswith("*")}, name
