"""S3 and the credentials of a task's role on loopback: what ECS gives a container, and how S3 takes it.

Credentials: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html. Each answer has new ones; after
`expire` S3 refuses all that were handed out before, as it does those whose time is over.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

BUCKET = "shop-dev-runs"
_EXPIRED = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
_GONE = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"


@dataclass
class Role:
    """The bucket, and what its only visitor may do."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    handed_out: int = 0
    oldest: int = 1
    refused: int = 0

    @property
    def environ(self) -> dict[str, str]:
        return {
            "STEPDIG_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_REGION": "ap-northeast-1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/credentials",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def expire(self) -> str:
        """What ends the life of all credentials that were handed out until then."""
        return f"{self.url}/expire"

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def archive(self, module: str, asks: str) -> bytes:
        """Return a project with one task, `m.long`; its code asks for a page first."""
        task = {
            "name": "+wf+t", "source": "wf.dig:1", "operator": "py", "directory": "", "job": "default", "layers": [],
            "local": {"py>": "m.long"}, "loops": [],
        }  # fmt: skip
        bundle = {
            "format": 1, "project": "shop", "workflow": "wf", "timezone": "Asia/Tokyo", "offsets": [[None, 32400]],
            "scopes": {}, "loops": {}, "tasks": {"+t": task},
        }  # fmt: skip
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as opened:
            opened.writestr(".stepdig/wf.json", json.dumps(bundle))
            opened.writestr("m.py", f"import urllib.request\nurllib.request.urlopen({asks!r}).read()\n{module}")
        return buffer.getvalue()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        if path == "/credentials":
            self.handed_out += 1
            return 200, json.dumps(self._credentials()).encode()
        if path == "/expire":
            self.oldest = self.handed_out + 1
            return 200, b""
        key = re.search(r"Credential=KEY(\d+)/", authorization)
        if key is None or int(key[1]) < self.oldest:
            self.refused += 1
            return 400, _EXPIRED.encode()
        name = unquote(path.partition("?")[0]).removeprefix(f"/{BUCKET}/")
        if method == "PUT":
            self.objects[name] = body
            return 200, b""
        return (200, self.objects[name]) if name in self.objects else (404, _GONE.encode())

    def _credentials(self) -> dict[str, str]:
        """Near their end, so that a client asks for others before each call: botocore does ten minutes before."""
        end = datetime.now(UTC) + timedelta(minutes=5)
        number = str(self.handed_out)
        return {
            "AccessKeyId": f"KEY{number}",
            "SecretAccessKey": "s",
            "Token": number,
            "Expiration": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }


@contextmanager
def bucket_of_a_role() -> Iterator[Role]:
    role = Role()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "aws-chunked" in (self.headers.get("Content-Encoding") or ""):
                body = body.split(b"\r\n")[1]
            status, data = role.answer(self.command, self.path, self.headers.get("Authorization") or "", body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    role.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield role
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
