"""Unit tests of the tasks: `python -m pytest tests` in this folder. `digdag` is two lines here, files are real."""

import csv
import random
import sys
import types
from pathlib import Path

import pytest

stored = {}
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.modules["digdag"] = types.SimpleNamespace(env=types.SimpleNamespace(store=stored.update))

from task import task  # noqa: E402 - after the module that it imports

CUSTOMERS = "id,plan,balance,monthly\n1,1,100,10\n2,2,200,20\n3,3,300,30\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPDIG_WORKSPACE", str(tmp_path))
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    return tmp_path / "sessions/2026-11-21"


def test_every_customer_is_dealt_once(workspace):
    task.split("2026-11-21", "customers.csv", 2)

    dealt = [row["id"] for part in sorted(workspace.iterdir()) for row in csv.DictReader(part.read_text().splitlines())]
    assert sorted(dealt) == ["1", "2", "3"]
    assert stored == {"customers": 3}


def test_a_part_run_again_gives_the_same(workspace):
    task.split("2026-11-21", "customers.csv", 2)
    task.simulate("2026-11-21", 0, 50)
    first = (workspace / "outlook-00.csv").read_text()
    task.simulate("2026-11-21", 0, 50)

    assert (workspace / "outlook-00.csv").read_text() == first
    assert len(first.splitlines()) == 3


def test_without_chance_it_is_interest(monkeypatch):
    monkeypatch.setitem(task.RETURNS, "1", (0.01, 0))
    row = task.outlook({"plan": "1", "balance": "100", "monthly": "0"}, 3, random.Random(1))

    assert row["low"] == row["middle"] == row["high"] == round(100 * 1.01**120)


def test_more_tasks_than_customers_leave_empty_files(workspace):
    task.split("2026-11-21", "customers.csv", 5)
    task.simulate("2026-11-21", 4, 50)

    assert (workspace / "outlook-04.csv").read_text().strip() == ""


def test_nothing_is_left(workspace):
    task.split("2026-11-21", "customers.csv", 2)
    task.clear("2026-11-21")

    assert not workspace.exists()
