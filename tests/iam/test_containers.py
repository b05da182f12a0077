"""The roles of containers: the runner's, and the one that starts them. Enough, tight, and no further."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from golden_machines import ROOT
from policies import HERE, VALUES, Request, allows, resolved

from stepdig.iam import Statement, Used, document, execution_statements, of_job, task_statements, used, value_from
from stepdig.language.job import Job

BUCKET = f"arn:aws:s3:::{VALUES['Bucket']}"
KEY = VALUES["KeyArn"]
BY_S3 = {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"}
FILES = f"arn:aws:elasticfilesystem:{HERE}:file-system/{VALUES['FileSystemId']}"
THROUGH = {
    "elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{HERE}:access-point/{VALUES['AccessPointId']}"
}
RUN = f"{BUCKET}/runs/shop-nightly/20261120T000000Z-1/+load/output.json"
ANY_KEY = f"arn:aws:kms:{HERE}:key/99999999-2222-3333-4444-555555555555"

# What the runner does: it fetches the archive, reads, writes and lists outputs, all encrypted by the stack's key.
RUNNER = [
    Request("s3:GetObject", f"{BUCKET}/archives/shop-0123456789abcdef.zip"),
    Request("s3:GetObject", RUN),
    Request("s3:PutObject", RUN),
    Request("s3:ListBucket", BUCKET, {"s3:prefix": "runs/shop-nightly/20261120T000000Z-1/+load/"}),
    Request("kms:Decrypt", KEY, BY_S3),
    Request("kms:GenerateDataKey", KEY, BY_S3),
]
STATE = [
    Request("s3:GetObject", f"{BUCKET}/state/shop-nightly/load/diff.yml"),
    Request("s3:PutObject", f"{BUCKET}/state/shop-nightly/load/diff.yml"),
    Request("s3:ListBucket", BUCKET, {"s3:prefix": "state/shop-nightly/load/"}),
]
WORKSPACE = [Request(f"elasticfilesystem:{it}", FILES, THROUGH) for it in ("ClientMount", "ClientWrite")]
OWN = {
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Resource": ["arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:todo"],
}
SEND = Request("sqs:SendMessage", f"arn:aws:sqs:{HERE}:todo")
TASKS: dict[str, tuple[Job, list[Request]]] = {
    "a job": (Job("load"), RUNNER),
    "with state": (Job("load", state=("diff.yml",)), RUNNER + STATE),
    "with a workspace": (Job("load", workspace="/workspace"), RUNNER + WORKSPACE),
    "with statements": (Job("load", statements=(OWN,)), [*RUNNER, SEND]),
    "plain": (Job("load", image="busybox", plain=True, statements=(OWN,)), [SEND]),
}
FORBIDDEN = [
    Request("s3:GetObject", f"{BUCKET}/runs/shop-other/20261120T000000Z-1/+load/output.json"),
    Request("s3:GetObject", f"{BUCKET}/state/shop-other/load/diff.yml"),
    Request("s3:GetObject", f"{BUCKET}/archives/shop-eu-0123456789abcdef.zip"),
    Request("s3:PutObject", f"{BUCKET}/archives/shop-0123456789abcdef.zip"),
    Request("s3:DeleteObject", RUN),
    Request("s3:ListBucket", BUCKET, {"s3:prefix": "runs/"}),
    Request("s3:ListBucket", BUCKET),
    Request("kms:Decrypt", KEY),
    Request("elasticfilesystem:ClientRootAccess", FILES, THROUGH),
    Request("elasticfilesystem:ClientWrite", FILES),
    Request("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/secrets/mysql.password"),
]


def _policy(statements: Sequence[Statement]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resolved(document(statements))["Statement"]
    return found


def idle(policy: list[dict[str, Any]], needed: Sequence[Request]) -> list[str]:
    """Return the actions and resources without which every request is still allowed."""
    found = []
    for number, statement in enumerate(policy):
        for field in ("Action", "Resource"):
            for gone in statement[field]:
                rest = {**statement, field: [it for it in statement[field] if it != gone]}
                less = [*policy[:number], rest, *policy[number + 1 :]]
                found += [f"{statement['Sid']} {gone}"] * all(allows(less, it) for it in needed)
    return found


@pytest.mark.parametrize("name", TASKS)
def test_the_program_of_a_container_may_do_what_it_does(name: str) -> None:
    job, needed = TASKS[name]
    policy = _policy(task_statements("shop-nightly", job, project="shop"))
    assert [it for it in needed if not allows(policy, it)] == []
    assert idle(policy, needed) == []
    assert [it for it in FORBIDDEN if allows(policy, it)] == []
    for request in needed:
        for key in request.context:
            assert not allows(policy, replace(request, context={**request.context, key: "other"})), (request, key)


def test_an_archive_is_named_as_the_function_publish_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two sides of the name: what puts the archive there, and what may read it."""
    monkeypatch.setitem(sys.modules, "errors", SimpleNamespace(NotPacked=Exception))  # a module of the same folder
    packages = runpy.run_path(str(ROOT / "functions/publish/packages.py"), {"__name__": "packages"})
    for project in ("shop", "a b/c", ".hidden", "x" * 120):
        key = f"{BUCKET}/archives/{packages['named'](project, '0123456789abcdef0123')}.zip"
        policy = _policy(task_statements("shop-nightly", Job("load"), project=project))
        assert allows(policy, Request("s3:GetObject", key))


