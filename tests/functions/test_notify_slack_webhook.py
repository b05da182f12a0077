"""Sending to Slack: what each answer leads to, against a server on this machine."""

import socket

import pytest
import urllib3

MESSAGE = {"text": "hello", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]}


@pytest.fixture
def send(notify, slack, clock):
    webhook = notify("webhook")

    def go(payload=MESSAGE, url=None, random=lambda: 0.5):
        with urllib3.PoolManager(retries=False) as http:
            read = url or (lambda fresh: slack.url + ("/new" if fresh else ""))
            return webhook.send(payload, webhook.Delivery(http, read, clock.remaining, clock.sleep, random))

    return go


@pytest.fixture
def errors(notify, send):
    return notify("errors")


def test_a_message_arrives_as_json(send, slack):
    assert send({"text": "日本 & <x>"}) == 1
    assert slack.payloads == [{"text": "日本 & <x>"}]


def test_a_429_waits_as_long_as_slack_asks(send, slack, clock):
    slack.answer(429, Retry_After="7")
    slack.answer(429)
    assert send() == 3
    assert clock.slept == [7.0, 1.0]


def test_a_429_longer_than_the_time_left_is_given_up_at_once(send, slack, clock, errors):
    slack.answer(429, Retry_After="60")
    with pytest.raises(errors.RateLimited, match="wait for 60 s"):
        send()
    assert (clock.slept, len(slack.payloads)) == ([], 1)


def test_faults_of_slack_back_off_with_jitter_that_doubles(send, slack, clock):
    for status in (500, 503, 0):
        slack.answer(status)
    assert send(random=lambda: 1.0) == 4
    assert clock.slept == [0.5, 1.0, 2.0]


def test_faults_that_last_end_when_the_time_is_up(send, slack, clock, errors):
    for _ in range(20):
        slack.answer(502)
    with pytest.raises(errors.SlackUnavailable, match=r"Slack answered 502 \d times, and the time is up"):
        send(random=lambda: 0.9)
    assert clock.left > 0, "time is left for what the function does afterwards"


def test_slack_out_of_reach_is_told_without_the_webhook(send, clock, errors):
    with socket.socket() as taken:  # bound, not listening: the connection is refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/services/T0/B0/secret"
        with pytest.raises(errors.SlackUnavailable) as error:
            send(url=lambda _fresh: url, random=lambda: 0.99)
    assert "could not be reached" in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


def test_a_400_goes_once_more_as_plain_text(send, slack):
    slack.answer(400, "invalid_blocks")
    assert send() == 2
    assert slack.payloads[1] == {"text": "*hello*"}


def test_a_400_for_plain_text_too_is_the_end(send, slack, errors):
    slack.answer(400, "invalid_blocks")
    slack.answer(400, "no_text")
    with pytest.raises(errors.MessageRefused, match=r"\(400 no_text\)"):
        send()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_webhook_that_is_gone_is_read_once_more_from_its_secret(send, slack, status):
    slack.answer(status, "no_service")
    assert send() == 2
    assert slack.paths == ["/services/T0/B0/secret", "/services/T0/B0/secret/new"]


def test_a_webhook_that_stays_gone_is_told_without_its_url(send, slack, errors):
    slack.answer(404, "no_service")
    slack.answer(410, "no_service")
    with pytest.raises(errors.WebhookGone, match=r"\(410 no_service\); store a new one") as error:
        send()
    assert "secret" not in str(error.value)


def test_situations_may_follow_each_other(send, slack, clock):
    """Out of service, then a rotated webhook, then a rate limit, then blocks that Slack refuses."""
    for status, more in ((503, {}), (404, {}), (429, {"Retry_After": "2"}), (400, {})):
        slack.answer(status, **more)
    assert send() == 5
    assert clock.slept == [0.25, 2.0]
    assert slack.payloads[-1] == {"text": "*hello*"}


def test_a_redirect_is_not_followed(send, slack, errors):
    slack.answer(302, Location="https://example.com/")
    with pytest.raises(errors.MessageRefused):
        send()


@pytest.mark.parametrize(
    "stored",
    [
        "https://hooks.slack.com/x",
        " https://hooks.slack.com/x\n",
        '{"url": "https://hooks.slack.com/x"}',
        '{"webhook_url": "https://hooks.slack.com/x"}',
    ],
)
def test_a_stored_webhook_is_a_url_or_json_with_one(notify, stored):
    assert notify("webhook").url_in(stored) == "https://hooks.slack.com/x"


@pytest.mark.parametrize(
    "stored", ["", "http://hooks.slack.com/x", "{broken", '{"other": 1}', "hooks.slack.com/x", "file:///etc/passwd"]
)
def test_anything_else_is_no_webhook(notify, stored):
    webhook, errors = notify("webhook"), notify("errors")
    with pytest.raises(errors.NoWebhook):
        webhook.url_in(stored)
