"""What CloudFormation is told of a custom resource: a PUT to the URL that its request brought.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

ANSWER_BYTES = 4_096  # of the whole answer
REASON_CHARS = 900  # four bytes each at most, so that the rest has room
KEPT = ("ResponseURL", "StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId", "RequestType", "ResourceType")

Request = Mapping[str, Any]


class Http(Protocol):
    """The call of urllib3 that is used."""

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Send one request."""


def kept(request: Request, physical_id: str) -> dict[str, Any]:
    """Return as much of a request as its answer needs, for one that is answered later."""
    return {**{name: request[name] for name in KEPT if name in request}, "PhysicalResourceId": physical_id}


def succeeded(http: Http, request: Request, physical_id: str, data: Mapping[str, str]) -> None:
    """Say that the resource is there, with its attributes."""
    _send(http, request, {"Status": "SUCCESS", "PhysicalResourceId": physical_id, "Data": dict(data)})


def failed(http: Http, request: Request, physical_id: str, reason: str) -> None:
    """Say why the resource is not there."""
    short = reason if len(reason) <= REASON_CHARS else f"{reason[: REASON_CHARS - 1]}…"
    _send(http, request, {"Status": "FAILED", "PhysicalResourceId": physical_id, "Reason": short})


def _send(http: Http, request: Request, answer: dict[str, Any]) -> None:
    """Send an answer; raises when S3, which keeps it for CloudFormation, does not take it, so that Lambda tries again."""
    own = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**own, **answer}, ensure_ascii=False).encode()
    # The URL is signed for a request without a content type.
    told = http.request("PUT", request["ResponseURL"], body=body, headers={"Content-Type": ""})
    if told.status >= 300:
        raise ConnectionError(
            f"CloudFormation's answer to {request['LogicalResourceId']} was refused: HTTP {told.status}"
        )
