"""JSON that AWS, or a function, hands on as a text: whole, cut, or something else altogether."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def object_in(text: object) -> Mapping[str, Any]:
    """Return the object in a JSON text; {} of anything else, such as a cause that AWS has cut."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
