"""PostgreSQL as the warehouse.

Rows go into a staging table first, batch by batch. Then, in one transaction: a table that is new or has other columns than last
night is replaced by the staging table, by rename; one with the same columns is filled anew in its place, so that views and
grants on it stay. A loader that dies before leaves the staging table, which the next one drops.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql

from loader.shapes import Batch, Column, OtherColumns, Place, Table

TYPES = {"integer": "bigint", "float": "double precision", "bytes": "bytea", "timestamp": "timestamptz"}
COLUMNS = (
    "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
    " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum"
)
VIEWS = (
    "select schemaname, viewname, format('create or replace view %I.%I as%s', schemaname, viewname, chr(10) || definition)"
    " from pg_views"
    " where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2"
)


@contextlib.contextmanager
def opened(place: Place, password: str) -> Iterator[Postgres]:
    """Connect to the database."""
    with psycopg.connect(
        host=place.host, port=place.port or 5432, user=place.user, password=password, dbname=place.name,
        connect_timeout=20, autocommit=True, application_name=f"capybara {os.getpid()}",
    ) as connection:  # fmt: skip
        yield Postgres(connection)


class Postgres:
    """A warehouse in PostgreSQL; a dataset is a schema."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def fill(self, table: Table, columns: list[Column], batches: Iterable[Batch], keys: list[str]) -> int:
        """Load a table, all or nothing."""
        names = {"target": (table.dataset, table.out_table), "staging": (table.dataset, f"{table.out_table}__loading")}
        place = {name: sql.Identifier(*parts) for name, parts in names.items()}
        # A loader that was killed may still be at work on the server: wait until its connection is gone.
        self.connection.execute("select pg_advisory_lock(hashtext(%s))", [".".join(names["target"])])
        self._schema(table.dataset)
        self._run("drop table if exists {staging}", **place)
        declared = sql.SQL(", ").join(sql.Identifier(each.name) + sql.SQL(f" {_type(each)}") for each in columns)
        self._run("create table {staging} ({declared})", declared=declared, **place)
        rows = self._copy(place["staging"], batches)
        with self.connection.transaction():
            if self._columns(*names["target"]) != self._columns(*names["staging"]):
                if keys:
                    raise OtherColumns
                self._run("drop table if exists {target}", **place)
                self._run("alter table {staging} rename to {name}", name=sql.Identifier(table.out_table), **place)
                return rows
            if keys:
                same = sql.SQL(", ").join(sql.Identifier(key) for key in keys)
                self._run("delete from {target} where ({same}) in (select {same} from {staging})", same=same, **place)
            else:
                self._run("truncate {target}", **place)
            self._run("insert into {target} select * from {staging}", **place)
            self._run("drop table {staging}", **place)
        return rows

    def views(self) -> list[tuple[str, str, str]]:
        """Return schema, name and statement of each view."""
        return [(schema, name, text) for schema, name, text in self.connection.execute(VIEWS)]

    def _copy(self, staging: sql.Identifier, batches: Iterable[Batch]) -> int:
        rows = 0
        for batch in batches:
            statement = sql.SQL("copy {} from stdin").format(staging)
            with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in batch:
                    copy.write_row(row)
            rows += len(batch)
        return rows

    def _columns(self, schema: str, table: str) -> list[tuple[str, str]]:
        name = sql.Identifier(schema, table).as_string(self.connection)
        return [(column, kind) for column, kind in self.connection.execute(COLUMNS, [name])]

    def _schema(self, name: str) -> None:
        # `if not exists` is no help against another loader that makes it in the same moment.
        with contextlib.suppress(psycopg.errors.UniqueViolation):
            self._run("create schema if not exists {name}", name=sql.Identifier(name))

    def _run(self, text: str, **names: sql.Composable) -> None:
        self.connection.execute(sql.SQL(text).format(**names))


def _type(column: Column) -> str:
    if column.kind == "numeric":
        return f"numeric({column.precision},{column.scale})"
    return TYPES.get(column.kind, column.kind)
