"""The keys of `jobs/<name>/job.yml`, as `declared` has them: `job_files` reads what they say, editors offer and check it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from __future__ import annotations

from stepdig import limits
from stepdig.language.declared import Option, Schema, list_of, mapping, matching

ENV_NAME = r"^(?!STEPDIG_|AWS_CONTAINER_|ECS_)[A-Za-z_][A-Za-z0-9_]*$"
_KEY = r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*$"  # as `${secret:key}` takes it
# What a deployment fills into texts: the words and no others.
FILLED = ("Environment", "Stack", "AWS::Partition", "AWS::Region", "AWS::AccountId")

_FILL = r"\$\{[A-Za-z:]+\}"
# A parameter of Parameter Store, `name:key` of a secret of Secrets Manager (`name:` is all of it), or an ARN of either.
_SOURCE = matching(
    rf"^(arn:\S+|([A-Za-z0-9/_+=.@-]|{_FILL})+(:[A-Za-z0-9_.-]*)?)$",
    "the name of a parameter, name:key of a secret, or an ARN",
    template=False,
)
_FILE: Schema = mapping(Option("file", _SOURCE, "the secret that the file holds", required=True))
_SECRET: Schema = {**_SOURCE, **_FILE, "type": ["string", "object"]}
_VARIABLE: Schema = {"type": ["string", "integer", "number", "boolean"]}
_NAMED: Schema = {
    "type": "string",
    "pattern": ENV_NAME,
    "patternErrorMessage": "must be the name of a variable (STEPDIG_, ECS_ and AWS_CONTAINER_ are taken)",
}
_KEYED: Schema = {"type": "string", "pattern": _KEY, "patternErrorMessage": "must be a key as in ${secret:key}"}


def _named(values: Schema, names: Schema) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": values, "propertyNames": names}


def _texts(pattern: str, said: str) -> Schema:
    one = {"type": "string", "pattern": pattern, "patternErrorMessage": f"must be {said}"}
    return {**one, "type": ["string", "array"], "items": one, "minItems": 1}


_ACTIONS = _texts(r"^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$", "actions of IAM such as s3:GetObject")
_RESOURCES = _texts(r"^(\*|arn:\S+)$", "ARNs")
_REASON: Schema = {"type": "string", "pattern": "^[^|\\n]+$", "patternErrorMessage": "must be one line without |"}
STATEMENT = mapping(
    Option("Sid", {"type": "string", "pattern": "^[A-Za-z0-9]*$"}, "its name, letters and digits"),
    Option("Effect", {"type": "string", "enum": ["Allow", "Deny"]}, "Allow without it"),
    Option("Action", _ACTIONS, "one action or a list: s3:GetObject"),
    Option("NotAction", _ACTIONS, "every action but these"),
    Option("Resource", _RESOURCES, "one ARN or a list"),
    Option("NotResource", _RESOURCES, "every resource but these"),
    Option("Condition", {"type": "object"}, "when it counts: operator, key, values"),
    Option("Reason", _REASON, "why they may, for the page of rights: not part of the policy"),
)
_SECONDS = r"^\s*([0-9]{1,8}|([0-9]{1,9}\s*[dhms]\s*)+)\s*$"
_SPAN = matching(_SECONDS, "seconds or a duration such as 90s, 30m or 1h", "integer", template=False)
_MOUNT = matching(r"^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", "true, or a path such as /workspace", template=False)
_PATH: Schema = {
    "type": "string",
    "pattern": r"^(?!/)(?!(.*/)?\.\.?(/|$))[^\\]*[^/\\]$",
    "patternErrorMessage": "must be the path of a file below the project's folder",
}
_IMAGE = matching(
    rf"^([A-Za-z0-9._/:@-]|{_FILL})+$", "a reference such as python:3.13-slim or repository/name:tag", template=False
)
_ARN = matching(
    r"^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_-]+(:[0-9]+)?$",
    "the ARN of a task definition",
    template=False,
)
_ROLE = matching(r"^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", "the ARN of a role", template=False)


_CPU = r"^([0-9]{3,5}|[0-9]{1,2}([.][0-9]{1,2})? ?[vV][cC][pP][uU])$"
_MEMORY = r"^([0-9]{3,6}|[0-9]{1,3}([.]5)? ?[gG][bB])$"
_DISK = "^[0-9]{2,3}( ?[gG][iI]?[bB])?$"
_CONTAINER: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]+$",
    "patternErrorMessage": "must be the name of a container",
}
_GRACE: Schema = {**_SPAN, "minimum": limits.STOP_MIN_SECONDS, "maximum": limits.STOP_MAX_SECONDS}
_LINGER_SECONDS = 600  # paid for, each time: what takes longer is a task of its own
_LINGER: Schema = {**_SPAN, "minimum": 1, "maximum": _LINGER_SECONDS}
_LIMIT: Schema = {**_SPAN, "minimum": 1, "maximum": limits.TIMEOUT_SECONDS}


def _size(pattern: str, said: str) -> Schema:
    return matching(pattern, said, "integer", template=False)


def _word(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


KEYS = (
    Option("image", _IMAGE, "an image from elsewhere; without it the job's Dockerfile is built"),
    Option(
        "plain",
        {"type": "boolean", "patternErrorMessage": "must be true or false"},
        "run the image as it is: a command, its environment, its exit code",
    ),
    Option("cpu", _size(_CPU, "a size such as 1024 or 1 vCPU"), "1024, or 1 vCPU; 256 without it"),
    Option("memory", _size(_MEMORY, "a size such as 2048 or 2 GB"), "2048 (MiB), or 2 GB; 512 without it"),
    Option("ephemeral_storage", _size(_DISK, "a size such as 50, in GiB"), "disk, 21 to 200 GiB; 20 without it"),
    Option("architecture", _word("x86_64", "arm64"), "of the processor; x86_64 without it"),
    Option("capacity", _word("on_demand", "spot", "spot_then_on_demand"), "where it is launched; on_demand without it"),
    Option(
        "workspace",
        {**_MOUNT, "type": ["string", "boolean"]},
        "a folder that all tasks share: true for /workspace, or its path",
    ),
    Option(
        "secrets",
        _named(_SECRET, _NAMED),
        "variable -> where its secret is kept: `DB_PASSWORD: /shop/db/password`, `KEY_PATH: {file: /shop/key}`",
    ),
    Option(
        "secret_keys",
        _named(_SOURCE, _KEYED),
        "where `${secret:key}` is kept, if not with the project's own: `mysql.password: /shop/db/password`",
    ),
    Option("environment", _named(_VARIABLE, _NAMED), "variables of its commands"),
    Option(
        "iam",
        {**list_of(STATEMENT), "type": ["array", "null"]},
        "what its tasks may do in AWS: statements of a policy",
    ),
    Option(
        "log_retention",
        {"type": "integer", "enum": list(limits.LOG_RETENTION_DAYS)},
        "days that its logs are kept; 90 without it",
    ),
    Option("stop_grace", _GRACE, "seconds to end well when it is stopped, 2 to 120; 30 without it"),
    Option(
        "linger",
        _LINGER,
        "seconds that its containers stay after a command has ended, for an agent to send what it holds; 0 without it",
    ),
    Option("timeout", _LIMIT, "the time limit of its tasks that have no `_timeout`: 30m, 1h"),
    Option(
        "state",
        {**list_of(_PATH), "type": ["array", "null"]},
        "files that a task finds again as its last successful run left them: `[diff.yml]`",
    ),
    Option("python", {"type": ["string", "integer", "number"]}, "on a laptop: a version, a program or a path"),
    Option("task_definition", _ARN, "the ARN of a task definition that is there already; with `container`"),
    Option("container", _CONTAINER, "which container of `task_definition` is given the command"),
    Option(
        "pass_roles",
        list_of(_ROLE),
        "the roles of `task_definition`; without it any role may be handed on to containers",
    ),
)
JOB: Schema = {**mapping(*KEYS), "type": ["object", "null"]}
