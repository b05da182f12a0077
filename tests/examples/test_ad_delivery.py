"""examples/ad-delivery: Athena over Parquet files, its results in a real MariaDB, a Go binary that ranks; nights that fail."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from example_project import ROOT, Done, Example, databases

from stepdig.report import prices

HERE = ROOT / "examples/ad-delivery"
SESSION = "2026-11-21T03:00:00+09:00"

pytest.importorskip("duckdb", reason="pip install 'stepdig[athena]'")
pytest.importorskip("sqlglot", reason="pip install 'stepdig[athena]'")
go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go: apt-get install golang-go")


class Ads:
    """A copy of the example with its table of events, and the database as it is at the start."""

    def __init__(self, example: Example, database: databases.Database) -> None:
        self.example, self.database = example, database
        database.mariadb((HERE / "ads.sql").read_text(encoding="utf-8"))
        (example.folder / ".stepdig/s3/ads-results").mkdir(parents=True)
        make = [sys.executable, "events.py", ".stepdig/s3/ads-events", "2026-11-21", "3"]
        subprocess.run(make, cwd=example.folder, check=True)

    def run(self, workflow: str, *more: str, **environ: str) -> Done:
        path = f"workflows/ads/{workflow}.dig"
        return self.example.stepdig("run", path, "--plain", "--session", SESSION, *more, **environ)

    def build_binary(self) -> None:
        job = self.example.folder / "jobs/rank_candidates"
        subprocess.run(["go", "build", "-o", "bin/rank_candidates", "."], cwd=job, check=True)

    def sql(self, text: str) -> list[list[str]]:
        return [line.split("\t") for line in self.database.mariadb(text).splitlines()]


@pytest.fixture
def ads(example: Callable[..., Example], mariadb: databases.Database) -> Ads:
    environ = {**mariadb.variables, "STEPDIG_SECRET_MYSQL_PASSWORD": databases.PASSWORD}
    return Ads(example("ad-delivery", **environ), mariadb)


def _counted_here() -> set[tuple[str, ...]]:
    """Count the events of an hour without Athena's SQL."""
    spec = importlib.util.spec_from_file_location("ad_events", HERE / "events.py")
    assert spec is not None
    assert spec.loader is not None
    events: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(events)
    import duckdb

    found: dict[tuple[str, int], list[int]] = {}
    for kind, slot, creative, cost, _ in duckdb.connect().execute(events.SQL).fetchall():
        row = found.setdefault((slot, creative), [0, 0, 0])
        row[kind == "click"] += 1
        row[2] += cost
    return {(slot, *map(str, (creative, *row))) for (slot, creative), row in found.items()}


def test_clicks_are_counted_by_athena_and_loaded_once_however_often(ads: Ads) -> None:
    assert ads.run("setup").code == 0
    for _ in range(2):  # a run again replaces the hour
        done = ads.run("aggregate_clicks")
        assert done.code == 0, done.text

    rows = ads.sql("select slot_id, creative_id, impressions, clicks, cost from clicks where hour = '2026-11-21 02:00'")
    assert {tuple(row) for row in rows} == _counted_here()
    assert ads.sql("select count(*), sum(impressions) from clicks") == [["7", "1000"]]
    assert databases.PASSWORD not in done.text


@go
def test_slots_then_candidates(ads: Ads) -> None:
    ads.build_binary()
    assert ads.run("setup").code == ads.run("build_slots").code == ads.run("aggregate_clicks").code == 0
    done = ads.run("build_candidates")

    assert "8 creatives, 5 slots: 9 candidates" in done.text
    best = ads.sql("select slot_id, creative_id from candidates where place = 1 order by 1")
    assert best == [["1-banner", "11"], ["1-infeed", "22"], ["2-banner", "11"], ["3-infeed", "22"], ["3-video", "23"]]


