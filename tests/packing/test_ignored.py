"""`.gitignore` read without git hides what git itself would hide: git is asked about the same folder."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stepdig.packing import ignored
from stepdig.packing.sources import sources
from stepdig.problem import Problems

NAMES = ["a", "b", "ab", "a.b", "a b", "b ", "#a", "!a", "[a]", "a-b", "日本", "A1", "*", "-", "^a", "]"]
PIECES = st.sampled_from(
    ["a", "b", "ab", "*", "**", "?", "/", "[ab]", "[!a]", "[^b]", "[a-b]", "[[:alpha:]]", "[]]", "[]-a]", "[a", "[b-a]", "\\",
     "!", "#", ".", " ", "-", "日", "本", "1", "[[:digit:]-]", "[[:x:]]", "[\\]]", "[a-]", "]", "[*]", "^", "[a\\-b]"]
)  # fmt: skip
LINES = st.lists(PIECES, min_size=1, max_size=6).map("".join)
FILES = st.lists(LINES, max_size=5).map("\n".join)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)


def laid(folder, paths):
    """Lay files below a folder, without those that would stand on a file."""
    for path in paths:
        place = folder / path
        if not any(above.is_file() for above in place.parents) and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("x")


def git(root):
    """Return what git would carry of a folder that is no checkout yet."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    subprocess.run(["git", "init", "--quiet"], cwd=root, env=own, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=root, env=own, capture_output=True, check=True).stdout
    return {os.fsdecode(it) for it in found.split(b"\0") if it}


def ours(root, folder):
    problems = Problems()
    found = set(sources(folder, root, problems))
    return found | {it.at.path.removeprefix(f"{folder}/") for it in problems if "the name has signs" in it.text}


@pytest.mark.skipif(shutil.which("git") is None, reason="no git: apt-get install git")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, FILES, st.lists(PATHS, min_size=4, max_size=12))
@example("a/\n!a/b", "", ["a/b", "b", "b/a"])
@example("/*\n!/a\n/a/*\n!/a/b", "", ["a/b", "a/a", "b"])
@example("**/b", "!b", ["a/b", "b", "ab/b"])
@example("a/**", "", ["a/b", "b/a/b", "a/a/a"])
@example("a/**/b\r\nab  \r\n", "", ["a/b", "a/a/b", "a/a/a/b", "ab"])
@example("\ufeffab", "", ["ab", "a"])
@example("b\\ ", "", ["b ", "b"])
@example("\\!a\n\\#a", "", ["!a", "#a", "a"])
def test_what_travels_without_git_is_what_git_would_carry(tmp_path_factory, above, inner, paths):
    root = tmp_path_factory.mktemp("repo")
    folder = root / "p"
    laid(folder, paths)
    folder.mkdir(exist_ok=True)
    (root / ".gitignore").write_bytes(above.encode())
    if (folder / "a").is_dir():
        (folder / "a/.gitignore").write_bytes(inner.encode())
    mine = ours(root, folder)
    theirs = {it.removeprefix("p/") for it in git(root) if it.startswith("p/")}
    if theirs:  # else git ignores all of the project, and it travels whole
        assert mine == theirs


def test_a_line_that_says_nothing_hides_nothing():
    assert [it.pattern.pattern for it in ignored.rules(b"\n# x\n\n  \n[a\n\\\n[[:x:]]\n/\n!\n")] == []


def test_a_project_that_is_hidden_whole_travels_whole(tmp_path):
    laid(tmp_path / "p", ["a", "b/a"])
    (tmp_path / ".gitignore").write_text("p/\na\n")
    assert ours(tmp_path, tmp_path / "p") == {"a", "b/a"}


def test_a_gitignore_that_is_a_link_counts_for_nothing(tmp_path):
    laid(tmp_path / "p", ["a", "b"])
    (tmp_path / "p/rules").write_text("a\n")
    (tmp_path / "p/.gitignore").symlink_to("rules")
    assert ours(tmp_path, tmp_path / "p") == {"a", "b", "rules", ".gitignore"}
