"""Which files of a folder travel: those git would carry; without git all but what is never a source."""

import ctypes
import os
import re
import shutil
import subprocess
import sys

import pytest

from stepdig.packing.sources import sources
from stepdig.problem import Problems


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "workflows/shop"
    (folder / "sql").mkdir(parents=True)
    for name, content in {"a.dig": "+t: {sh>: x}", "sql/a.sql": "select 1", "run.sh": "#!/bin/sh\n"}.items():
        (folder / name).write_text(content)
    (folder / "run.sh").chmod(0o755)
    for never in (".git", ".stepdig/runs", ".venv/bin", "__pycache__", "sql/__pycache__", ".aws-sam"):
        (folder / never).mkdir(parents=True, exist_ok=True)
        (folder / never / "x").write_text("never")
    (folder / ".git/x").unlink()
    (folder / ".git").rmdir()
    return folder


def git(folder, *words):
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, env=own, capture_output=True, check=True)


def found(folder, problems=None):
    mine = Problems() if problems is None else problems
    files = sources(folder, folder.parents[1], mine)
    if problems is None:
        assert not list(mine)
    return files


def test_without_git_all_travels_that_may_be_a_source(project):
    (project / "node_modules/x").mkdir(parents=True)
    (project / "node_modules/x/index.js").write_text("")
    (project / "var").mkdir()
    (project / "var/data.db").write_text("kept: nobody says that it is no source")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh", "var/data.db"}


def test_with_git_what_it_would_carry_travels_committed_or_not(project):
    git(project.parents[1], "init")
    (project / ".gitignore").write_text("var/\n*.log\n")
    (project / "var").mkdir()
    (project / "var/data.db").write_text("data")
    (project / "x.log").write_text("log")
    (project / "日本 語.sql").write_text("new, not added")
    git(project, "add", "a.dig", "sql")
    git(project, "commit", "-m", "x")
    (project / "gone.sql").write_text("")
    git(project, "add", "gone.sql")
    (project / "gone.sql").unlink()
    (project / "sql/a.sql").write_text("changed, not added")
    files = found(project)
    assert set(files) == {"a.dig", "sql/a.sql", "run.sh", ".gitignore", "日本 語.sql"}
    assert files["sql/a.sql"].read() == b"changed, not added"


def test_what_stepdig_makes_never_travels_even_if_git_would_carry_it(project):
    git(project.parents[1], "init")
    git(project, "add", "--force", ".")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh"}


def test_a_folder_that_git_ignores_whole_is_walked(project):
    git(project.parents[1], "init")
    (project.parents[1] / ".gitignore").write_text("workflows/\n")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh"}


def test_another_repository_in_the_folder_travels_with_its_files(project):
    git(project.parents[1], "init")
    (project / "lib").mkdir()
    (project / "lib/x.py").write_text("")
    git(project / "lib", "init")
    git(project / "lib", "add", ".")
    git(project / "lib", "commit", "-m", "x")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh", "lib/x.py"}


def test_a_git_that_does_not_tell_is_a_problem(project):
    (project.parents[1] / ".git").mkdir()
    (project.parents[1] / ".git/HEAD").write_text("nonsense")
    problems = Problems()
    found(project, problems)
    assert [it.code for it in problems] == ["SD672"]
    assert "git" in next(iter(problems)).text


def test_programs_stay_programs(project):
    files = found(project)
    assert {name for name, file in files.items() if file.program} == {"run.sh"}


def test_links_become_what_they_lead_to(project):
    (project / "again.sql").symlink_to("sql/a.sql")
    assert found(project)["again.sql"].read() == b"select 1"


@pytest.mark.parametrize("with_git", [False, True])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../other/secret", "the link leads out of"),
        ("/etc/hostname", "the link leads out of"),
        ("../shop2/x", "the link leads out of"),
        ("sql", "a link to a folder does not travel"),
        ("nowhere", "the link leads nowhere"),
    ],
)
def test_links_that_cannot_travel_are_told(project, target, said, with_git):
    for name in ("other/secret", "shop2/x"):
        (project.parent / name).parent.mkdir()
        (project.parent / name).write_text("not yours")
    (project / "link").symlink_to(target)
    if with_git:
        git(project.parents[1], "init")
    problems = Problems()
    files = found(project, problems)
    assert "link" not in files
    assert [(it.code, it.at.path.endswith("workflows/shop/link")) for it in problems] == [("SD671", True)]
    assert next(iter(problems)).text.startswith(said)


