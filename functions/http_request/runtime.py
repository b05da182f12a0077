"""What Lambda gives this function: the logger and the secrets. On a laptop the local engine stands here instead."""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters

CACHE_SECONDS = 300
# Where the secrets of the stack are kept, SecureStrings of the Parameter Store: `/stepdig/<stack>/secrets/`.
PATH = os.environ.get("SECRETS_PATH", "")

logger = Logger(service="http_request")


def secrets(names: list[str]) -> dict[str, str]:
    """Return the secrets there are of some names."""
    if not PATH:
        return {}
    paths = {f"{PATH.rstrip('/')}/{name}": {"max_age": CACHE_SECONDS} for name in names}
    found = parameters.get_parameters_by_name(paths, decrypt=True, raise_on_error=False)
    values = {path.rpartition("/")[2]: value for path, value in found.items() if path != "_errors"}
    return {name: str(values[name]) for name in names if name in values}


def log(text: str) -> None:
    """Note one line in the function's log."""
    logger.info(text)
