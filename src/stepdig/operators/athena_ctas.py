"""`athena.ctas>: select.sql` makes a table of what a query gives: CREATE TABLE ... AS, with what has to happen before it.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

from __future__ import annotations

import re

from stepdig.language.declared import TEXT, VALUE, WHOLE, Option, list_of, mapping_of, word
from stepdig.language.model import Task
from stepdig.operators._athena import NAME, SHARED, Queries, joined, name, options, sql
from stepdig.operators._athena_places import Location, location
from stepdig.operators._options import Options
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Choose, Constant, Sequence, Step, Value
from stepdig.source.tree import Mapping, Node, Scalar
from stepdig.source.tree import Sequence as Listed

FORMATS = ("parquet", "orc", "avro", "json", "textfile")
TABLES = ("default", "empty", "data_only")
SAVES = ("none", "error_if_exists", "ignore", "overwrite")
BUCKETS = 100_000


@operator(
    "athena.ctas",
    argument=VALUE,
    options=(
        Option("table", TEXT, "the table that is made", required=True),
        Option("location", TEXT, "s3://bucket/prefix/ for its data; without it below the results of queries"),
        Option("format", word(*FORMATS), "parquet without it"),
        Option("compression", TEXT, "snappy for parquet and orc without it"),
        Option("field_delimiter", TEXT, "between the fields of a textfile"),
        Option("partitioned_by", list_of(TEXT), "columns, the last ones that the query gives"),
        Option("bucketed_by", list_of(TEXT), "columns"),
        Option("bucket_count", WHOLE, "with bucketed_by"),
        Option("additional_properties", mapping_of(TEXT), "further properties, as they stand: `orc_compression: \"'ZLIB'\"`"),
        Option("table_mode", word(*TABLES), "`empty` makes it without rows; `data_only` drops the table, its data stays"),
        Option("save_mode", word(*SAVES), "what to do with a table or data that is there; `overwrite` without it"),
        *SHARED,
    ),
)  # fmt: skip
def athena_ctas(task: Task, place: Place) -> Step:
    """Make a table on Athena of what a query gives: `athena.ctas>: queries/clicks_of_a_day.sql`."""
    found = options(task, place)
    node, table = place.required(task), name(found, "table")
    text = sql(found, node) if isinstance(node, Scalar) else None
    where, database = location(found), name(found, "database") if found.given("database") else Constant("")
    properties = _properties(found, where)
    mode, save = found.word("table_mode", TABLES, "default"), found.word("save_mode", SAVES, "overwrite")
    if text is None or table is None or database is None or (where is None and found.given("location")):
        return nothing(place)
    queries = Queries(found)
    exists = "IF NOT EXISTS " if save == "ignore" else ""
    create = joined(f"CREATE TABLE {exists}", _quoted('"', database, table), " WITH (", properties, ") AS\n", text)
    if mode == "empty":
        create = joined(create, "\nWITH NO DATA")
    drop = joined("DROP TABLE IF EXISTS ", _quoted("`", database, table))
    into = "" if where is None else where.begin
    several = save == "overwrite" or mode == "data_only" or (save == "ignore" and where is not None)
    steps: list[Step] = []
    if save == "overwrite":
        steps.append(queries.placed(queries.call(f"{place.name} drop", drop, data=False), retried=False))
        if where is not None:
            steps.append(place.looked(f"{place.name} empty", where.bucket, where.prefix, where.begin)[0])
    made: list[Step] = [queries.placed(queries.call(place.name, create, into=into), retried=not several)]
    if mode == "data_only":
        made.append(queries.placed(queries.call(f"{place.name} drop table", drop, data=False), retried=False))
    if save == "ignore" and where is not None:
        look, there = place.looked(f"{place.name} look", where.bucket, where.prefix)
        body = Sequence(place.name, place.comment, tuple(made))
        made = [look, Choose(f"{place.name} there?", place.comment, there, None, body)]
    whole = (*steps, *made)
    return whole[0] if len(whole) == 1 else Sequence(place.name, place.comment, whole)


def _quoted(quote: str, database: Value, table: Value) -> Value:
    """Return the name of a table in quotes."""
    if database == Constant(""):
        return joined(quote, table, quote)
    return joined(quote, database, f"{quote}.{quote}", table, quote)


def _properties(found: Options, where: Location | None) -> Value:
    """Return what stands in WITH (...)."""
    form = found.word("format", FORMATS, "parquet")
    parts: list[str | Value] = [f"format = '{form.upper()}'"]
    default = "snappy" if form in ("parquet", "orc") else None
    compression = found.constant("compression") or default
    if compression is not None:
        parts.append(f", write_compression = {_text(found, 'compression', str(compression).upper())}")
    if where is not None:
        parts += [", external_location = '", where.text, "'"]
    delimiter = found.constant("field_delimiter")
    if delimiter is not None:
        parts.append(f", field_delimiter = {_text(found, 'field_delimiter', str(delimiter))}")
    for key in ("partitioned_by", "bucketed_by"):
        columns = _columns(found, key)
        if columns:
            parts.append(f", {key} = ARRAY[{', '.join(columns)}]")
    parts += _bucket_count(found)
    more = found.node("additional_properties")
    for given, node in more if isinstance(more, Mapping) else ():
        parts += [f", {given.value} = ", found.place.text(node)]
    return joined(*parts)


def _bucket_count(found: Options) -> list[str]:
    node, count = found.node("bucket_count"), found.constant("bucket_count")
    if node is None or count is None:
        if found.given("bucketed_by") and node is None:
            at = found.node("bucketed_by")
            assert at is not None
            found.place.problem(at.at, "SD436", "'bucketed_by' needs 'bucket_count'", "bucket_count: 10", at.length)
        return []
    if not re.fullmatch(r"[0-9]+", str(count)) or not 1 <= int(str(count)) <= BUCKETS:
        found.place.problem(node.at, "SD434", f"'bucket_count' cannot be '{count}'", "a whole number", node.length)
        return []
    return [f", bucket_count = {int(str(count))}"]


def _columns(found: Options, key: str) -> list[str]:
    """Return names of columns in quotes."""
    node = found.node(key)
    items: tuple[Node, ...] = node.items if isinstance(node, Listed) else () if node is None else (node,)
    texts = []
    for item in items:
        text = str(found.place.constant(item, f"'{key}' of athena.ctas>"))
        if NAME.match(text):
            texts.append(f"'{text}'")
        else:
            found.place.problem(item.at, "SD434", f"'{key}' cannot name '{text}'", "letters, digits and _", item.length)
    return texts


def _text(found: Options, key: str, text: str) -> str:
    """Return a constant in quotes."""
    node = found.node(key)
    if node is not None and "\n" in text:
        found.place.problem(node.at, "SD434", f"'{key}' holds a line break", "", node.length)
    return "'" + text.replace("'", "''") + "'"
