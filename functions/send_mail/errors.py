"""Why a mail was not sent. Step Functions matches the class names in ErrorEquals: they are an API."""

from __future__ import annotations


class MailFailed(Exception):
    """The mail could not be handed over: no server, no login, a recipient refused; says so in the server's words."""


class SecretMissing(Exception):
    """A secret that the mail needs is not set."""
