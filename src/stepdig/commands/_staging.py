"""Files that are written beside their places first and then moved there together, by one process at a time.

A full disk, Ctrl-C or SIGTERM leaves nothing half done. What a process left that was killed is swept away by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import FrameType, TracebackType
from typing import IO

SUFFIX = ".new"
_LOCK = (".stepdig", "lock")  # below the root
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[bool]:
    """Wait until no other process writes what is generated below a root; tell whether that could be made sure of."""
    place = root.joinpath(*_LOCK)
    with contextlib.ExitStack() as stack:
        try:
            place.parent.mkdir(exist_ok=True)
            file = stack.enter_context(place.open("ab"))
            _wait(file)
        except (
            OSError
        ):  # a folder that is read-only, a file system without locks: then each file by itself is still whole
            yield False
            return
        yield True


def _wait(file: IO[bytes]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("another stepdig is at work here; waiting for it\n")
        sys.stderr.flush()
        fcntl.flock(file, fcntl.LOCK_EX)


def sweep(folder: Path) -> None:
    """Remove what a killed process left in a folder; only for who is alone."""
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{SUFFIX}"):
            path.unlink()


class Staged:
    """Files on their way to a folder: `open` each, then `move`. Without `move` nothing has happened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[tuple[Path, Path]] = []  # where it was written, where it belongs
        self._made: list[Path] = []
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Staged:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(ValueError):  # not the main thread
                if signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, _stop)
                    self._handled.append(number)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with _undisturbed():
            for temporary, _ in self._files:
                temporary.unlink(missing_ok=True)
            for folder in reversed(self._made):
                with contextlib.suppress(OSError):  # somebody put something into it
                    folder.rmdir()
            for number in self._handled:
                signal.signal(number, signal.SIG_DFL)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Give a file to write to, which becomes `name` in the folder. Raises OSError, by the name that it would have."""
        place = self._folder / name
        with _called(place):
            with _undisturbed():
                self._make(place.parent)
                file = NamedTemporaryFile(dir=place.parent, prefix=".", suffix=SUFFIX, delete=False)  # noqa: SIM115
                self._files.append((Path(file.name), place))
            with file:
                yield file.file

    def write(self, name: str, content: bytes) -> None:
        """Write a file that becomes `name` in the folder."""
        with self.open(name) as file:
            file.write(content)

    def move(self, gone: Iterable[str] = ()) -> None:
        """Move all files to their places, and remove others; a signal waits until that is done."""
        umask = os.umask(0)
        os.umask(umask)
        for _, place in self._files:
            if place.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
        with _undisturbed():
            for temporary, place in self._files:
                with _called(place):
                    temporary.chmod(0o666 & ~umask)  # temporary files are private; these are like other sources
                    os.replace(temporary, place)  # noqa: PTH105 (one call that is atomic by its documentation)
            for name in gone:
                (self._folder / name).unlink()
            self._files, self._made = [], []

    def _make(self, folder: Path) -> None:
        """Make a folder with those above it, and note which of them are new."""
        for it in (folder, *folder.parents):
            if os.path.lexists(it) and not it.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(it))
        new = [it for it in (folder, *folder.parents) if not it.exists()]
        for it in reversed(new):
            it.mkdir(exist_ok=True)
            self._made.append(it)


def write(folder: Path, contents: dict[str, bytes], gone: Iterable[str] = ()) -> None:
    """Write files of a folder and remove others, all or nothing. Raises OSError."""
    with Staged(folder) as staged:
        for name, content in contents.items():
            staged.write(name, content)
        staged.move(gone)


@contextlib.contextmanager
def _called(place: Path) -> Iterator[None]:
    """Tell an error by the name that somebody knows."""
    try:
        yield
    except OSError as error:
        if error.filename and not str(error.filename).endswith(SUFFIX):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(place)) from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that would stop this process wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
