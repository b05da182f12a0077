"""Compare the rows of each table in the shop and in the warehouse, print them as a table, and fail where they differ.

The environment gives `source` and `warehouse`, and what a row's `where` names, as for load.py.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb
import load
import shop

TABLES = Path(__file__).parent / "source_table" / "shop.json"


def main() -> None:
    """Print the comparison; exit 1 with the names of the tables that differ."""
    counts = compare(
        json.loads(TABLES.read_text(encoding="utf-8")), Path(os.environ["source"]), Path(os.environ["warehouse"])
    )
    print(draw(counts))
    if wrong := [name for name, there, here in counts if there != here]:
        sys.exit(f"rows differ between shop and warehouse: {', '.join(wrong)}")


def compare(rows: list[dict[str, str]], source: Path, warehouse: Path) -> list[tuple[str, int, int | None]]:
    """Return (table, rows in the shop, rows in the warehouse or None without such a table), in the list's order."""
    connection = shop.connect(source)
    with duckdb.connect(warehouse, read_only=True) as database:
        loaded = {f"{schema}.{name}" for schema, name in _tables(database)}
        counts: list[tuple[str, int, int | None]] = []
        for row in rows:
            target = f"{row['dataset']}.{row['out_table']}"
            (there,) = connection.execute(f"select count(*) from ({load.query(row)})", dict(os.environ)).fetchone()
            counts.append((target, there, load.count(database, target) if target in loaded else None))
    return counts


def draw(counts: list[tuple[str, int, int | None]]) -> str:
    """Return the comparison as a table for people."""
    wide = max(len(name) for name, _, _ in counts)
    rule = f"{'─' * wide}──{'─' * 11}──{'─' * 11}──{'─' * 2}"
    lines = [f"{'table':<{wide}}  {'shop':>11}  {'warehouse':>11}", rule]
    for name, there, here in counts:
        lines.append(
            f"{name:<{wide}}  {there:>11,}  {'missing' if here is None else f'{here:,}':>11}  {'✓' if there == here else '✗'}"
        )
    total, loaded = (sum(count[column] or 0 for count in counts) for column in (1, 2))
    lines += [
        rule,
        f"{f'{len(counts)} tables':<{wide}}  {total:>11,}  {loaded:>11,}  {'✓' if total == loaded else '✗'}",
    ]
    return "\n".join(lines)


def _tables(database: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return database.execute("select table_schema, table_name from information_schema.tables").fetchall()


if __name__ == "__main__":
    main()
