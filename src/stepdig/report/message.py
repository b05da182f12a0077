"""Slack's marks taken off a text, so that it reads well in a terminal."""

from __future__ import annotations

import re
from html import unescape

# https://api.slack.com/reference/surfaces/formatting: <url|label>, *bold*, _italic_, ~struck~, &amp; and the like
LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]+))?>")
MARK = re.compile(r"(?<![\w*_~])([*_~])(?=\S)([^\n]+?)(?<=\S)\1(?![\w*_~])")


def unmarked(text: str) -> str:
    """Return a message's text as people see it in Slack."""
    text = LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], text)
    return unescape(MARK.sub(r"\2", text))
