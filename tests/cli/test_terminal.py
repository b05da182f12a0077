"""`stepdig run` on a terminal: a pseudo-terminal of 80 x 24, keys and all."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios

import pytest

WORKFLOW = """\
+hello:
  echo>: 世界
+each:
  for_each>:
    n: [1, 2, 3]
  _do:
    +x:
      sh>: echo "n is ${n}"; sleep ${nap}
"""
# Ctrl-C reaches a process only from its controlling terminal.
OWN_TERMINAL = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from stepdig.cli import main; sys.exit(main())"
)


@pytest.fixture
def terminal():
    """Give both ends of a pseudo-terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def start(folder, theirs, nap):
    (folder / "wf.dig").write_text(WORKFLOW)
    environ = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    return subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, "run", "wf.dig", "--session", "2026-11-20", "-p", f"nap={nap}"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    )


def read_until(ours, words):
    seen = b""
    while words.encode() not in seen:
        seen += os.read(ours, 65_536)
    return seen.decode("utf-8", "replace")


def echoes_keys(theirs):
    return bool(termios.tcgetattr(theirs)[3] & termios.ECHOCTL)


def test_a_run_leaves_its_tree_and_the_terminal_as_it_was(tmp_path, terminal):
    ours, theirs = terminal
    process = start(tmp_path, theirs, 0)
    seen = read_until(ours, "billed transitions")
    assert process.wait(30) == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen).replace("\r", "")
    assert "+wf+hello\n  世界\n" in plain
    assert re.search(r"✓ \+wf  session 2026-11-20T00:00:00\+00:00 +\d\.\d\d s\n", plain)
    assert re.search(r"    ✓ 3 \+x  n is 3 +\d\.\d\d s\n", plain)
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")
    assert echoes_keys(theirs)


def test_ctrl_c_on_the_terminal_stops_the_run(tmp_path, terminal):
    ours, theirs = terminal
    process = start(tmp_path, theirs, 600)
    read_until(ours, "n is 1")
    assert not echoes_keys(theirs)
    os.write(ours, b"\x03")
    seen = read_until(ours, "billed transitions")
    assert process.wait(30) == 130
    assert "ABORTED" in seen
    assert "^C" not in seen
    assert echoes_keys(theirs)
