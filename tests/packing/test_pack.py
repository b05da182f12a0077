"""`stepdig pack`: what it writes, what changes it and what does not, what it refuses."""

import hashlib
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stepdig import limits
from stepdig.cli import main
from stepdig.packing import contents, runner_zip, wheels
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
    assert "out:1:1: SD677 3,9" in said
    assert "may have 2,000,000; archives/shop.zip has 2,00" in said
    assert "most of them for data.bin\n" in said
    assert not list(Path("out").rglob("*"))


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


STOP = """
import os
from stepdig.commands import pack
write = pack.write
def stop(*given):
    done = write(*given)
    os.kill(os.getpid(), {number})
    return done
pack.write = stop
"""


def packing(*words, before="", **more):
    code = f"{before}\nimport sys\nfrom stepdig.cli import main\nsys.exit(main({['pack', *words]!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, **more)


def held(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_is_stopped_while_packing_leaves_what_was_there(repo, number, code):
    done = packing("new/out", before=STOP.format(number=int(number)))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert not Path("new").exists()
    pack()
    before = held(Path("out"))
    (repo / "workflows/shop/sql/load.sql").write_text("select 2")
    assert packing("out", before=STOP.format(number=int(number))).returncode == code
    assert held(Path("out")) == before


def test_what_a_killed_pack_left_is_swept_away(repo):
    assert packing("out", before=STOP.format(number=int(signal.SIGKILL))).returncode == -signal.SIGKILL
    assert [name for name in held(Path("out")) if name.endswith(".new")]
    pack()
    assert not [name for name in held(Path("out")) if name.endswith(".new")]


def test_a_full_disk_leaves_what_was_there(repo):
    pack()
    before = held(Path("out"))
    (repo / "workflows/shop/sql/load.sql").write_text("select 2")
    done = packing("out", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert done.returncode == 1
    assert done.stderr == "out/images/default.zip:1:1: SD005 cannot be written: file too large\n1 problem in 1 file\n"
    assert held(Path("out")) == before


def test_packs_at_once_leave_whole_files(repo):
    command = [sys.executable, "-m", "stepdig", "pack", "out"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    told = [it.communicate(timeout=120)[0] for it in running]
    assert [it.returncode for it in running] == [0, 0, 0], told
    pack("alone")
    assert held(Path("out")) == held(Path("alone"))


@pytest.mark.parametrize("taken", ["out", "out/archives", "out/archives/shop.zip/x"])
def test_what_is_in_the_way_is_told_and_nothing_is_written(repo, capsys, taken):
    Path(taken).parent.mkdir(parents=True, exist_ok=True)
    Path(taken).write_text("mine")
    pack(code=1)
    said = capsys.readouterr().err
    assert said.startswith("out")
    assert "SD005 cannot be written" in said
    assert Path(taken).read_text() == "mine"
    assert not list(Path().rglob("*.new"))


def test_a_folder_without_a_name_is_refused(repo, capsys):
    """`stepdig pack "$ARTIFACTS_DIR"` where that is not set would write into the project."""
    pack("", code=2)
    assert "an empty name is no folder" in capsys.readouterr().err


def test_a_dockerfile_of_windows_editors_is_read(repo):
    (repo / "jobs/load/Dockerfile").write_bytes(b"\xef\xbb\xbfFROM python:3.12\r\n")
    pack()
    with zipfile.ZipFile("out/images/load.zip") as context:
        assert context.read("Dockerfile").startswith(b"FROM python:3.12\n")


def test_a_file_that_grows_while_it_is_packed_is_told(repo, capsys, monkeypatch):
    """Its hash names the archive: other bytes under that name would stay in the bucket for good."""
    (repo / "workflows/shop/growing.log").write_text("one")
    size = contents.File.size
    monkeypatch.setattr(contents.File, "size", lambda self: size(self) - ("growing" in str(self.content)))
    pack(code=1)
    said = capsys.readouterr().err
    assert "workflows/shop/growing.log:1:1: SD002 cannot be read: it changed meanwhile" in said
    assert not Path("out").exists()
