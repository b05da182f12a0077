"""A workflow with a schedule knows the sessions around its own; a run of tomorrow knows that of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepdig.cli import main

WORKFLOW = """\
timezone: America/New_York
schedule: {daily>: '07:00:00'}
+state: {echo>: "${last_session_time} ${next_session_date} [${last_executed_session_date}]"}
+if: {if>: "${moment(next_session_time).diff(moment(last_session_time), 'hours') == 47}", _do: {echo>: an hour is missing}}
+command: {sh>: "echo ${last_session_unixtime} ${next_session_tz_offset} [${last_executed_session_time}] $last_session_date"}
"""


def test_sessions_around_a_change_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.dig").write_text(WORKFLOW)
    monkeypatch.chdir(tmp_path)

    assert main(["run", "w.dig", "--plain", "--session", "2016-03-13"]) == 0
    said = capsys.readouterr().out
    assert "2016-03-12T00:00:00-05:00 2016-03-14 []" in said
    assert "an hour is missing" in said
    assert "1457758800 -0400 [] 2016-03-12" in said

    assert main(["run", "w.dig", "--plain", "--session", "2016-03-14"]) == 0
    said = capsys.readouterr().out
    assert "2016-03-13T00:00:00-05:00 2016-03-15 [2016-03-13]" in said
    assert "[2016-03-13T00:00:00-05:00] 2016-03-13" in said


def test_without_a_schedule_they_are_undefined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.dig").write_text("+t: {echo>: '${last_session_time}'}\n")
    monkeypatch.chdir(tmp_path)

    assert main(["run", "w.dig", "--plain", "--session", "2016-03-13"]) == 1
    assert "last_session_time is not defined" in capsys.readouterr().out
    assert main(["run", "w.dig", "--plain", "--session", "2016-03-14", "-p", "last_session_time=yesterday"]) == 0
    assert "yesterday" in capsys.readouterr().out
