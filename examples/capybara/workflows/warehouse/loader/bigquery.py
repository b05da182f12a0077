"""BigQuery as the warehouse: `bigquery://PROJECT/LOCATION`. Complete, but never run against Google: there is no account here.

Load jobs cost nothing. Files of a million rows go into a staging table, a load job each; then one copy job replaces the table
(atomic: https://cloud.google.com/bigquery/docs/managing-tables#copy-table), or one MERGE puts changed rows over those of the
same keys. A staging table that a dead loader left expires after a day.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from loader.shapes import Batch, Column, OtherColumns, Place, Table
from loader.spool import spooled

BATCHES_A_FILE = 200  # a million rows: a load job takes files of 15 TB, but 1,500 jobs a table and day
TYPES = {
    "integer": "INT64",
    "float": "FLOAT64",
    "text": "STRING",
    "bytes": "BYTES",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@contextlib.contextmanager
def opened(place: Place, _password: str) -> Iterator[BigQuery]:
    """Connect with the key file that GOOGLE_APPLICATION_CREDENTIALS names."""
    from google.cloud import bigquery  # only where it is the target: it is large

    with contextlib.closing(bigquery.Client(project=place.host, location=place.name)) as client:
        yield BigQuery(client, place)


class BigQuery:
    """A warehouse in BigQuery; a dataset is a dataset."""

    def __init__(self, client: Any, place: Place) -> None:
        self.client = client
        self.place = place

    def fill(self, table: Table, columns: list[Column], batches: Iterable[Batch], keys: list[str]) -> int:
        """Load a table, all or nothing."""
        from google.cloud import bigquery

        staging = f"{self.place.host}.{table.dataset}.{table.out_table}__loading"
        target = f"{self.place.host}.{table.dataset}.{table.out_table}"
        self.client.create_dataset(f"{self.place.host}.{table.dataset}", exists_ok=True)
        self.client.delete_table(staging, not_found_ok=True)
        empty = bigquery.Table(staging, schema=[bigquery.SchemaField(**field(column)) for column in columns])
        empty.expires = datetime.now(UTC) + timedelta(days=1)
        self.client.create_table(empty)
        options = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
        rows = 0
        while chunk := list(itertools.islice(batches := iter(batches), BATCHES_A_FILE)):
            with spooled(columns, chunk) as file, file.path.open("rb") as content:
                self.client.load_table_from_file(content, staging, job_config=options).result()
                rows += file.rows
        if keys:
            if not self._alike(target, staging):
                raise OtherColumns
            self.client.query_and_wait(merge_sql(target, staging, [column.name for column in columns], keys))
        else:
            replace = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
            self.client.copy_table(staging, target, job_config=replace).result()
        self.client.delete_table(staging)
        return rows

    def _alike(self, target: str, staging: str) -> bool:
        from google.api_core.exceptions import NotFound

        def columns(name: str) -> list[tuple[Any, ...]]:
            fields = self.client.get_table(name).schema
            return [(each.name, each.field_type, each.precision, each.scale) for each in fields]

        try:
            return columns(target) == columns(staging)
        except NotFound:
            return False

    def views(self) -> list[tuple[str, str, str]]:
        """Return dataset, name and statement of each view of the Region."""
        found = self.client.query_and_wait(views_sql(self.place))
        return [
            (schema, name, f"create or replace view `{schema}`.`{name}` as\n{text}") for schema, name, text in found
        ]


def views_sql(place: Place) -> str:
    """Return the query for all views; see https://cloud.google.com/bigquery/docs/information-schema-views."""
    return (
        "select table_schema, table_name, view_definition\n"
        f"from `{place.host}`.`region-{place.name}`.INFORMATION_SCHEMA.VIEWS\norder by table_schema, table_name"
    )


def merge_sql(target: str, staging: str, columns: list[str], keys: list[str]) -> str:
    """Return the MERGE that puts the rows of `staging` over those of `target` with the same keys."""
    same = " and ".join(f"t.`{key}` = s.`{key}`" for key in keys)
    changed = ", ".join(f"`{name}` = s.`{name}`" for name in columns if name not in keys)
    update = f"when matched then update set {changed}\n" if changed else ""
    return f"merge `{target}` t using `{staging}` s on {same}\n{update}when not matched then insert row"


def field(column: Column) -> dict[str, Any]:
    """Return a column as a field of a schema. NUMERIC has 29 digits before the point and 9 after it, BIGNUMERIC 38 and 38."""
    if column.kind != "numeric":
        return {"name": column.name, "field_type": TYPES[column.kind]}
    small = column.precision - column.scale <= 29 and column.scale <= 9
    kind = (
        "NUMERIC"
        if small
        else "BIGNUMERIC"
        if column.scale <= 38 and column.precision - column.scale <= 38
        else "STRING"
    )
    digits = {} if kind == "STRING" else {"precision": column.precision, "scale": column.scale}
    return {"name": column.name, "field_type": kind, **digits}
