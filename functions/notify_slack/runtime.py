"""What Lambda gives this function: the clock, the logger, the webhook out of its secret, and what AWS knows of a run.

On a laptop the local engine stands here instead: it draws the message in the terminal.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import boto3
import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from botocore.exceptions import BotoCoreError, ClientError

import webhook
from errors import NoWebhook

CACHE_SECONDS = 300
FIRST_EVENTS = 10  # the first state is among them
LAST_EVENTS = 1_000  # a page of GetExecutionHistory has no more
PAGES = 4  # the last 4,000 events: some 400 containers
# Many runs may end at once, and AWS answers few questions a second: boto3 waits and asks again. What it will not answer
# within this time, the message does without.
_PATIENT = boto3.session.Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 5}
)

logger = Logger(service="notify_slack")
http = urllib3.PoolManager(retries=False)  # webhook.send has its own retries, which know the time that is left


class Context(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""


def send(payload: dict[str, Any], remaining_ms: Callable[[], int]) -> dict[str, Any]:
    """Send a payload to the configured webhook."""
    delivery = webhook.Delivery(http, webhook_url, remaining_ms, time.sleep, random.random)
    attempts = webhook.send(payload, delivery)
    logger.info("sent to Slack", extra={"attempts": attempts})
    return {"sent": True, "attempts": attempts}


def webhook_url(fresh: bool) -> str:
    """Return the webhook from Secrets Manager or the Parameter Store; `fresh` passes by the cache. Raises NoWebhook."""
    secret, parameter = os.environ.get("SLACK_WEBHOOK_SECRET"), os.environ.get("SLACK_WEBHOOK_PARAMETER")
    stored: object
    if secret:
        stored = parameters.get_secret(secret, max_age=CACHE_SECONDS, force_fetch=fresh)
    elif parameter:
        stored = parameters.get_parameter(parameter, decrypt=True, max_age=CACHE_SECONDS, force_fetch=fresh)
    else:
        raise NoWebhook("neither SLACK_WEBHOOK_SECRET nor SLACK_WEBHOOK_PARAMETER names where the webhook is stored")
    return webhook.url_in(str(stored))


class _Aws:
    """Questions about a run. One that AWS does not answer is logged; its answer is empty."""

    def execution(self, arn: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _asked(lambda: _client("stepfunctions").describe_execution(executionArn=arn), {})
        return found

    def first_events(self, arn: str) -> Sequence[Mapping[str, Any]]:
        page = _asked(lambda: _events(arn, reverseOrder=False, maxResults=FIRST_EVENTS), {})
        found: Sequence[Mapping[str, Any]] = page.get("events", [])
        return found

    def last_events(self, arn: str) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        for _ in range(PAGES):
            page = _asked(lambda: _events(arn, reverseOrder=True, maxResults=LAST_EVENTS, **more), {})  # noqa: B023 - called at once
            found += page.get("events", [])
            if not page.get("nextToken"):
                break
            more = {"nextToken": page["nextToken"]}
        return found

    def log_lines(self, group: str, stream: str, number: int) -> Sequence[str]:
        answer = _asked(
            lambda: _client("logs").get_log_events(
                logGroupName=group, logStreamName=stream, limit=number, startFromHead=False
            ),
            {"events": []},
        )
        return [str(event["message"]).rstrip("\n") for event in answer["events"]]


def aws() -> _Aws:
    """Return AWS as `status.known` knows it."""
    return _Aws()


def _events(arn: str, **more: object) -> Any:  # noqa: ANN401 - boto3 ships no types
    return _client("stepfunctions").get_execution_history(executionArn=arn, **more)


def _asked(question: Callable[[], Any], without: Any) -> Any:  # noqa: ANN401 - whatever the question gives
    try:
        return question()
    except (BotoCoreError, ClientError) as error:
        logger.warning("AWS does not tell", extra={"reason": str(error)})
        return without


@cache
def _client(service: str) -> Any:  # noqa: ANN401 - boto3 ships no types
    return boto3.client(service, config=_PATIENT)
