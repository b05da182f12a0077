"""MySQL and MariaDB: a table as columns and batches of rows, in one consistent read.

Values come as the texts that the server writes, so that a decimal stays exact. DATETIME has no zone in MySQL: it is taken to be
of the workflow's (TZ). TIMESTAMP has one, and is asked for in UTC. The date 0000-00-00, which old tables hold for "none",
becomes NULL. TIME, ENUM, SET and JSON are texts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.converters import conversions

from loader.shapes import Batch, Column, Place, Table, Value

BATCH_ROWS = 5_000
OVERLAP = "interval 10 minute"  # transactions that were open when the last night read commit rows with earlier times
BINARY = 63  # the character set of columns that hold bytes
INTEGERS = {FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR}
TIMES = {FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP}
BLOBS = {FIELD_TYPE.BLOB, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING}


@contextlib.contextmanager
def opened(place: Place, password: str) -> Iterator[pymysql.connections.Connection[Any]]:
    """Connect, for one read that sees one moment of the database."""
    writing = {kind: encoder for kind, encoder in conversions.items() if not isinstance(kind, int)}
    connection = pymysql.connect(
        host=place.host, port=place.port or 3306, user=place.user, password=password, database=place.name,
        charset="utf8mb4", conv=writing, connect_timeout=20, read_timeout=600,
        init_command="set time_zone = '+00:00'",
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute("set session transaction isolation level repeatable read")
        cursor.execute("start transaction with consistent snapshot, read only")
        yield connection


def newest(connection: Any, table: Table) -> str | None:
    """Return the largest value of the column by which the table grows."""
    with connection.cursor() as cursor:
        cursor.execute(f"select max({table.incremental}) from {_quoted(table.table)}")
        found: str | None = cursor.fetchone()[0]
        return found


def read(connection: Any, table: Table, zone: tzinfo, since: str | None = None) -> tuple[list[Column], Iterator[Batch]]:
    """Return the columns of a table's SELECT and its rows; `since`: only those changed from that value on."""
    cursor = connection.cursor(pymysql.cursors.SSCursor)  # rows come as they are read, not all at once
    conditions = [f"({table.where})"] if table.where else []
    if since is not None:
        cursor.execute(f"select {table.incremental} from {_quoted(table.table)} limit 0")
        early = f" - {OVERLAP}" if cursor.description[0][1] in TIMES else ""
        cursor.fetchall()
        conditions.append(f"{table.incremental} >= {connection.literal(since)}{early}")
    where = f" where {' and '.join(conditions)}" if conditions else ""
    cursor.execute(f"select {table.select} from {_quoted(table.table)}{where}")
    fields = cursor._result.fields  # what `description` is made of; signs and character sets are only here
    columns = [_column(field) for field in fields]
    return columns, _batches(cursor, [_change(field, zone) for field in fields])


def _quoted(table: str) -> str:
    return ".".join(f"`{part}`" for part in table.split("."))


def _batches(cursor: Any, changes: list[Callable[[Any], Value] | None]) -> Iterator[Batch]:
    changed = [(place, change) for place, change in enumerate(changes) if change]
    while batch := cursor.fetchmany(BATCH_ROWS):
        rows = [list(row) for row in batch]
        for place, change in changed:
            for row in rows:
                if row[place] is not None:
                    row[place] = change(row[place])
        yield rows


def _column(field: Any) -> Column:
    kind, signed = field.type_code, not field.flags & FLAG.UNSIGNED
    if kind in INTEGERS and (signed or kind != FIELD_TYPE.LONGLONG):
        return Column(field.name, "integer")
    if kind == FIELD_TYPE.LONGLONG:
        return Column(field.name, "numeric", 20, 0)  # unsigned: larger than what bigint holds elsewhere
    if kind in {FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL}:  # the length has room for a sign and a point
        return Column(field.name, "numeric", field.length - bool(field.scale) - signed, field.scale)
    if kind in {FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE}:
        return Column(field.name, "float")
    if kind == FIELD_TYPE.BIT:
        return Column(field.name, "integer")
    if kind == FIELD_TYPE.DATE:
        return Column(field.name, "date")
    if kind in TIMES:
        return Column(field.name, "timestamp")
    return Column(field.name, "bytes" if kind in BLOBS and field.charsetnr == BINARY else "text")


def _change(field: Any, zone: tzinfo) -> Callable[[Any], Value] | None:
    """Return what has to be done to a column's values, if anything."""
    if field.type_code == FIELD_TYPE.BIT:
        return lambda value: str(int.from_bytes(value, "big"))
    if field.type_code == FIELD_TYPE.DATE:
        return lambda value: None if value.startswith("0000") else value
    if field.type_code == FIELD_TYPE.TIMESTAMP:
        return lambda value: _moment(value, UTC)
    if field.type_code == FIELD_TYPE.DATETIME:
        return lambda value: _moment(value, zone)
    return None


def _moment(value: str, zone: tzinfo) -> str | None:
    if value.startswith("0000"):
        return None
    return datetime.fromisoformat(value).replace(tzinfo=zone).isoformat(" ")