def test_only_a_job_with_state_reads_state() -> None:
    policy = _policy(task_statements("shop-nightly", Job("load"), project="shop"))
    assert not any(allows(policy, it) for it in STATE)


def test_what_a_workflow_uses_of_its_jobs_is_in_its_bundle() -> None:
    tasks = {
        "+a": {"job": "load", "secrets": ["b", "a"]},
        "+b": {"job": "load", "secrets": ["a"], "state": ["diff.yml"]},
        "+c": {"job": "default"},
        "+http": {"operator": "http"},
    }
    assert used({"tasks": tasks}) == {"load": Used(("a", "b"), True), "default": Used()}
    policy = _policy(task_statements("shop-nightly", Job("load"), project="shop", state=True))
    assert all(allows(policy, it) for it in STATE)


def test_statements_of_job_yml_stay_as_they_are() -> None:
    """Effect, Not..., conditions of every kind; IAM's own variables are left to IAM."""
    given = {
        "Sid": "Mine",
        "Effect": "Deny",
        "NotAction": ["s3:GetObject"],
        "NotResource": "arn:aws:s3:::${Stack}-in/${aws:PrincipalTag/team}/*",
        "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"s3:max-keys": 10}},
    }
    [made] = document(task_statements("a-b", Job("j", plain=True, statements=(given,)), project="a"))["Statement"]  # type: ignore[misc]
    assert made == {
        "Sid": "Own1Mine",
        "Effect": "Deny",
        "NotAction": ["s3:GetObject"],
        "NotResource": [{"Fn::Sub": "arn:aws:s3:::${Stack}-in/${!aws:PrincipalTag/team}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}, "NumericLessThan": {"s3:max-keys": "10"}},
    }
    [filled] = resolved({"Statement": [made]})["Statement"]
    assert filled["NotResource"] == ["arn:aws:s3:::shop-dev-in/${aws:PrincipalTag/team}/*"]


def test_a_text_of_iam_alone_needs_no_substitution() -> None:
    statement = Statement("A", ("s3:GetObject",), ("arn:aws:s3:::in/${aws:username}/*",))
    assert document([statement])["Statement"][0]["Resource"] == ["arn:aws:s3:::in/${aws:username}/*"]  # type: ignore[index]


def test_names_that_no_policy_takes_are_patterns() -> None:
    """IAM takes characters up to U+00FF: the policy of a workflow with another name must still be taken, and fit."""
    statements = task_statements("shop-夜間_é", Job("load"), project="shop")
    assert max(json.dumps(document(statements), ensure_ascii=False)) <= "\u00ff"
    policy = _policy(statements)
    assert allows(policy, Request("s3:PutObject", f"{BUCKET}/runs/shop-夜間_é/a/+x/output.json"))
    assert allows(policy, Request("s3:ListBucket", BUCKET, {"s3:prefix": "runs/shop-夜間_é/a/"}))
    assert not allows(policy, Request("s3:PutObject", f"{BUCKET}/runs/shop-x/a/+x/output.json"))


LOGS = [
    Request(it, f"arn:aws:logs:{HERE}:log-group:/stepdig/shop-dev/{job}:log-stream:shop-dev-shop-nightly/task/0f1e")
    for it in ("logs:CreateLogStream", "logs:PutLogEvents")
    for job in ("load", "embulk")
]
REPOSITORY = f"arn:aws:ecr:{HERE}:repository/shop-dev-images"
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
PARAMETER = f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/secrets/mysql.password"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:shop/db-AbCdEf"


def test_the_start_of_containers_pulls_logs_and_reads_secrets() -> None:
    jobs = {"load": Job("load"), "embulk": Job("embulk", secrets={"DB": "shop/db:password"})}
    secrets = {*of_job(jobs["load"], ["mysql.password"]), *of_job(jobs["embulk"], [])}
    needed = [
        Request("ecr:GetAuthorizationToken", "*"),
        *(Request(it, REPOSITORY) for it in PULL),
        *LOGS,
        Request("ssm:GetParameters", PARAMETER),
        Request("kms:Decrypt", ANY_KEY,
                {"kms:ViaService": "ssm.ap-northeast-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": PARAMETER}),
        Request("secretsmanager:GetSecretValue", SECRET),
        Request("kms:Decrypt", ANY_KEY,
                {"kms:ViaService": "secretsmanager.ap-northeast-1.amazonaws.com", "kms:EncryptionContext:SecretARN": SECRET}),
    ]  # fmt: skip
    policy = _policy(execution_statements(jobs, secrets))
    assert [it for it in needed if not allows(policy, it)] == []
    assert idle(policy, needed) == []
    other = f"arn:aws:ssm:{HERE}:parameter/stepdig/shop-dev/secrets/other"
    for forbidden in (
        Request("ssm:GetParameters", other),
        Request("ssm:GetParameter", PARAMETER),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:shop/db2-AbCdEf"),
        Request("kms:Decrypt", ANY_KEY, {"kms:ViaService": "ssm.ap-northeast-1.amazonaws.com"}),
        Request("kms:Decrypt", ANY_KEY, {"kms:ViaService": "ssm.ap-northeast-1.amazonaws.com",
                                         "kms:EncryptionContext:PARAMETER_ARN": other}),
        Request("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/stepdig/shop-dev/other:log-stream:a"),
        Request("ecr:BatchGetImage", f"arn:aws:ecr:{HERE}:repository/other"),
        Request("ecr:PutImage", REPOSITORY),
    ):  # fmt: skip
        assert not allows(policy, forbidden), forbidden


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("busybox:1.36", None),
        ("public.ecr.aws/docker/library/python:3.13-slim", None),
        (
            "999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/tool:1",
            "arn:aws:ecr:eu-west-1:999999999999:repository/team/tool",
        ),
        (
            "999999999999.dkr.ecr.eu-west-1.amazonaws.com/tool@sha256:0f",
            "arn:aws:ecr:eu-west-1:999999999999:repository/tool",
        ),
        ("${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/tool", f"arn:aws:ecr:{HERE}:repository/tool"),
    ],
)
def test_images_from_elsewhere_are_pulled_from_there(image: str, repository: str | None) -> None:
    policy = _policy(execution_statements({"x": Job("x", image=image, plain=True)}, ()))
    assert allows(policy, Request("ecr:GetAuthorizationToken", "*")) == bool(repository)
    assert not allows(policy, Request("ecr:BatchGetImage", REPOSITORY))
    assert not repository or allows(policy, Request("ecr:BatchGetImage", repository))


