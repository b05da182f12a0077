"""Declared inputs on the command line: what `run --help` lists, what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepdig.cli import main

DIG = """\
params:
  region: {values: [jp, us], description: where the shop is}
  days: {type: integer, default: 1}
+l: {for_each>: {t: {file: shop.json}}, _do: {echo>: '${t.table} ${days}'}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder in which the test stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.dig").write_text(DIG)
    (tmp_path / "plain.dig").write_text("+t: {echo>: hi}\n")
    (tmp_path / "none.dig").write_text("params:\n+t: {echo>: hi}\n")
    (tmp_path / "broken.dig").write_text("params: [a]\n+t: {echo>: hi}\n")
    (tmp_path / "shop.json").write_text('[{"table": "users"}, {"table": "orders"}]')
    return tmp_path


@pytest.mark.parametrize("words", [["run", "w.dig", "--help"], ["run", "-h", "w.dig"]])
def test_help_lists_the_parameters_of_a_workflow(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Name, type, allowed values, default and description."""
    assert main(words) == 0

    assert capsys.readouterr().out.endswith(
        """\
parameters of w.dig, given with -p NAME=VALUE:
  region  string; one of jp, us; must be given
          where the shop is
  days    integer; default 1
  only    names of rows, of +l (users, orders)
          run just these
"""
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("plain.dig", "plain.dig declares no parameters: any may be given"),
        ("none.dig", "none.dig takes no parameters"),
        ("broken.dig", "broken.dig has problems: stepdig check broken.dig tells which"),
        ("absent.dig", "absent.dig has problems: stepdig check absent.dig tells which"),
    ],
)
def test_help_without_parameters(folder: Path, file: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help never fails."""
    assert main(["run", file, "--help"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(words)


def test_wrong_parameters_are_a_wrong_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All are told, with proposals; no run begins."""
    code = main(["run", "w.dig", "-p", "dayz=3", "-p", "days=many", "-p", "region=jpp", "-p", "only=usres"])

    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    assert told.err.splitlines() == [
        "stepdig run: there is no parameter dayz (did you mean 'days'?)",
        'stepdig run: days must be a whole number, not "many"',
        "stepdig run: region must be one of jp, us, not \"jpp\" (did you mean 'jp'?)",
        "stepdig run: only: there is no usres in +l (users, orders): did you mean 'users'?",
    ]
    assert not (folder / ".stepdig").exists()


def test_an_only_that_narrows_nothing_is_noted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a plain Digdag workflow it is a parameter; where nothing reads it, somebody expected more."""
    (folder / "l.dig").write_text("+l: {for_each>: {t: [a, b]}, _do: {echo>: '${t}'}}\n")
    (folder / "own.dig").write_text("+l: {for_each>: {t: [a, b]}, _do: {echo>: '${t} ${only}'}}\n")

    assert main(["run", "l.dig", "--plain", "-p", "only=a"]) == 0
    assert "note: only narrows lists of files" in capsys.readouterr().err
    assert main(["run", "own.dig", "--plain", "-p", "only=a"]) == 0
    assert capsys.readouterr().err == ""


def test_parameters_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file keeps its types, and is held to the declared ones."""
    (folder / "p.yml").write_text("region: jp\ndays: 3\nonly: [orders]\n")

    assert main(["run", "w.dig", "--plain", "-P", "p.yml"]) == 0
    assert "orders 3" in capsys.readouterr().out


def test_check_digdag(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What Digdag would not take is told only when asked for; it is then a problem."""
    assert main(["check", "w.dig"]) == 0
    assert main(["check", "plain.dig", "--digdag"]) == 0
    capsys.readouterr()

    assert main(["check", "w.dig", "--digdag"]) == 1
    told = capsys.readouterr().out
    assert "w.dig:1:1: SD239 not on Digdag: declared parameters" in told
    assert told.endswith("2 problems in 1 file\n")
