"""Jobs on a laptop: an environment made once from a job's requirements, with a package of this test (no network)."""

import asyncio
import os
import sys
import zipfile
from pathlib import Path
from types import MappingProxyType

import pytest

from stepdig.local.guard import Guard
from stepdig.local.jobs import DONE, JobError, Jobs, Settings
from stepdig.local.processes import spawn


def wheel(folder: Path, name: str = "greeting", word: str = "hello") -> Path:
    """Return a wheel with a module and a script, made by hand."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(f"{name}.py", f"def main():\n    print({word!r})\n")
        opened.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        opened.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        opened.writestr(f"{info}/entry_points.txt", f"[console_scripts]\ngreet = {name}:main\n")
        opened.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def project(tmp_path):
    (tmp_path / "jobs/load").mkdir(parents=True)
    return tmp_path


class Laptop:
    def __init__(self, folder, secrets=MappingProxyType({}), settings=MappingProxyType({})):
        self.guard = Guard()
        self.said = []
        cache = folder / ".stepdig/jobs"
        self.jobs = Jobs(folder / "jobs", cache, self.guard, self.said.append, secrets.get, settings)

    async def output(self, job, argv):
        lines = []
        environment = await self.jobs.environment(job)
        env = {**os.environ, **environment.variables}
        assert await spawn(argv, env, None, self.guard, lambda _stream, line: lines.append(line)) == 0
        return lines


def on_laptop(folder, work, secrets=None, **settings):
    async def go():
        laptop = Laptop(folder, secrets or {}, settings)
        try:
            return await work(laptop), laptop.said
        finally:
            laptop.guard.close()

    return asyncio.run(go())


def environments(folder):
    return sorted(path.parent.name for path in (folder / ".stepdig/jobs").glob(f"*/{DONE}"))


def test_requirements_give_scripts_first_on_path_and_a_python_for_py(project):
    (project / "jobs/load/requirements.txt").write_text(f"{wheel(project)}  # the test's own\n")

    async def work(laptop):
        environment = await laptop.jobs.environment("load")
        seen = await laptop.output("load", ["sh", "-c", "greet; echo $VIRTUAL_ENV"])
        assert seen == ["hello", environment.variables["VIRTUAL_ENV"]]
        assert await laptop.output("load", [*environment.python, "-c", "import greeting; greeting.main()"]) == ["hello"]
        return laptop.jobs.ready("load") == environment

    same, said = on_laptop(project, work)
    assert same
    assert said[0].startswith("job load: installing ")
    assert said[1].startswith("job load: installed in ")

    (name,) = environments(project)
    assert name.startswith("load-")
    _, said = on_laptop(project, work)
    assert (said, environments(project)) == ([], [name]), "the second run finds it made"

    with (project / "jobs/load/requirements.txt").open("a") as file:
        file.write("# changed\n")
    on_laptop(project, work)
    assert len(environments(project)) == 2, "other requirements are another environment"


def test_a_job_without_requirements_is_the_hosts_path(project):
    async def work(laptop):
        environment = await laptop.jobs.environment("load")
        assert dict(environment.variables) == {}
        assert await laptop.jobs.environment("default") == environment
        return await laptop.output("load", ["sh", "-c", "echo $PATH"])

    assert on_laptop(project, work) == ([os.environ["PATH"]], [])


@pytest.mark.parametrize("packages", [False, True])
def test_programs_of_a_job_come_first(project, packages):
    """What the image would copy to its PATH is on the laptop's, before the scripts of packages."""
    tool = project / "jobs/load/bin/greet"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho own\n")
    tool.chmod(0o755)
    if packages:
        (project / "jobs/load/requirements.txt").write_text(f"{wheel(project)}\n")

    assert on_laptop(project, lambda laptop: laptop.output("load", ["greet"]))[0] == ["own"]


def test_an_environment_is_made_once_however_many_tasks_and_runs_want_it(project):
    (project / "jobs/load/requirements.txt").write_text(f"{wheel(project)}\n")

    async def work(laptop):
        other = Laptop(project)  # a second run beside the first, in the same folder
        try:
            await asyncio.gather(*(laptop.jobs.environment("load") for _ in range(3)), other.jobs.environment("load"))
        finally:
            other.guard.close()
        return other.said

    others, own = on_laptop(project, work)
    assert len([text for text in others + own if "installing" in text]) == 1


def test_what_a_killed_run_left_half_made_is_made_anew(project):
    (project / "jobs/load/requirements.txt").write_text(f"{wheel(project)}\n")

    async def work(laptop):
        return await laptop.output("load", ["greet"])

    on_laptop(project, work)
    (place,) = (project / ".stepdig/jobs").glob("load-*/")
    (place / DONE).unlink()
    (place / "bin/python").unlink()
    assert on_laptop(project, work)[0] == ["hello"]


def test_requirements_that_cannot_be_installed_fail_with_the_installers_last_lines(project):
    (project / "jobs/load/requirements.txt").write_text("./no/such/package.whl\n")

    async def work(laptop):
        with pytest.raises(JobError) as error:
            await laptop.jobs.environment("load")
        return str(error.value)

    said, _ = on_laptop(project, work)
    assert said.startswith("job load: its environment cannot be made")
    assert "no/such/package.whl" in said
    assert environments(project) == []


def test_requirements_named_by_others_count_too(project):
    (project / "jobs/load/requirements.txt").write_text("-r more.txt\n")

    async def work(laptop):
        return await laptop.output("load", ["greet"])

    (project / "jobs/load/more.txt").write_text(f"{wheel(project)}\n")
    assert on_laptop(project, work)[0] == ["hello"]
    (project / "new").mkdir()
    (project / "jobs/load/more.txt").write_text(f"{wheel(project / 'new', word='bye')}\n")
    assert on_laptop(project, work)[0] == ["bye"]


def test_a_python_that_is_not_there_is_told(project):
    async def work(laptop):
        with pytest.raises(JobError) as error:
            await laptop.jobs.environment("load")
        return str(error.value)

    said, _ = on_laptop(project, work, load=Settings(python="1.2"))
    assert said == "job load: python: 1.2: there is no python1.2 on this machine"


def test_the_python_of_job_yml_is_that_of_py(project):
    async def work(laptop):
        return (await laptop.jobs.environment("load")).python

    assert on_laptop(project, work, load=Settings(python=sys.executable))[0] == (sys.executable,)


def test_what_job_yml_says_reaches_the_commands_of_the_job_alone(project, monkeypatch):
    monkeypatch.setenv("INHERITED", "from the shell")
    settings = Settings(
        environment={"LEVEL": "info"},
        secrets=("DB_PASSWORD", "INHERITED", "NONE"),
        files=("KEY_PATH",),
        workspace=project / ".stepdig/workspace",
        grace=3,
    )

    async def work(laptop):
        shown = 'echo "$LEVEL $DB_PASSWORD $INHERITED $NONE"; cd "$STEPDIG_WORKSPACE" && pwd'
        seen = await laptop.output("load", ["sh", "-c", shown])
        other = await laptop.output("other", ["sh", "-c", 'echo "$LEVEL$DB_PASSWORD$STEPDIG_WORKSPACE"'])
        made = await laptop.jobs.environment("load")
        return seen, other, made.files, made.grace, made.missing

    secrets = {"DB_PASSWORD": "hunter2", "KEY_PATH": "{}"}
    found, said = on_laptop(project, work, secrets, load=settings)
    assert found == (
        ["info hunter2 from the shell ", str(project / ".stepdig/workspace")],
        [""],
        {"KEY_PATH": "{}"},
        3,
        ("NONE",),
    )
    assert said == []
