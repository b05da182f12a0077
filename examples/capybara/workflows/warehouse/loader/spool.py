"""Rows in a file of JSON lines, for warehouses that load files."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loader.shapes import Batch, Column


@dataclass(frozen=True)
class Spooled:
    """A file, gone when its `with` ends, and its number of rows."""

    path: Path
    rows: int


@contextlib.contextmanager
def spooled(columns: list[Column], batches: Iterable[Batch]) -> Iterator[Spooled]:
    """Write rows as JSON lines below TMPDIR; bytes are base64."""
    encode = json.JSONEncoder(ensure_ascii=False, default=lambda value: base64.b64encode(value).decode()).encode
    names = [column.name for column in columns]
    rows = 0
    handle, name = tempfile.mkstemp(suffix=".jsonl")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for batch in batches:
                file.writelines(encode(dict(zip(names, row, strict=True))) + "\n" for row in batch)
                rows += len(batch)
        yield Spooled(path, rows)
    finally:
        path.unlink()
