"""What the loader's parts hand to each other: where a database is, a table of the list, columns, and the warehouse's side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

Value = str | bytes | None  # numbers, dates and times travel as the texts that the database wrote: nothing is rounded
Batch = Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Place:
    """`mysql://sync@db.market.internal:3306/market`; the password is never in it."""

    scheme: str
    user: str
    host: str
    port: int | None
    name: str

    @classmethod
    def of(cls, url: str) -> Place:
        """Read a URL; raises ValueError."""
        parts = urlsplit(url)
        if parts.password:
            raise ValueError("a URL must not hold a password: it comes from the job's secrets")
        name = parts.path.removeprefix("/") if parts.hostname else parts.path  # without a host it is a file
        return cls(parts.scheme, unquote(parts.username or ""), parts.hostname or "", parts.port, name)

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port}/{self.name}" if self.host else self.name


@dataclass(frozen=True)
class Table:
    """A row of the table list."""

    table: str
    out_table: str
    dataset: str
    select: str
    where: str = ""
    incremental: str = ""  # the column that grows with each change; empty: the whole table each night
    key: str = ""  # columns by which a changed row is known, "id" or "work_id, user_id"

    @classmethod
    def of(cls, row: dict[str, str]) -> Table:
        """Read a row, which may have columns of others, sizes for example; raises ValueError."""
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        table = cls(**known)
        if table.incremental and not table.key:
            raise ValueError(f"{table.table}: `incremental` needs `key`, the columns by which a changed row is known")
        return table

    @property
    def keys(self) -> list[str]:
        """The names of the key's columns."""
        return [name.strip() for name in self.key.split(",")] if self.incremental else []


@dataclass(frozen=True)
class Column:
    """A column: integer, numeric, float, text, bytes, date or timestamp."""

    name: str
    kind: str
    precision: int = 0  # of numeric: digits, and those after the point
    scale: int = 0


class OtherColumns(Exception):
    """Changed rows cannot go over a table that is not there or has other columns: it wants all of them."""


class Warehouse(Protocol):
    """Where tables go."""

    def fill(self, table: Table, columns: list[Column], batches: Iterable[Batch], keys: list[str]) -> int:
        """Put rows in the place of what is there, or with keys over the rows of the same keys; all or nothing. Return how many.

        Raises OtherColumns.
        """

    def views(self) -> list[tuple[str, str, str]]:
        """Return schema, name and the statement that makes it of each view."""


Opened = AbstractContextManager[Warehouse]
