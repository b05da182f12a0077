"""A loopback stand-in for Step Functions: DescribeExecution and GetExecutionHistory over histories of our engine."""

import json
import threading
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class States:
    """Executions by ARN: a description and events. `faults` are answered first, in order: (status, error name)."""

    def __init__(self):
        self.executions = {}
        self.faults = []
        self.asked = []
        self.page = 1000
        self.url = ""

    def answer(self, operation, given):
        """Return status and body of an answer."""
        self.asked.append(operation)
        if self.faults:
            status, name = self.faults.pop(0)
            return status, {"__type": name, "message": "no"}
        if given["executionArn"] not in self.executions:
            return 400, {"__type": "ExecutionDoesNotExist", "message": "no such execution"}
        description, events = self.executions[given["executionArn"]]
        if operation == "DescribeExecution":
            return 200, description
        events = [{**event, "timestamp": _seconds(event["timestamp"])} for event in events]
        if given.get("reverseOrder"):
            events.reverse()
        start, size = int(given.get("nextToken", 0)), min(self.page, given["maxResults"])
        more = {"nextToken": str(start + size)} if len(events) > start + size else {}
        return 200, {"events": events[start : start + size], **more}


@contextmanager
def states_server():
    states = States()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = states.answer(self.headers["X-Amz-Target"].rpartition(".")[2], given)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    states.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield states
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _seconds(iso):
    return datetime.fromisoformat(iso).timestamp()
