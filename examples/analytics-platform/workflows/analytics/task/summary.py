"""A table of all parts, by the SQL of query/."""

from pathlib import Path

import duckdb

import digdag
from task.folders import replace, session_folder


def summarise(session_date, customers):
    """Write summary.csv, a row a plan; fail if a customer was lost on the way."""
    folder = session_folder(session_date)
    with duckdb.connect() as database:
        database.execute("set variable parts = ?", [str(folder / "outlook-*.csv")])
        rows = database.execute(Path("query/query.sql").read_text(encoding="utf-8")).fetchall()
    found = sum(row[1] for row in rows)
    if found != customers:
        raise ValueError(f"{customers} customers were split, {found} came back")
    lines = [["plan", "customers", "low", "middle", "high"], *rows]
    path = folder / "summary.csv"
    replace(path, "".join(",".join(map(str, line)) + "\n" for line in lines))
    print(f"{len(rows)} plans, {found} customers")
    digdag.env.store({"summary_file": str(path)})
