"""What Lambda gives this function; on a laptop the local engine stands here instead."""

from __future__ import annotations

from typing import Protocol, cast

import boto3


class StepFunctions(Protocol):
    """The two calls of the AWS client that are used."""

    def send_task_success(self, *, taskToken: str, output: str) -> object:  # noqa: N803 - AWS's names
        """Let the waiting state succeed."""

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> object:  # noqa: N803 - as above
        """Let the waiting state fail."""


def stepfunctions() -> StepFunctions:
    """Return the client."""
    return cast(StepFunctions, boto3.client("stepfunctions"))