@go
def test_the_go_binary_has_unit_tests(ads: Ads) -> None:
    """They find a mistake: a rank that forgets budgets fails."""
    job = ads.example.folder / "jobs/rank_candidates"
    test = ["go", "test", "./..."]
    assert subprocess.run(test, cwd=job, capture_output=True, check=False).returncode == 0
    source = (job / "rank.go").read_text()
    (job / "rank.go").write_text(source.replace(" && c.Spent+c.Bid <= c.Budget", ""))
    failed = subprocess.run(test, cwd=job, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "budget spent" in failed.stdout


@go
def test_no_campaign_leaves_the_candidates_that_are_there(ads: Ads) -> None:
    ads.build_binary()
    ads.database.mariadb("insert into candidates values ('1-banner', 1, 11, 5); update campaigns set budget = 0")
    done = ads.run("build_candidates", "--exit-code")

    assert done.code == 3
    assert "is there a campaign that runs? What was there stays" in done.text
    assert ads.sql("select count(*) from candidates") == [["1"]]


def test_a_wrong_query_and_a_dropped_table_are_told_in_plain_words(ads: Ads) -> None:
    assert ads.run("setup").code == 0
    query = ads.example.folder / "workflows/ads/queries/clicks.sql"
    right = query.read_text()
    query.write_text(right.replace("FROM events", "FROM event"))
    wrong = ads.run("aggregate_clicks")
    query.write_text(right)
    ads.database.mariadb("drop table clicks")
    dropped = ads.run("aggregate_clicks")
    ads.database.mariadb((HERE / "ads.sql").read_text(encoding="utf-8"))
    resumed = ads.example.stepdig("run", "workflows/ads/aggregate_clicks.dig", "--plain", "--resume")

    assert wrong.code == dropped.code == 1
    assert "TABLE_NOT_FOUND: Table 'awsdatacatalog.ads.event' does not exist" in wrong.text
    assert "Table 'shop.clicks' doesn't exist. Next: make the table as in ads.sql (MariaDBTrouble)" in dropped.text
    assert resumed.code == 0, resumed.text
    assert "running       +count" not in resumed.text
    assert ads.sql("select count(*) from clicks") == [["7"]]


@go
def test_a_wrong_password_and_a_database_that_is_down(ads: Ads) -> None:
    """In Python as in Go: what the database said, what to do next; then the command that the report ends with."""
    ads.build_binary()
    closed = {"DB_PORT": str(databases.free_port())}
    for workflow in ("build_slots", "build_candidates"):
        job = "load" if workflow == "build_slots" else "rank_candidates"
        wrong = ads.run(workflow, STEPDIG_SECRET_MYSQL_PASSWORD="not-the-one")
        down = ads.run(workflow, **closed)
        path = f"workflows/ads/{workflow}.dig"

        assert wrong.code == down.code == 1
        assert f"Next: look at the secrets DB_USER and MYSQL_PASSWORD of jobs/{job}/job.yml" in wrong.text
        assert "not-the-one" not in wrong.text
        assert "onnection refused" in down.text
        assert "Next: is the database up, is the secret DB_HOST right" in down.text
        assert ads.example.stepdig("run", path, "--plain", "--resume").code == 0


def test_the_readme_reckons_with_the_prices_and_sizes_of_today(ads: Ads) -> None:
    """Its table of costs: a minute a container, of the sizes of job.yml, on demand and 70 % less; transitions of real runs."""
    tokyo = prices.RATES["ap-northeast-1"]
    assert ads.run("setup").code == 0
    per_run = {"build_slots": 3, "aggregate_clicks": 1}
    transitions = {name: int(ads.run(name).text.rpartition(" billed")[0].split()[-1]) for name in per_run}
    text = (HERE / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.count("|") == 8]
    table = {row[0]: row for row in rows}

    day = 144 * prices.container(prices.Size(512, 1024), 60, tokyo)
    assert table["build_candidates"][3:] == _dollars(day)
    for name, containers in per_run.items():
        each = 24 * containers * prices.container(prices.Size(256, 512), 60, tokyo)
        assert table[name][3:] == _dollars(each)
        day += each
    assert table["together"][3:] == _dollars(day)
    assert f"144 x 2 + 24 x {transitions['build_slots']} + 24 x {transitions['aggregate_clicks']} = 576 a day" in text
    assert f"${tokyo.vcpu} a vCPU hour, ${tokyo.memory} a GB hour" in text


def _dollars(day: float) -> list[str]:
    return [f"${day:.4f}", f"${0.3 * day:.4f}", f"${30 * day:.2f}", f"${30 * 0.3 * day:.2f}"]


def test_sql_is_no_container_and_spot_comes_first(ads: Ads) -> None:
    assert ads.example.stepdig("build").code == 0

    def resources(name: str) -> list[str]:
        text = (ads.example.folder / f"statemachines/ads-{name}.asl.json").read_text()
        return [it["Resource"] for it in _states(json.loads(text)["States"]) if "Resource" in it]

    clicks = resources("aggregate_clicks")
    assert sum("athena:startQueryExecution" in it for it in clicks) == 2
    assert sum("ecs:runTask" in it for it in clicks) == 1
    assert "FARGATE_SPOT" in (ads.example.folder / "statemachines/ads-build_candidates.asl.json").read_text()


def _states(states: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in states.values():
        found += [state, *_states(state.get("ItemProcessor", {}).get("States", {}))]
        for branch in state.get("Branches", ()):
            found += _states(branch["States"])
    return found
