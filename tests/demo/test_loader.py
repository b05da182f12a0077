"""The demo's loader and comparison as plain commands: the same rows arrive, again and at once, or the reason is told."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from demo_night import Night, done


def shop_rows(night: Night, table: str) -> list[list[Any]]:
    """Return what the shop holds of a table, as texts in the warehouse's spelling."""
    row = night.rows[table]
    connection = sqlite3.connect(night.workflow / "var" / "shop.sqlite")
    types = {name: kind for _, name, kind, *_ in connection.execute(f"pragma table_info({table})")}
    wanted = [types[name.strip()] for name in row["select"].split(",")]
    where = row.get("where", "true")
    found = connection.execute(
        f"select {row['select']} from {table} where {where}", {"session_date": "2026-11-20", "since": "2026-10-21"}
    ).fetchall()
    return [[spelled(value, kind) for value, kind in zip(values, wanted, strict=True)] for values in found]


def spelled(value: Any, kind: str) -> str | None:
    if value is None:
        return None
    if kind == "boolean":
        return "true" if value else "false"
    return f"{value:.2f}" if kind.startswith("decimal") else str(value)


@pytest.mark.parametrize("table", ["customers", "orders", "products", "reviews", "stock", "coupons", "page_views"])
def test_the_very_rows_of_the_shop_arrive(night: Night, table: str) -> None:
    code, text = night.load(table)
    assert code == 0, text

    wanted = shop_rows(night, table)
    arrived = night.warehouse(f"select columns(*)::varchar from shop.{table}")

    assert len(wanted) > 0
    assert sorted(map(repr, arrived)) == sorted(map(repr, wanted))


def test_null_and_the_empty_text_stay_apart(night: Night) -> None:
    night.load("orders")

    found = night.warehouse("select count(*) filter (note = ''), count(*) filter (note is null) from shop.orders")

    assert min(found[0]) > 0


def test_types_are_the_shop_s_types(night: Night) -> None:
    night.load("products")

    found = night.warehouse("select column_name, data_type from information_schema.columns order by ordinal_position")

    assert dict(found) == {
        "id": "BIGINT",
        "sku": "VARCHAR",
        "name": "VARCHAR",
        "category_id": "BIGINT",
        "brand_id": "BIGINT",
        "price": "DECIMAL(10,2)",
        "weight_g": "BIGINT",
        "discontinued": "BOOLEAN",
        "created_at": "TIMESTAMP",
    }


def test_loading_again_changes_nothing(night: Night) -> None:
    night.load("customers")
    first = night.warehouse("select count(*), sum(hash(c)::hugeint)::varchar from shop.customers c")
    night.load("customers")

    assert night.warehouse("select count(*), sum(hash(c)::hugeint)::varchar from shop.customers c") == first


def test_tables_load_at_once_from_a_shop_that_is_not_there_yet(new_night: Night) -> None:
    night = new_night
    tables = [table for table in night.rows if table != "shipments"]
    loaders = [night.start("load.py", t=json.dumps(night.rows[table])) for table in tables]

    assert [text for code, text in map(done, loaders) if code != 0] == []
    assert len(night.warehouse("select 1 from information_schema.tables")) == len(tables)


def test_one_table_fails_on_its_first_try_of_each_night_only(night: Night) -> None:
    codes = [night.load("shipments")[0] for _ in range(4)]

    assert codes == [1, 0, 1, 0]
    assert night.load("brands")[0] == 0


def test_a_broken_table_names_the_column_and_keeps_its_rows_of_yesterday(night: Night) -> None:
    night.load("orders")
    before = night.warehouse("select count(*) from shop.orders")

    code, text = night.load("orders", **{"break": "orders"})

    assert (code, text) == (1, "orders: no such column: ordered_at\n")
    assert night.warehouse("select count(*) from shop.orders") == before
    assert night.load("coupons", **{"break": "orders"})[0] == 0


def test_a_where_reads_the_session_s_parameters(night: Night) -> None:
    night.load("page_views")
    whole = night.warehouse("select min(viewed_at)::varchar, max(viewed_at)::varchar from shop.page_views")
    night.load("page_views", since="2026-11-10", session_date="2026-11-11")
    day = night.warehouse("select min(viewed_at)::varchar, max(viewed_at)::varchar from shop.page_views")

    assert whole[0][0].startswith("2026-10-21")
    assert [value[:10] for value in day[0]] == ["2026-11-10", "2026-11-10"]


def test_the_comparison_names_what_is_missing_and_what_differs(night: Night) -> None:
    for table in night.rows:
        night.load(table)
    night.load("shipments")
    code, text = night.verify()
    assert code == 0, text

    night.warehouse("delete from shop.brands where id = 7")
    night.warehouse("drop table shop.coupons")
    code, text = night.verify()

    assert code == 1
    assert "rows differ between shop and warehouse: shop.coupons, shop.brands" in text
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("shop.")}
    assert lines["shop.coupons"] == ["300", "missing", "✗"]
    assert lines["shop.brands"] == ["120", "119", "✗"]
    assert lines["shop.orders"] == ["49,900", "49,900", "✓"]


def test_the_shop_is_the_same_on_every_machine(shop: Path) -> None:
    connection = sqlite3.connect(shop)
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]

    counts = {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in tables}
    sums = connection.execute("select sum(cast(round(total * 100) as integer)), max(ordered_at) from orders").fetchone()

    assert len(counts) == 15
    assert sum(counts.values()) == 394_519
    assert sums == (249_336_860_950, "2026-11-19 10:21:47")
