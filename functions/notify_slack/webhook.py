"""One message to Slack's webhook: what each answer means, and how long to go on trying.

https://api.slack.com/messaging/webhooks and https://api.slack.com/apis/rate-limits; nothing here tells the webhook's URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3

from blocks import plain
from errors import MessageRefused, NoWebhook, RateLimited, SlackUnavailable, WebhookGone

MARGIN_SECONDS = 0.5  # kept of the invocation's time for what follows
REQUEST_SECONDS = 10.0
BACKOFF_SECONDS = 0.5  # doubles each time
BACKOFF_LIMIT_SECONDS = 20.0
ATTEMPTS = 12
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Http(Protocol):
    """The call of urllib3's PoolManager that is used."""

    def request(self, method: str, url: str, **more: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - urllib3's options
        """Make one request."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What sending needs of the world.

    url          gives the webhook; True reads it again from where it is stored
    remaining    milliseconds that the invocation still has
    sleep        waits seconds
    random       0 <= number < 1, for the jitter
    """

    http: Http
    url: Callable[[bool], str]
    remaining: Callable[[], int]
    sleep: Callable[[float], None]
    random: Callable[[], float]

    @property
    def seconds(self) -> float:
        """How long this may still take."""
        return self.remaining() / 1000 - MARGIN_SECONDS


def send(payload: dict[str, Any], delivery: Delivery) -> int:
    """Send a payload and return the number of requests it took. Raises NotSent."""
    url, read_again, simplified, faults, status = delivery.url(False), False, False, 0, 0
    for attempt in range(1, ATTEMPTS + 1):
        response = _post(url, payload, delivery)
        status = response.status if response is not None else 0
        if status == 200:
            return attempt
        if status == 429:
            assert response is not None
            _wait_as_told(response.headers.get("Retry-After"), delivery)
        elif status == 0 or status >= 500:
            _back_off(faults, status, delivery)
            faults += 1
        elif status == 400 and not simplified:
            payload, simplified = plain(payload), True
        elif status in (403, 404, 410) and not read_again:
            url, read_again = delivery.url(True), True
        else:
            raise _refusal(status, response)
    raise SlackUnavailable(f"{_said(status)}, and did not take the message in {ATTEMPTS} attempts")


def url_in(stored: str) -> str:
    """Return the webhook's URL from a stored secret: the URL itself, or JSON with `url` or `webhook_url`.

    Raises NoWebhook for anything but https, or http to this machine.
    """
    text = stored.strip()
    if text.startswith("{"):
        try:
            fields = json.loads(text)
        except ValueError:
            raise NoWebhook("the stored webhook looks like JSON but is none") from None
        text = str(fields.get("url") or fields.get("webhook_url") or "")
    parts = urlsplit(text)
    if not (parts.scheme == "https" and parts.hostname) and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise NoWebhook("the stored webhook is no https URL")
    return text


def _post(url: str, payload: dict[str, Any], delivery: Delivery) -> urllib3.BaseHTTPResponse | None:
    """Make one request; None when Slack could not be reached."""
    seconds = max(0.1, min(REQUEST_SECONDS, delivery.seconds))
    try:
        return delivery.http.request(
            "POST",
            url,
            body=json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=urllib3.Timeout(total=seconds),
            redirect=False,
        )
    except urllib3.exceptions.HTTPError:  # its text holds the URL, so it is not kept
        return None


def _wait_as_told(told: str | None, delivery: Delivery) -> None:
    """Wait for the time of Retry-After, seconds or a date, if the invocation has it. Raises RateLimited."""
    seconds = _retry_after(told)
    if seconds > delivery.seconds:
        raise RateLimited(f"Slack asks to wait for {seconds:g} s, and this invocation ends before that")
    delivery.sleep(seconds)


def _retry_after(told: str | None) -> float:
    try:
        return max(0.0, float(told or 1))
    except ValueError:
        return 1.0


def _back_off(faults: int, status: int, delivery: Delivery) -> None:
    """Wait with full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    Raises SlackUnavailable when there is no time for another try.
    """
    seconds = delivery.random() * min(BACKOFF_LIMIT_SECONDS, BACKOFF_SECONDS * 2**faults)
    if seconds >= delivery.seconds:
        raise SlackUnavailable(f"{_said(status)} {faults + 1} times, and the time is up")
    delivery.sleep(seconds)


def _said(status: int) -> str:
    return f"Slack answered {status}" if status else "Slack could not be reached"


def _refusal(status: int, response: urllib3.BaseHTTPResponse | None) -> Exception:
    said = response.data.decode("utf-8", "replace")[:200] if response is not None else ""
    if status in (403, 404, 410):
        return WebhookGone(f"Slack does not take messages on this webhook ({status} {said}); store a new one")
    return MessageRefused(f"Slack refused the message ({status} {said})")
