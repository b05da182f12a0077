"""What CodeBuild is told to do, done by a shell with stand-ins for docker and aws; the function with what Lambda gives it."""

import json
import os
import subprocess
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws
from publish_stand_ins import CONTEXT, REPOSITORY, context, package, request

from stepdig.local.functions import Modules

FUNCTION = Path(__file__).resolve().parents[2] / "functions/publish"
SPEC = yaml.safe_load((FUNCTION / "buildspec.yml").read_text())


def build(tmp_path, platform, *, fails="", **more):
    """Run the phases as CodeBuild does: command by command, no phase after one that failed. Return code and calls."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "aws"):
        text = (
            f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\ncase "$1" in ecr) echo secret;; login) cat >> "$CALLS";; esac\n'
        )
        (programs / name).write_text(f'{text}[ "$1" != "{fails}" ]\n')
        (programs / name).chmod(0o755)
    given = {"TAG": "load-0123456789abcdef", "REPOSITORY": REPOSITORY, "PLATFORM": platform, **more}
    env = {**given, "PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}
    code = 0
    for phase in SPEC["phases"].values():
        for command in phase["commands"]:
            code = code or subprocess.run(["sh", "-ec", command], env=env, check=False).returncode
        assert phase["on-failure"] == "ABORT", "else a push would follow a build that failed"
    return code, (tmp_path / "calls").read_text().splitlines()


def test_a_build_logs_in_builds_for_one_processor_and_pushes(tmp_path):
    code, calls = build(tmp_path, "linux/arm64")
    assert code == 0
    assert sorted(calls[:2]) == [
        "aws ecr get-login-password",
        "docker login --username AWS --password-stdin 123456789012.dkr.ecr.us-east-1.amazonaws.com",
    ]
    assert calls[2:] == [
        "secret",
        f"docker build --platform linux/arm64 --tag {REPOSITORY}:load-0123456789abcdef .",
        f"docker push {REPOSITORY}:load-0123456789abcdef",
    ]


def test_a_base_image_that_publish_filled_in_is_handed_on(tmp_path):
    code, calls = build(tmp_path, "linux/amd64", BASE="1.dkr.ecr/x:1")
    assert code == 0
    assert (
        f"docker build --platform linux/amd64 --build-arg BASE=1.dkr.ecr/x:1 --tag {REPOSITORY}:load-0123456789abcdef ."
        in calls
    )


def test_an_image_that_is_not_built_is_not_pushed(tmp_path):
    code, calls = build(tmp_path, "linux/amd64", fails="build")
    assert code == 1
    assert not any("push" in call for call in calls)


def test_the_function_with_clients_and_files_of_its_own(tmp_path, monkeypatch, http_server):
    """Real clients, the names out of the environment, the package beside the code, as in Lambda."""
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "BUCKET": "shop-bucket",
        "REPOSITORY": REPOSITORY,
        "BUILD_PROJECT": "shop-images",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "package"
    folder.mkdir()
    for path in FUNCTION.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    package(folder, archives={"shop": "a" * 64}, images={"load": "b" * 64})
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="shop-bucket")
        boto3.client("ecr").create_repository(repositoryName="shop-jobs")
        boto3.client("codebuild").create_project(
            name="shop-images",
            source={"type": "S3", "location": "shop-bucket/x"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::123456789012:role/service-role/build",
        )
        app = Modules(folder).load("app")
        app.handler(request(http_server.url, "ProjectArchive", Project="shop", PublishVersion="7"), CONTEXT)
        monkeypatch.setattr(app.runtime, "sleep", lambda _: None)  # this build has ended at once
        patient = context(lambda: 900_000)
        app.handler(request(http_server.url, "JobImage", number=2, Job="load", PublishVersion="7"), patient)
        assert len(boto3.client("codebuild").list_builds()["ids"]) == 1
        kept = boto3.client("s3").list_objects_v2(Bucket="shop-bucket")["Contents"]
    assert [it["Key"].rpartition("/")[2] for it in kept if "waiting" not in it["Key"]] == [
        "shop-aaaaaaaaaaaaaaaa.zip",
        "build.json",
        "context.zip",
    ]
    told = [json.loads(it.body) for it in http_server.requests]
    assert [it["Status"] for it in told] == ["SUCCESS", "SUCCESS"]
    assert [it["Data"] for it in told] == [
        {"Key": "archives/shop-aaaaaaaaaaaaaaaa.zip"},
        {"Uri": f"{REPOSITORY}:load-bbbbbbbbbbbbbbbb"},
    ]


@pytest.mark.parametrize("name", ["BUCKET", "REPOSITORY", "BUILD_PROJECT"])
def test_a_function_without_its_variables_still_answers(tmp_path, monkeypatch, http_server, name):
    for given in ("BUCKET", "REPOSITORY", "BUILD_PROJECT"):
        monkeypatch.setenv(given, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("PACKED", str(tmp_path))
    monkeypatch.delenv(name)
    app = Modules(FUNCTION).load("app")
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    assert json.loads(http_server.requests[0].body)["Reason"] == f"KeyError: '{name}'"
