"""A moto server in a process of its own; it ends when the pipe to it does, so it cannot outlive the engine."""

from __future__ import annotations

import contextlib
import subprocess
import sys

# The server prints its address and waits for the end of its input.
_SERVER = """
import logging, os, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.buffer.read()
os._exit(0)
"""


class MotoServer:
    """Starts at once; `address` is where it listens, on loopback. Raises RuntimeError when it does not start."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the engine, which then closes it
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            _, trouble = self._process.communicate()
            raise RuntimeError(f"The stand-in for AWS services does not start: {trouble.strip()[-2000:]}")

    def close(self) -> None:
        """End the server."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
