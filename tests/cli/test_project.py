from __future__ import annotations

import os

import pytest

from stepdig import project
from stepdig.language.job import Job
from stepdig.problem import Problems, ProblemsFound

FILES = {
    "workflows/shop/daily.dig": "",
    "workflows/shop/weekly.dig.yml": "",
    "workflows/shop/parts/load.dig": "",
    "workflows/shop/.#daily.dig": "",
    "workflows/users/daily.dig": "",
    "workflows/users/list.json": "[1]",
    "workflows/empty/readme.txt": "",
    "jobs/load/Dockerfile": "",
    "jobs/README.md": "",
}


def names(path):
    return [(w.project.name, w.name, w.path) for w in project.find(path)]


def found_codes(path):
    with pytest.raises(ProblemsFound) as caught:
        project.find(path)
    return [(str(p.at), p.code, p.text) for p in caught.value.problems]


@pytest.mark.parametrize("path", [".", "workflows", "workflows/../workflows"])
def test_a_repository_holds_the_workflows_at_the_top_of_each_project(repository, path):
    repository(FILES)
    assert names(path) == [
        ("shop", "daily", "workflows/shop/daily.dig"),
        ("shop", "weekly", "workflows/shop/weekly.dig.yml"),
        ("users", "daily", "workflows/users/daily.dig"),
    ]


def test_a_file_or_project_folder_belongs_to_its_repository_wherever_one_stands(repository, monkeypatch):
    root = repository(FILES)
    assert names("workflows/users") == names("workflows/users/daily.dig")
    monkeypatch.chdir(root / "workflows/users")
    (workflow,) = project.find(".")
    assert (workflow.project.root, workflow.path) == (root, "workflows/users/daily.dig")
    assert workflow.project.jobs(Problems()) == {"load": Job("load")}
    assert project.typed(workflow.path, root) == "daily.dig"


def test_two_jobs_that_aws_could_not_tell_apart_are_a_mistake(repository):
    root = repository({"workflows/a/x.dig": "", "jobs/load-small/x": "", "jobs/load_small/x": ""})
    (workflow,) = project.find(str(root))
    problems = Problems()
    assert sorted(workflow.project.jobs(problems)) == ["load-small", "load_small"]
    assert [it.code for it in problems] == ["SD613"]


def test_a_plain_digdag_folder_is_a_repository_of_one_project(repository, monkeypatch):
    root = repository({"old/main.dig": "", "old/workflows/part/x.dig": ""})
    monkeypatch.chdir(root / "old")
    (workflow,) = project.find("main.dig")
    assert project.find(".") == (workflow,)
    assert (workflow.machine, workflow.path, workflow.project.root) == ("old-main", "main.dig", root / "old")
    assert workflow.project.jobs(Problems()) is None


def test_every_workflow_is_named_once_even_if_its_folder_is_named_too(repository):
    repository(FILES)
    assert len(project.find_all(["workflows/shop/daily.dig", "workflows/shop", "."])) == 3


def test_what_is_not_there_is_a_problem_with_a_hint(repository):
    repository(FILES)
    with pytest.raises(ProblemsFound) as caught:
        project.find_all(["workflows/shop/dayly.dig", "nowhere", "workflows/users/list.json", "workflows/empty"])
    assert [(p.at.path, p.code, p.hint) for p in caught.value.problems] == [
        ("nowhere", "SD001", ""),
        ("workflows/empty", "SD003", "`stepdig init DIR` makes a first one"),
        ("workflows/shop/dayly.dig", "SD001", "did you mean 'daily.dig'?"),
        ("workflows/users/list.json", "SD003", ""),
    ]


def test_two_files_never_become_one_state_machine(repository):
    repository(
        dict.fromkeys(["workflows/a/b-c.dig", "workflows/a-b/c.dig", "workflows/z/m.dig", "workflows/z/m.dig.yml"], "")
    )
    assert found_codes(".") == [
        ("workflows/a-b/c.dig:1:1", "SD004", "workflows/a/b-c.dig has the name 'a-b-c' already"),
        ("workflows/z/m.dig.yml:1:1", "SD004", "workflows/z/m.dig has the name 'z-m' already"),
    ]


def test_read_stays_inside_the_project_folder(repository):
    root = repository(FILES)
    own = project.find("workflows/users")[0].project
    (root / "workflows/users/inside.json").symlink_to("list.json")
    (root / "workflows/users/loop").symlink_to("loop")
    (root / "workflows/users/out").symlink_to(root / "workflows/shop")
    os.mkfifo(root / "workflows/users/pipe")
    assert own.read("list.json") == own.read("inside.json") == b"[1]"
    for path in (
        "../shop/daily.dig",
        f"{root}/jobs/README.md",
        "no\0name",
        "loop",
        ".",
        "pipe",
        "x" * 300,
        "list.json/a",
    ):
        assert own.read(path) is None, path
    with pytest.raises(PermissionError, match="leads out of the project folder"):
        own.read("out/daily.dig")
