"""http_request: makes the one request of an `http>` task.

Event: {"method", "uri", "headers": [{"name", "value"}, ...], "query": the same or a text, "content", "content_format",
"content_type", "store_content", "secrets": {name: key}, "timeout" in seconds, "follow_redirects", "insecure"}; texts may
hold secrets (texts.py).
Answer: {"last_status", "last_content"}, the latter if wanted: what the task stores under `http`.
https://docs.digdag.io/operators/http.html
"""

from __future__ import annotations

from typing import Any

import runtime
from request import send
from texts import Secrets


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Make the request. Raises what errors.py has."""
    return send(event, Secrets(runtime.secrets, event.get("secrets")), runtime.log)
