"""Statements that several derivations need: the stack's key by way of S3, rules that Step Functions manages."""

from __future__ import annotations

from stepdig.iam import arns
from stepdig.iam.statement import Statement


def managed_rule(sid: str, rule: str, what: str) -> Statement:
    """Return the right to the rule by which Step Functions hears of an end."""
    actions = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
    return Statement(
        sid, actions, (arns.rule(rule),), {}, f"Step Functions hears of {what} by this rule, which it manages"
    )


def with_key(sid: str, action: str, reason: str) -> Statement:
    """Return a right to the stack's key, by way of S3 alone."""
    return Statement(
        sid, (action,), (arns.KEY,), {"StringEquals": {"kms:ViaService": "s3.${AWS::Region}.amazonaws.com"}}, reason
    )
