"""The shop's database, the source of the sync: a SQLite file that stands in for the production database.

`connect` makes it from shop.sql on first use (half a second), whichever table's loader comes first. Two troubles of real
nights are built in, so that the workflow has something to cure:

- `shipments` is interrupted at every other read, as by a failover of the database: the first try of a night fails,
  the retry finds the database back;
- a run with `-p break=orders` finds the last column of `orders` renamed, as after an unannounced release of the shop:
  no retry helps, and the table's error says which column is missing.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = Path(__file__).parent / "shop.sql"
INTERRUPTED = "shipments"


def connect(path: Path) -> sqlite3.Connection:
    """Open the database read-only, making it first where it is missing or older than shop.sql."""
    path.parent.mkdir(parents=True, exist_ok=True)
    statements = SCHEMA.read_text(encoding="utf-8")
    version = zlib.crc32(statements.encode()) >> 1  # SQLite keeps 31 bits for us
    with locked(path):
        if not path.exists() or _version(path) != version:
            _make(path, statements, version)
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def refuse(connection: sqlite3.Connection, path: Path, table: str) -> None:
    """Let the troubles of this table happen, if it has any; raise `ConnectionError` for an interrupted read."""
    if table == os.environ.get("break"):
        _rename_last_column(connection, table)
    if table == INTERRUPTED:
        mark = path.with_name(f"{table}.interrupted")
        try:
            mark.unlink()
        except FileNotFoundError:
            mark.touch()
            raise ConnectionError("the database server closed the connection (failover in progress)") from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file beside the path; the system lets go of it when the process ends, however it ends."""
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("pragma user_version").fetchone()[0])
    finally:
        connection.close()


def _make(path: Path, statements: str, version: int) -> None:
    """Build the database beside its place and move it there whole, so that nobody ever opens half of it."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished, isolation_level=None)
    try:
        connection.executescript("pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off;")
        connection.executescript(f"begin; {statements}; pragma user_version = {version}; commit;")
    finally:
        connection.close()
    unfinished.replace(path)


def _rename_last_column(connection: sqlite3.Connection, table: str) -> None:
    """Hide the table behind a view of the same name: SQLite looks among temporary names first."""
    *others, last = (name for _, name, *_ in connection.execute(f'pragma main.table_info("{table}")'))
    columns = ", ".join([*others, f"{last} as {last}_renamed"])
    connection.execute(f'create temp view "{table}" as select {columns} from main."{table}"')
