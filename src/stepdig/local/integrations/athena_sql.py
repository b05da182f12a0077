"""One statement of Athena's SQL, done by DuckDB: sqlglot reads it as Athena does and writes it as DuckDB takes it.

What Athena takes: https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, UnsupportedError

from stepdig.local.integrations import athena_ddl as ddl
from stepdig.local.integrations import athena_files as files
from stepdig.local.integrations import athena_results as results
from stepdig.local.integrations.athena_catalog import Catalog, QueryFailed, Table, table_of
from stepdig.local.integrations.s3 import LocalS3

_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<sql>.*)\)\s*TO\s*'(?P<to>[^']+)'\s*(WITH\s*\((?P<with>.*)\))?\s*\Z", re.I | re.S
)
_SHOW = re.compile(r"\s*(SHOW|DESCRIBE|DESC|MSCK)\b", re.I)
_SETTINGS = (
    "SET TimeZone='UTC'",
    "SET integer_division=true",  # 1 / 2 is 0 in Athena
    "SET autoinstall_known_extensions=false",
)


@dataclass(frozen=True, slots=True)
class End:
    """How a query ended: Athena's kind of it, the file of its result, the bytes it read."""

    kind: str
    output: str
    scanned: int


class Running:
    """A query in the making; `interrupt` ends it from another thread."""

    def __init__(self, catalog: Catalog, s3: LocalS3, database: str) -> None:
        self.catalog = catalog
        self.s3 = s3
        self.database = database
        self._connection: Any = None
        self._lock = threading.Lock()
        self._scanned = 0

    def interrupt(self) -> None:
        """Stop what DuckDB does."""
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    def run(self, sql: str, output: str, id_: str) -> End:
        """Run the SQL and leave its result below `output`. Raises QueryFailed with Athena's words."""
        connection = duckdb.connect(":memory:")
        with self._lock:
            self._connection = connection
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            # Newer releases let the reader of a file do a TRY_CAST, which then fails where it should give NULL.
            if connection.execute("SELECT 1 FROM duckdb_optimizers() WHERE name = 'type_pushdown'").fetchone():
                connection.execute("SET disabled_optimizers='type_pushdown'")
            return self._run(sql, output, id_)
        except duckdb.Error as error:
            raise QueryFailed(_worded(error)) from None
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # a tree that is not as expected
            raise QueryFailed(f"NOT_SUPPORTED on this machine: {sql.strip()[:80]} ({error})") from None
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _run(self, sql: str, output: str, id_: str) -> End:
        if unload := _UNLOAD.match(sql):
            self._unload(unload, id_)
            return End("DML", results.nothing(self.s3, output, id_), self._scanned)
        if _SHOW.match(sql):
            rows = ddl.told(sql, self.catalog, self.s3, self.database)
            return End("UTILITY", results.lines(self.s3, output, id_, rows), 0)
        tree = _parsed(sql)
        if isinstance(tree, exp.Create) and tree.kind == "TABLE" and tree.expression is not None:
            self._create_as(tree, output, id_)
            return End("DDL", results.nothing(self.s3, output, id_), self._scanned)
        if isinstance(tree, exp.Insert):
            self._insert(tree, id_)
            return End("DML", results.nothing(self.s3, output, id_), self._scanned)
        if isinstance(tree, exp.Query | exp.Values):
            found = self._connection.execute(self._translated(tree))
            return End("DML", results.csv(self.s3, output, id_, found), self._scanned)
        if isinstance(tree, exp.Create | exp.Drop | exp.Alter):
            ddl.change(tree, self.catalog, self.s3, self.database)
            return End("DDL", results.lines(self.s3, output, id_, []), 0)
        raise QueryFailed(f"NOT_SUPPORTED on this machine: {_shown(tree)}")

    def _translated(self, tree: exp.Expr) -> str:
        """Return a query for DuckDB, its tables made as views. Raises QueryFailed for what has no translation."""
        tree = tree.copy()
        databases = self.catalog.read()
        own = {it.alias.lower() for it in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            name = table.name.lower()
            if not isinstance(table.this, exp.Identifier) or (not table.db and name in own):
                continue
            database = table.db.lower() or self.database
            self._make_view(database, name, table_of(databases, database, name))
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(name, quoted=True))
            table.set("db", exp.to_identifier(database, quoted=True))
            table.set("catalog", None)
        try:
            return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
        except UnsupportedError as error:
            raise QueryFailed(f"NOT_SUPPORTED on this machine: {error}") from None

    def _make_view(self, database: str, name: str, table: Table) -> None:
        text, size = files.view(table, self.s3, self._columns)
        self._scanned += size
        schema = files.name(database)
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self._connection.execute(f"CREATE OR REPLACE VIEW {schema}.{files.name(name)} AS {text}")

    def _columns(self, sql: str) -> list[str]:
        return [str(row[0]) for row in self._connection.execute(f"DESCRIBE {sql}").fetchall()]

    def _typed(self, sql: str) -> list[list[str]]:
        """Return names and types of Hive of what a query gives."""
        rows = self._connection.execute(f"DESCRIBE {sql}").fetchall()
        return [[str(row[0]).lower(), files.hive_type(str(row[1]))] for row in rows]

    def _create_as(self, tree: exp.Create, output: str, id_: str) -> None:
        """CREATE TABLE ... AS: data is written first, the table is there only when it is."""
        database, name = ddl.names(tree.this, self.database)
        given = ddl.properties(tree)
        sql = self._translated(tree.expression)
        with self.catalog.changing() as databases:
            if name in ddl.database_of(databases, database):
                if tree.args.get("exists"):
                    return
                raise QueryFailed(
                    f"TABLE_ALREADY_EXISTS: Destination table 'awsdatacatalog.{database}.{name}' already exists"
                )
        location = given.location or f"{output.rstrip('/')}/tables/{id_}/"
        if files.files(files.folder(self.s3, location)):
            raise QueryFailed(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{database}.{name}' already exists: {location}"
            )
        columns = self._typed(sql)
        keys = columns[len(columns) - len(given.partitioned_by) :] if given.partitioned_by else []
        if [key for key, _ in keys] != [it.lower() for it in given.partitioned_by]:
            raise QueryFailed("HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table")
        table = Table(columns[: len(columns) - len(keys)], location, given.format, keys, given.delimiter)
        options = files.written(table, given.compression)
        if not given.empty:
            self._write(sql, table, options, id_)
        with self.catalog.changing() as databases:
            ddl.database_of(databases, database)[name] = table

    def _insert(self, tree: exp.Insert, id_: str) -> None:
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if isinstance(tree.this, exp.Schema) or tree.args.get("overwrite"):
            raise QueryFailed(f"NOT_SUPPORTED on this machine: {_shown(tree)}")
        database, name = ddl.names(target, self.database)
        table = table_of(self.catalog.read(), database, name)
        sql = self._translated(tree.expression)
        columns = [*table.columns, *table.keys]
        if len(self._columns(sql)) != len(columns):
            raise QueryFailed("TYPE_MISMATCH: Insert query has mismatched column types")
        casts = ", ".join(
            f"CAST(c{number} AS {files.duck_type(kind)}) AS {files.name(key)}"
            for number, (key, kind) in enumerate(columns)
        )
        names = ", ".join(f"c{number}" for number in range(len(columns)))
        self._write(f"SELECT {casts} FROM ({sql}) AS q({names})", table, files.written(table, ""), id_)  # noqa: S608
        with self.catalog.changing() as databases:
            table_of(databases, database, name).partitions.update(table.partitions)

    def _write(self, sql: str, table: Table, options: str, id_: str) -> None:
        """Write what a query gives into a table's folder, and note its partitions."""
        place = files.folder(self.s3, table.location)
        place.mkdir(parents=True, exist_ok=True)
        suffix = files.SUFFIX[table.format]
        if not table.keys:
            target = files.literal(str(place / f"{id_}.{suffix}"))
            self._connection.execute(f"COPY ({sql}) TO {target} ({options})")
            return
        keys = ", ".join(files.name(key) for key, _ in table.keys)
        count = f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM ({sql}) AS q)"  # noqa: S608 - quoted by `name`
        counted = self._connection.execute(count).fetchone()
        if counted[0] > files.PARTITIONS:
            raise QueryFailed(
                "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
            )
        more = f"{options}, PARTITION_BY ({keys}), FILENAME_PATTERN '{id_}_{{i}}', OVERWRITE_OR_IGNORE true"
        self._connection.execute(f"COPY ({sql}) TO {files.literal(str(place))} ({more})")
        for values, location in ddl.partitions_in(table, self.s3).items():
            table.partitions.setdefault(values, location)

    def _unload(self, unload: re.Match[str], id_: str) -> None:
        given = ddl.with_options(unload["with"] or "")
        sql = self._translated(_parsed(unload["sql"]))
        table = Table([], unload["to"], given.format, [], given.delimiter)
        if files.files(files.folder(self.s3, unload["to"])):
            raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Target directory '{unload['to']}' already exists")
        self._write(sql, table, files.written(table, given.compression), id_)


