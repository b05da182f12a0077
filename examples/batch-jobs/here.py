#!/usr/bin/env python3
"""What the jobs talk to, on free ports of this machine, for as long as a command runs: python3 here.py COMMAND...

MariaDB with crowd.sql, StatsD, a document store and API over HTTP, a mail server, S3 with two buckets. What arrives is printed
when the command has ended. SITE_LINKS=/gone puts one more link on the site's page.

    apt-get install mariadb-server-core mariadb-client-core; pip install '.[local,aws]' in the repository
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "tests")]

import databases  # noqa: E402 - shared by the examples

import servers  # noqa: E402 - HTTP and SMTP on loopback

TOKEN = "made-for-this-run"
BUCKETS = ("crowd-local-exports", "crowd-local-uploads")
ORDERS = [{"id": number, "yen": 1000 * number} for number in range(1, 8)]  # of any day
PAGE = 3  # orders on one page of the API


class Site:
    """The document store, the orders API and the web site, by their paths."""

    def __init__(self, server: servers.HttpServer) -> None:
        self.documents: dict[str, bytes] = {}
        self.links = ["/jobs", "/about"]
        server.reply = self.reply  # type: ignore[method-assign]

    def reply(self, request: servers.Request) -> tuple[int, dict[str, str], bytes]:
        """Answer one request."""
        at = urllib.parse.urlsplit(request.path)
        if at.path.startswith("/invoices/") or at.path == "/orders":
            if request.header("Authorization") != f"Bearer {TOKEN}":
                return 401, {}, b""
            return self._store(at.path, request.body) if request.method == "PUT" else self._orders(at.query)
        if at.path == "/":
            return 200, {}, "".join(f'<a href="{link}">' for link in self.links).encode()
        return (200, {}, b"ok") if at.path in ("/jobs", "/about") else (404, {}, b"")

    def _store(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.documents[path] = body
        return 201, {}, b""

    def _orders(self, query: str) -> tuple[int, dict[str, str], bytes]:
        page = int(urllib.parse.parse_qs(query)["page"][0])
        shown = ORDERS[(page - 1) * PAGE : page * PAGE]
        following = page + 1 if page * PAGE < len(ORDERS) else None
        return 200, {}, json.dumps({"orders": shown, "next": following}).encode()


@dataclass
class Around:
    """All of it: the database, what arrived, and the environment that leads a run to it."""

    database: databases.Database
    site: Site
    mails: list[servers.Mail]
    environ: dict[str, str]
    metrics: list[str] = field(default_factory=list)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Around]:
    """Start everything. Raises databases.Absent."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    s3.start()
    with contextlib.ExitStack() as until_then:
        until_then.callback(s3.stop)
        database = until_then.enter_context(databases.mariadb(folder))
        http = until_then.enter_context(servers.running_http())
        smtp = until_then.enter_context(servers.running_smtp())
        statsd = until_then.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        statsd.bind(("127.0.0.1", 0))
        database.mariadb((HERE / "crowd.sql").read_text(encoding="utf-8"))
        environ = {
            **database.variables,
            "STATSD_UPSTREAM": f"127.0.0.1:{statsd.getsockname()[1]}",
            "DOCUMENTS_URL": http.url, "ORDERS_URL": http.url, "SITE_URL": http.url,
            "STEPDIG_SECRET_MYSQL_PASSWORD": databases.PASSWORD,
            "STEPDIG_SECRET_DOCUMENTS_TOKEN": TOKEN, "STEPDIG_SECRET_ORDERS_TOKEN": TOKEN,
            "STEPDIG_SECRET_MAIL_HOST": "127.0.0.1", "STEPDIG_SECRET_MAIL_PORT": str(smtp.port),
            "AWS_ENDPOINT_URL": "http://{}:{}".format(*s3.get_host_and_port()),
            "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "ap-northeast-1",
        }  # fmt: skip
        _fill(environ)
        around = Around(database, Site(http), smtp.mails, environ)
        threading.Thread(target=_read, args=(statsd, around.metrics), daemon=True).start()
        yield around


def _fill(environ: dict[str, str]) -> None:
    """Make the buckets, with three uploads."""
    s3 = client(environ)
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    for key in ("tmp/1.png", "tmp/2.png", "kept/3.png"):
        s3.put_object(Bucket=BUCKETS[1], Key=key, Body=b"x")


def client(environ: dict[str, str]) -> Any:
    """Return a client of the S3 here."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=environ["AWS_ENDPOINT_URL"], region_name=environ["AWS_DEFAULT_REGION"],
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip


def _read(statsd: socket.socket, metrics: list[str]) -> None:
    with contextlib.suppress(OSError):  # closed: the end
        while True:
            metrics += statsd.recv(65_535).decode().splitlines()


def main(command: list[str]) -> int:
    """Run a command beside it all; print what arrived."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as around:
        around.site.links += os.environ.get("SITE_LINKS", "").split()
        code = subprocess.run(command, env={**os.environ, **around.environ}, check=False).returncode
        for metric in around.metrics:
            print(f"[statsd] {metric}")
        for path, body in around.site.documents.items():
            print(f"[documents] {path}  {len(body)} bytes")
        for mail in around.mails:
            print(f"[mail] to {', '.join(mail.recipients)}: {len(mail.data)} bytes")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or [os.environ.get("SHELL", "sh")]))
    except databases.Absent as absent:
        sys.exit(str(absent))
