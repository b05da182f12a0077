"""A payload for Slack -> its text as a person reads it in a terminal: blocks and attachments in turn, marks taken off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

# https://api.slack.com/reference/surfaces/formatting: <url|label>, <@user>, <!here>, :emoji:, *bold*, _italic_
LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]+))?>")
MARK = re.compile(r"(?<![\w*_~])([*_~])(?=\S)([^\n]+?)(?<=\S)\1(?![\w*_~])")


def text_of(payload: object) -> str:
    """Return the lines of a message; a payload that says nothing gives an empty text."""
    if isinstance(payload, str):
        return _unmarked(payload)
    if not isinstance(payload, dict):
        return ""
    blocks = [part for block in _list(payload, "blocks") for part in _block(block)]
    own = blocks or [str(payload.get("text") or "")]
    attached = [part for attachment in _list(payload, "attachments") for part in _attachment(attachment)]
    shown = attached if attached and not blocks and _repeats(own[0], attached) else [*own, *attached]
    return "\n".join(_unmarked(part) for part in shown if part.strip())


def channel_of(payload: object) -> str:
    """Return the channel a payload names, or nothing: then the webhook has one."""
    return str(payload.get("channel") or "") if isinstance(payload, dict) else ""


def _block(block: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of a block: https://api.slack.com/reference/block-kit/blocks."""
    if block.get("type") == "divider":
        yield "---"
    for item in (block.get("text"), *_list(block, "fields"), *_list(block, "elements")):
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            inner = item.get("text")
            yield str(inner.get("text", "") if isinstance(inner, dict) else inner or "")


def _attachment(attachment: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of an attachment: https://api.slack.com/reference/messaging/attachments."""
    for key in ("pretext", "author_name", "title", "text"):
        yield str(attachment.get(key) or "")
    for block in _list(attachment, "blocks"):
        yield from _block(block)
    for field in _list(attachment, "fields"):
        yield f"{field.get('title', '')}: {field.get('value', '')}".removeprefix(": ")
    yield str(attachment.get("footer") or "")
    if not any(attachment.get(key) for key in ("pretext", "title", "text", "blocks", "fields")):
        yield str(attachment.get("fallback") or "")


def _repeats(text: str, attached: list[str]) -> bool:
    """Tell whether the text of a message only says again what its attachments do, for clients that know none."""
    said = "\n".join(attached)
    return all(line.strip() in said for line in text.split("\n"))


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _unmarked(text: str) -> str:
    text = LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], text)
    return unescape(MARK.sub(r"\2", text))