def _parsed(sql: str) -> exp.Expr:
    try:
        found = [it for it in sqlglot.parse(sql, dialect="athena") if it is not None]
    except ParseError as error:
        at = error.errors[0] if error.errors else {}
        where = f"line {at.get('line')}:{at.get('col')}: " if at else ""
        raise QueryFailed(f"SYNTAX_ERROR: {where}{at.get('description') or error}") from None
    except SqlglotError as error:
        raise QueryFailed(f"SYNTAX_ERROR: {error}") from None
    if len(found) != 1:
        raise QueryFailed("Only one sql statement is allowed. Got: " + sql[:200])
    if isinstance(found[0], exp.Command):
        raise QueryFailed(f"NOT_SUPPORTED on this machine: {_shown(found[0])}")
    return found[0]


def _shown(tree: exp.Expr) -> str:
    """Return the beginning of a statement."""
    text = tree.sql(dialect="athena")
    return text if len(text) <= 80 else text[:77] + "..."


def _worded(error: duckdb.Error) -> str:
    """Return an error of DuckDB as Athena's kind of it, with DuckDB's words."""
    text = str(error).partition("\n\n")[0]
    kind, _, said = text.partition(" Error: ")
    names = {
        "Binder": "SYNTAX_ERROR",
        "Catalog": "SYNTAX_ERROR",
        "Parser": "SYNTAX_ERROR",
        "Conversion": "INVALID_CAST_ARGUMENT",
    }
    return f"{names.get(kind, 'GENERIC_INTERNAL_ERROR')}: {said or text} (by DuckDB, which stands in for Athena here)"
