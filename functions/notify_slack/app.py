"""notify_slack: sends messages to Slack, of workflows and about them.

Events: {"message": a text, or a payload as digdag-slack's templates have it} of a workflow itself
(https://github.com/szyn/digdag-slack); a status change of an execution from EventBridge; a notice of SNS, such as an
alarm of CloudWatch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import message
import notices
import runtime
import status
from blocks import render
from errors import MessageInvalid


def handler(event: object, context: runtime.Context) -> dict[str, Any]:
    """Send the messages of an event; tell how that went, of several how it went with the last. Raises NotSent."""
    if not isinstance(event, dict):
        raise MessageInvalid(f"the event is no object but {type(event).__name__}")
    answer: dict[str, Any] = {"sent": False}
    for payload in _payloads(event):
        answer = runtime.send(render(payload), context.get_remaining_time_in_millis)
    return answer


def _payloads(event: Mapping[str, Any]) -> Iterator[object]:
    if event.get("detail-type") == status.DETAIL_TYPE:
        stack = os.environ.get("STACK", "")
        on, except_ = os.environ.get("NOTIFY_ON", ""), os.environ.get("NOTIFY_EXCEPT", "")
        if status.wanted(_detail(event), on, except_, stack):
            run = status.known(event, runtime.aws(), stack, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
            yield message.payload(run, os.environ.get("ENVIRONMENT", ""))
    elif isinstance(event.get("Records"), list):
        yield from notices.payloads(event)
    else:
        yield event.get("message")


def _detail(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event tells of an execution. Raises MessageInvalid."""
    detail = event.get("detail")
    if not isinstance(detail, dict) or not status.EXECUTION.fullmatch(str(detail.get("executionArn"))):
        raise MessageInvalid("the event of Step Functions names no execution")
    return detail
