"""Custom::ScheduleState: what state a schedule is in, asked when a deployment is about to change it.

CloudFormation changes a schedule by UpdateSchedule, which enables one that was paused by hand unless it is told not to
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-state.html). So the schedule's `State` is the
attribute `State` of this resource, which is asked whenever its property `Version` changes, as that does with the schedule.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import urllib3

from errors import BadEvent

ENABLED = "ENABLED"
NAMED = ("StackId", "RequestId", "LogicalResourceId")
REASON_CHARS = 400  # an answer has 4,096 bytes, and a character up to six
ID_CHARS = 200


class Http(Protocol):
    """The call of urllib3 that is used."""

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Send one request."""


def answer(request: Mapping[str, Any], state: Callable[[str, str], str | None], http: Http) -> dict[str, str]:
    """Tell CloudFormation the state of the schedule `Name` of the group `Group`; one that is not there yet is enabled.

    Return what was told. Raises BadEvent where nobody waits for an answer, ConnectionError when it is not taken, so that Lambda
    tries again.
    """
    missing = [name for name in (*NAMED, "ResponseURL") if not isinstance(request.get(name), str)]
    if missing:
        raise BadEvent(f"this is no request of CloudFormation's: it has no {', '.join(missing)}")
    given = request.get("ResourceProperties")
    group, name = (str(given.get(key) or "") if isinstance(given, dict) else "" for key in ("Group", "Name"))
    physical_id = str(request.get("PhysicalResourceId") or f"{group}/{name}"[:ID_CHARS])
    told: dict[str, Any] = {"Status": "SUCCESS"}
    found: dict[str, str] = {}
    if request["RequestType"] != "Delete":
        try:
            found = _found(group, name, state)
            told["Data"] = found
        except Exception as error:  # a request without an answer blocks the stack for an hour
            words = str(error) if isinstance(error, BadEvent) else f"{type(error).__name__}: {error}"
            told = {"Status": "FAILED", "Reason": f"the state of the schedule is not known: {words}"[:REASON_CHARS]}
    _send(http, request, {**{key: request[key] for key in NAMED}, **told, "PhysicalResourceId": physical_id})
    return found


def _found(group: str, name: str, state: Callable[[str, str], str | None]) -> dict[str, str]:
    if not group or not name:
        raise BadEvent("Custom::ScheduleState needs the properties Group and Name")
    return {"State": state(group, name) or ENABLED}


def _send(http: Http, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    whom = request["LogicalResourceId"]
    body = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
    try:
        # The URL is signed for a request without a content type.
        taken = http.request("PUT", request["ResponseURL"], body=body, headers={"Content-Type": ""})
    except urllib3.exceptions.HTTPError as error:  # its text holds the URL, by which anybody could answer
        raise ConnectionError(f"CloudFormation's answer to {whom} could not be sent: {type(error).__name__}") from None
    if taken.status >= 300:
        raise ConnectionError(f"CloudFormation's answer to {whom} was refused: {taken.status}")
