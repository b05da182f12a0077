"""The nightly sync as a person runs it: through the state machine that would be deployed, with real databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from demo_night import ROOT, Night

RUN = ("run", "workflows/nightly_sync/nightly_sync.dig", "--session", "2026-11-20")
TABLES = 15


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def last_states(found: list[dict[str, Any]]) -> dict[str, str]:
    return {event["task"]: event["state"] for event in found if event["event"] == "task"}


@pytest.fixture
def good(night: Night) -> list[dict[str, Any]]:
    done = night.stepdig(*RUN, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return events(done.stdout)


def test_a_night_loads_every_table_and_compares_the_rows(night: Night, good: list[dict[str, Any]]) -> None:
    end = good[-1]
    said = [event["text"] for event in good if event["event"] == "output" and event["task"] == "+nightly_sync+verify"]

    assert (end["event"], end["status"], end["failed"]) == ("end", "SUCCEEDED", [])
    assert set(last_states(good).values()) == {"success"}
    assert said[-1].split() == ["15", "tables", "329,347", "329,347", "✓"]
    assert len(night.warehouse("select 1 from information_schema.tables where table_schema = 'shop'")) == TABLES


def test_a_table_costs_one_transition_and_the_rest_of_the_night_six(good: list[dict[str, Any]]) -> None:
    second_try = 3  # of one table: what tells the failure apart, the wait, the task again
    assert good[-1]["transitions"] - second_try <= TABLES + 6


def test_one_table_is_tried_twice_and_the_others_once(good: list[dict[str, Any]]) -> None:
    tries = {event["task"]: event["try"] for event in good if event["event"] == "task" and "+load" in event["task"]}

    assert {task for task, count in tries.items() if count > 1} == {next(task for task in tries if "=shipment" in task)}
    assert len(tries) == TABLES


def test_a_second_night_gives_the_same_warehouse(night: Night, good: list[dict[str, Any]]) -> None:
    question = "select sum(hash(o)::hugeint)::varchar from shop.orders o"
    first = night.warehouse(question)

    assert night.stepdig(*RUN, "--json").returncode == 0
    assert night.warehouse(question) == first


def test_a_failing_night_names_the_table_the_reason_and_the_next_step(night: Night) -> None:
    done = night.stepdig(*RUN, "-p", "break=orders")

    assert done.returncode == 1
    assert "orders: no such column: ordered_at" in done.stdout
    assert "stepdig run workflows/nightly_sync/nightly_sync.dig" in done.stdout
    assert "Shop sync of 2026-11-20 failed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_other_tables_of_a_failing_night_are_loaded(night: Night) -> None:
    done = night.stepdig(*RUN, "-p", "break=orders", "--json")
    found = events(done.stdout)
    states = last_states(found)
    failed = [task for task, state in states.items() if task.endswith("+load") and state == "error"]

    assert done.returncode == 1
    assert found[-1]["status"] == "FAILED"
    assert len(failed) == 1
    assert "=orders" in failed[0]
    assert len(night.warehouse("select 1 from information_schema.tables where table_schema = 'shop'")) == TABLES - 1
    assert "+nightly_sync+verify" not in {task for task, state in states.items() if state == "success"}


def test_the_definition_stays_small() -> None:
    (definition,) = Path(ROOT / "statemachines").glob("*nightly_sync.asl.json")

    assert definition.stat().st_size < 12_100
