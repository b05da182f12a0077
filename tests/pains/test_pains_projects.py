"""P11, P12, P13, P19, P30: writing, testing and deploying workflows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pains_project import ROOT, Project
from publish_stand_ins import CONTEXT, REPOSITORY, CodeBuild, request

from servers import HttpServer
from stepdig.local.functions import Modules
from stepdig.packing import wheels
from stepdig.problem import ProblemsFound


def test_p11_a_laptop_is_a_development_environment(tmp_path: Path, project: Project) -> None:
    """Lancers: there was no development environment; the analysts shared the staging server.

    A new folder, and one command: lists, a command task for each row, Python, what it stores. No account, no credentials, no
    Docker: PATH has Python and the system's commands only, and no variable names AWS.
    """
    bare = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert project.stepdig("init", str(tmp_path / "batch"), PATH=bare).code == 0
    mine = Project(tmp_path / "batch")
    assert mine.stepdig("check", PATH=bare).code == 0
    run = mine.run("workflows/hello/hello.dig", PATH=bare, AWS_EC2_METADATA_DISABLED="true", HOME=str(tmp_path))
    assert run.code == 0, run.text
    assert run.end["status"] == "SUCCEEDED"
    assert any("tables copied" in line for line in run.lines)


def test_p12_git_is_the_list_of_what_is_live(project: Project) -> None:
    """Lancers: projects were pushed by hand, and nobody knew which of them were live.

    What is in workflows/ is what is deployed. A workflow that is removed is removed with all that was made for it, one that is
    renamed is renamed, and before it happens `build --check` says so, which CI shows in the pull request.
    """
    project.write({f"workflows/shop/{name}.dig": "+a: {sh>: 'true'}\n" for name in ("nightly", "weekly", "old")})
    assert project.stepdig("build").code == 0
    assert project.stepdig("build", "--check").code == 0
    template = project.folder / "statemachines/template.yaml"
    assert "ShopOld" in template.read_text()

    (project.folder / "workflows/shop/old.dig").unlink()
    (project.folder / "workflows/shop/weekly.dig").rename(project.folder / "workflows/shop/monthly.dig")
    before = template.read_text()
    said = project.stepdig("build", "--check")
    assert said.code == 1
    assert "left over" in said.text
    for name in ("old", "weekly", "monthly"):
        assert f"shop-{name}.asl.json" in said.text
    assert template.read_text() == before, "it has only been told"

    assert project.stepdig("build").code == 0
    names = sorted(path.name for path in (project.folder / "statemachines").glob("*.asl.json"))
    assert names == ["shop-monthly.asl.json", "shop-nightly.asl.json"]
    after = template.read_text()
    assert "ShopOld" not in after
    assert "ShopWeekly" not in after
    assert "ShopMonthly" in after
    assert project.stepdig("build", "--check").code == 0


@pytest.fixture
def libraries(project: Project) -> None:
    try:
        wheels.fetched(ROOT)
    except ProblemsFound as wrong:
        pytest.skip(f"{wrong}; once `pip download botocore==1.37.38` works, so does this")
    (project.folder / ".stepdig").mkdir()
    (project.folder / wheels.FOLDER).symlink_to(ROOT / wheels.FOLDER)


@pytest.fixture
def publish(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function that answers CloudFormation, its package what was packed last, in an account with moto and a CodeBuild."""
    packed = project.folder / "packed"
    keys = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    about = {"BUCKET": "shop-bucket", "REPOSITORY": REPOSITORY, "BUILD_PROJECT": "shop-images", "PACKED": str(packed)}
    for name, value in {**keys, **about}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        app = Modules(ROOT / "functions/publish").load("app")
        made: dict[str, Any] = {"codebuild": CodeBuild(), "s3": boto3.client("s3"), "ecr": boto3.client("ecr")}
        made["lambda"] = SimpleNamespace(invoke=lambda **_: None)
        made["s3"].create_bucket(Bucket="shop-bucket")
        made["ecr"].create_repository(repositoryName=REPOSITORY.rpartition("/")[2], registryId="123456789012")
        monkeypatch.setattr(app.runtime, "client", made.__getitem__)
        app.aws = made
        yield app


@pytest.mark.usefixtures("libraries")
def test_p13_a_changed_query_builds_no_image(project: Project, publish: Any, http_server: HttpServer) -> None:
    """Lancers, Gunosy: a deployment took ten minutes, as images were built for every changed workflow file.

    Here a .sql, a .dig that says something else, and a table list change. The first deployment builds the job's image once; the
    second starts no build, and its archive lies under another key, so that a run keeps the files it began with.
    """
    night = "+load: {sh>: './load.sh', ecs: {job: load}}\n+say: {echo>: %s}\n"
    project.write(
        {
            "workflows/shop/nightly.dig": night % "done",
            "workflows/shop/load.sh": "cat sql/load.sql\n",
            "workflows/shop/sql/load.sql": "select 1\n",
            "jobs/load/Dockerfile": "FROM python:3.12\n",
        }
    )
    builds = publish.aws["codebuild"]

    def deploy(number: int) -> None:
        assert project.stepdig("build").code == 0
        assert project.stepdig("pack", "packed").code == 0
        publish.handler(request(http_server.url, "ProjectArchive", number=number, Project="shop"), CONTEXT)
        publish.handler(request(http_server.url, "JobImage", number=number + 1, Job="load"), CONTEXT)

    deploy(1)
    (tag,) = _tags(builds)
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    publish.aws["ecr"].put_image(
        repositoryName=REPOSITORY.rpartition("/")[2], imageManifest=json.dumps(manifest), imageTag=tag
    )
    definition = (project.folder / "statemachines/shop-nightly.asl.json").read_text()
    project.write({"workflows/shop/sql/load.sql": "select 2\n"})
    deploy(3)
    assert (project.folder / "statemachines/shop-nightly.asl.json").read_text() == definition
    project.write({"workflows/shop/nightly.dig": night % "all done"})
    deploy(5)
    assert len(_tags(builds)) == 1

    told = {int(it.path.rpartition("/")[2]): json.loads(it.body) for it in http_server.requests}
    assert {told[number]["Data"]["Uri"] for number in (4, 6)} == {f"{REPOSITORY}:{tag}"}
    assert len({told[number]["Data"]["Key"] for number in (1, 3, 5)}) == 3


