"""Files that grow by lines while a run goes on: written each time the loop turns, as good as live; whole lines or nothing.

A disk that is full ends the writing for good: what was written stays readable, and whoever listens is told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

_OPEN_FILES = 64
_PENDING_BYTES = 65_536  # of a file, which are written at once


class LineFiles:
    """Appends lines to many files, of which few are open; `error` is what kept it from writing."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.on_error: Callable[[OSError], None] | None = None
        self._open: OrderedDict[Path, int] = OrderedDict()
        self._pending: dict[Path, bytearray] = {}
        self._flushing = False

    def append(self, path: Path, line: str) -> None:
        """Add a line, written when the loop turns."""
        pending = self._pending.setdefault(path, bytearray())
        pending += line.encode("utf-8", "replace") + b"\n"
        if len(pending) > _PENDING_BYTES:
            self.flush()
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write what has come; a call of this that is on its way finds nothing to do."""
        self._flushing = False
        pending, self._pending = self._pending, {}
        if self.error is not None:
            return
        try:
            for path, lines in pending.items():
                _write(self._descriptor(path), lines)
        except OSError as error:
            self.error = error
            if self.on_error is not None:
                self.on_error(error)

    def close(self) -> None:
        """Write what is left and close the files."""
        self.flush()
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _descriptor(self, path: Path) -> int:
        found = self._open.get(path)
        if found is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = self._open[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _mend(found)
            if len(self._open) > _OPEN_FILES:
                os.close(self._open.popitem(last=False)[1])
        self._open.move_to_end(path)
        return found


def _write(descriptor: int, lines: bytearray) -> None:
    """Append all of some lines, or nothing. Raises OSError."""
    before = os.fstat(descriptor).st_size
    left = memoryview(lines)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _mend(descriptor: int) -> None:
    """End the last line, which a process that was killed may have written half, so that the next one is read."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        os.write(descriptor, b"\n")
