"""`stepdig schedules`: the next sessions of each workflow and when they run, in zones that change their clocks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepdig.cli import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workflows" / "shop"
    folder.mkdir(parents=True)
    files = {
        "nightly": "timezone: Asia/Tokyo\nschedule: {daily>: '07:00:00'}\n+t: {echo>: hi}\n",
        "abroad": "timezone: Europe/London\nschedule: {daily>: '07:00:00'}\n+t: {echo>: hi}\n",
        "ended": "schedule: {daily>: '07:00:00', end: 2020-01-01}\n+t: {echo>: hi}\n",
        "by_hand": "+t: {echo>: hi}\n",
    }
    for name, text in files.items():
        (folder / f"{name}.dig").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_the_next_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedules", "--from", "2026-03-28T07:00", "--count", "2"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "shop-abroad   Europe/London   cron(0 6,7 * * ? *) UTC",
        "  session 2026-03-28T00:00:00+00:00   runs 2026-03-28 07:00:00+00:00",
        "  session 2026-03-29T00:00:00+00:00   runs 2026-03-29 08:00:00+01:00",
        "shop-ended   UTC   cron(0 7 * * ? *)",
        "  has ended",
        "shop-nightly   Asia/Tokyo   cron(0 7 * * ? *)",
        "  session 2026-03-28T00:00:00+09:00   runs 2026-03-28 07:00:00+09:00",
        "  session 2026-03-29T00:00:00+09:00   runs 2026-03-29 07:00:00+09:00",
    ]


def test_json_lines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(project / "workflows/shop/nightly.dig")
    assert main(["schedules", path, "--from", "2026-03-27T22:00:01Z", "--count", "1", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "event": "schedule",
        "workflow": "shop-nightly",
        "timezone": "Asia/Tokyo",
        "expression": "cron(0 7 * * ? *)",
        "expression_timezone": "Asia/Tokyo",
        "sessions": [{"session_time": "2026-03-29T00:00:00+09:00", "runs": "2026-03-29T07:00:00+09:00"}],
    }


def test_from_now_on(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedules", str(project / "workflows/shop/nightly.dig")]) == 0
    assert capsys.readouterr().out.count("  session 2") == 3


def test_without_any(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedules", str(project / "workflows/shop/by_hand.dig")]) == 0
    assert capsys.readouterr().out == "no workflow has a schedule\n"


@pytest.mark.parametrize("words", [["--from", "soon"], ["--count", "0"], ["--count", "x"]])
@pytest.mark.usefixtures("project")
def test_wrong_words(words: list[str]) -> None:
    assert main(["schedules", *words]) == 2


def test_a_mistake_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "workflows/shop/nightly.dig").write_text("schedule: {cron>: 0 0 31 2 *}\n+t: {echo>: hi}\n")
    assert main(["schedules"]) == 1
    assert "SD681 the schedule never starts a session" in capsys.readouterr().err
