"""An event -> the mail: headers, body, attachments, and whom it goes to."""

from __future__ import annotations

import base64
import posixpath
from dataclasses import dataclass
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, cast

from errors import MailFailed
from texts import Secrets

_HEADERS = HeaderRegistry()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to go; `bcc` stands among the recipients alone."""

    message: EmailMessage
    sender: str
    recipients: tuple[str, ...]


def compose(event: dict[str, Any], secrets: Secrets) -> Mail:
    """Return the mail of an event. Raises MailFailed for an address that is none, and SecretMissing."""
    message = EmailMessage()
    sender = _addresses([secrets.text(event["from"])])
    recipients: list[Address] = []
    for name in ("to", "cc", "bcc"):
        found = _addresses([secrets.text(text) for text in event.get(name, ())])
        recipients += found
        if found and name != "bcc":
            message[name.capitalize()] = found
    if not recipients:
        raise MailFailed("mail> has nobody to send to: 'to', 'cc' and 'bcc' are empty")
    message["From"] = sender[0]
    message["Subject"] = " ".join(secrets.text(event["subject"]).split())  # a header has one line
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender[0].domain or None)
    message.set_content(secrets.text(event["body"]), subtype="html" if event.get("html") else "plain", charset="utf-8")
    for attached in event.get("attachments", ()):
        _attach(message, attached, secrets)
    return Mail(message, sender[0].addr_spec, tuple(dict.fromkeys(it.addr_spec for it in recipients)))


def _attach(message: EmailMessage, attached: dict[str, Any], secrets: Secrets) -> None:
    kind, _, rest = str(attached["content_type"]).partition(";")
    main, _, sub = kind.strip().partition("/")
    name = posixpath.basename(secrets.text(attached["filename"]))
    data = base64.b64decode(attached["data"])
    parameters = dict(_parameter(part) for part in rest.split(";") if "=" in part)
    message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=name, params=parameters or None)


def _parameter(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), value.strip().strip('"')


def _addresses(texts: list[str]) -> list[Address]:
    """Return the addresses of some texts: `a@example.com`, `Name <a@example.com>`, several with commas."""
    found: list[Address] = []
    for text in texts:
        read = cast(Any, _HEADERS("to", text))
        if "\n" in text or "\r" in text or read.defects or not all(it.username and it.domain for it in read.addresses):
            raise MailFailed(f"'{text}' is no mail address")
        found += read.addresses
    return found
