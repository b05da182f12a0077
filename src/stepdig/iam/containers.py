"""Roles of containers: the program's own, and the one with which ECS starts them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from stepdig.iam import arns, secret_names
from stepdig.iam.shared import with_key
from stepdig.iam.statement import Statement
from stepdig.language.job import Job

_ECR = re.compile(
    r"(?P<account>[0-9]{12}|\$\{AWS::AccountId\})\.dkr\.ecr\.(?P<region>[a-z0-9-]+|\$\{AWS::Region\})\.(amazonaws|\$\{AWS::URLSuffix\})"
)
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
# How the function publish calls the archive of a project: its name, a hash. `?` is any character, so no other project's fits.
_HASH_CHARS = 16
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_RUNNER = "what the task runner keeps: "


@dataclass(frozen=True, slots=True)
class Used:
    """What the tasks of a workflow need of one job: `keys` of secrets, and whether they keep files for later sessions."""

    keys: tuple[str, ...] = ()
    state: bool = False


def used(bundle: Mapping[str, Any]) -> dict[str, Used]:
    """Return what the tasks of a workflow need of each job, from its bundle; calls of functions have no job."""
    found: dict[str, Used] = {}
    for task in bundle["tasks"].values():
        if "job" in task:
            so_far = found.get(task["job"], Used())
            keys = tuple(sorted({*so_far.keys, *task.get("secrets", ())}))
            found[task["job"]] = Used(keys, so_far.state or bool(task.get("state")))
    return found


def task_statements(machine: str, job: Job, *, project: str, state: bool = False) -> tuple[Statement, ...]:
    """Return what the task role of a workflow's job may: what the task runner needs, then the job's own statements.

    machine   `<project>-<workflow>`
    state     a task keeps files for later sessions (`Used.state`)
    """
    runner = () if job.plain else _runner(machine, project, state or bool(job.state))
    mounted = _workspace() if job.workspace else ()
    own = tuple(_own(number, statement) for number, statement in enumerate(job.statements, 1))
    return (*runner, *mounted, *own)


def _runner(machine: str, project: str, state: bool) -> tuple[Statement, ...]:
    """Return what the task runner needs: the archive, outputs of the workflow's runs, files kept between sessions."""
    plain = _PLAIN.sub("-", project)[:100].lstrip(".-") or "x"
    archive = arns.in_bucket(f"archives/{plain}-{'?' * _HASH_CHARS}.zip")
    below = [f"runs/{machine}/*", *([f"state/{machine}/*"] if state else [])]
    listed = {"StringLike": {"s3:prefix": tuple(below)}}
    what = "outputs of tasks" + (", files between sessions" if state else "")
    return (
        Statement("ReadArchive", ("s3:GetObject",), archive, {}, "the workflow's files, by their content"),
        Statement("KeepOutputs", ("s3:GetObject", "s3:PutObject"), arns.in_bucket(*below), {}, f"{_RUNNER}{what}"),
        Statement(
            "ListOutputs", ("s3:ListBucket",), (arns.BUCKET,), listed, "stores of iterations are found by their prefix"
        ),
        with_key("DecryptOutputs", "kms:Decrypt", "the bucket is encrypted by the stack's key"),
        with_key("EncryptOutputs", "kms:GenerateDataKey", "the bucket is encrypted by the stack's key"),
    )


