"""Load one table of the shop into the warehouse, whole, so that running it again gives the same result.

The task's parameters are in the environment: `t` is the table's row of source_table/shop.json as JSON, `source` and
`warehouse` are the two databases, and `:since` or `:session_date` in a row's `where` are the parameters of that name.

Tables are read in parallel and written in turn: a DuckDB file takes one writing process at a time, so the rows go to
a file of their own first (the slow part), and the write, a short one, waits for the lock beside the warehouse. It is one
transaction: whoever queries the warehouse sees yesterday's table or today's, nothing between.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import duckdb
import shop

BATCH_ROWS = 5_000
# What SQLite's declared types are called in the warehouse, where the same word would mean something else or nothing.
WAREHOUSE_TYPES = {
    "integer": "bigint",
    "int": "bigint",
    "text": "varchar",
    "num": "double",
    "real": "double",
    "": "varchar",
}


def main() -> None:
    """Load the table that the environment names; a failure is one line that says which table and why, and exit 1."""
    row = json.loads(os.environ["t"])
    try:
        load(row, Path(os.environ["source"]), Path(os.environ["warehouse"]))
    except (sqlite3.Error, duckdb.Error, ConnectionError, OSError, TypeError) as error:
        sys.exit(f"{row['table']}: {error}")


def load(row: dict[str, str], source: Path, warehouse: Path) -> None:
    """Copy one table: read it into a file, then put the file's rows in the place of the warehouse's table."""
    start = time.monotonic()
    connection = shop.connect(source)
    shop.refuse(connection, source, row["table"])
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl", dir=warehouse.parent) as file:
        columns = extract(connection, row, file)
        file.flush()
        rows = publish(row, columns, Path(file.name), warehouse)
    print(f"{rows:,} rows into {row['dataset']}.{row['out_table']} in {time.monotonic() - start:.1f} s")


def query(row: dict[str, str]) -> str:
    """Return the SELECT of a row of the table list; its `where` is optional."""
    where = f" where {row['where']}" if row.get("where") else ""
    return f"select {row['select']} from {row['table']}{where}"


def extract(connection: sqlite3.Connection, row: dict[str, str], file: IO[str]) -> dict[str, str]:
    """Write the rows as JSON lines; return the columns as name: warehouse type, in the order selected.

    JSON keeps apart what CSV does not: NULL and the empty text, quotes and line breaks inside a text.
    """
    columns = _columns(connection, row)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    cursor = connection.execute(query(row), dict(os.environ))
    while batch := cursor.fetchmany(BATCH_ROWS):
        file.writelines(encode(dict(zip(columns, values, strict=True))) + "\n" for values in batch)
    return columns


def publish(row: dict[str, str], columns: dict[str, str], file: Path, warehouse: Path) -> int:
    """Replace the table in the warehouse by the rows of the file, in one transaction; return how many they are."""
    table = f'"{row["dataset"]}"."{row["out_table"]}"'
    types = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    with shop.locked(warehouse), duckdb.connect(warehouse) as database:
        database.begin()
        database.execute(f'create schema if not exists "{row["dataset"]}"')
        database.execute(f"create or replace table {table} ({types})")
        if file.stat().st_size:
            database.execute(
                f"insert into {table} from read_json(?, format = 'newline_delimited', columns = ?)",
                [str(file), columns],
            )
        database.commit()
        return count(database, table)


def _columns(connection: sqlite3.Connection, row: dict[str, str]) -> dict[str, str]:
    """Ask SQLite for the declared types of a SELECT's columns, through a view: that follows names and aliases."""
    connection.execute(f"create temp view selected as select {row['select']} from {row['table']} limit 0")
    described = connection.execute("pragma temp.table_info(selected)").fetchall()
    return {name: WAREHOUSE_TYPES.get(kind.lower(), kind.lower()) for _, name, kind, *_ in described}


def count(database: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return the number of rows of a table of the warehouse."""
    found: tuple[Any, ...] | None = database.execute(f"select count(*) from {table}").fetchone()
    assert found is not None  # count(*) always gives a row
    return int(found[0])


if __name__ == "__main__":
    main()
