"""The guard: a small process that outlives the engine just long enough to kill what the engine has left behind.

The engine writes the process groups it starts and ends into a pipe. When the pipe ends, because the engine closed it
or died in whatever way, `kill -9` included, the guard kills every group left, and on Linux every process that still
carries the engine's mark in its environment (a daemon that left its group). It starts with the first task.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid

MARK = "STEPDIG_ENGINE"
GRACE_SECONDS = 2.0

# Runs with -S -E: no site, no environment, so that it starts in 10 ms and nothing of the user's can break it.
_GUARD = """
import os, signal, sys, time
mark, grace = sys.argv[1].encode(), float(sys.argv[2])
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
groups = set()
for line in sys.stdin.buffer:
    (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
def strays():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open("/proc/" + pid + "/environ", "rb") as f:
                if mark in f.read().split(b"\\0") and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found
def send(number):
    left = 0
    for group in list(groups):
        try:
            os.killpg(group, number); left += 1
        except OSError:
            groups.discard(group)
    for pid in strays():
        try:
            os.kill(pid, number); left += 1
        except OSError:
            pass
    return left
end = time.monotonic() + grace
if send(signal.SIGTERM):
    while time.monotonic() < end and send(0):
        time.sleep(0.02)
    while send(signal.SIGKILL) and time.monotonic() < end + 5:
        time.sleep(0.02)
"""


class Guard:
    """One engine's guard; `mark` is the environment entry that every process of the engine carries."""

    def __init__(self) -> None:
        self.value = uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def mark(self) -> tuple[str, str]:
        """Return name and value of the environment variable that marks the engine's processes."""
        return MARK, self.value

    def start(self) -> None:
        """Start the guard process, unless it runs; to be called before a process is started."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", _GUARD, f"{MARK}={self.value}", str(GRACE_SECONDS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal must not reach it
            )

    def add(self, group: int) -> None:
        """Note a process group to be killed if the engine dies."""
        self.start()
        self._tell(b"+%d\n" % group)

    def drop(self, group: int) -> None:
        """Forget a process group: it has ended."""
        self._tell(b"-%d\n" % group)

    def close(self) -> None:
        """Kill what is left and end the guard; returns when both are done."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()

    def _tell(self, line: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # a killed guard must not kill the run
                os.write(process.stdin.fileno(), line)
