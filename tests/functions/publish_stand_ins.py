"""What `publish` meets: a package as `stepdig pack` leaves it, CodeBuild, requests of CloudFormation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import botocore
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop-publish"


def context(milliseconds=lambda: 0):
    """Lambda's, with the time that is left."""
    return SimpleNamespace(
        function_name="shop-publish", invoked_function_arn=ARN, get_remaining_time_in_millis=milliseconds
    )


CONTEXT = context()  # no time to wait for anything
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-jobs"
_MODEL = Path(botocore.__file__).parent / "data/codebuild/2016-10-06/service-2.json.gz"


class CodeBuild:
    """Builds that go on until they are ended; what it is asked is held against AWS's model of the call."""

    def __init__(self):
        self.model = ServiceModel(json.loads(gzip.decompress(_MODEL.read_bytes())), "codebuild")
        self.builds = {}
        self.tokens = {}

    def start_build(self, **given):
        validate_parameters(given, self.model.operation_model("StartBuild").input_shape)
        token = given["idempotencyToken"]
        if token not in self.tokens:
            self.tokens[token] = f"{given['projectName']}:{len(self.builds) + 1}"
            variables = given["environmentVariablesOverride"]
            self.builds[self.tokens[token]] = {
                "id": self.tokens[token],
                "buildStatus": "IN_PROGRESS",
                "environment": {"environmentVariables": variables},
                "given": given,
            }
        return {"build": self.builds[self.tokens[token]]}

    def batch_get_builds(self, *, ids):
        return {"builds": [self.builds[it] for it in ids if it in self.builds]}

    def end(self, build, status="SUCCEEDED", **more):
        self.builds[build].update({"buildStatus": status, **more})


def ended(build, status="SUCCEEDED"):
    """The event of a build's end, as EventBridge gives it."""
    arn = f"arn:aws:codebuild:us-east-1:123456789012:build/{build}"
    detail = {"build-status": status, "project-name": build.partition(":")[0], "build-id": arn}
    return {"source": "aws.codebuild", "detail-type": "CodeBuild Build State Change", "detail": detail}


def package(folder, *, archives=(), images=()):
    """Lay out a package: archives by project, images by job, each a hash or a hash with a processor."""
    for kind, names in (("archives", dict(archives)), ("images", dict(images))):
        (folder / kind).mkdir(exist_ok=True)
        for name, given in names.items():
            told = given if isinstance(given, dict) else {"hash": given, "architecture": "x86_64"}
            (folder / kind / f"{name}.json").write_text(json.dumps(told))
            (folder / kind / f"{name}.zip").write_bytes(f"zip of {name} {told['hash']}".encode())


def request(url, kind, *, request="Create", number=1, stack="shop", **properties):
    """A request of CloudFormation for a custom resource."""
    return {
        "RequestType": request,
        "ResponseURL": f"{url}/answer/{number}",
        "StackId": f"arn:aws:cloudformation:us-east-1:123456789012:stack/{stack}/1",
        "RequestId": f"request-{number}",
        "LogicalResourceId": f"Resource{number}",
        "ResourceType": f"Custom::{kind}",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:publish", **properties},
        **({} if request == "Create" else {"PhysicalResourceId": "kept-id"}),
    }
