"""What a person may do about a command that could not be run: real shells say why, the report says what to do."""

from __future__ import annotations

import json
import shutil
from collections import deque
from pathlib import Path

import pytest

from stepdig.cli import main
from stepdig.report.hints import hints
from stepdig.report.rows import Row

FILES = {
    "plain.sh": ("#!/bin/sh\n", 0o644),
    "windows.sh": ("#!/bin/sh\r\necho x\r\n", 0o755),
    "nowhere.sh": ("#!/no/such/interpreter\n", 0o755),
    "binary": ("\x7fELF", 0o755),
    "folder/x": ("", 0o644),
}


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("./plain.sh", "make it executable: chmod +x ./plain.sh; in git, too: git update-index --chmod=+x ./plain.sh"),
        ("bash -c ./plain.sh", "make it executable: chmod +x ./plain.sh; in git,"),
        ("./folder", "./folder is a folder"),
        ("./binary", "./binary is made for another processor, or its first line does not say what runs it"),
        ("exit 126", "make it executable: chmod +x FILE"),
        ("no-such-program --x", "there is no 'no-such-program' on the PATH here; in the cloud its job's image"),
        ("env no-such-program", "there is no 'no-such-program' on the PATH here"),
        ("bash -c no-such-program", "there is no 'no-such-program' on the PATH here"),
        ("plain.sh", "plain.sh lies beside the workflow: a file there is called by its path, ./plain.sh"),
        ("./absent.sh", "there is no file ./absent.sh in ."),
        ("/no/such/program", "there is no file /no/such/program"),
        (
            "./windows.sh",
            "./windows.sh has the line ends of Windows, which its first line cannot have: sed -i 's/\\r$//'",
        ),
        ("./nowhere.sh", "./nowhere.sh is there, but not what its first line names: #!/no/such/interpreter"),
        ("bash -c ./nowhere.sh", "./nowhere.sh is there, but not what its first line names: #!/no/such/interpreter"),
    ],
)
def test_a_command_that_cannot_run_has_a_hint(
    command: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, (content, mode) in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content.encode("latin-1"))
        Path(name).chmod(mode)
    Path("w.dig").write_text(json.dumps({"+t": {"sh>": command}}), encoding="utf-8")

    assert main(["run", "w.dig", "--plain"]) == 1
    assert f"\n  {hint}" in capsys.readouterr().out


def failed(code: int, *tail: str) -> Row:
    """Return the row of a command that ended with a code and printed some lines."""
    cause = json.dumps({"Containers": [{"ExitCode": code}]})
    return Row("+w+t", source="w.dig:1", cause=cause, tail=deque(tail))


@pytest.mark.parametrize(
    ("code", "line", "hint"),
    [
        (127, "zsh:1: command not found: embulk", "there is no 'embulk' on the PATH here"),
        (126, "bash: ./nowhere.sh: /no/such: bad interpreter: No such file or directory", "./nowhere.sh is there, but"),
        (126, "/bin/sh: 1: ./a b.sh: 許可がありません", "make it executable: chmod +x FILE"),
    ],
)
def test_words_of_other_shells(code: int, line: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "nowhere.sh").write_text("#!/no/such\n", encoding="utf-8")
    assert next(hints(failed(code, "before", line), "", tmp_path)).startswith(hint)


@pytest.mark.parametrize(("code", "line"), [(1, "x: not found"), (127, "nothing that is known"), (137, ""), (2, "")])
def test_where_only_the_command_knows_there_is_no_hint(code: int, line: str, tmp_path: Path) -> None:
    assert list(hints(failed(code, line), "", tmp_path)) == []


@pytest.mark.parametrize("operator", ["sh", "echo"])
def test_a_name_that_nothing_gives_a_value(
    operator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.dig").write_text(f"+t:\n  {operator}>: load ${{day}}\n", encoding="utf-8")

    assert main(["run", "w.dig", "--plain"]) == 1
    assert (
        "\n  nothing gives it a value: -p day=..., an _export, or a task before that stores it\n"
        in capsys.readouterr().out
    )


def test_a_program_of_an_operator_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("embulk"):
        pytest.skip("embulk is installed here")
    monkeypatch.chdir(tmp_path)
    Path("w.dig").write_text("+t: {embulk>: m.yml}\n", encoding="utf-8")
    Path("m.yml").write_text("{}\n", encoding="utf-8")

    assert main(["run", "w.dig", "--plain"]) == 1
    assert "\n  there is no 'embulk' on the PATH here" in capsys.readouterr().out
