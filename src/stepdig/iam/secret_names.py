"""Names of secrets as job.yml gives them -> what ECS reads (`valueFrom`) and what a role is allowed.

`name` is a parameter of the Parameter Store, `name:json-key` or `name:` a secret of Secrets Manager; an ARN is either.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

import re
from collections.abc import Collection

from stepdig.iam import arns
from stepdig.language.job import Job

_SUFFIXED = re.compile(r"-[A-Za-z0-9]{6}\Z")  # what AWS adds to the name in a secret's ARN
_ARN_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name
_AWS = re.compile(r"\$\{AWS::[A-Za-z]+\}")


def own(key: str) -> str:
    """Return the name of the project's own parameter for `${secret:key}`."""
    return f"/stepdig/${{Stack}}/secrets/{key}"


def of_job(job: Job, keys: Collection[str]) -> tuple[str, ...]:
    """Return the names of all secrets that containers of a job are given, sorted.

    `keys` are those that its tasks read by `${secret:key}`.
    """
    named = {job.secret_keys.get(key, own(key)) for key in keys}
    return tuple(sorted({*job.secrets.values(), *job.secret_files.values(), *named}))


def is_parameter(name: str) -> bool:
    """Tell whether a name is one of the Parameter Store."""
    if name.startswith("arn:"):
        return ":ssm:" in name
    return ":" not in _AWS.sub("", name)


def value_from(name: str) -> str:
    """Return `valueFrom` of a name, for a task definition: an ARN, with the JSON key where one is given."""
    if name.startswith("arn:"):
        return name
    if is_parameter(name):
        return arns.parameter(name)
    secret, _, key = name.rpartition(":")
    return f"{arns.secret(secret)}:{key}::" if key else arns.secret(secret)


def allowed(name: str) -> str:
    """Return the resource that a role may read for a name: AWS adds six characters to a secret's."""
    if name.startswith("arn:") and not is_parameter(name):
        parts = _AWS.sub(lambda it: it[0].replace(":", "\0"), name).split(":")
        arn = ":".join(parts[:_ARN_PARTS]).replace("\0", ":")
        return arn if _SUFFIXED.search(arn) else f"{arn}-??????"
    return value_from(name) if is_parameter(name) else f"{arns.secret(name.rpartition(':')[0])}-??????"
