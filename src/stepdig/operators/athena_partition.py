"""`athena.add_partition>` and `athena.drop_partition>`: partitions of a table, by ALTER TABLE.

https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-partition.html
"""

from __future__ import annotations

from stepdig.language.declared import FLAG, TEXT, Option, mapping_of, word
from stepdig.language.model import Task
from stepdig.operators._athena import NAME, SHARED, Queries, joined, name, options, quoted
from stepdig.operators._athena_places import location
from stepdig.operators._options import Options
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Choose, Sequence, Step, Value
from stepdig.source.tree import Mapping

SAVES = ("skip_if_exists", "error_if_exists", "overwrite")
_EMPTY = {"type": ["null", "string"]}
_TABLE = (
    Option("table", TEXT, "the table", required=True),
    Option("partition_kv", mapping_of(TEXT), "the keys of the partition with their values", required=True),
)


@operator(
    "athena.add_partition",
    argument=_EMPTY,
    options=(
        *_TABLE,
        Option("location", TEXT, "s3://bucket/prefix/ of its data; without it below the table's own, `key=value/`"),
        Option("save_mode", word(*SAVES), "what to do with a partition that is there; `overwrite` without it"),
        Option(
            "follow_location",
            FLAG,
            "with `location`: where no object lies there, the partition is dropped and not added; `true` without it",
        ),
        *SHARED,
    ),
)
def athena_add_partition(task: Task, place: Place) -> Step:
    """Add a partition to a table: `athena.add_partition>:` with `table` and `partition_kv`."""
    found = options(task, place)
    where, save = location(found), found.word("save_mode", SAVES, "overwrite")
    parts = _of(found)
    follows = found.flag("follow_location", where is not None)
    if follows and where is None and not found.given("location"):
        node = found.node("follow_location")
        assert node is not None
        what = "'follow_location' needs 'location': where the table lies is not known here"
        place.problem(node.at, "SD436", what, "location: s3://my-bucket/clicks/dt=${session_date}/", node.length)
        return nothing(place)
    if parts is None or (where is None and found.given("location")):
        return nothing(place)
    table, spec = parts
    exists = "IF NOT EXISTS " if save != "error_if_exists" else ""
    at = () if where is None else (" LOCATION '", where.text, "'")
    add = joined("ALTER TABLE ", table, f" ADD {exists}PARTITION (", spec, ")", *at)
    drop = joined("ALTER TABLE ", table, " DROP IF EXISTS PARTITION (", spec, ")")
    queries = Queries(found)
    several = follows or save == "overwrite"
    added: Step = queries.placed(queries.call(place.name, add, data=False), retried=not several)
    if save == "overwrite":
        first = queries.placed(queries.call(f"{place.name} replace", drop, data=False), retried=False)
        added = Sequence(place.name, place.comment, (first, added))
    if not follows or where is None:
        return added
    look, there = place.looked(f"{place.name} look", where.bucket, where.prefix)
    dropped = queries.placed(queries.call(f"{place.name} drop", drop, data=False), retried=False)
    return Sequence(
        place.name, place.comment, (look, Choose(f"{place.name} there?", place.comment, there, added, dropped))
    )


@operator(
    "athena.drop_partition",
    argument=_EMPTY,
    options=(
        *_TABLE,
        Option("with_location", FLAG, "`true` deletes the objects at `location`, too"),
        Option("location", TEXT, "s3://bucket/prefix/ of its data, with `with_location`"),
        Option("ignore_if_not_exist", FLAG, "`false` fails where there is no such partition"),
        *SHARED,
    ),
)
def athena_drop_partition(task: Task, place: Place) -> Step:
    """Drop a partition of a table: `athena.drop_partition>:` with `table` and `partition_kv`."""
    found = options(task, place)
    parts = _of(found)
    if parts is None:
        return nothing(place)
    exists = "IF EXISTS " if found.flag("ignore_if_not_exist", True) else ""
    return dropped(found, joined("ALTER TABLE ", parts[0], f" DROP {exists}PARTITION (", parts[1], ")"))


def dropped(found: Options, drop: Value) -> Step:
    """Return the query that drops something, and before it the end of its data where that is asked for."""
    place, queries = found.place, Queries(found)
    if not found.flag("with_location", False):
        return queries.placed(queries.call(place.name, drop, data=False))
    where = location(found)
    if where is None:
        if not found.given("location"):
            at = found.node("with_location")
            assert at is not None
            place.problem(
                at.at, "SD436", "'with_location' needs 'location'", "location: s3://my-bucket/clicks/", at.length
            )
        return nothing(place)
    empty, _ = place.looked(f"{place.name} empty", where.bucket, where.prefix, where.begin)
    last = queries.placed(queries.call(place.name, drop, data=False), retried=False)
    return Sequence(place.name, place.comment, (empty, last))


def _of(found: Options) -> tuple[Value, Value] | None:
    """Return the table and the partition as SQL; None after noting a mistake."""
    database, table, given = name(found, "database"), name(found, "table"), found.node("partition_kv")
    if not isinstance(given, Mapping) or not given.entries:
        at = found.task.operator_at or found.task.at
        words = f"{found.task.operator}> needs 'partition_kv'"
        found.place.problem(
            at, "SD436", words, "partition_kv: {dt: '${session_date}'}", len(found.task.operator or "") + 1
        )
        return None
    spec: list[str | Value] = []
    for key, node in given:
        what = f"'partition_kv' of {found.task.operator}>"
        if not NAME.match(str(key.value)):
            found.place.problem(
                key.at, "SD434", f"{what} cannot name '{key.value}'", "letters, digits and _", key.length
            )
        value = quoted(found, node, what)
        if value is None:
            return None
        spec += [f"{', ' if spec else ''}`{key.value}`='", value, "'"]
    if database is None or table is None:
        return None
    return joined("`", database, "`.`", table, "`"), joined(*spec)
