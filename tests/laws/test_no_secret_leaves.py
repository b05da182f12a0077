"""No secret ever stands in a definition, a bundle or a template: one planted anywhere is refused, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.cli import main
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound
from stepdig.report import problems
from test_golden import JOBS

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path for path in GOLDEN.glob("*/*.dig") if path.with_suffix(".asl.json").exists())
MARKER = "Zq7MarkerZq7Marker"
PLANTED = (
    f"https://hooks.slack.com/services/T0/B0/{MARKER}",
    f"AKIA{MARKER[:16].upper()}",
    f"xoxb-0123456789-{MARKER}",
    f"mysql://shop:{MARKER}@db/shop",
    f"Bearer {MARKER}0123",
)


def _told(case: Path, text: str, folder: Path) -> str:
    """Return everything that a compile of a changed case tells the world: what it makes, or what it complains of."""
    changed = folder / case.name
    changed.write_text(text)

    def read(path: str) -> bytes | None:
        if path == case.name:
            return text.encode()
        file = case.parent / path
        return file.read_bytes() if file.is_file() else None

    def shown(path: str) -> str:
        return str(changed if path == case.name else case.parent / path)

    try:
        made = compile_workflow(
            read, case.name, display=shown, project="golden", workflow=case.stem, jobs=JOBS, files=lambda: [case.name]
        )
    except ProblemsFound as found:
        return problems.as_text(found.problems, False) + problems.as_json(found.problems)
    return made.definition_text + json.dumps(made.bundle)


@given(data=st.data(), case=st.sampled_from(CASES), secret=st.sampled_from(PLANTED))
@settings(max_examples=150, deadline=None)
def test_a_planted_secret_is_refused_and_not_shown(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, case: Path, secret: str
) -> None:
    lines = case.read_text().splitlines()
    places = [number for number, line in enumerate(lines) if line.rstrip().endswith(":") or ": " in line]
    number = data.draw(st.sampled_from(places))
    line = lines[number]
    indent = line[: len(line) - len(line.lstrip(" -"))].replace("-", " ")
    planted = [f"{indent}planted: '{secret}'"]
    text = "\n".join([*lines[:number], *planted, *lines[number:]]) + "\n"
    told = _told(case, text, tmp_path_factory.mktemp("planted"))
    assert "SD" in told
    assert MARKER[:16].lower() not in told.lower()


def test_the_planted_secret_would_be_seen(tmp_path: Path) -> None:
    """The law can fail: a harmless text at the same place is in the bundle."""
    case = GOLDEN / "commands/sh.dig"
    lines = case.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  "))
    assert "harmless text" in _told(
        case, "\n".join([*lines[:at], "  planted: harmless text", *lines[at:]]) + "\n", tmp_path
    )


def test_secrets_that_are_kept_are_in_nothing_that_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`stepdig build` writes names of secrets, never what this machine keeps under them."""
    folder = tmp_path / "workflows/shop"
    folder.mkdir(parents=True)
    (folder / "load.dig").write_text(
        "_env: {PW: '${secret:db.password}'}\n+a:\n  sh>: load --token ${secret:api.token}\n"
    )
    (tmp_path / "jobs/default").mkdir(parents=True)
    (tmp_path / "jobs/default/Dockerfile").write_text("FROM python:3.13-slim\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPDIG_SECRET_API_TOKEN", f"{MARKER}-environment")
    assert main(["secrets", "--local", "--set", f"db.password={MARKER}-kept"]) == 0
    assert main(["build"]) == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file() and ".stepdig" not in path.parts]
    assert any(path.name.endswith(".asl.json") for path in written)
    assert [path for path in written if MARKER in path.read_text(errors="replace")] == []
    told = capsys.readouterr()
    assert MARKER not in told.out + told.err
