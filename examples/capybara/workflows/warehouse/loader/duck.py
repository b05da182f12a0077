"""A DuckDB file as the warehouse, for a laptop without PostgreSQL: `-p warehouse=duckdb:$PWD/var/warehouse.duckdb`.

A DuckDB file has one writing process at a time. Rows are read side by side into files of their own, the slow part; the write
waits for a lock beside the file and is one transaction.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from loader.shapes import Batch, Column, OtherColumns, Place, Table
from loader.spool import spooled

TYPES = {"integer": "bigint", "float": "double", "text": "varchar", "bytes": "blob", "timestamp": "timestamptz"}
VIEWS = "select schema_name, view_name, sql from duckdb_views() where not internal order by 1, 2"
COLUMNS = (
    "select column_name, data_type from duckdb_columns()"
    " where (schema_name, table_name) = (?, ?) and database_name = {} order by column_index"
)


@contextlib.contextmanager
def opened(place: Place, _password: str) -> Iterator[Duck]:
    """Name the file; it is opened for each look at it, and the folder made."""
    path = Path(place.name)
    if not path.is_absolute():
        raise ValueError(
            "a DuckDB file needs its whole path, duckdb:/...: a task with `state:` runs in a folder of its own"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    yield Duck(path)


class Duck:
    """A warehouse in a DuckDB file; a dataset is a schema."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, table: Table, columns: list[Column], batches: Iterable[Batch], keys: list[str]) -> int:
        """Load a table, all or nothing."""
        target = f'"{table.dataset}"."{table.out_table}"'
        with spooled(columns, batches) as file, self._database() as database:
            database.begin()
            database.execute(f'create schema if not exists "{table.dataset}"')
            declared = ", ".join(f'"{column.name}" {_type(column)}' for column in columns)
            database.execute(f"create or replace temp table loading ({declared})")
            if file.rows:
                read = {each.name: "varchar" if each.kind == "bytes" else _type(each) for each in columns}
                values = ", ".join(_value(column) for column in columns)
                from_file = "read_json(?, format = 'newline_delimited', columns = ?)"
                database.execute(f"insert into loading select {values} from {from_file}", [str(file.path), read])
            if keys:
                if _columns(database, table.dataset, table.out_table) != _columns(
                    database, "main", "loading", "'temp'"
                ):
                    raise OtherColumns
                same = ", ".join(f'"{key}"' for key in keys)
                database.execute(f"delete from {target} where ({same}) in (select ({same}) from loading)")
                database.execute(f"insert into {target} select * from loading")
            else:
                database.execute(f"create or replace table {target} as select * from loading")
            database.commit()
            return file.rows

    def views(self) -> list[tuple[str, str, str]]:
        """Return schema, name and statement of each view."""
        with self._database() as database:
            return database.execute(VIEWS).fetchall()

    @contextlib.contextmanager
    def _database(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it when the process ends, however it ends
            with duckdb.connect(self.path) as database:
                yield database


def _columns(
    database: duckdb.DuckDBPyConnection, schema: str, table: str, where: str = "current_database()"
) -> list[tuple[str, str]]:
    return database.execute(COLUMNS.format(where), [schema, table]).fetchall()


def _type(column: Column) -> str:
    if column.kind == "numeric":  # DuckDB has 38 digits, MySQL 65
        return f"decimal({column.precision},{column.scale})" if column.precision <= 38 else "varchar"
    return TYPES.get(column.kind, column.kind)


def _value(column: Column) -> str:
    return f'from_base64("{column.name}")' if column.kind == "bytes" else f'"{column.name}"'