def test_all_that_cannot_travel_is_told_in_one_run(project):
    os.mkfifo(project / "pipe")
    (project / "new\nline").write_text("")
    (project / "link").symlink_to("/")
    problems = Problems()
    found(project, problems)
    assert len(list(problems)) == 3


def without_rights():
    """Make the next program one that closed folders are closed to, also where it is root's: CAP_DAC_OVERRIDE and its like."""
    prctl, drop = ctypes.CDLL(None).prctl, 24
    for capability in (1, 2):
        prctl(drop, capability, 0, 0, 0)


ASK = """
import sys
from pathlib import Path
from stepdig.packing.sources import sources
from stepdig.problem import Problems
problems = Problems()
folder = Path(sys.argv[1])
print(*sources(folder, folder.parents[1], problems))
print(*problems, sep="\\n")
"""


@pytest.mark.parametrize("with_git", [False, True])
@pytest.mark.parametrize("mode", [0, 0o644])
def test_a_closed_folder_is_told_and_not_left_out(project, mode, with_git):
    if with_git:
        git(project.parents[1], "init")
        git(project.parents[1], "add", ".")
    (project / "sql").chmod(mode)
    command = [sys.executable, "-c", ASK, project]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=without_rights, check=False)
    (project / "sql").chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert re.search(r"shop/sql(/a\.sql)?:1:1: SD671 cannot be read: permission denied", done.stdout)


def test_a_hook_of_gits_asks_about_the_checkout_that_the_project_is_in(project, monkeypatch):
    git(project.parents[1], "init")
    (project / ".gitignore").write_text("sql/\n")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert set(found(project)) == {"a.dig", "run.sh", ".gitignore"}


def test_a_project_that_is_a_link_is_in_the_checkout_that_it_leads_to(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    project.rename(tmp_path / "elsewhere/shop")
    project.symlink_to(tmp_path / "elsewhere/shop")
    git(project.parents[1], "init")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh"}
    (project / ".gitignore").write_text("sql/\n")
    git(tmp_path / "elsewhere", "init")
    assert set(found(project)) == {"a.dig", "run.sh", ".gitignore"}


def test_a_checkout_without_a_git_program_hides_what_its_gitignore_says(project, monkeypatch):
    """Such as in the container of a build: what is ignored, passwords perhaps, must not travel there either."""
    git(project.parents[1], "init")
    (project.parents[1] / ".gitignore").write_text("*.env\n/workflows/shop/sql/\n")
    (project / "prod.env").write_text("PASSWORD=x")
    asked = set(found(project))
    monkeypatch.setenv("PATH", str(project))
    assert set(found(project)) == asked == {"a.dig", "run.sh"}


def test_what_another_repository_ignores_does_not_travel_with_it(project):
    git(project.parents[1], "init")
    (project / "lib").mkdir()
    for name, text in {"x.py": "", ".gitignore": "*.env\n", "prod.env": "PASSWORD=x"}.items():
        (project / "lib" / name).write_text(text)
    git(project / "lib", "init")
    git(project / "lib", "add", ".")
    git(project / "lib", "commit", "-m", "x")
    assert {it for it in found(project) if it.startswith("lib/")} == {"lib/x.py", "lib/.gitignore"}


def test_a_submodule_that_was_not_fetched_is_an_empty_folder(project):
    """Git knows it as one entry; files that somebody put there are no repository's."""
    git(project.parents[1], "init")
    (project / "lib").mkdir()
    (project / "lib/x.py").write_text("")
    git(project / "lib", "init")
    git(project / "lib", "add", ".")
    git(project / "lib", "commit", "-m", "x")
    git(project.parents[1], "add", ".")
    shutil.rmtree(project / "lib/.git")
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh", "lib/x.py"}
    (project / "lib/x.py").unlink()
    assert set(found(project)) == {"a.dig", "sql/a.sql", "run.sh"}
