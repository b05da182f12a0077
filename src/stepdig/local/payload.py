"""JSON values as AWS stores them: one compact text, measured in bytes of UTF-8."""

from __future__ import annotations

import json
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of them; never changed in place anywhere in the engine."""

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False).encode
"""Return the compact JSON text of a value, not escaping what UTF-8 can say."""


def _refuse(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


decode = json.JSONDecoder(parse_constant=_refuse).decode
"""Return the value of a JSON text; raises ValueError, also for NaN and Infinity."""


def size(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
