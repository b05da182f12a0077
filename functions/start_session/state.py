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

ENABLED = "ENABLED"
REASON_CHARS = 900  # an answer has 4,096 bytes


class Http(Protocol):
    """The call of urllib3 that is used."""

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Send one request."""


def answer(request: Mapping[str, Any], state: Callable[[str, str], str | None], http: Http) -> dict[str, str]:
    """Tell CloudFormation the state of the schedule `Name` of the group `Group`; one that is not there yet is enabled.

    Return what was told. Raises when the answer is not taken, so that Lambda tries again.
    """
    asked = request.get("ResourceProperties") or {}
    physical_id = str(request.get("PhysicalResourceId") or f"{asked.get('Group')}/{asked.get('Name')}")
    told: dict[str, Any] = {"Status": "SUCCESS"}
    found: dict[str, str] = {}
    if request["RequestType"] != "Delete":
        try:
            found = {"State": state(asked["Group"], asked["Name"]) or ENABLED}
            told["Data"] = found
        except Exception as error:  # a request without an answer blocks the stack for an hour
            told = {"Status": "FAILED", "Reason": f"the state of the schedule is not known: {error!r}"[:REASON_CHARS]}
    own = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**own, **told, "PhysicalResourceId": physical_id}, ensure_ascii=False).encode()
    # The URL is signed for a request without a content type.
    taken = http.request("PUT", request["ResponseURL"], body=body, headers={"Content-Type": ""})
    if taken.status >= 300:
        raise ConnectionError(f"CloudFormation's answer to {request['LogicalResourceId']} was refused: {taken.status}")
    return found
