"""Statements about tables on this machine: CREATE, DROP, ALTER ... PARTITION, MSCK, SHOW; and the properties of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from stepdig.local.integrations import athena_files as files
from stepdig.local.integrations.athena_catalog import Catalog, QueryFailed, Table, table_of
from stepdig.local.integrations.s3 import LocalS3

Databases = dict[str, dict[str, Table]]
_TOLD = re.compile(
    r"\s*(SHOW\s+(?:PARTITIONS|TABLES|DATABASES|SCHEMAS)|DESCRIBE|DESC|MSCK\s+REPAIR\s+TABLE)\b"
    r"\s*(?:IN\b|FROM\b)?\s*(\S*)\s*\Z",
    re.IGNORECASE,
)
_FORMATS = {
    "parquet": "parquet", "orc": "orc", "avro": "avro", "json": "json", "textfile": "textfile", "csv": "textfile",
}  # fmt: skip


@dataclass(slots=True)
class Given:
    """The properties of a table that is made of a query."""

    format: str = "parquet"
    location: str = ""
    partitioned_by: tuple[str, ...] = ()
    compression: str = ""
    delimiter: str = "\x01"
    empty: bool = False


def names(table: exp.Expr, database: str) -> tuple[str, str]:
    """Return database and name of a table."""
    if not isinstance(table, exp.Table):
        raise QueryFailed(f"SYNTAX_ERROR: no table: {table.sql(dialect='athena')[:80]}")
    return table.db.lower() or database, table.name.lower()


def database_of(databases: Databases, name: str) -> dict[str, Table]:
    """Return the tables of a database. Raises QueryFailed."""
    if name not in databases:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{name}' does not exist")
    return databases[name]


def properties(tree: exp.Create) -> Given:
    """Return the properties of CREATE TABLE ... WITH (...) AS."""
    given = Given()
    found = tree.args.get("properties")
    for it in found.expressions if found is not None else ():
        if isinstance(it, exp.WithDataProperty):
            given.empty = bool(it.args.get("no"))
        elif isinstance(it, exp.FileFormatProperty):
            _give(given, "format", _plain(it.this))
        elif isinstance(it, exp.PartitionedByProperty):
            given.partitioned_by = tuple(str(_plain(key)) for key in it.this.expressions)
        elif isinstance(it, exp.Property):
            key = it.this.name if isinstance(it.this, exp.Expr) else str(it.this)
            _give(given, key.lower(), _plain(it.args.get("value")))
    return given


def with_options(text: str) -> Given:
    """Return the properties of UNLOAD ... WITH (...)."""
    given = Given()
    for key, value in re.findall(r"(\w+)\s*=\s*'([^']*)'", text):
        _give(given, key.lower(), value)
    return given


def _give(given: Given, key: str, value: object) -> None:
    text = str(value)
    if key == "format":
        if text.lower() not in _FORMATS:
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: Unsupported format {text}")
        given.format = _FORMATS[text.lower()]
    elif key == "external_location":
        given.location = text.rstrip("/") + "/"
    elif key.endswith("compression"):
        given.compression = text.lower()
    elif key == "field_delimiter":
        given.delimiter = text


def _plain(node: Any) -> object:  # noqa: ANN401 - sqlglot's nodes
    if isinstance(node, exp.Literal | exp.Var | exp.Identifier | exp.Column):
        return node.name
    return node.sql(dialect="athena") if isinstance(node, exp.Expr) else node


def change(tree: exp.Expr, catalog: Catalog, s3: LocalS3, database: str) -> None:
    """Do a statement that changes the catalog. Raises QueryFailed."""
    with catalog.changing() as databases:
        if isinstance(tree, exp.Create) and tree.kind in ("DATABASE", "SCHEMA"):
            name = (tree.this.name or tree.this.db).lower()
            if name in databases and not tree.args.get("exists"):
                raise QueryFailed(f"FAILED: Execution Error: Database {name} already exists")
            databases.setdefault(name, {})
        elif isinstance(tree, exp.Create) and tree.kind == "TABLE":
            _create(tree, databases, database)
        elif isinstance(tree, exp.Drop) and tree.kind in ("TABLE", "DATABASE", "SCHEMA"):
            _drop(tree, databases, database)
        elif isinstance(tree, exp.Alter):
            _alter(tree, databases, s3, database)
        else:
            raise QueryFailed(f"NOT_SUPPORTED on this machine: {tree.sql(dialect='athena')[:80]}")


def _create(tree: exp.Create, databases: Databases, database: str) -> None:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    schema, name = names(target, database)
    if name in database_of(databases, schema):
        if tree.args.get("exists"):
            return
        raise QueryFailed(f"FAILED: Execution Error: AlreadyExistsException: Table {name} already exists")
    table = Table(_columns(tree.this), "", "textfile")
    found = tree.args.get("properties")
    for it in found.expressions if found is not None else ():
        _describe(table, it)
    if not table.location:
        raise QueryFailed("FAILED: SemanticException no LOCATION: Athena's tables are external")
    databases[schema][name] = table


def _describe(table: Table, it: exp.Expr) -> None:
    """Note one property of CREATE EXTERNAL TABLE."""
    if isinstance(it, exp.PartitionedByProperty):
        table.keys = _columns(it.this)
    elif isinstance(it, exp.LocationProperty):
        table.location = it.this.name.rstrip("/") + "/"
    elif isinstance(it, exp.FileFormatProperty):
        table.format = _format(str(_plain(it.this)))
    elif isinstance(it, exp.RowFormatDelimitedProperty):
        fields = it.args.get("fields")
        table.delimiter = fields.name.encode().decode("unicode_escape") if fields is not None else table.delimiter
    elif isinstance(it, exp.RowFormatSerdeProperty):
        _serde(table, it)
    elif isinstance(it, exp.Property):
        key, value = str(_plain(it.this)).lower(), str(_plain(it.args.get("value")))
        if key == "skip.header.line.count":
            table.skip = int(value)
        if key == "projection.enabled" and value.lower() == "true":
            raise QueryFailed("NOT_SUPPORTED on this machine: partition projection; add the partitions")


def _serde(table: Table, it: exp.RowFormatSerdeProperty) -> None:
    serde = it.this.name.lower()
    table.format = "parquet" if "parquet" in serde else "json" if "json" in serde else "textfile"
    if "orc" in serde or "avro" in serde:
        raise QueryFailed(f"NOT_SUPPORTED on this machine: {it.this.name}")
    given = it.args.get("serde_properties")
    own = {str(_plain(p.this)).lower(): str(_plain(p.args.get("value"))) for p in (given.expressions if given else ())}
    if "opencsv" in serde:
        table.delimiter, table.quote = own.get("separatorchar", ","), own.get("quotechar", '"')
    elif "field.delim" in own:
        table.delimiter = own["field.delim"]


def _format(text: str) -> str:
    known = _FORMATS.get(text.lower())
    if known is None or known in ("orc", "avro"):
        raise QueryFailed(f"NOT_SUPPORTED on this machine: files of the format {text}")
    return known


def _columns(schema: exp.Expr) -> list[list[str]]:
    return [
        [it.name.lower(), it.args["kind"].sql(dialect="hive").lower()]
        for it in schema.expressions
        if isinstance(it, exp.ColumnDef)
    ]


def _drop(tree: exp.Drop, databases: Databases, database: str) -> None:
    target = (tree.args.get("tables") or [tree.this])[0]  # releases of sqlglot differ
    if tree.kind in ("DATABASE", "SCHEMA"):
        name = (target.name or target.db).lower()
        if databases.get(name) and not tree.args.get("cascade"):
            raise QueryFailed(f"FAILED: Execution Error: Database {name} is not empty. One or more tables exist.")
        if databases.pop(name, None) is None and not tree.args.get("exists"):
            raise QueryFailed(f"FAILED: SemanticException Database does not exist: {name}")
        return
    schema, name = names(target, database)
    if databases.get(schema, {}).pop(name, None) is None and not tree.args.get("exists"):
        raise QueryFailed(f"FAILED: SemanticException [Error 10001]: Table not found {schema}.{name}")


def _alter(tree: exp.Alter, databases: Databases, s3: LocalS3, database: str) -> None:
    schema, name = names(tree.this, database)
    table = table_of(databases, schema, name)
    for action in tree.args["actions"]:
        if isinstance(action, exp.AddPartition):
            values = table.values(_partition(action.this))
            location = action.args.get("location")
            if values in table.partitions:
                if not action.args.get("exists"):
                    raise QueryFailed(
                        f"FAILED: Execution Error: AlreadyExistsException: Partition already exists: {values}"
                    )
                continue
            at = location.this.name if location else f"{table.location}{values}/"
            files.folder(s3, at)
            table.partitions[values] = at
        elif isinstance(action, exp.DropPartition):
            for it in action.expressions:
                values = table.values(_partition(it))
                if table.partitions.pop(values, None) is None and not action.args.get("exists"):
                    raise QueryFailed(f"FAILED: SemanticException [Error 10006]: Partition not found {values}")
        else:
            raise QueryFailed(f"NOT_SUPPORTED on this machine: {tree.sql(dialect='athena')[:80]}")


def _partition(node: exp.Expr) -> dict[str, str]:
    return {it.this.name.lower(): str(_plain(it.expression)) for it in node.expressions if isinstance(it, exp.EQ)}


def partitions_in(table: Table, s3: LocalS3) -> dict[str, str]:
    """Return the partitions whose folders lie below a table's location, named as Hive names them."""
    place, found = files.folder(s3, table.location), {}
    for it in files.files(place):
        parts = it.relative_to(place).parts[: len(table.keys)]
        named = [part.partition("=") for part in parts]
        if [key.lower() for key, _, _ in named] == [key for key, _ in table.keys]:
            found["/".join(f"{key.lower()}={value}" for key, _, value in named)] = f"{table.location}{'/'.join(parts)}/"
    return found


def told(sql: str, catalog: Catalog, s3: LocalS3, database: str) -> list[str]:
    """Return the lines of SHOW, DESCRIBE and MSCK. Raises QueryFailed."""
    match = _TOLD.match(sql)
    if match is None:
        raise QueryFailed(f"NOT_SUPPORTED on this machine: {sql.strip()[:80]}")
    what = " ".join(match[1].upper().split())
    if what in ("SHOW DATABASES", "SHOW SCHEMAS"):
        return sorted(catalog.read())
    if what == "SHOW TABLES":
        return sorted(database_of(catalog.read(), match[2].strip('`"').lower() or database))
    schema, name = names(sqlglot.to_table(match[2], dialect="hive"), database)
    if what.startswith("MSCK"):
        with catalog.changing() as databases:
            table = table_of(databases, schema, name)
            new = {key: at for key, at in partitions_in(table, s3).items() if key not in table.partitions}
            table.partitions.update(new)
        return [f"Partitions not in metastore: {name}:{key}" for key in sorted(new)]
    table = table_of(catalog.read(), schema, name)
    if what == "SHOW PARTITIONS":
        return sorted(table.partitions)
    return [f"{key}\t{kind}" for key, kind in (*table.columns, *table.keys)]
