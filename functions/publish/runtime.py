"""What Lambda gives this function: clients of AWS, the names of the stack's resources, its package, a way to CloudFormation."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import urllib3
from aws_lambda_powertools import Logger

from answer import Http
from images import Place

# One slow call must not take the time in which CloudFormation is to be answered.
_CONFIG = boto3.session.Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
)
_FOLDER = Path(__file__).parent

logger = Logger(service="publish")
sleep = time.sleep
http: Http = urllib3.PoolManager(
    retries=urllib3.Retry(4, backoff_factor=0.5, status_forcelist=(500, 503), allowed_methods=None)
)


@cache
def client(service: str) -> Any:  # noqa: ANN401 - boto3 ships no types
    """Return a client of AWS; the process keeps it."""
    return boto3.client(service, config=_CONFIG)


def bucket() -> str:
    """Return the name of the stack's bucket."""
    return os.environ["BUCKET"]


def folder() -> Path:
    """Return the folder of what `stepdig pack` wrote."""
    return Path(os.environ.get("PACKED", _FOLDER))


def place(arn: str) -> Place:
    """Return where images are made and kept; `arn` is this function's own."""
    _, partition, _, region, account, *_ = arn.split(":")
    own = {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account}
    stack = {name: os.environ.get(name.upper(), "") for name in ("Stack", "Environment")}
    clients = (client("s3"), client("ecr"), client("codebuild"))
    names = (bucket(), os.environ["REPOSITORY"], os.environ["BUILD_PROJECT"])
    return Place(*clients, *names, folder(), (_FOLDER / "buildspec.yml").read_text(), {**own, **stack})


def version() -> str:
    """Return the version of this function that runs; `$LATEST` when it was called without one."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
