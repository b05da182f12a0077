"""Handing a mail to an SMTP server: where it is, how the connection is secured, what its refusals say."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from typing import Any

from errors import MailFailed
from message import Mail
from texts import Secrets

OWN_SECRETS = tuple(f"mail.{name}" for name in ("host", "port", "username", "password", "tls", "ssl"))
WORDS_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Server:
    """An SMTP server and how to talk to it; seconds."""

    host: str
    port: int
    username: str | None
    password: str
    tls: bool
    ssl: bool
    connect_timeout: float
    socket_timeout: float


def server_of(event: dict[str, Any], secrets: Secrets) -> Server:
    """Return the server of an event; as in Digdag a secret `mail.host` comes before the option. Raises MailFailed."""
    own = {name.removeprefix("mail."): value for name, value in secrets.find(*OWN_SECRETS).items()}
    options: list[str] = [name for name in ("host", "port", "username", "password") if name in event]
    both = {**{name: secrets.text(event[name]) for name in options}, **own}
    if "host" not in both or "port" not in both:
        missing = "host" if "host" not in both else "port"
        raise MailFailed(f"mail> has no {missing}: set the secret mail.{missing}, or the option '{missing}'")
    try:
        port = int(both["port"])
    except ValueError:
        raise MailFailed("the port of the mail server is no number") from None
    return Server(
        both["host"],
        port,
        both.get("username"),
        both.get("password", ""),
        _flag(own.get("tls"), bool(event.get("tls", True))),
        _flag(own.get("ssl"), bool(event.get("ssl", False))),
        float(event.get("connect_timeout", 60)),
        float(event.get("socket_timeout", 180)),
    )


def deliver(mail: Mail, server: Server) -> None:
    """Send a mail. Raises MailFailed with the server's words; a mail that only some recipients get is a failure too."""
    at = f"{server.host}:{server.port}"
    try:
        with _connected(server) as connection:
            if connection.sock is not None:
                connection.sock.settimeout(server.socket_timeout)
            if server.tls and not server.ssl:
                _secure(connection)
            if server.username is not None:
                connection.login(server.username, server.password)
            refused = connection.send_message(mail.message, mail.sender, list(mail.recipients))
    except smtplib.SMTPRecipientsRefused as error:
        raise MailFailed(f"{at} refused every recipient: {_each(error.recipients)}") from None
    except smtplib.SMTPResponseException as error:
        raise MailFailed(f"{at} answered {error.smtp_code} {_words(error.smtp_error)}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(f"{at}: {str(error) or type(error).__name__}"[:WORDS_CHARS]) from None
    if refused:
        raise MailFailed(f"{at} refused some recipients, the others have the mail: {_each(refused)}")


def _connected(server: Server) -> smtplib.SMTP:
    if server.ssl:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.connect_timeout, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=server.connect_timeout)


def _secure(connection: smtplib.SMTP) -> None:
    """Go on encrypted where the server offers it; as in Digdag the mail goes out plainly where it does not."""
    connection.ehlo_or_helo_if_needed()
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()


def _flag(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip().lower() == "true"


def _each(refused: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{who} ({code} {_words(text)})" for who, (code, text) in refused.items())[:WORDS_CHARS]


def _words(text: bytes | str) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)[:WORDS_CHARS]
