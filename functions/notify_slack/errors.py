"""Why a message could not be sent. Step Functions matches the class names in ErrorEquals: they are an API."""

from __future__ import annotations


class NotSent(Exception):
    """A message that Slack did not take; never holds the webhook, which is a secret."""


class NoWebhook(NotSent):
    """No webhook is configured, or what is stored is none."""


class MessageInvalid(NotSent):
    """The message itself cannot be sent: no text, attachments or blocks in it."""


class MessageRefused(NotSent):
    """Slack refused the message, also as plain text."""


class WebhookGone(NotSent):
    """Slack does not know the webhook, also after it was read again from its secret."""


class RateLimited(NotSent):
    """Slack asks for more patience than this invocation has time."""


class SlackUnavailable(NotSent):
    """Slack could not be reached, or had a fault of its own, until the time was up."""
