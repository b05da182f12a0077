"""Text for Slack: escaping, cutting, splitting. https://api.slack.com/reference/surfaces/formatting."""

from __future__ import annotations

import re

CUT = " …"
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Slack's own signs: entities, <https://...|text>, <mailto:...>, <@U1>, <#C1>, <!here>, and the > of a quotation.
_SIGNS = r"&(?:amp|lt|gt);|<(?:https?://|mailto:|tel:|[@#!])[^<>\n]+>|^>+(?= )"
_TO_ESCAPE = re.compile(f"(?P<sign>{_SIGNS})|[&<>]", re.MULTILINE)
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}\Z")


def escape(text: str) -> str:
    """Escape & < >, except where they are Slack's own signs."""
    return _TO_ESCAPE.sub(lambda found: found["sign"] or _ESCAPED[found[0]], text)


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, not cut inside of an entity."""
    if len(text) <= limit:
        return text
    return (_HALF_ENTITY.sub("", text[: max(0, limit - len(CUT))]) + CUT)[:limit]


def split(text: str, limit: int) -> list[str]:
    """Return a text in parts of at most `limit` characters, split at ends of lines where there are any."""
    found = []
    while len(text) > limit:
        end = text.rfind("\n", 1, limit + 1)
        if end < 0:
            end = len(_HALF_ENTITY.sub("", text[:limit]))
        found.append(text[:end])
        text = text[end:].removeprefix("\n")
    return [*found, text] if text else found
