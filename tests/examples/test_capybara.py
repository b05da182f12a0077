"""examples/capybara: 120 tables of a MariaDB into PostgreSQL or DuckDB, what it takes, and what arrives."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest
from capybara_servers import NIGHT, Capybara, capybara, market, seed
from example_project import ROOT, Example, databases

from stepdig.report import prices

__all__ = ["capybara", "market"]  # fixtures

TABLES = json.loads(
    (ROOT / "examples/capybara/workflows/warehouse/source_table/market.json").read_text(encoding="utf-8")
)


def test_the_list_is_what_the_seeded_script_makes() -> None:
    assert seed.listed() == TABLES
    assert len(TABLES) == 120


def test_a_night(capybara: Capybara) -> None:
    """All rows are there; a table is a container and a billed transition."""
    done = capybara.run("nightly_sync")

    assert done.code == 0, done.text
    assert databases.PASSWORD not in done.text
    counted = " union all ".join(_count(row) for row in TABLES)
    there = dict(line.split("\t") for line in capybara.market.mariadb(counted).splitlines())
    here = dict(capybara.asked(" union all ".join(f"select '{name}', count(*) from market.{name}" for name in there)))
    assert here == there
    assert len(there) == 120

    assert json.loads((capybara.last / "status.json").read_text())["transitions"] <= 120 + 6
    containers = capybara.containers()
    assert len(containers) == 120
    assert max(len(json.dumps(each["Overrides"])) for each in containers) < 4096
    sizes = {each["Overrides"].get("Memory") for each in containers}
    assert sizes == {None, "2048", "4096"}


def _count(row: dict[str, str]) -> str:
    where = f" where {row['where']}" if "where" in row else ""
    return f"select '{row['table']}', count(*) from `{row['table']}`{where}"


def test_what_is_deployed(example: Callable[..., Example]) -> None:
    copied = example("capybara")

    assert copied.stepdig("build").code == 0
    definition = copied.folder / "statemachines/warehouse-nightly_sync.asl.json"
    assert definition.stat().st_size < 15_000


def test_the_readme_reckons_with_the_prices_and_sizes_of_today() -> None:
    """Its table of costs: five minutes a container, of the sizes of the table list, at the prices of `stepdig usage`."""
    tokyo, minutes = prices.RATES["ap-northeast-1"], 5 * 60
    sizes = [prices.Size(512, int(row.get("memory", "1024"))) for row in TABLES]
    containers = sum(prices.container(size, minutes, tokyo) for size in sizes)
    night = containers + 124 * prices.TRANSITION
    server = 24 * prices.container(prices.Size(2048, 2048), 3600, tokyo)
    text = (ROOT / "examples/capybara/README.md").read_text(encoding="utf-8")
    told = {
        line.split("|")[1].strip(): line.split("|")[-2].strip() for line in text.splitlines() if line.startswith("|")
    }

    counts = {memory: sum(size.memory == memory for size in sizes) for memory in (1024, 2048, 4096)}
    assert [f"{counts[memory]} of 0.5 vCPU, {memory // 1024} GB" in told for memory in counts] == [True] * 3
    assert told["together"] == f"${night:.2f}"
    assert told["with `capacity: spot_then_on_demand` in jobs/load/job.yml"] == f"from ${night - 0.7 * containers:.2f}"
    assert told["the container of 2 vCPU and 2 GB that never ends"] == f"${server:.2f} a day"
    assert set(re.findall(r"\$0\.0[05]\d{3,}", text)) == {f"${tokyo.vcpu}", f"${tokyo.memory}"}


def test_types_are_kept(capybara: Capybara) -> None:
    """Decimals to the digit, moments in the zone, Japanese, NULL apart from the empty text, bytes, what COPY takes for signs."""
    assert capybara.run("nightly_sync", "-p", "only=works,page_views,favorites,skills,payments").code == 0
    asked = capybara.asked

    described = "column_name, data_type, numeric_precision, numeric_scale from information_schema.columns"
    kinds = f"select {described} where table_name = 'works'"
    assert ["reward", "numeric", "18", "4"] in asked(kinds)
    assert ["opens_at", "timestamp with time zone", "-", "-"] in asked(kinds)
    session = "set time_zone = '+09:00'; set names utf8mb4; "
    columns = (
        "id, title, ifnull(reward, '-'), status, ifnull(left(opens_at, 19), '-'), ifnull(hex(note), '-'), updated_at"
    )
    there = capybara.market.mariadb(f"{session}select {columns} from works order by id")
    moments = "to_char(opens_at, 'YYYY-MM-DD HH24:MI:SS'), upper(encode(convert_to(note, 'UTF8'), 'hex'))"
    here = asked(
        f"select id, title, reward, status, {moments}, to_char(updated_at, 'YYYY-MM-DD HH24:MI:SS') from market.works order by id"
    )
    assert here == [line.split("\t") for line in there.splitlines()]
    notes = {note for (note,) in asked("select distinct note from market.works")}
    assert {"-", "", "tab\there", "two\nlines", "back\\slash", "\\N", "納品しました。"} <= notes

    address = asked("select encode(address, 'hex') from market.page_views where id = 1")
    assert address[0][0].upper() == capybara.market.mariadb("select hex(address) from page_views where id = 1").strip()
    zero = capybara.market.mariadb("select count(*) from favorites where created_at = 0").strip()
    assert asked("select count(*) from market.favorites where created_at is null") == [[zero]]
    assert int(zero) > 100


def test_only_what_changed(capybara: Capybara) -> None:
    """A table with `incremental` is read whole once, then from where the last session ended; changed rows go over old ones."""
    only = ("-p", "only=proposals")
    assert "5,573 rows into market.proposals" in capybara.run("nightly_sync", *only).text
    capybara.asked("create view market.open_proposals as select * from market.proposals where status = 'open'")
    capybara.market.mariadb("update proposals set note = 'new', updated_at = '2026-11-21 10:00:00' where id in (7, 8)")

    second = capybara.run("nightly_sync", *only)
    assert "rows changed since" in second.text
    assert capybara.rows("proposals") == 5573
    assert capybara.asked("select id from market.proposals where note = 'new' order by 1") == [["7"], ["8"]]
    assert "2 rows changed since" in capybara.run("nightly_sync", *only).text, "but for the overlap"

    capybara.asked("drop table market.proposals cascade")
    third = capybara.run("nightly_sync", *only)
    assert "5,573 rows into market.proposals" in third.text, "a table that is gone is loaded whole"


def test_a_table_that_has_new_columns(capybara: Capybara) -> None:
    """It takes the place of the old one; where a view reads the old one the night says so, and the old one stays."""
    only = ("-p", "only=subcategories")
    assert capybara.run("nightly_sync", *only).code == 0
    list_file = capybara.folder / "workflows/warehouse/source_table/market.json"
    text = list_file.read_text(encoding="utf-8")
    wide = '"table": "subcategories", "out_table": "subcategories", "dataset": "market", "select": "'
    assert text.count(wide) == 1
    list_file.write_text(text.replace(wide, f"{wide}'x' as more, "), encoding="utf-8")

    assert capybara.run("nightly_sync", *only).code == 0
    assert capybara.asked("select distinct more from market.subcategories") == [["x"]]

    capybara.asked("create view market.names as select name from market.subcategories")
    list_file.write_text(text, encoding="utf-8")
    done = capybara.run("nightly_sync", *only)
    assert done.code == 1
    assert "views of the warehouse read the old ones" in done.text
    assert capybara.asked("select distinct more from market.subcategories") == [["x"]]


def test_a_duckdb_file(capybara: Capybara) -> None:
    """The same night without PostgreSQL."""
    file = capybara.folder / "var/warehouse.duckdb"
    where = ("-p", f"warehouse=duckdb:{file}", "-p", "only=users,works,page_views,skills,favorites")
    assert capybara.run("nightly_sync", *where).code == 0
    done = capybara.run("nightly_sync", *where)

    assert done.code == 0, done.text
    assert "rows changed since" in done.text
    (python,) = capybara.folder.glob(".stepdig/jobs/load-*/bin/python")
    sql = "select (select count(*) from market.page_views), reward::varchar, title from market.works where id = 3"
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    said = subprocess.run([python, "-c", code, file, sql], capture_output=True, text=True, check=True).stdout
    assert said == "[(40000, '159120.4932', '案件 3 田中 花子')]\n"


@pytest.mark.parametrize("only", ["usres", "nobody"])
def test_a_table_that_is_not_listed(capybara: Capybara, only: str) -> None:
    done = capybara.run("nightly_sync", "-p", f"only={only}")

    assert done.code == 2
    assert NIGHT not in done.text
    assert f"there is no {only} in +sync" in done.text
