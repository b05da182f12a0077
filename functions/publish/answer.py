"""What CloudFormation is told of a custom resource: a PUT to the URL that its request brought.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import urllib3

from errors import Unknown

ANSWER_BYTES = 4_096  # of the whole answer
ID_CHARS = 200  # of a name in the id of a resource
NAMED = ("StackId", "RequestId", "LogicalResourceId")
KEPT = (*NAMED, "ResponseURL", "PhysicalResourceId", "RequestType", "ResourceType")

Request = Mapping[str, Any]


class Http(Protocol):
    """The call of urllib3 that is used."""

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Send one request."""


def checked(event: Request) -> Request:
    """Return an event if it is one that can be answered. Raises Unknown: nobody waits for an answer then."""
    missing = [name for name in (*NAMED, "ResponseURL") if not isinstance(event.get(name), str)]
    if missing:
        raise Unknown(f"this is no request of CloudFormation's: it has no {', '.join(missing)}")
    return event


def kept(request: Request, physical_id: str) -> dict[str, Any]:
    """Return as much of a request as its answer needs, for one that is answered later."""
    return {**{name: request[name] for name in KEPT if name in request}, "PhysicalResourceId": physical_id}


def succeeded(http: Http, request: Request, physical_id: str, data: Mapping[str, str]) -> None:
    """Say that the resource is there, with its attributes."""
    _send(http, request, {"Status": "SUCCESS", "PhysicalResourceId": physical_id, "Data": dict(data)})


def failed(http: Http, request: Request, physical_id: str, reason: str) -> None:
    """Say why the resource is not there."""
    _send(http, request, {"Status": "FAILED", "PhysicalResourceId": physical_id, "Reason": reason})


def _send(http: Http, request: Request, answer: dict[str, Any]) -> None:
    """Send an answer; raises when S3, which keeps it for CloudFormation, does not take it, so that Lambda tries again."""
    whom = request["LogicalResourceId"]
    body = _body({**{name: request[name] for name in NAMED}, **answer})
    try:
        # The URL is signed for a request without a content type.
        told = http.request("PUT", request["ResponseURL"], body=body, headers={"Content-Type": ""})
    except urllib3.exceptions.HTTPError as error:  # its text holds the URL, by which anybody could answer
        raise ConnectionError(f"CloudFormation's answer to {whom} could not be sent: {type(error).__name__}") from None
    if told.status >= 300:
        raise ConnectionError(f"CloudFormation's answer to {whom} was refused: HTTP {told.status}")


def _body(answer: dict[str, Any]) -> bytes:
    """Return an answer as JSON, its reason cut until it fits: one that is too long is no answer, and the stack waits."""
    while True:
        body = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        reason = answer.get("Reason", "")
        if len(body) <= ANSWER_BYTES or not reason:
            return body
        answer = {**answer, "Reason": f"{reason[: len(reason) * 3 // 4]}…" if len(reason) > 1 else ""}
