"""What Lambda gives this function: the Parameter Store. On a laptop the local engine stands here instead."""

from __future__ import annotations

import boto3

from parameter_store import ParameterStore

# Many runs at once meet at the Parameter Store, which takes few writes a second: boto3 waits and tries again.
client = boto3.client("ssm", config=boto3.session.Config(retries={"mode": "adaptive", "total_max_attempts": 10}))


def store(path: str) -> ParameterStore:
    """Return the parameters below a path."""
    return ParameterStore(client, path)
