"""Start a process in its own group, hand its output on line by line, leave nothing of it behind.

Written for thousands of short processes a second and for a few that run for hours: one `Popen` (vfork), one pidfd in
the event loop instead of asyncio's child watcher, pipes read by the loop, no thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from stepdig.local.guard import Guard

GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL; ECS waits 30 s, nobody at a terminal wants to
LINE_BYTES = 65_536  # a longer line is handed on in pieces
_DRAIN_SECONDS = 0.25  # for a grandchild that left the group and holds a pipe open
_READ_BYTES = 65_536
_MOST_PROCESSES = 500
_DESCRIPTORS_EACH = 4  # two pipes, a pidfd, and Popen's own pipe while it starts
_SPARE_DESCRIPTORS = 128  # logs, the guard, whatever the program around has open

OnOutput = Callable[[str, str], None]


async def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | str | None,
    guard: Guard,
    on_output: OnOutput,
    grace: float = GRACE_SECONDS,
    linger: float = 0,
) -> int:
    """Run a command to its end and return its exit code, 128 + n when signal n ended it, as ECS reports it.

    `on_output` gets ("stdout" | "stderr", line without line end). When the command itself has ended, whatever it left
    in its group is killed, `linger` seconds later, as a container's other processes are when its first one ends.
    Cancelling sends the group SIGTERM, and SIGKILL after `grace` seconds, and returns when it is gone. Raises OSError
    when it cannot start.
    """
    async with _slots():
        return await _run(argv, env, cwd, guard, on_output, grace, linger)


async def _run(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | str | None,
    guard: Guard,
    on_output: OnOutput,
    grace: float,
    linger: float,
) -> int:
    """Do what `spawn` says, with a slot for the descriptors it takes."""
    guard.start()
    name, value = guard.mark
    process = subprocess.Popen(
        list(argv),
        env={**env, name: value},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        process_group=0,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(_bury, process, guard)
        guard.add(process.pid)
        streams = {"stdout": process.stdout, "stderr": process.stderr}
        pipes = [_Lines(pipe.fileno(), stream, on_output) for stream, pipe in streams.items() if pipe]
        for lines in pipes:
            undo.callback(lines.close)
        exit_ = _Exit(process)
        undo.callback(exit_.close)
        try:
            await exit_.wait()
            if linger:
                await asyncio.sleep(linger)
        except asyncio.CancelledError:
            await _end(process, exit_, grace)
            raise
        finally:
            _signal(process.pid, signal.SIGKILL)  # the leader is a zombie still, so the number is still its own
            await _drained(pipes)
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def _bury(process: subprocess.Popen[bytes], guard: Guard) -> None:
    """Kill what is left of a group, reap its leader, close its pipes."""
    _signal(process.pid, signal.SIGKILL)
    process.wait()
    guard.drop(process.pid)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


_slots_of: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _slots() -> asyncio.Semaphore:
    """Return the loop's limit of processes at once: as many as its descriptors allow, so that none fails for want of one."""
    loop = asyncio.get_running_loop()
    slots = _slots_of.get(loop)
    if slots is None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        room = _MOST_PROCESSES if most == resource.RLIM_INFINITY else (most - _SPARE_DESCRIPTORS) // _DESCRIPTORS_EACH
        slots = _slots_of[loop] = asyncio.Semaphore(max(4, min(room, _MOST_PROCESSES)))
    return slots


async def _end(process: subprocess.Popen[bytes], exit_: _Exit, grace: float) -> None:
    """Ask the group to end, then make it; return when the leader has ended. Not to be interrupted by another cancel."""
    _signal(process.pid, signal.SIGTERM)
    waiting = asyncio.ensure_future(exit_.wait())
    with contextlib.suppress(asyncio.CancelledError):  # a second Ctrl-C: no more patience
        await asyncio.wait([waiting], timeout=grace)
    if not waiting.done():
        _signal(process.pid, signal.SIGKILL)
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


async def _drained(pipes: list[_Lines]) -> None:
    """Give what is still in the pipes a moment to arrive; a stranger holding one open cannot hold up the task."""
    open_ = [lines.ended for lines in pipes if not lines.read_all()]
    if open_:
        await asyncio.wait(open_, timeout=_DRAIN_SECONDS)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class _Exit:
    """The end of a process, without reaping it: the group's number stays ours until `Popen.wait`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._fd = _exit_fd(process.pid)
        self._loop.add_reader(self._fd, self._done)

    async def wait(self) -> None:
        """Return when the process has ended."""
        await asyncio.shield(self._ended)

    def close(self) -> None:
        """Give the descriptor back."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _done(self) -> None:
        self._loop.remove_reader(self._fd)
        if not self._ended.done():
            self._ended.set_result(None)


def _exit_fd(pid: int) -> int:
    """Return a descriptor that becomes readable when the process ends: a pidfd, or on macOS a kqueue."""
    if sys.platform == "linux":
        return os.pidfd_open(pid)
    queue = select.kqueue()
    wanted = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT)
    try:
        queue.control([wanted], 0)
    except ProcessLookupError:  # it has ended already: a timer that rings at once stands for it
        queue.control([select.kevent(1, select.KQ_FILTER_TIMER, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, 0, 0)], 0)
    fd = os.dup(queue.fileno())
    queue.close()
    return fd


class _Lines:
    """A pipe cut into lines; `ended` is done at its end."""

    def __init__(self, fd: int, stream: str, on_output: OnOutput) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_future()
        self._fd = fd
        self._stream = stream
        self._on_output = on_output
        self._rest = b""
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def read_all(self) -> bool:
        """Take what is there now; tell whether the pipe has ended."""
        while not self.ended.done() and self._read():
            pass
        return self.ended.done()

    def close(self) -> None:
        """Stop reading; a last line without an end is handed on."""
        if not self.ended.done():
            self._finish()

    def _read(self) -> bool:
        """Read once; tell whether anything came."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._finish()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        while len(self._rest) > LINE_BYTES:
            self._emit(self._rest[:LINE_BYTES])
            self._rest = self._rest[LINE_BYTES:]
        return True

    def _finish(self) -> None:
        self._loop.remove_reader(self._fd)
        self.ended.set_result(None)
        if self._rest:
            self._emit(self._rest)
            self._rest = b""

    def _emit(self, line: bytes) -> None:
        self._on_output(self._stream, line.removesuffix(b"\r").decode("utf-8", "replace"))
