"""`stepdig pack`: what it writes, what changes it and what does not, what it refuses."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stepdig import limits
from stepdig.cli import main
from stepdig.packing import runner_zip, wheels
from stepdig.problem import ProblemsFound
from stepdig.runner.storage import FolderStorage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def libraries():
    try:
        wheels.fetched(ROOT)
    except ProblemsFound as wrong:
        pytest.skip(f"{wrong}; once `pip download botocore==1.37.38` works, so does this")
    return ROOT / wheels.FOLDER


@pytest.fixture
def repo(tmp_path, libraries, monkeypatch):
    root = tmp_path / "repo"
    for path, content in {
        "workflows/shop/nightly.dig": "+load:\n  sh>: ./load.sh\n  ecs: {job: load}\n+say: {echo>: done}\n",
        "workflows/shop/weekly.dig": "+report: {sh>: echo report}\n",
        "workflows/shop/load.sh": "#!/bin/sh\ncat sql/load.sql\n",
        "workflows/shop/sql/load.sql": "select 1",
        "workflows/other/main.dig": "+t: {echo>: other}\n",
        "jobs/load/Dockerfile": "FROM python:3.12\n",
        "jobs/default/requirements.txt": "duckdb\n",
        "jobs/unused/Dockerfile": "FROM x\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    (root / "workflows/shop/load.sh").chmod(0o755)
    (root / wheels.FOLDER).parent.mkdir()
    (root / wheels.FOLDER).symlink_to(libraries)
    monkeypatch.chdir(root)
    assert main(["build"]) == 0
    return root


def pack(out="out", code=0):
    assert main(["pack", out]) == code


def told(out="out"):
    return {path.stem: json.loads(path.read_text()) for path in sorted(Path(out).rglob("*.json"))}


def names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_an_archive_for_each_project_and_a_context_for_each_job_in_use(repo, capsys):
    capsys.readouterr()
    pack()
    files = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.*"))
    pairs = ["archives/other", "archives/shop", "images/default", "images/load"]
    assert files == [f"{name}.{kind}" for name in pairs for kind in ("json", "zip")]
    assert names("out/archives/shop.zip") == [
        ".stepdig/shop-nightly.json",
        ".stepdig/shop-weekly.json",
        "load.sh",
        "nightly.dig",
        "sql/load.sql",
        "weekly.dig",
    ]
    assert set(told()["shop"]) == {"hash", "files", "bytes"}
    assert told()["shop"]["files"] == 6
    assert told()["load"] == {"hash": told()["load"]["hash"], "image": "", "architecture": "x86_64"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["1", "kB", "out/archives/other.zip"]
    assert lines[-1].startswith("2 archives, 2 build contexts, ")


def test_a_container_runs_a_task_from_what_was_packed(repo, tmp_path):
    """The definition's own words for the task, the archive's bundle, the image's runner: they fit."""
    pack()
    archive, bucket = Path("out/archives/shop.zip").read_bytes(), FolderStorage(tmp_path / "bucket")
    bucket.put("archives/shop-1.zip", archive)
    with zipfile.ZipFile("out/images/load.zip") as context:
        (tmp_path / "runner.pyz").write_bytes(context.read(runner_zip.NAME))
        assert context.read("Dockerfile").decode().splitlines()[-1].split() == [
            "COPY",
            runner_zip.NAME,
            runner_zip.PLACE,
        ]
    definition = json.loads((repo / "statemachines/shop-nightly.asl.json").read_text())
    given = definition["States"]["+load"]["Arguments"]["Overrides"]["ContainerOverrides"][0]["Environment"]
    task = next(it["Value"] for it in given if it["Name"] == "STEPDIG_TASK")
    run = {"prefix": "runs/shop-nightly/x", "archive": "archives/shop-1.zip", "params": {}, "loop": {}}
    env = {
        "PATH": os.environ["PATH"],
        "STEPDIG_TASK": task,
        "STEPDIG_RUN": json.dumps({**run, "session_time": "2026-11-20T00:00:00+00:00"}),
        "STEPDIG_BUCKET": f"file://{tmp_path}/bucket",
    }
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "runner.pyz"], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "select 1", "")


def test_editing_sql_changes_the_archive_and_nothing_else(repo):
    pack()
    before, definitions = told(), {path: path.read_bytes() for path in (repo / "statemachines").iterdir()}
    (repo / "workflows/shop/sql/load.sql").write_text("select 2")
    assert main(["build", "--check"]) == 0, "no committed definition changed"
    assert {path: path.read_bytes() for path in (repo / "statemachines").iterdir()} == definitions
    pack()
    changed = {name for name, it in told().items() if it != before[name]}
    assert changed == {"shop"}


