"""Loopback stand-ins for servers that workflows talk to: HTTP and SMTP, both keep what came."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class HttpServer:
    """`/echo` tells what came, `/status/N` answers N; `answers` are given before either, in order.

    Status 0 hangs up without a word, -1 says nothing until the server is closed.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.port = 0
        self.closed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, status: int, body: str | bytes = "", **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, data))

    def reply(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if self.answers:
            return self.answers.pop(0)
        if request.path.startswith("/status/"):
            return int(request.path.partition("?")[0].split("/")[2]), {}, b"status body"
        told = {
            "method": request.method,
            "path": request.path,
            "body": request.body.decode(),
            "content_type": request.header("Content-Type"),
            "x_a": request.header("X-A"),
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()


@contextmanager
def running_http() -> Iterator[HttpServer]:
    state = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, list(self.headers.items()), body)
            state.requests.append(request)
            status, headers, data = state.reply(request)
            if status <= 0:
                if status < 0:
                    state.closed.wait()
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _serving(server):
        state.port = server.server_port
        try:
            yield state
        finally:
            state.closed.set()


@dataclass
class Mail:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    data: bytes = b""
    login: str = ""


class SmtpServer:
    """Takes every mail; `refuse` is what it answers to a command's beginning instead: {"RCPT TO:<b@": "550 no such user"}."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuse: dict[str, str] = {}
        self.port = 0


@contextmanager
def running_smtp() -> Iterator[SmtpServer]:
    state = SmtpServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self) -> None:
            mail = Mail()
            self.say("220 loopback")
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                refusal = next(
                    (text for begin, text in state.refuse.items() if line.upper().startswith(begin.upper())), None
                )
                if refusal is not None:
                    self.say(refusal)
                    continue
                mail = self.command(line, mail)
                if line.upper() == "QUIT":
                    return

        def command(self, line: str, mail: Mail) -> Mail:
            word = line.upper()
            if word.startswith("EHLO"):
                self.wfile.write(b"250-loopback\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n")
            elif word.startswith("AUTH PLAIN"):
                mail.login = base64.b64decode(line.split()[2]).decode().replace("\0", " ").strip()
                self.say("235 welcome")
            elif word.startswith("MAIL FROM:"):
                mail.sender = line[10:].split(">", maxsplit=1)[0].strip("<")
                self.say("250 ok")
            elif word.startswith("RCPT TO:"):
                mail.recipients.append(line[8:].split(">", maxsplit=1)[0].strip("<"))
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                mail.data = b"".join(iter(self.rfile.readline, b".\r\n"))
                state.mails.append(mail)
                self.say("250 taken")
                return Mail(login=mail.login)
            else:
                self.say("221 bye" if word == "QUIT" else "250 ok")
            return mail

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    with _serving(server):
        state.port = server.server_address[1]
        yield state


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
