"""CodeBuild for the cloud on loopback, beside what else it serves: answers to CloudFormation, and the resources there are.

A build takes the context out of the bucket, wants a Dockerfile and the task runner in it, and leaves an image of the tag in the
repository, as the build spec does with Docker.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

ANSWERS: dict[str, dict[str, Any]] = {}
ENDED: list[dict[str, Any]] = []
_BUILDS: dict[str, dict[str, Any]] = {}
_state: dict[str, Any] = {}


def url(path: str) -> str:
    """Return an address of this server."""
    return f"{_state['address']}{path}"


def serve(kept: list[dict[str, Any]]) -> str:
    """Serve from a thread; return the address. `kept` is what GET /kept tells."""
    _state["kept"] = kept
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _state["address"] = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return str(_state["address"])


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._tell(_state["kept"])

    def do_PUT(self) -> None:
        ANSWERS[self.path.rpartition("/")[2]] = json.loads(self._body())
        self._tell({})

    def do_POST(self) -> None:
        asked = json.loads(self._body())
        action = (self.headers["X-Amz-Target"] or "").partition(".")[2]
        self._tell({"StartBuild": _start, "BatchGetBuilds": _get}[action](asked))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _tell(self, answer: object) -> None:
        data = json.dumps(answer, default=str).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _start(asked: dict[str, Any]) -> dict[str, Any]:
    project = asked["projectName"]
    given = {it["name"]: it["value"] for it in asked["environmentVariablesOverride"]}
    bucket, _, key = asked["sourceLocationOverride"].partition("/")
    context = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    names = zipfile.ZipFile(io.BytesIO(context)).namelist()
    assert {"Dockerfile", "stepdig-runner.pyz"} <= {name.rpartition("/")[2] for name in names}, names
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "tag": given["TAG"],
    }
    boto3.client("ecr").put_image(
        repositoryName=given["REPOSITORY"].partition("/")[2], imageManifest=json.dumps(manifest), imageTag=given["TAG"]
    )
    build = {
        "id": f"{project}:{len(_BUILDS) + 1}",
        "projectName": project,
        "buildStatus": "SUCCEEDED",
        "environment": {"environmentVariables": asked["environmentVariablesOverride"]},
    }
    _BUILDS[build["id"]] = build
    arn = f"arn:aws:codebuild:ap-northeast-1:123456789012:build/{build['id']}"
    detail = {"build-id": arn, "build-status": "SUCCEEDED", "project-name": project}
    ENDED.append({"source": "aws.codebuild", "detail-type": "CodeBuild Build State Change", "detail": detail})
    return {"build": {**build, "buildStatus": "IN_PROGRESS"}}


def _get(asked: dict[str, Any]) -> dict[str, Any]:
    return {"builds": [_BUILDS[key] for key in asked["ids"] if key in _BUILDS]}
