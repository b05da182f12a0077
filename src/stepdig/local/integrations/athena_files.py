"""Files of tables on this machine: which there are, as what DuckDB reads them, how it writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlglot import exp

from stepdig.local.errors import StateError
from stepdig.local.integrations.athena_catalog import QueryFailed, Table
from stepdig.local.integrations.s3 import LocalS3

PARTITIONS = 100  # that one query may write. https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
_WRITTEN = {
    "parquet": "FORMAT parquet",
    "json": "FORMAT json",
    "textfile": "FORMAT csv, HEADER false, NULLSTR '\\N', DELIM {}",
}
SUFFIX = {"parquet": "parquet", "json": "json", "textfile": "csv"}


def literal(text: str) -> str:
    """Return a text for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Return a name for DuckDB."""
    return '"' + text.replace('"', '""') + '"'


def folder(s3: LocalS3, location: str) -> Path:
    """Return the folder of a location. Raises QueryFailed for one that is none here."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    try:
        return s3.path(bucket, f"{prefix.strip('/')}/x".lstrip("/")).parent
    except StateError as error:
        raise QueryFailed(f"HIVE_FILESYSTEM_ERROR: {location}: {error.cause}") from None


def files(place: Path) -> list[Path]:
    """Return the files below a folder that a table has: hidden ones are none, as in Hive."""
    if not place.is_dir():
        return []
    found = (it for it in place.rglob("*") if it.is_file() and it.stat().st_size > 0)
    return sorted(it for it in found if not any(part.startswith(("_", ".")) for part in it.relative_to(place).parts))


def duck_type(hive: str) -> str:
    """Return a type of Hive as DuckDB names it."""
    return exp.DataType.build(hive, dialect="hive").sql(dialect="duckdb")


def hive_type(duck: str) -> str:
    """Return a type of DuckDB as Hive names it."""
    return exp.DataType.build(duck, dialect="duckdb").sql(dialect="hive").lower()


def view(table: Table, s3: LocalS3, columns_of: Callable[[str], list[str]]) -> tuple[str, int]:
    """Return SQL that reads a table, and the bytes of its files; `columns_of` tells the columns that a query gives."""
    parts, size = [], 0
    places: list[tuple[dict[str, str], str]] = [({}, table.location)]
    if table.keys:
        places = [(dict(it.split("=", 1) for it in values.split("/")), at) for values, at in table.partitions.items()]
    for values, location in places:
        found = files(folder(s3, location))
        if not found:
            continue
        size += sum(it.stat().st_size for it in found)
        source = _source(table, found)
        there = {it.lower(): it for it in columns_of(f"SELECT * FROM {source}")}  # noqa: S608 - quoted by `literal`
        parts.append(f"SELECT {', '.join(_columns(table, there, values))} FROM {source}")  # noqa: S608 - quoted by `name`
    if not parts:
        none = [f"CAST(NULL AS {duck_type(kind)}) AS {name(key)}" for key, kind in (*table.columns, *table.keys)]
        return f"SELECT {', '.join(none)} WHERE false", 0
    return " UNION ALL ".join(parts), size


def _columns(table: Table, there: dict[str, str], values: dict[str, str]) -> list[str]:
    cast = "CAST" if table.format == "parquet" else "TRY_CAST"  # text that is no number is NULL, as in Hive's SerDes
    made = []
    for key, kind in table.columns:
        value = name(there[key.lower()]) if key.lower() in there else "NULL"
        made.append(f"{cast}({value} AS {duck_type(kind)}) AS {name(key)}")
    return made + [f"CAST({literal(values[key])} AS {duck_type(kind)}) AS {name(key)}" for key, kind in table.keys]


def _source(table: Table, found: Sequence[Path]) -> str:
    listed = "[" + ", ".join(literal(str(it)) for it in found) + "]"
    if table.format == "parquet":
        return f"read_parquet({listed}, union_by_name=true, hive_partitioning=false)"
    if table.format == "json":
        columns = ", ".join(f"{literal(key)}: {literal(duck_type(kind))}" for key, kind in table.columns)
        return f"read_json({listed}, format='newline_delimited', columns={{{columns}}}, hive_partitioning=false)"
    columns = ", ".join(f"{literal(key)}: 'VARCHAR'" for key, _ in table.columns)
    return (
        f"read_csv({listed}, columns={{{columns}}}, delim={literal(table.delimiter)}, quote={literal(table.quote)}, "
        f"escape={literal(table.quote)}, header=false, skip={table.skip}, auto_detect=false, null_padding=true, "
        "nullstr='\\N', hive_partitioning=false)"
    )


def written(table: Table, compression: str) -> str:
    """Return the options of a COPY that writes files of a table. Raises QueryFailed for a format that is not written here."""
    if table.format not in _WRITTEN:
        raise QueryFailed(f"NOT_SUPPORTED on this machine: files of the format {table.format} are not written here")
    text = _WRITTEN[table.format].format(literal(table.delimiter))
    if table.format == "parquet" and compression:
        text += f", COMPRESSION {literal(compression)}"
    return text
