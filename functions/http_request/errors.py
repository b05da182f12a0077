"""Why a request failed. Step Functions matches the class names in ErrorEquals: they are an API."""

from __future__ import annotations


class HttpFailed(Exception):
    """The server refused the request (4xx), or its answer cannot be kept: trying again changes nothing."""


class HttpBusy(Exception):
    """The server has not done the request and says later: 408, 429. Worth another try, as in Digdag always."""


class HttpUnavailable(Exception):
    """No answer, or 5xx. Worth another try where a request may come twice."""


class SecretMissing(Exception):
    """A secret that the request needs is not set."""
