"""What Lambda gives this function: the clock, the logger and the webhook out of its secret.

On a laptop the local engine stands here instead: it draws the message in the terminal.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any, Protocol

import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters

import webhook
from errors import NoWebhook

CACHE_SECONDS = 300

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
