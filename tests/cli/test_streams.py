"""Outputs that are closed or full, and a folder that is gone: a sentence where somebody can read it, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

STEPDIG = f"{sys.executable} -m stepdig"


def shell(command, folder):
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "a.dig").write_text("+a:\n  echo>: hi\n")
    return tmp_path


@pytest.mark.parametrize("words", ["build", "build --check", "check", "--version", "init new", "--help"])
def test_a_closed_output_keeps_no_command_from_its_work(project, words):
    shell(f"{STEPDIG} build", project)
    done = shell(f"{STEPDIG} {words} >&-", project)
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_outputs_hide_problems_but_not_the_exit_code(project):
    assert shell(f"{STEPDIG} build nowhere 2>&-; test $? = 1", project).returncode == 0
    assert shell(f"{STEPDIG} build --wrong >&- 2>&-; test $? = 2", project).returncode == 0


@pytest.mark.parametrize("words", ["build", "check", "--version", "schema"])
def test_a_full_output_is_a_sentence(project, words):
    done = shell(f"{STEPDIG} {words} >/dev/full", project)
    assert (done.returncode, done.stderr) == (1, "stepdig: No space left on device\n")


def test_a_full_error_output_keeps_the_exit_code(project):
    assert shell(f"{STEPDIG} build nowhere 2>/dev/full; test $? = 1", project).returncode == 0


@pytest.mark.parametrize("words", ["build", "check", "pack out", "init new"])
def test_a_folder_that_is_gone_is_a_sentence(project, words):
    done = shell(f"mkdir gone; cd gone; rmdir ../gone; {STEPDIG} {words}", project)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if not words.startswith("init"):
        assert done.stderr == "stepdig: the folder in which you stand is gone\n"


@pytest.mark.parametrize("words", ["build", "check", "init new"])
def test_one_line_is_enough_for_who_reads_one(project, words):
    done = shell(f"TERM=dumb LC_ALL=C {STEPDIG} {words} | head -1", project)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
