"""notify_slack: sends a message of a workflow to Slack.

Event: {"message": a text, or a payload as digdag-slack's templates have it}: `text`, `attachments`, `blocks`,
`username`, `icon_emoji` and the like; https://github.com/szyn/digdag-slack.
"""

from __future__ import annotations

from typing import Any

import runtime
from blocks import render


def handler(event: dict[str, Any], context: runtime.Context) -> dict[str, Any]:
    """Render the message, send it, tell how that went."""
    return runtime.send(render(event.get("message")), context.get_remaining_time_in_millis)
