"""Check policies with parliament, in its own environment: {name: policy} on standard input -> {name: [finding]}.

Beside parliament's findings, an action that knows a resource but is allowed on "*" is one.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import parliament


def findings(policy: dict[str, Any]) -> list[str]:
    """Return what is wrong with a policy."""
    found = [
        f"{it.issue}: {it.detail}"
        for it in parliament.analyze_policy_string(json.dumps(policy)).findings
        if not (it.issue == "RESOURCE_MISMATCH" and set(map(_either, it.detail)) == {True})
    ]
    for statement in policy["Statement"]:
        if statement["Resource"] == ["*"] or statement["Resource"] == "*":
            found += [f"{it} knows a resource, but is allowed on *" for it in statement["Action"] if _resources(it)]
    return found


# Kinds of resources that the data demand though the action takes others: another one is given.
_OTHERS = {
    ("states:DescribeExecution", "arn:*:states:*:*:express:*:*:*"),
    ("states:ListExecutions", "arn:*:states:*:*:mapRun:*/*:*"),
    # The data know no resource, but IAM is asked about the state machine: https://github.com/aws/aws-cdk/pull/8486
    ("states:SendTaskFailure", "*"),
    ("states:SendTaskSuccess", "*"),
    ("batch:SubmitJob", "arn:*:batch:*:*:job/*"),
    ("batch:SubmitJob", "arn:*:batch:*:*:job-definition/*"),  # one with its revision is given
}


def _either(detail: dict[str, str]) -> bool:
    return (detail["action"], detail["required_format"]) in _OTHERS


def _resources(action: str) -> list[str]:
    """Return the kinds of resources that an action knows: of those AWS demands, or offers."""
    service, _, name = action.partition(":")
    for entry in parliament.iam_definition:
        if entry["prefix"] == service:
            for privilege in entry["privileges"]:
                if privilege["privilege"].lower() == name.lower():
                    return [it["resource_type"] for it in privilege["resource_types"] if it["resource_type"]]
    return [f"{action} does not exist"]


if __name__ == "__main__":
    json.dump({name: findings(policy) for name, policy in json.load(sys.stdin).items()}, sys.stdout)
