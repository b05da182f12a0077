"""Lambda for the cloud on loopback: a function's package as it was deployed, run in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

import builds
from moto.awslambda.utils import get_backend

CALL = """
import json, sys
from types import SimpleNamespace
import app, runtime
runtime.sleep = lambda seconds: None
name = sys.argv[1].split(":")[6]
context = SimpleNamespace(function_name=name, invoked_function_arn=sys.argv[1], get_remaining_time_in_millis=lambda: 61000)
app.handler(json.load(sys.stdin), context)
"""


def answered(event: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a function to a request of CloudFormation; it may come only after a build. Raises on FAILED."""
    arn = event["ServiceToken"]
    request = {**event, "RequestId": str(uuid.uuid4())}
    request["ResponseURL"] = builds.url(f"/answers/{request['RequestId']}")
    call(arn, request)
    while request["RequestId"] not in builds.ANSWERS:
        if not builds.ENDED:
            raise RuntimeError(f"{arn} answers nothing to {event['LogicalResourceId']}, and no build is under way")
        call(arn, builds.ENDED.pop(0))
    answer = builds.ANSWERS.pop(request["RequestId"])
    if answer["Status"] != "SUCCESS":
        raise RuntimeError(f"{event['LogicalResourceId']}: {answer['Reason']}")
    return answer


def call(arn: str, event: dict[str, Any]) -> None:
    """Call the function whose ARN, perhaps with a version, is given; Lambda's variables tell it who it is."""
    parts = arn.split(":")
    function = get_backend(parts[4], parts[3]).get_function(":".join(parts[:7]))
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
            package.extractall(folder)
        wanted = (event.get("ResourceProperties") or {}).get("PublishVersion", "$LATEST")
        lambdas = {
            "AWS_LAMBDA_FUNCTION_NAME": parts[6],
            "AWS_LAMBDA_FUNCTION_VERSION": wanted.rpartition(":")[2],
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        variables = {**os.environ, **function.environment_vars, **lambdas, "PYTHONPATH": folder}
        done = subprocess.run(
            [sys.executable, "-c", CALL, arn],
            cwd=Path(folder),
            env=variables,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{arn} failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
