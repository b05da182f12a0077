"""The cause of a failed nested execution, in words."""

from __future__ import annotations

import json


def in_words(cause: str | None, project: str) -> str | None:
    """Return a cause; in place of a DescribeExecution answer, the words that the machine has for a failed `require>`.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    """
    if not cause or not cause.startswith('{"ExecutionArn"'):
        return cause
    try:
        told = json.loads(cause)
        machine = str(told["StateMachineArn"]).rpartition(":")[2].removeprefix(f"{project}-")
        name = told["Name"]
    except (ValueError, LookupError):
        return cause
    return f"Dependent workflow failed: {machine}, {name}"
