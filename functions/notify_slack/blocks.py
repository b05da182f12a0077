"""A message as a workflow gives it -> a payload that Slack takes: blocks, escaped texts, nothing over Slack's limits.

A message is a text, or a payload as digdag-slack's templates have it; what a template lays out stays as it is.
https://api.slack.com/reference/block-kit/blocks, https://api.slack.com/reference/messaging/attachments
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from errors import MessageInvalid
from texts import cut, escape, split

SECTION_CHARS = 3_000
HEADER_CHARS = 150
FIELD_CHARS = 2_000
FIELDS = 10
BLOCKS = 50
ATTACHMENTS = 20
MESSAGE_CHARS = 13_000  # on none of Slack's pages: near 13,200 it answers msg_blocks_too_long
LEFT_OUT = "_The rest of the message is left out: it is too long for Slack._"

_CONTENT = ("text", "attachments", "blocks")
_ATTACHMENT_TEXTS = ("pretext", "author_name", "title", "text", "footer", "fallback")


def render(message: object) -> dict[str, Any]:
    """Return the payload of a message. Raises MessageInvalid when there is nothing in it to show."""
    given = {"text": message} if isinstance(message, str) else message
    if not isinstance(given, dict) or not any(given.get(key) for key in _CONTENT):
        raise MessageInvalid("a message for Slack is a text, or has one of text, attachments and blocks")
    payload = {key: value for key, value in given.items() if key not in _CONTENT}
    text = escape(_text(given.get("text")))
    room = _Room(MESSAGE_CHARS - len(LEFT_OUT))
    if given.get("blocks"):
        payload["blocks"] = _blocks(given["blocks"], room)
    elif text:
        payload["blocks"] = _blocks([_section(part) for part in split(text, SECTION_CHARS)], room)
    if given.get("attachments"):
        several = _list(given["attachments"])[:ATTACHMENTS]
        payload["attachments"] = [_attachment(it, room) for it in several if room.left > 0]
    # Beside blocks, `text` is what a notification shows and what a client that knows no blocks reads.
    return {"text": cut(text or "\n".join(_said(payload)), SECTION_CHARS), **payload}


def plain(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload with all that another one says as a text alone: for the case that Slack refuses the layout."""
    said = dict.fromkeys(_said({key: value for key, value in payload.items() if key != "text"}))
    return {"text": cut("\n".join(said) or _text(payload.get("text")), SECTION_CHARS)}


class _Room:
    """How many characters a message still has room for."""

    def __init__(self, characters: int) -> None:
        self.left = characters

    def take(self, value: object, limit: int) -> str:
        """Return what there is room for of a text, escaped."""
        text = cut(escape(_text(value)), min(limit, max(0, self.left)))
        self.left -= len(text)
        return text


def _blocks(given: object, room: _Room) -> list[Any]:
    """Return blocks within the limits; a last one tells when some are left out."""
    blocks: list[Any] = []
    for block in _list(given):
        if room.left <= 0 or len(blocks) == BLOCKS - 1:
            return [*blocks, {"type": "context", "elements": [{"type": "mrkdwn", "text": LEFT_OUT}]}]
        blocks.append(_block(block, room) if isinstance(block, dict) else block)
    return blocks


def _block(block: dict[str, Any], room: _Room) -> dict[str, Any]:
    limit = HEADER_CHARS if block.get("type") == "header" else SECTION_CHARS
    done = dict(block)
    if isinstance(block.get("text"), dict):
        done["text"] = _text_object(block["text"], room, limit)
    if block.get("fields"):
        fields = _list(block["fields"])[:FIELDS]
        done["fields"] = [_text_object(field, room, FIELD_CHARS) for field in fields if room.left > 0]
    if isinstance(block.get("elements"), list):
        done["elements"] = [_text_object(element, room, SECTION_CHARS) for element in block["elements"]]
    return done


def _text_object(given: object, room: _Room, limit: int) -> object:
    """Return a text object within the limits; anything else (a button, an image) as it is."""
    if not isinstance(given, dict) or given.get("type") not in ("mrkdwn", "plain_text"):
        return given
    return {**given, "text": room.take(given.get("text"), limit)}


def _attachment(given: object, room: _Room) -> object:
    if not isinstance(given, dict):
        return given
    done = dict(given)
    for key in _ATTACHMENT_TEXTS:
        if given.get(key):
            done[key] = room.take(given[key], SECTION_CHARS)
    if given.get("fields"):
        done["fields"] = [
            {**field, **{key: room.take(field.get(key), FIELD_CHARS) for key in ("title", "value") if key in field}}
            for field in _list(given["fields"])
            if isinstance(field, dict)
        ]
    if given.get("blocks"):
        done["blocks"] = _blocks(given["blocks"], room)
    return done


def _said(value: object) -> Iterator[str]:
    """Yield the texts of blocks and attachments as a person reads them, from the top."""
    if isinstance(value, list):
        for item in value:
            yield from _said(item)
    elif isinstance(value, dict):
        if value.get("title") and "value" in value:  # a field of an attachment
            yield f"{value['title']}: {value['value']}"
            return
        for key in ("pretext", "title", "text", "fields", "elements", "blocks", "attachments"):
            inner = value.get(key)
            if isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _said(inner)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return "" if value is None else str(value)
