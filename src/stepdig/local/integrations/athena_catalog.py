"""Tables of Athena on this machine: a small file beside the folders of buckets, as the Glue Data Catalog would know them."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DEFAULT = "default"  # the database that every catalog has


class QueryFailed(Exception):
    """A query that cannot be run; its text is what Athena tells as the reason."""


@dataclass(slots=True)
class Table:
    """A table: (name, type of Hive) of its columns and of its partition keys; values joined by `/` -> location."""

    columns: list[list[str]]
    location: str
    format: str
    keys: list[list[str]] = field(default_factory=list)
    delimiter: str = "\x01"
    quote: str = ""
    skip: int = 0
    partitions: dict[str, str] = field(default_factory=dict)

    def values(self, partition: dict[str, str]) -> str:
        """Return the name of a partition, `dt=2026-11-20/hour=3`. Raises QueryFailed where its keys are not the table's."""
        if list(partition) != [name for name, _ in self.keys]:
            given, known = ", ".join(partition), ", ".join(name for name, _ in self.keys) or "none"
            raise QueryFailed(
                f"FAILED: SemanticException partition spec ({given}) does not match the partition keys: {known}"
            )
        return "/".join(f"{key}={value}" for key, value in partition.items())


class Catalog:
    """The databases in one JSON file; a change is made under a lock and written whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Table]]:
        """Return the tables of each database."""
        try:
            told: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            told = {}
        found = {name: {key: Table(**it) for key, it in tables.items()} for name, tables in told.items()}
        return {DEFAULT: {}, **found}

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, dict[str, Table]]]:
        """Give the databases to be changed; they are kept unless the block raises."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            databases = self.read()
            yield databases
            told = {name: {key: asdict(it) for key, it in tables.items()} for name, tables in databases.items()}
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            new.replace(self._path)


def table_of(databases: dict[str, dict[str, Table]], database: str, name: str) -> Table:
    """Return a table. Raises QueryFailed as Athena words it."""
    if database not in databases:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{database}' does not exist")
    if name not in databases[database]:
        raise QueryFailed(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist")
    return databases[database][name]
