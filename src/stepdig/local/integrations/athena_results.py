"""Results of queries where Athena would leave them: a CSV with every value in quotes, or a text.

https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from stepdig.local.integrations.s3 import LocalS3

_ROWS = 10_000  # fetched at once


def csv(s3: LocalS3, output: str, id_: str, found: Any) -> str:  # noqa: ANN401 - DuckDB's connection has no types
    """Write the rows of a query and what its columns are; return the place in S3."""
    place, path = _place(s3, output, f"{id_}.csv")
    columns = [(str(it[0]), str(it[1]).lower()) for it in found.description]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_quoted(name) for name, _ in columns) + "\n")
        while rows := found.fetchmany(_ROWS):
            file.writelines(",".join("" if it is None else _quoted(_text(it)) for it in row) + "\n" for row in rows)
    told = {"ColumnInfo": [{"Name": name, "Type": kind} for name, kind in columns]}
    path.with_name(f"{path.name}.metadata").write_text(json.dumps(told) + "\n", encoding="utf-8")
    return place


def lines(s3: LocalS3, output: str, id_: str, rows: Iterable[str]) -> str:
    """Write the lines of a statement that is no query; return the place in S3."""
    place, path = _place(s3, output, f"{id_}.txt")
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return place


def nothing(s3: LocalS3, output: str, id_: str) -> str:
    """Return the place of a result that has no file of its own: data was written to a table."""
    return _place(s3, output, id_)[0]


def _place(s3: LocalS3, output: str, name: str) -> tuple[str, Path]:
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    path = s3.path(bucket, prefix + name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"s3://{bucket}/{prefix}{name}", path


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(value: object) -> str:
    """Return a value as Athena prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        shown = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        return shown + (" UTC" if value.tzinfo is not None else "")
    if isinstance(value, list | tuple):
        return "[" + ", ".join("null" if it is None else _text(it) for it in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={'null' if it is None else _text(it)}" for key, it in value.items()) + "}"
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex(" ")
    return str(value)