def test_a_task_definition_from_elsewhere_has_roles_of_its_own() -> None:
    theirs = Job("x", task_definition=f"arn:aws:ecs:{HERE}:task-definition/theirs:3")
    assert execution_statements({"x": theirs}, ()) == ()


@pytest.mark.parametrize(
    ("name", "value", "resource"),
    [
        ("/shop/db", f"arn:aws:ssm:{HERE}:parameter/shop/db", f"arn:aws:ssm:{HERE}:parameter/shop/db"),
        ("db", f"arn:aws:ssm:{HERE}:parameter/db", f"arn:aws:ssm:{HERE}:parameter/db"),
        ("/shop/${Stack}/db", f"arn:aws:ssm:{HERE}:parameter/shop/shop-dev/db", f"arn:aws:ssm:{HERE}:parameter/shop/shop-dev/db"),
        ("db:", f"arn:aws:secretsmanager:{HERE}:secret:db", f"arn:aws:secretsmanager:{HERE}:secret:db-??????"),
        ("shop/db:password", f"arn:aws:secretsmanager:{HERE}:secret:shop/db:password::",
         f"arn:aws:secretsmanager:{HERE}:secret:shop/db-??????"),
        (f"{SECRET}:password::", f"{SECRET}:password::", SECRET),
        ("arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:db", f"arn:aws:secretsmanager:{HERE}:secret:db",
         f"arn:aws:secretsmanager:{HERE}:secret:db-??????"),
        (f"arn:aws:ssm:{HERE}:parameter/db", f"arn:aws:ssm:{HERE}:parameter/db", f"arn:aws:ssm:{HERE}:parameter/db"),
    ],
)  # fmt: skip
def test_where_a_secret_is_kept(name: str, value: str, resource: str) -> None:
    assert resolved({"Fn::Sub": value_from(name)}) == value
    found = _policy(execution_statements({}, [name]))
    assert found[0]["Resource"] == [resource]


def test_keys_of_secrets_are_the_projects_own_unless_job_yml_says_where() -> None:
    job = Job("load", secrets={"A": "/a"}, secret_files={"B": "/b"}, secret_keys={"x": "/elsewhere/x"})
    assert of_job(job, ["x", "y"]) == ("/a", "/b", "/elsewhere/x", "/stepdig/${Stack}/secrets/y")
