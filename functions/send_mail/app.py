"""send_mail: sends the one mail of a `mail>` task by SMTP.

Event: {"subject", "body", "html", "from", "to": [...], "cc": [...], "bcc": [...], "attachments": [{"filename",
"content_type", "data": base64}], "host", "port", "username", "password", "tls", "ssl", "connect_timeout",
"socket_timeout" in seconds, "secrets": {name: key}}; texts may hold secrets (texts.py).
https://docs.digdag.io/operators/mail.html
"""

from __future__ import annotations

from typing import Any

import runtime
from message import compose
from smtp import deliver, server_of
from texts import Secrets


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Compose the mail and hand it to the server. Raises MailFailed and SecretMissing."""
    secrets = Secrets(runtime.secrets, event.get("secrets"))
    mail = compose(event, secrets)
    server = server_of(event, secrets)
    deliver(mail, server)
    runtime.log(f"sent '{mail.message['Subject']}' to {len(mail.recipients)} by {server.host}:{server.port}")
    return {"sent": True, "recipients": len(mail.recipients)}
