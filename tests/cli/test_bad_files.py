"""Files that are no workflows, through the real compiler: a message at a place, never a traceback, never a wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FILES = {
    "random": bytes(range(256)) * 20,
    "latin": b"caf\xe9: 1\n",
    "empty": b"",
    "nul": b"\0\0\0\0",
    "brackets": b"[" * 100_000,
    "braces": b"{a: " * 10_000,
    "deep": b"".join(b" " * depth + b"+a:\n" for depth in range(3_000)),
    "list": b"+a:\n  for_each>: {t: {file: none.json}}\n  _do:\n    echo>: x\n",
    "utf16": "+a:\n  echo>: x\n".encode("utf-16"),
    "escapes": b"+a:\n  shh>: \x1b[2J\x1b[31m\n",
}


def check(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "stepdig", "check", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_workflow_is_a_problem_at_its_place(tmp_path, name):
    (tmp_path / f"{name}.dig").write_bytes(FILES[name])
    done = check(tmp_path, f"{name}.dig")
    assert (done.returncode, done.stderr) == (1, "")
    first = done.stdout.splitlines()[0]
    path, line, column, rest = first.split(":", 3)
    assert (path, line.isdigit(), column.isdigit(), rest[:3]) == (f"{name}.dig", True, True, " SD")
    assert "\x1b" not in done.stdout
    assert len(done.stdout) < 2_000


def test_a_folder_of_them_shows_each(tmp_path):
    for name, content in FILES.items():
        (tmp_path / f"{name}.dig").write_bytes(content)
    (tmp_path / "folder.dig").mkdir()
    (tmp_path / "nowhere.dig").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe.dig")
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1].endswith(f" in {len(FILES) + 2} files")


def test_a_link_to_nothing_says_so(tmp_path):
    (tmp_path / "a.dig").symlink_to("nothing")
    assert check(tmp_path, "a.dig").stdout.startswith("a.dig:1:1: SD001 the link leads nowhere\n")


@pytest.mark.parametrize("words", [("build", "/nowhere"), ("run", "nowhere.dig"), ("init", "/proc/x"), ("check", "")])
def test_a_path_that_leads_nowhere_is_a_problem(tmp_path, words):
    done = subprocess.run(
        [sys.executable, "-m", "stepdig", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert ": SD00" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("task", "hint"),
    [
        ("slack>: slack/doen.yml", "did you mean 'slack/done.yml'?"),
        ("mail>: slack/done.yaml\n  subject: a\n  from: a@b.c\n  to: a@b.c", "did you mean 'slack/done.yml'?"),
        ("for_each>: {t: {file: slack/tabels.csv}}\n  _do: {echo>: x}", "did you mean 'slack/tables.csv'?"),
        ("slack>: nowhere.yml", "such a file holds a message:"),
    ],
)
def test_a_file_of_nearly_that_name_is_proposed_else_what_it_holds_is_shown(tmp_path, task, hint):
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack/done.yml").write_text("text: done\n")
    (tmp_path / "slack/tables.csv").write_text("table\nusers\n")
    (tmp_path / "w.dig").write_text(f"+a:\n  {task}\n")
    done = check(tmp_path, "w.dig")
    assert (done.returncode, done.stderr) == (1, "")
    assert hint in done.stdout
    if "nowhere" in task:
        assert done.stdout.splitlines()[3:5] == [
            "       " + "  username: nightly",
            "       " + "  text: loaded ${session_date}",
        ]
