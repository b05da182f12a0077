"""examples/first-sync: the article's files from a real MariaDB to a DuckDB file, and the shorter form beside them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from example_project import ROOT, Example, databases

SHOP = (ROOT / "examples/first-sync/shop.sql").read_text(encoding="utf-8")


@pytest.fixture
def night(example: Callable[..., Example], mariadb: databases.Database) -> Callable[..., Any]:
    """Return a function that runs a workflow against the shop's database."""
    mariadb.mariadb(SHOP)
    copied = example("first-sync", DB_PORT=str(mariadb.port), STEPDIG_SECRET_MYSQL_PASSWORD=databases.PASSWORD)

    def run(project: str, workflow: str, *more: str, **environ: str) -> Any:
        path = f"workflows/{project}/{workflow}.dig"
        given = ("-p", "host=127.0.0.1", "--session", "2026-11-21", "--plain")
        done = copied.stepdig("run", path, *given, *more, **environ)
        return done, Warehouse(copied.folder, f"workflows/{project}/var/warehouse.duckdb")

    return run


@dataclass(frozen=True)
class Warehouse:
    folder: Path
    file: str

    def rows(self, table: str) -> list[list[str]]:
        """Read a table with the DuckDB of the job's own environment."""
        (python,) = self.folder.glob(".stepdig/jobs/embulk-*/bin/python")
        code = (
            "import duckdb, json, sys; print(json.dumps(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))"
        )
        sql = f"select * from hoge.{table} order by 1"
        done = subprocess.run([python, "-c", code, self.file, sql], cwd=self.folder, capture_output=True, check=True)
        found: list[list[str]] = json.loads(done.stdout)
        return found


@pytest.mark.parametrize(("project", "workflow"), [("hoge", "run_hoge"), ("hoge_short", "hoge_short")])
def test_a_night(night: Any, project: str, workflow: str) -> None:
    done, warehouse = night(project, workflow)

    assert done.code == 0, done.text
    assert warehouse.rows("users") == [["1", "ann"], ["2", "ノート"]]
    assert warehouse.rows("purchases")[0] == ["1", "1", "2026-11-20 23:59:59", "12.50"]
    assert databases.PASSWORD not in done.text


def test_a_table_that_is_gone(night: Any, mariadb: databases.Database) -> None:
    """In the article's form the night ends there; in the short one the other table is loaded, and both tell which failed."""
    mariadb.mariadb("drop table users")

    first, _ = night("hoge", "run_hoge")
    short, warehouse = night("hoge_short", "hoge_short")

    assert "run_hoge_dig: users could not be synced" in first.text
    assert "purchases" not in first.text
    for done in (first, short):
        assert done.code == 1
        assert "Table 'shop.users' doesn't exist" in done.text
        assert "users" in done.text.splitlines()[-12:].__str__()
    assert len(warehouse.rows("purchases")) == 3


def test_a_wrong_password(night: Any) -> None:
    done, _ = night("hoge_short", "hoge_short", STEPDIG_SECRET_MYSQL_PASSWORD="wrong")

    assert done.code == 1
    assert "Access denied for user 'sync'" in done.text


def test_what_is_saved(example: Callable[..., Example]) -> None:
    """The list is read when compiling, so that only the tables themselves are containers."""
    copied = example("first-sync")
    assert copied.stepdig("build").code == 0

    def commands(name: str) -> list[str]:
        return _commands(json.loads((copied.folder / f"statemachines/{name}.asl.json").read_text())["States"])

    assert commands("hoge-run_hoge") == ["+table_list", "+for^sub+run_embulk"]
    assert commands("hoge_short-hoge_short") == ["+sync+load"]


@pytest.mark.parametrize(
    ("workflow", "transitions"), [("hoge/run_hoge", (9, 245)), ("hoge_short/hoge_short", (6, 124))]
)
def test_the_transitions_that_its_page_reckons_with(
    example: Callable[..., Example], workflow: str, transitions: tuple[int, int]
) -> None:
    """Of two tables and of 120, with a program in Embulk's place that does nothing."""
    copied = example("first-sync", STEPDIG_SECRET_MYSQL_PASSWORD="unused")
    program = copied.folder / "jobs/embulk/bin/embulk"
    program.write_text("#!/bin/sh\nexit 0\n")
    (copied.folder / "jobs/embulk/requirements.txt").unlink()
    for tables, billed in zip((2, 120), transitions, strict=True):
        rows = [{"table": f"t{n}", "out_table": f"t{n}", "dataset": "hoge", "select": "id"} for n in range(tables)]
        listed = copied.folder / "workflows" / workflow
        (listed.parent / "source_table/hoge.json").write_text(json.dumps(rows))
        done = copied.stepdig("run", f"workflows/{workflow}.dig", "--plain")

        assert f" {billed} billed transitions" in done.text, done.text


def _commands(states: dict[str, Any]) -> list[str]:
    """Return the states that start a container."""
    found = []
    for name, state in states.items():
        found += [name] if "ecs:runTask" in state.get("Resource", "") else []
        found += _commands(state["ItemProcessor"]["States"]) if "ItemProcessor" in state else []
    return found
