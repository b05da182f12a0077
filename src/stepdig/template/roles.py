"""Statements -> a role, its policies within what IAM takes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters without white space.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stepdig import limits
from stepdig.iam import Statement, document
from stepdig.template.parameters import BOUNDED
from stepdig.template.values import Resources, Value, ref, text

_CONFUSED = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
_FROM = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html#prevent-cross-service-confused-deputy
    "states.amazonaws.com": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    "ecs-tasks.amazonaws.com": "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:*",
}
_REFERENCE = re.compile(r"\$\{([^}!]+)\}")
# How long what is filled in may be: the longest AWS gives, or for the stack's own names, more than its templates make.
_LENGTHS = {
    "AWS::Partition": 10,
    "AWS::Region": 14,
    "AWS::AccountId": 12,
    "AWS::URLSuffix": 16,
    "Stack": limits.STACK_CHARS,
    "Environment": 28,
    "Cluster": 64,
    "Bucket": 63,
    "KeyArn": 95,
    "RepositoryName": 64,
    "FileSystemId": 20,
    "AccessPointId": 22,
}
_ARN_CHARS = 170  # of a role with its path, of a function


@dataclass(frozen=True, slots=True)
class Role:
    """A role to be: who takes it on, where it lies (below the stack's path), what it may."""

    id: str
    service: str
    path: str
    description: str
    statements: Sequence[Statement]


def resources(role: Role) -> Resources | None:
    """Return a role, beside managed policies where it has no room for its own; None for one that no policies hold."""
    if not role.statements:
        return {role.id: _role(role, {})}
    if size(role.statements) <= limits.INLINE_POLICY_CHARS:
        policies = [{"PolicyName": "rights", "PolicyDocument": document(role.statements)}]
        return {role.id: _role(role, {"Policies": policies})}
    parts = _parts(role.statements)
    if parts is None or len(parts) > limits.MANAGED_POLICIES:
        return None
    made: Resources = {
        f"{role.id}Policy{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"Path": text("/stepdig/${Stack}/"), "PolicyDocument": document(part)},
        }
        for number, part in enumerate(parts, 1)
    }
    return {role.id: _role(role, {"ManagedPolicyArns": [ref(name) for name in made]}), **made}


def _role(role: Role, policies: dict[str, Value]) -> dict[str, Value]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": role.service},
        "Action": "sts:AssumeRole",
        "Condition": {**_CONFUSED, "ArnLike": {"aws:SourceArn": text(_FROM[role.service])}},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Description": role.description,
            "Path": text(role.path),
            "PermissionsBoundary": {"Fn::If": [BOUNDED, ref("PermissionsBoundaryArn"), ref("AWS::NoValue")]},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            **policies,
        },
    }


def size(statements: Iterable[Statement]) -> int:
    """Return how many characters a policy has at most, once everything is filled in."""
    return len(_filled(json.dumps(_plain(statements), separators=(",", ":"))))


def _plain(statements: Iterable[Statement]) -> object:
    """Return the document with texts in place of their Fn::Sub."""

    def bare(value: object) -> object:
        if isinstance(value, dict):
            if "Fn::Sub" in value:
                inner = value["Fn::Sub"]
                return inner if isinstance(inner, str) else inner[0]
            return {key: bare(it) for key, it in value.items()}
        return [bare(it) for it in value] if isinstance(value, list) else value

    return bare(document(statements))


def _filled(policy: str) -> str:
    return _REFERENCE.sub(lambda it: "x" * _LENGTHS.get(it[1], _ARN_CHARS), policy)


def _parts(statements: Iterable[Statement]) -> list[list[Statement]] | None:
    """Return the statements as managed policies, each within its limit; None where one statement alone is over it."""
    parts: list[list[Statement]] = []
    for statement in statements:
        for piece in _pieces(statement):
            if size([piece]) > limits.MANAGED_POLICY_CHARS:
                return None
            if parts and size([*parts[-1], piece]) <= limits.MANAGED_POLICY_CHARS:
                parts[-1].append(piece)
            else:
                parts.append([piece])
    return parts


def _pieces(statement: Statement) -> list[Statement]:
    """Return a statement, as several of fewer resources each where it is long; every resource but these is one thing."""
    count = -(-size([statement]) // (limits.MANAGED_POLICY_CHARS // 2))
    if count == 1 or statement.but_resources or len(statement.resources) < count:
        return [statement]
    step = -(-len(statement.resources) // count)
    groups = [statement.resources[start : start + step] for start in range(0, len(statement.resources), step)]
    return [
        replace(statement, sid=f"{statement.sid}Part{number}", resources=group)
        for number, group in enumerate(groups, 1)
    ]
