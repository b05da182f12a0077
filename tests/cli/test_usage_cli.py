"""`stepdig usage`: histories as AWS gives them, runs of this machine, and what is neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepdig.cli import main
from stepdig.report import prices

NIGHT = "workflows/shop/night.dig"
FILES = {
    NIGHT: """
timezone: Asia/Tokyo
+load:
  for_each>: {t: {file: tables.json}}
  _parallel: true
  _do:
    +one: {sh>: 'echo ${t.table}', _retry: {limit: 1, interval: 1}, ecs: {job: load}}
""",
    "workflows/shop/tables.json": '[{"table": "users"}, {"table": "orders"}]',
    "jobs/load/job.yml": "{cpu: 1 vCPU, memory: 2 GB, ephemeral_storage: 50}",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_here_has_the_sizes_of_jobs_and_the_transitions_that_its_end_told(repository: Path, capsys: Any) -> None:
    failing = "[ ${t.table} = users ] || [ -e again ] || { touch again; exit 3; }"
    (repository / NIGHT).write_text(FILES[NIGHT].replace("echo ${t.table}", failing))
    assert main(["run", NIGHT, "--json", "--session", "2026-11-20"]) == 0
    start, *_, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["usage", start["directory"], "--json", "--region", "ap-northeast-1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["transitions"] == end["transitions"]
    assert len(told["containers"]) == end["tries"] == 3
    assert {(it["cpu"], it["memory"], it["ephemeral_storage"], it["start_up"]) for it in told["containers"]} == {
        (1024, 2048, 50, None)
    }
    minute = (0.05056 + 2 * 0.005536 + 30 * 0.00014) / 60  # the least that is billed, of each
    assert told["dollars"] == pytest.approx(end["tries"] * minute + end["transitions"] * 0.000025, abs=1e-6)


def test_a_container_costs_by_the_second_from_a_minute_on() -> None:
    rates, size = prices.RATES["us-east-1"], prices.Size(1024, 2048)
    hour = 0.04048 + 2 * 0.004445
    assert prices.container(size, 3600, rates) == pytest.approx(hour)
    assert prices.container(size, 90.2, rates) == pytest.approx(hour * 91 / 3600)
    assert prices.container(size, 1, rates) == pytest.approx(hour / 60)


@pytest.mark.parametrize(
    "text", ["", "no history", "[]", '{"events": []}', '{"events": [1]}', '{"a": 1}\n{"b"', "\ufffd"]
)
def test_what_is_no_history(tmp_path: Path, capsys: Any, text: str) -> None:
    (tmp_path / "it.json").write_text(text)
    assert main(["usage", str(tmp_path / "it.json")]) == 1
    assert "SD630 this is no history of an execution" in capsys.readouterr().err


def test_what_is_not_there(tmp_path: Path, capsys: Any) -> None:
    assert main(["usage", str(tmp_path / "gone.json")]) == 1
    assert "SD002" in capsys.readouterr().err
