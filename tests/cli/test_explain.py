"""`check --explain`: what runs may need of AWS's limits, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepdig.cli import main

WORKFLOW = """\
+each:
  loop>: 100
  _parallel: {limit: 40}
  _do:
    +load:
      sh>: ./load.sh ${i}
+last:
  sh>: ./last.sh
"""


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that explains the workflow and gives what was written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflows/shop").mkdir(parents=True)
    (tmp_path / "workflows/shop/daily.dig").write_text(WORKFLOW)

    def go(*words: str) -> str:
        assert main(["check", "--explain", *words]) == 0
        return capsys.readouterr().out

    return go


def test_a_table_says_how_much_is_left_and_where_it_goes(explained):
    lines = explained().splitlines()

    assert lines[0] == "shop-daily"
    assert lines[1].split() == ["limit", "worst", "case", "AWS", "allows", "left"]
    assert max(map(len, lines)) <= 100
    events = next(number for number, line in enumerate(lines) if line.startswith("events of the run"))
    assert lines[events].split()[4:] == ["12,266", "events", "12,500", "1", "%"]
    assert (
        lines[events + 1].strip()
        == "workflows/shop/daily.dig:1 +daily+each: 100 iterations of 121, 12 more tries of a launch"
    )
    assert lines[-1] == "1 workflow, no problems"


def test_a_state_is_shown_with_its_file(explained):
    told = [json.loads(line) for line in explained("--json").splitlines()]

    [row] = [row for row in told if row.get("limit") == "name of a state"]
    assert row["where"] == "workflows/shop/daily.dig:1 +daily+each"


def test_as_json_each_limit_is_an_object(explained):
    told = [json.loads(line) for line in explained("--json").splitlines()]

    rows = {row["limit"]: row for row in told if row["event"] == "limit"}
    assert rows["events of the run"]["worst"] == 12266
    assert rows["events of the run"]["most"] == 12_500
    assert rows["events of the run"]["where"].startswith("workflows/shop/daily.dig:1 ")
    assert 0 < rows["definition"]["worst"] < rows["definition"]["most"]
    assert all(row["worst"] <= row["most"] for row in rows.values())
    assert told[-1] == {"event": "end", "workflows": 1, "problems": 0}
