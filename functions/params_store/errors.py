"""Why parameters could not be kept. Step Functions matches the class names in ErrorEquals: they are an API."""

from __future__ import annotations


class ParamRefused(Exception):
    """The Parameter Store does not take this value: too large, or with signs that it reads itself."""
