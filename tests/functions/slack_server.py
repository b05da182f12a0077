"""A loopback stand-in for Slack's webhook, and a clock that sleeping moves."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Slack:
    """Answers with what it was told to, in order, then 200; keeps every payload and the path it came to."""

    def __init__(self):
        self.answers = []
        self.payloads = []
        self.paths = []
        self.url = ""

    def answer(self, status, body="ok", **headers):
        self.answers.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))


@contextmanager
def slack_server():
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            slack.payloads.append(json.loads(payload))
            slack.paths.append(self.path)
            status, body, headers = slack.answers.pop(0) if slack.answers else (200, "ok", {})
            if status == 0:  # hang up without a word
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    slack.url = f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret"
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Time:
    """An invocation's remaining time; sleeping takes from it."""

    def __init__(self, seconds=60.0):
        self.left = seconds
        self.slept = []

    def remaining(self):
        return int(self.left * 1000)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.left -= seconds
