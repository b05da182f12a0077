"""Files in memory or on disk -> a hash of what they hold, and a zip whose bytes depend on nothing else."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
_UNIX = 3


@dataclass(frozen=True, slots=True)
class File:
    """A file that travels: its content, or the place on disk where that is; whether it is a program."""

    content: bytes | Path
    program: bool = False

    def read(self) -> bytes:
        """Return the content. Raises OSError."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


Files = Mapping[str, File]  # by path in the zip, with `/`


def digest(files: Files, *more: str) -> str:
    """Return a hash of files, their names and modes, and of texts beside them; the zip's own bytes do not matter."""
    total = hashlib.sha256()
    for text in more:
        total.update(f"{len(text.encode())} {text}\n".encode())
    for name in sorted(files):
        content = files[name].read()
        total.update(f"{len(name.encode())} {name} {int(files[name].program)} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def write(files: Files, out: BinaryIO, *, dense: bool = True) -> None:
    """Write a zip, sorted and without times; one that is not `dense` has the same bytes whatever zlib there is."""
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            item = zipfile.ZipInfo(name, _EPOCH)
            item.create_system = _UNIX
            item.external_attr = (0o100755 if files[name].program else 0o100644) << 16
            item.compress_type = zipfile.ZIP_DEFLATED if dense else zipfile.ZIP_STORED
            archive.writestr(item, files[name].read())
