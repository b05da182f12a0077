"""Names of secrets as job.yml gives them -> what ECS reads (`valueFrom`) and what a role is allowed.

`/path/name` is a parameter of the Parameter Store, `name` or `name:json-key` a secret of Secrets Manager; an ARN is either.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

import re
from collections.abc import Collection

from stepdig.iam import arns
from stepdig.language.job import Job

_SUFFIXED = re.compile(r"-[A-Za-z0-9]{6}\Z")  # what AWS adds to the name in a secret's ARN
_ARN_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name


def own(key: str) -> str:
    """Return the name of the project's own parameter for `${secret:key}`."""
    return f"/stepdig/${{Stack}}/secrets/{key}"


def of_job(job: Job, keys: Collection[str]) -> tuple[str, ...]:
    """Return the names of all secrets that containers of a job are given; `keys` are those its tasks read by `${secret:key}`."""
    named = {job.secret_keys.get(key, own(key)) for key in keys}
    return tuple(sorted({*job.secrets.values(), *job.secret_files.values(), *named}))


def is_parameter(name: str) -> bool:
    """Tell whether a name is one of the Parameter Store."""
    return name.startswith("/") or ":ssm:" in name


def value_from(name: str) -> str:
    """Return `valueFrom` of a name, for a task definition: an ARN, with the JSON key where one is given."""
    if name.startswith("arn:"):
        return name
    if is_parameter(name):
        return arns.parameter(name)
    secret, _, key = name.partition(":")
    return f"{arns.secret(secret)}:{key}::" if key else arns.secret(secret)


def allowed(name: str) -> str:
    """Return the resource that a role may read for a name."""
    if is_parameter(name):
        return value_from(name)
    if not name.startswith("arn:"):
        return f"{arns.secret(name.partition(':')[0])}-??????"
    arn = ":".join(name.split(":")[:_ARN_PARTS])
    return arn if _SUFFIXED.search(arn) else f"{arn}-??????"
