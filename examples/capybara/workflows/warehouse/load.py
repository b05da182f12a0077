"""Load one table into the warehouse.

In the environment: `t`, the table's row of source_table/market.json as JSON; `source` and `warehouse`, where they are;
`TZ`, the workflow's zone; the passwords. A table with `incremental` leaves its newest value in seen.json, which the next
session finds (`state:` in nightly_sync.dig).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from loader import source, trouble, warehouses
from loader.shapes import OtherColumns, Place, Table

SEEN = Path("seen.json")


def main() -> None:
    """Load the table; a failure is one line that says which table, why and what to do, and exit code 1."""
    table = Table.of(json.loads(os.environ["t"]))
    there, here = Place.of(os.environ["source"]), Place.of(os.environ["warehouse"])
    try:
        load(table, there, here)
    except Exception as error:
        print(f"{table.table}: {trouble.words(error, there, here)}", file=sys.stderr, flush=True)
        os._exit(
            1
        )  # pymysql would read the rest of a large table, or complain of a connection that is closed, as its last line


def load(table: Table, there: Place, here: Place) -> None:
    """Copy a table, whole or what is new in it."""
    start = time.monotonic()
    zone = ZoneInfo(os.environ.get("TZ") or "UTC")
    password, other = os.environ.get("SOURCE_PASSWORD", ""), os.environ.get("WAREHOUSE_PASSWORD", "")
    with source.opened(there, password) as database, warehouses.opened(here, other) as warehouse:
        since = seen(here) if table.incremental else None
        newest = source.newest(database, table) if table.incremental else None
        try:
            rows = warehouse.fill(table, *source.read(database, table, zone, since), keys=table.keys if since else [])
        except OtherColumns:
            since = None
            rows = warehouse.fill(table, *source.read(database, table, zone), keys=[])
    if newest is not None:
        SEEN.write_text(json.dumps({"warehouse": str(here), "newest": newest}))
    what = "rows" if since is None else f"rows changed since {since}"
    print(f"{rows:,} {what} into {table.dataset}.{table.out_table} in {time.monotonic() - start:.1f} s")


def seen(here: Place) -> str | None:
    """Return the newest value that the last session brought into this warehouse."""
    found = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    newest: str | None = found["newest"] if found.get("warehouse") == str(here) else None
    return newest


if __name__ == "__main__":
    main()