def test_the_same_files_give_the_same_bytes(repo, tmp_path):
    pack("one")
    shutil.copytree(repo, tmp_path / "clone", symlinks=True, ignore=shutil.ignore_patterns("one"))
    for path in (tmp_path / "clone").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    os.chdir(tmp_path / "clone")
    pack("one")
    hashes = [
        {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.*")}
        for root in (repo / "one", tmp_path / "clone/one")
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 8


def test_what_is_no_longer_needed_goes_and_what_is_not_ours_stays(repo):
    pack()
    (repo / "out/images/mine.zip").write_text("not ours")
    shutil.rmtree(repo / "workflows/other")
    assert main(["build"]) == 0
    pack()
    assert sorted(path.name for path in (repo / "out").rglob("*.zip")) == [
        "default.zip",
        "load.zip",
        "mine.zip",
        "shop.zip",
    ]


def test_a_definition_that_is_not_what_compiles_now_is_refused(repo, capsys):
    (repo / "workflows/shop/weekly.dig").write_text("+report: {sh>: echo another}\n+more: {echo>: x}\n")
    (repo / "statemachines/other-main.asl.json").unlink()
    pack(code=1)
    said = capsys.readouterr().err
    assert "statemachines/shop-weekly.asl.json:1:1: SD670 this definition is stale" in said
    assert "statemachines/other-main.asl.json:1:1: SD670 this definition is missing" in said
    assert "`stepdig build` brings it up to date" in said
    assert "nightly" not in said
    assert not (repo / "out").exists()


def test_a_link_out_of_a_project_and_a_job_without_python_are_told_in_one_run(repo, capsys):
    (repo / "workflows/shop/link").symlink_to("/etc/hostname")
    (repo / "jobs/load/Dockerfile").write_text("# nothing\nFROM scratch\n")
    pack(code=1)
    said = capsys.readouterr().err
    assert "workflows/shop/link:1:1: SD671 the link leads out of workflows/shop" in said
    assert "jobs/load/Dockerfile:2:1: SD674 an image from scratch has no Python" in said
    assert not (repo / "out").exists()


def test_a_mistake_of_a_workflow_is_told_as_check_does(repo, capsys):
    (repo / "workflows/shop/weekly.dig").write_text("+report: {shh>: x}\n")
    pack(code=1)
    assert "workflows/shop/weekly.dig:1:11: SD" in capsys.readouterr().err


def test_what_is_packed_may_not_lie_in_the_project(repo, capsys):
    pack("workflows/shop/out", code=1)
    assert "workflows/shop/out:1:1: SD676" in capsys.readouterr().err
    pack("workflows/shop/.aws-sam/build")


def test_a_plain_project_is_packed_too(repo, monkeypatch):
    monkeypatch.chdir(repo / "workflows/other")
    alone = repo.parent / "alone"
    shutil.copytree(repo / "workflows/other", alone)
    (alone / wheels.FOLDER).parent.mkdir()
    (alone / wheels.FOLDER).symlink_to(ROOT / wheels.FOLDER)
    monkeypatch.chdir(alone)
    assert main(["build"]) == 0
    pack("../out")
    assert names("../out/archives/alone.zip")[0] == ".stepdig/alone-main.json"


def test_too_much_for_lambda_names_the_largest(repo, capsys, monkeypatch):
    (repo / "workflows/shop/data.bin").write_bytes(os.urandom(2_000_000))
    monkeypatch.setattr(limits, "LAMBDA_PACKAGE_BYTES", 22_000_000)
    pack(code=1)
    said = capsys.readouterr().err
    assert "out/archives/shop.zip:1:1: SD677 2,00" in said
    assert "may have 2,000,000" in said


def test_libraries_that_cannot_be_had_are_told_with_pips_words(repo, capsys, monkeypatch):
    (repo / wheels.FOLDER).unlink()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(repo))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    pack(code=1)
    said = capsys.readouterr().err
    assert (
        ".stepdig/wheels:1:1: SD675 the libraries of the task runner cannot be had: ERROR: No matching distribution"
        in said
    )
    assert "botocore-1.37.38-py3-none-any.whl" in said


def test_a_library_with_other_bytes_is_not_taken(repo, capsys, monkeypatch):
    """One that was damaged in the cache is fetched again; one that the index serves otherwise is refused by pip's hash check."""
    (repo / wheels.FOLDER).unlink()
    shutil.copytree(ROOT / wheels.FOLDER, repo / wheels.FOLDER)
    good = (repo / wheels.FOLDER / "six-1.17.0-py2.py3-none-any.whl").read_bytes()
    links = repo.parent / "links"
    links.mkdir()
    (links / "six-1.17.0-py2.py3-none-any.whl").write_bytes(good)
    (repo / wheels.FOLDER / "six-1.17.0-py2.py3-none-any.whl").write_bytes(good[:-1])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    pack()
    assert (repo / wheels.FOLDER / "six-1.17.0-py2.py3-none-any.whl").read_bytes() == good
    altered = io.BytesIO(good)
    with zipfile.ZipFile(altered, "a") as wheel:
        wheel.writestr("six_evil.py", "")
    (links / "six-1.17.0-py2.py3-none-any.whl").write_bytes(altered.getvalue())
    (repo / wheels.FOLDER / "six-1.17.0-py2.py3-none-any.whl").unlink()
    pack(code=1)
    assert "SD675" in capsys.readouterr().err
    assert not (repo / wheels.FOLDER / "six-1.17.0-py2.py3-none-any.whl").exists()