def _workspace() -> tuple[Statement, ...]:
    """Return the right to mount the shared file system.

    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    actions = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
    through = {"ArnEquals": {"elasticfilesystem:AccessPointArn": arns.ACCESS_POINT}}
    return (
        Statement("MountWorkspace", actions, (arns.FILE_SYSTEM,), through, "the workspace, through its access point"),
    )


def _own(number: int, given: Mapping[str, Any]) -> Statement:
    """Return a statement of job.yml."""
    return Statement(
        f"Own{number}{given.get('Sid', '')}",
        _list(given.get("Action", given.get("NotAction"))),
        _list(given.get("Resource", given.get("NotResource"))),
        {
            operator: {key: _condition(value) for key, value in keys.items()}
            for operator, keys in given.get("Condition", {}).items()
        },
        str(given.get("Reason", "given by job.yml")),
        effect=str(given.get("Effect", "Allow")),
        but_actions="NotAction" in given,
        but_resources="NotResource" in given,
    )


def _list(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value if isinstance(value, list | tuple) else ()))


def _condition(value: object) -> str | tuple[str, ...]:
    """Return a condition's value as IAM writes it: `true` and numbers are texts."""
    if isinstance(value, list | tuple):
        return tuple(str(_condition(item)) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def execution_statements(jobs: Mapping[str, Job], secrets: Collection[str]) -> tuple[Statement, ...]:
    """Return what starts the containers of a workflow may: pull their images, write their logs, read their secrets.

    secrets   names as job.yml gives them, of all jobs together (`secret_names.of_job`)
    """
    ours = [job for job in jobs.values() if not job.task_definition]
    return (*_images(ours), *_logs(ours), *_secrets(secrets))


def _images(jobs: Collection[Job]) -> tuple[Statement, ...]:
    """Return the rights to pull images: of the stack's repository, and of those that jobs run as they are."""
    sources = {_repository(job) for job in jobs} - {""}
    if not sources:
        return ()
    entry = "the registry gives its password to who may ask; this action knows no resources"
    return (
        Statement("EnterRegistry", ("ecr:GetAuthorizationToken",), ("*",), {}, entry),
        Statement("PullImages", _PULL, tuple(sorted(sources)), {}, "images of the jobs"),
    )


def _repository(job: Job) -> str:
    """Return the ECR repository that a job's container is pulled from; "": a public one. All but plain ones are built."""
    if not (job.plain and job.image):
        return arns.REPOSITORY
    found = _ECR.match(job.image)
    if found is None:
        return ""
    name = re.split(r"[:@]", job.image.partition("/")[2])[0]
    return f"arn:${{AWS::Partition}}:ecr:{found['region']}:{found['account']}:repository/{name}"


def _logs(jobs: Collection[Job]) -> tuple[Statement, ...]:
    groups = tuple(sorted(arns.log_group(job.name) for job in jobs))
    if not groups:
        return ()
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return (Statement("WriteLogs", actions, groups, {}, "what containers write, in the log groups of their jobs"),)


def _secrets(names: Collection[str]) -> tuple[Statement, ...]:
    """Return the rights to read secrets, and to decrypt just those where a key of one's own encrypts them.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html: the context names the parameter.
    """
    parameters = tuple(sorted({secret_names.allowed(it) for it in names if secret_names.is_parameter(it)}))
    secrets = tuple(sorted({secret_names.allowed(it) for it in names if not secret_names.is_parameter(it)}))
    made: list[Statement] = []
    if parameters:
        reason = "secrets that jobs are given, of the Parameter Store"
        made.append(Statement("ReadParameters", ("ssm:GetParameters",), parameters, {}, reason))
        made.append(_decrypt("DecryptParameters", "ssm", "PARAMETER_ARN", parameters))
    if secrets:
        reason = "secrets that jobs are given, of Secrets Manager"
        made.append(Statement("ReadSecrets", ("secretsmanager:GetSecretValue",), secrets, {}, reason))
        made.append(_decrypt("DecryptSecrets", "secretsmanager", "SecretARN", secrets))
    return tuple(made)


def _decrypt(sid: str, service: str, context: str, arn: tuple[str, ...]) -> Statement:
    """Return the right to decrypt these secrets by way of their service, whatever key they are encrypted by."""
    by = {"StringEquals": {"kms:ViaService": f"{service}.${{AWS::Region}}.amazonaws.com"}}
    only = {"StringLike": {f"kms:EncryptionContext:{context}": arn}}
    return Statement(
        sid, ("kms:Decrypt",), (arns.ANY_KEY,), {**by, **only}, "a key of one's own may encrypt them; for them alone"
    )
