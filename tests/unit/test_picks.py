"""Which job a task runs in, what is left of it in the bundle, and the jobs that a workflow makes up itself."""

from __future__ import annotations

import pytest

from stepdig.language.job import Job, definition_job, image_job
from stepdig.pipeline import compile_workflow

JOBS = {
    "default": Job("default"),
    "tool": Job("tool", image="a:1", plain=True),
    "keeps": Job("keeps", state=("a.txt",)),
    "image-x-1": Job("image-x-1"),
}
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:7"


def compiled(dig):
    return compile_workflow(
        lambda path: dig.encode() if path == "w.dig" else None,
        "w.dig",
        display=str,
        project="p",
        workflow="w",
        jobs=JOBS,
    )


def jobs_of(dig):
    made = compiled(dig)
    return {key: task["job"] for key, task in made.bundle["tasks"].items()}, made


@pytest.mark.parametrize(
    ("keys", "job"),
    [
        ("", "image-alpine-3"),
        ("ecs: {job: tool}", "tool"),
        ("docker: {image: 'python:3.13'}", "image-python-3-13"),
        ("ecs: {job: keeps}, docker: {image: 'python:3.13'}", "keeps"),
        (f"ecs: {{task_definition_arn: '{ARN}', container: web}}", "task-app-7"),
        ("ecs: {memory: 1 GB}", "image-alpine-3"),
        ("docker: {pull_always: true}", "image-alpine-3"),
    ],
)
def test_what_the_task_itself_says_counts_before_exports(keys, job):
    dig = f"_export: {{docker: {{image: 'alpine:3'}}}}\n+t: {{sh>: ls{', ' if keys else ''}{keys}}}\n"
    found, made = jobs_of(dig)
    assert found == {"+t": job}
    assert list(made.jobs) == [job]


def test_an_export_of_ecs_counts_before_one_of_docker():
    assert jobs_of("_export: {docker: {image: 'a:1'}, ecs: {job: keeps}}\n+t: {sh>: ls}\n")[0] == {"+t": "keeps"}


def test_two_images_of_one_name_are_two_jobs():
    dig = """
+a: {sh>: ls, docker: {image: "registry.one.com/etl:1"}}
+b: {sh>: ls, docker: {image: "registry.two.com/etl:1"}}
+c: {sh>: ls, docker: {image: "registry.one.com/etl:1"}}
+d: {sh>: ls, docker: {image: "x:1"}}
"""
    found, made = jobs_of(dig)
    assert found["+a"] == found["+c"] == "image-etl-1"
    assert found["+b"].startswith("image-etl-1-")
    assert found["+d"].startswith("image-x-1-"), "a folder has that name"
    images = {name: job.image for name, job in made.jobs.items()}
    assert images[found["+a"]] == "registry.one.com/etl:1"
    assert images[found["+b"]] == "registry.two.com/etl:1"
    assert images[found["+d"]] == "x:1"
    assert len({name for name in made.substitutions if name.startswith("Job")}) == 3


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (image_job("python:3.13-slim"), "image-python-3-13-slim"),
        (image_job("localhost:5000/team/etl:1.4"), "image-team-etl-1-4"),
        (image_job("shop/etl"), "image-shop-etl"),
        (image_job("a@sha256:0123456789abcdef0123"), "image-a-0123456789ab"),
        (image_job("a" * 80, plain=True), "plain-" + "a" * 40),
        (definition_job(ARN, "web"), "task-app-7"),
    ],
)
def test_names_of_jobs_that_a_workflow_makes_up(job, name):
    assert job.name == name


def test_files_of_a_job_of_a_task_and_of_an_export():
    dig = """
+a: {sh>: ls, ecs: {job: keeps}}
+b: {sh>: ls, ecs: {job: keeps, state: [b.txt]}}
+c: {sh>: ls, ecs: {job: keeps, state: []}}
+d:
  _export: {ecs: {state: [d.txt]}}
  +in: {sh>: ls}
  +plain: {sh>: ls, ecs: {job: tool}}
"""
    made = compiled(dig)
    files = {key: task.get("state") for key, task in made.bundle["tasks"].items()}
    assert files == {"+a": ["a.txt"], "+b": ["b.txt"], "+c": None, "+d+in": ["d.txt"], "+d+plain": None}
    assert made.bundle["tasks"]["+d+plain"]["plain"] is True
