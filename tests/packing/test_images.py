"""Build contexts of jobs: whose Dockerfile, with the runner or without, and what changes them."""

import pytest

from stepdig.language.job import Job
from stepdig.packing import images
from stepdig.packing.contents import digest
from stepdig.problem import Problems

LINE = "COPY stepdig-runner.pyz /opt/stepdig/runner.pyz"
PYTHON = "public.ecr.aws/docker/library/python:3.13-slim"


def context(root, job, wrong=()):
    problems = Problems()
    made = images.context(job, root, b"the runner", problems)
    assert [it.code for it in problems] == list(wrong)
    return made


def dockerfile(made):
    return made.files["Dockerfile"].read().decode()


def lay(root, name, **files):
    folder = root / "jobs" / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file.replace("_", ".")).write_text(content)
    return folder


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n"])
def test_the_runner_is_laid_over_an_own_dockerfile(tmp_path, ending):
    lay(tmp_path, "load", Dockerfile=f"FROM python:3.12\nRUN x{ending}", requirements_txt="duckdb")
    made = context(tmp_path, Job("load"))
    assert dockerfile(made) == f"FROM python:3.12\nRUN x\n{LINE}\n"
    assert set(made.files) == {"Dockerfile", "requirements.txt", "stepdig-runner.pyz"}
    assert made.files["stepdig-runner.pyz"].read() == b"the runner"


@pytest.mark.parametrize(
    "line", [LINE, f"  {LINE.lower().replace('copy', 'copy --chown=1:1')}  ", LINE.replace("stepdig-r", "./stepdig-r")]
)
def test_a_dockerfile_that_copies_the_runner_itself_stays_as_it_is(tmp_path, line):
    text = f"FROM python:3.12\n{line}\nUSER nobody\n"
    lay(tmp_path, "load", Dockerfile=text)
    assert dockerfile(context(tmp_path, Job("load"))) == text


def test_a_dockerignore_does_not_hide_the_runner(tmp_path):
    lay(tmp_path, "load", Dockerfile="FROM python:3.12\n", _dockerignore="*\n!src")
    ignored = context(tmp_path, Job("load")).files[".dockerignore"].read().decode()
    assert ignored.splitlines() == ["*", "!src", "!stepdig-runner.pyz"]


def test_requirements_alone_make_an_image_of_python(tmp_path):
    folder = lay(tmp_path, "load", requirements_txt="-r more.txt\nduckdb", more_txt="x", notes_md="no part of it")
    made = context(tmp_path, Job("load"))
    assert dockerfile(made).splitlines() == [
        f"FROM {PYTHON}",
        "COPY *.txt /opt/job/",
        "RUN pip install --no-cache-dir --requirement /opt/job/requirements.txt",
        LINE,
    ]
    assert set(made.files) == {"Dockerfile", "requirements.txt", "more.txt", "stepdig-runner.pyz"}
    before = digest(made.files)
    (folder / "notes.md").write_text("changed")
    assert digest(context(tmp_path, Job("load")).files) == before
    (folder / "more.txt").write_text("y")
    assert digest(context(tmp_path, Job("load")).files) != before


def test_an_image_of_somebody_else_gets_the_runner_and_nothing_of_the_folder(tmp_path):
    lay(tmp_path, "load", job_yml="image: embulk/embulk:1")
    made = context(tmp_path, Job("load", image="embulk/embulk:1"))
    assert dockerfile(made) == f"FROM embulk/embulk:1\n{LINE}\n"
    assert made.image == "embulk/embulk:1"


def test_an_image_that_only_the_stack_knows_is_an_argument_of_the_build(tmp_path):
    image = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/base:1"
    made = context(tmp_path, Job("load", image=image))
    assert dockerfile(made) == f"ARG BASE\nFROM ${{BASE}}\n{LINE}\n"
    assert made.image == image


def test_a_job_without_any_file_is_python(tmp_path):
    assert dockerfile(context(tmp_path, Job("default"))) == f"FROM {PYTHON}\n{LINE}\n"


def test_a_plain_job_has_no_runner(tmp_path):
    lay(tmp_path, "plain", Dockerfile="FROM scratch\nCOPY x /x\n", x="")
    assert set(context(tmp_path, Job("plain", plain=True)).files) == {"Dockerfile", "x"}
    assert context(tmp_path, Job("ready", plain=True, image="busybox")) is None
    assert context(tmp_path, Job("else", task_definition="arn:aws:ecs:r:1:task-definition/x:1")) is None
    assert context(tmp_path, Job("none", plain=True), ["SD673"]) is None


@pytest.mark.parametrize("text", ["RUN x\n", "", "FROM golang AS b\nFROM --platform=x scratch\nCOPY --from=b /x /x\n"])
def test_a_dockerfile_that_cannot_take_the_runner_is_told(tmp_path, text):
    lay(tmp_path, "load", Dockerfile=text)
    context(tmp_path, Job("load"), ["SD674"])


def test_sizes_and_rights_change_no_image(tmp_path):
    folder = lay(tmp_path, "load", Dockerfile="FROM python:3.12\n", job_yml="cpu: 256")
    before = digest(context(tmp_path, Job("load")).files)
    (folder / "job.yml").write_text("cpu: 512")
    assert digest(context(tmp_path, Job("load", cpu=512)).files) == before
