"""`athena.drop_table>` drops a table of Athena's catalog, and its data where that is asked for."""

from __future__ import annotations

from stepdig.language.declared import FLAG, TEXT, Option
from stepdig.language.model import Task
from stepdig.operators._athena import SHARED, joined, name, options
from stepdig.operators._registry import Place, nothing, operator
from stepdig.operators.athena_partition import dropped
from stepdig.plan import Step


@operator(
    "athena.drop_table",
    argument={"type": ["null", "string"]},
    options=(
        Option("table", TEXT, "the table", required=True),
        Option("with_location", FLAG, "`true` deletes the objects at `location`, too"),
        Option("location", TEXT, "s3://bucket/prefix/ of its data, with `with_location`"),
        Option("ignore_if_not_exist", FLAG, "`false` fails where there is no such table"),
        *SHARED,
    ),
)
def athena_drop_table(task: Task, place: Place) -> Step:
    """Drop a table: `athena.drop_table>:` with `database` and `table`."""
    found = options(task, place)
    database, table = name(found, "database"), name(found, "table")
    if database is None or table is None:
        return nothing(place)
    exists = "IF EXISTS " if found.flag("ignore_if_not_exist", True) else ""
    return dropped(found, joined(f"DROP TABLE {exists}`", database, "`.`", table, "`"))