def _tags(builds: Any) -> list[str]:
    """Return the images whose builds were started."""
    made = [it["environment"]["environmentVariables"] for it in builds.builds.values()]
    return [next(it["value"] for it in variables if it["name"] == "TAG") for variables in made]


TESTS = '''
import json
import subprocess
import sys

import candidates


def test_a_function():
    assert candidates.rank([{"ad": "a", "bid": 1}, {"ad": "b", "bid": 2}]) == ["b", "a"]


def test_the_workflow(tmp_path):
    """With a stand-in for the loader, which says what it was asked for."""
    words = ["run", "ads.dig", "--json", "-p", "slot=top"]
    done = subprocess.run([sys.executable, "-m", "stepdig", *words], capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [it["text"] for it in told if it["event"] == "output"] == ["loader: top b,a"]
'''


def test_p19_workflows_and_jobs_have_unit_tests(project: Project) -> None:
    """Gunosy: a job that was the configuration of a plug-in could not be tested, so such jobs were written in Go instead.

    The tests of this project are what its users would write: a function is a function, and the whole workflow runs with a program
    of their own in place of the loader. They pass, and find the mistake that is made then.
    """
    project.write(
        {
            "ads.dig": "+rank: {py>: candidates.main}\n+load: {sh>: 'loader ${slot} ${ranked}', ecs: {job: loader}}\n",
            "candidates.py": """
                def rank(ads):
                    return [it["ad"] for it in sorted(ads, key=lambda it: -it["bid"])]

                def main():
                    import digdag
                    digdag.env.store(ranked=",".join(rank([{"ad": "a", "bid": 1}, {"ad": "b", "bid": 2}])))
            """,
            "jobs/loader/bin/loader": '#!/bin/sh\necho "loader: $*"\n',
            "test_ads.py": TESTS,
        }
    )
    (project.folder / "jobs/loader/bin/loader").chmod(0o755)

    def tested() -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_ads.py"]
        return subprocess.run(
            argv, cwd=project.folder, env=project.environ(), capture_output=True, text=True, check=False
        )

    well = tested()
    assert well.returncode == 0, well.stdout
    text = (project.folder / "candidates.py").read_text()
    project.write({"candidates.py": text.replace("-it", "it")})
    assert "2 failed" in tested().stdout


CHAIN = """
    timezone: Asia/Tokyo
    +extract: {sh>: 'echo extract; [ -e tried ] || { touch tried; exit 1; }', _retry: 2}
    +load: {sh>: 'echo load; exit $code'}
    +tell: {slack>: loaded.yml}
    _error: {slack>: failed.yml}
"""


@pytest.mark.parametrize("code", [0, 1])
def test_p30_notification_retry_and_chain_are_lines_of_yaml(project: Project, code: int) -> None:
    """CrowdWorks: a chain of jobs with retry and notification "would need a lot of building and be hard to see through".

    Five lines of YAML do it. The state machine they become can be read and looked at as it is: each task is a state of its name,
    in the order of the file, and each state says from which line it comes.
    """
    project.write({"chain.dig": CHAIN, "loaded.yml": "text: loaded\n", "failed.yml": "text: the batch failed\n"})
    run = project.run("chain.dig", "-p", f"code={code}")
    assert run.code == code
    messages = [it["text"] for it in run.told if it["event"] == "message"]
    assert messages == (["the batch failed"] if code else ["loaded"])
    assert run.lines == ["extract", "extract", "load"]

    definition = json.loads((project.folder / run.start["directory"] / "definition.json").read_text())
    states: dict[str, dict[str, Any]] = definition["States"]
    follows: Callable[[str], str] = lambda name: states[name].get("Next", "")  # noqa: E731
    assert follows("+extract") == "+load"
    assert follows("+load") == "+tell"
    lines = _lines()
    for name in ("+extract", "+load", "+tell"):
        assert states[name]["Comment"] == f":{lines[name]} +chain{name}"
    assert definition["Comment"].startswith("chain.dig ")


def _lines() -> dict[str, int]:
    """Return the lines of the tasks of the chain."""
    return {line.strip().partition(":")[0]: number for number, line in enumerate(CHAIN.splitlines(), 1) if line.strip()}
