"""Files in memory or on disk -> a hash of what they hold, and a zip whose bytes depend on nothing else."""

from __future__ import annotations

import errno
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
_UNIX = 3
_CHUNK = 1 << 20  # bytes; a file may be larger than memory


class Unreadable(OSError):
    """A file that travels could not be read, or was not the same from its beginning to its end."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that travels: its content, or the place on disk where that is; whether it is a program."""

    content: bytes | Path
    program: bool = False

    def read(self) -> bytes:
        """Return the content. Raises OSError."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    def size(self) -> int:
        """Return how many bytes it has. Raises Unreadable."""
        with self._named():
            return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def open(self) -> IO[bytes]:
        """Return it to be read. Raises Unreadable."""
        with self._named():
            return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unreadable(error.errno, error.strerror, error.filename) from error


Files = Mapping[str, File]  # by path in the zip, with `/`


def digest(files: Files, *more: str) -> str:
    """Return a hash of files, their names and modes, and of texts beside them; the zip's own bytes do not matter."""
    total = _Total(more)
    for name in sorted(files):
        for _ in total.chunks(name, files[name], files[name].size()):
            pass
    return total.told()


def write(files: Files, out: IO[bytes], *more: str, dense: bool = True) -> str:
    """Write a zip, sorted and without times, and return its `digest`, of the very bytes that were written.

    One that is not `dense` has the same bytes whatever zlib there is. Raises Unreadable, and OSError of `out`.
    """
    total = _Total(more)
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            item = zipfile.ZipInfo(name, _EPOCH)
            item.create_system = _UNIX
            item.external_attr = (0o100755 if files[name].program else 0o100644) << 16
            item.compress_type = zipfile.ZIP_DEFLATED if dense else zipfile.ZIP_STORED
            item.file_size = files[name].size()
            with archive.open(item, "w") as inner:
                for chunk in total.chunks(name, files[name], item.file_size):
                    inner.write(chunk)
    return total.told()


class _Total:
    """The hash while it is made."""

    def __init__(self, more: tuple[str, ...]) -> None:
        self._hash = hashlib.sha256()
        for text in more:
            self._hash.update(f"{len(text.encode())} {text}\n".encode())

    def chunks(self, name: str, file: File, size: int) -> Iterator[bytes]:
        """Add a file, and yield what it holds. Raises Unreadable."""
        self._hash.update(f"{len(name.encode())} {name} {int(file.program)} {size}\n".encode())
        left = size
        with file.open() as source:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                self._hash.update(chunk)
                yield chunk
        if left:
            where = str(file.content) if isinstance(file.content, Path) else name
            raise Unreadable(errno.EAGAIN, "it changed meanwhile", where)

    def told(self) -> str:
        return self._hash.hexdigest()
