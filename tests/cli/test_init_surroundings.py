"""`stepdig init` where something is in its way: all is laid out or nothing is changed, and a sentence says why."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from stepdig.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return {it.relative_to(folder).as_posix() for it in folder.rglob("*") if not it.is_dir() or it.is_symlink()}


def init(folder, **more):
    command = [sys.executable, "-m", "stepdig", "init", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def test_a_full_disk_leaves_no_folder(here):
    done = init("new/batch", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)))
    assert done.returncode == 1
    assert "SD005 cannot be written: file too large" in done.stderr
    assert not (here / "new").exists()


def test_a_full_disk_leaves_a_project_as_it_was(here):
    (here / "workflows").mkdir()
    assert main(["init", "."]) == 0
    (here / "functions/fail_run/app.py").write_text("old")
    (here / "functions/notify_slack/message.py").write_text("old")
    (here / "functions/publish/gone.py").write_text("of an older version")
    before = files(here)
    done = init(".", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000)))
    assert done.returncode == 1
    assert done.stderr.startswith("functions/notify_slack/message.py:1:1: SD005 cannot be written: file too large")
    assert (here / "functions/fail_run/app.py").read_text() == "old"
    assert files(here) == before


@pytest.mark.parametrize("taken", ["new", "new/workflows", "new/jobs", "new/.vscode", "new/template.yaml"])
@pytest.mark.parametrize("make", [lambda it: it.symlink_to("nowhere"), lambda it: it.write_text("mine"), os.mkfifo])
def test_what_is_in_the_way_is_told_and_nothing_is_laid_out(here, capsys, taken, make):
    (here / taken).parent.mkdir(exist_ok=True)
    make(here / taken)
    assert main(["init", "new"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(taken)
    assert "SD006 is there already; nothing was written" in said
    assert files(here) == {taken}


@pytest.mark.parametrize(
    "taken",
    ["functions", "functions/publish", "functions/Makefile/x", "functions/publish/app.py/x", "functions/start_session"],
)
def test_what_is_in_the_way_of_functions_is_told_and_nothing_is_changed(here, capsys, taken):
    (here / "workflows").mkdir()
    (here / taken).parent.mkdir(parents=True, exist_ok=True)
    (here / taken).write_text("mine")
    assert main(["init", "."]) == 1
    assert capsys.readouterr().err.startswith(f"{taken.removesuffix('/x')}:1:1: SD005 cannot be written")
    assert files(here) == {taken}


def test_a_pipe_in_the_place_of_a_function_is_replaced(here):
    (here / "workflows").mkdir()
    assert main(["init", "."]) == 0
    (here / "functions/publish/app.py").unlink()
    os.mkfifo(here / "functions/publish/app.py")
    done = init(".")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "functions/publish/app.py")
    assert (here / "functions/publish/app.py").is_file()


def test_a_template_that_is_a_link_to_nowhere_is_the_users(here):
    (here / "workflows").mkdir()
    (here / "template.yaml").symlink_to("later.yaml")
    assert main(["init", "."]) == 0
    assert (here / "template.yaml").is_symlink()
    assert not (here / "later.yaml").exists()


def test_a_name_that_no_file_system_takes_is_a_sentence(here, capsys):
    assert main(["init", "x" * 300]) == 1
    said = capsys.readouterr().err
    assert "ile name too long" in said
    assert not files(here)


def test_what_was_laid_out_has_the_rights_of_other_files(here):
    before = os.umask(0o027)
    try:
        assert main(["init", "new"]) == 0
    finally:
        os.umask(before)
    assert {oct(it.stat().st_mode & 0o777) for it in (here / "new").rglob("*") if it.is_file()} == {"0o640"}
