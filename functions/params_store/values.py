"""What the Parameter Store takes, https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html."""

from __future__ import annotations

import json

from errors import ParamRefused

VALUE_BYTES = 8_192  # of an advanced parameter; the store makes one of a parameter over 4,096 bytes

ANSWER_BYTES = 200_000  # of all values of a task, as JSON: a state has room for them


def check(name: str, value: str) -> None:
    """Refuse a text before any is kept. Raises ParamRefused."""
    size = len(value.encode("utf-8", "replace"))
    if size > VALUE_BYTES:
        raise ParamRefused(f"param_set> {name}: {size:,} bytes, and the Parameter Store takes {VALUE_BYTES:,}")
    if "{{" in value:  # it would read a reference to another parameter
        raise ParamRefused(f"param_set> {name}: the Parameter Store takes no text with '{{{{'")


def check_all(values: dict[str, str]) -> None:
    """Refuse to hand out more than a state holds. Raises ParamRefused."""
    size = len(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))
    if size > ANSWER_BYTES:
        raise ParamRefused(
            f"param_get> {', '.join(values)}: {size:,} bytes together, and a state has room for {ANSWER_BYTES:,}"
        )
