"""publish: archives and images of a deployment; every request of CloudFormation is answered, once its thing is there."""

import json
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws
from publish_stand_ins import CONTEXT, REPOSITORY, CodeBuild, context, ended, package, request

from stepdig.local.functions import Modules

FUNCTION = Path(__file__).resolve().parents[2] / "functions/publish"
HASH = "0123456789abcdef" * 4


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "BUCKET": "shop-bucket",
        "REPOSITORY": REPOSITORY,
        "BUILD_PROJECT": "shop-images",
        "PACKED": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        loaded = Modules(FUNCTION).load("app")
        made = {"codebuild": CodeBuild(), **{name: boto3.client(name) for name in ("s3", "ecr")}}
        made["lambda"] = SimpleNamespace(calls=[])
        made["lambda"].invoke = lambda **given: made["lambda"].calls.append(given)
        made["s3"].create_bucket(Bucket="shop-bucket")
        made["ecr"].create_repository(repositoryName="shop-jobs", registryId="123456789012")
        monkeypatch.setattr(loaded.runtime, "client", made.__getitem__)
        loaded.aws = made
        yield loaded


def answers(server):
    """What CloudFormation was told, by the number of the request."""
    assert all(it.method == "PUT" for it in server.requests)
    assert all(not it.header("Content-Type") for it in server.requests), "the URL is signed without one"
    return {int(it.path.rpartition("/")[2]): json.loads(it.body) for it in server.requests}


def keys(app):
    found = app.aws["s3"].list_objects_v2(Bucket="shop-bucket").get("Contents", ())
    return {it["Key"]: it["LastModified"] for it in found}


def push(app, tag):
    """What a build does in the end."""
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "t": tag}
    app.aws["ecr"].put_image(repositoryName="shop-jobs", imageManifest=json.dumps(manifest), imageTag=tag)


def test_an_archive_is_put_under_a_key_made_of_its_content(app, tmp_path, http_server):
    package(tmp_path, archives={"shop": HASH})
    app.handler(request(http_server.url, "ProjectArchive", Project="shop"), CONTEXT)
    body = app.aws["s3"].get_object(Bucket="shop-bucket", Key="archives/shop-0123456789abcdef.zip")["Body"].read()
    assert body == f"zip of shop {HASH}".encode()
    assert answers(http_server)[1] == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "archive-shop",
        "Data": {"Key": "archives/shop-0123456789abcdef.zip"},
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Resource1",
    }


def test_an_archive_that_is_there_is_not_put_again_and_an_old_one_stays(app, tmp_path, http_server):
    package(tmp_path, archives={"shop": HASH})
    app.handler(request(http_server.url, "ProjectArchive", Project="shop"), CONTEXT)
    (tmp_path / "archives/shop.zip").unlink()  # so that putting it again would fail
    app.handler(request(http_server.url, "ProjectArchive", request="Update", number=2, Project="shop"), CONTEXT)
    package(tmp_path, archives={"shop": "f" * 64})
    app.handler(request(http_server.url, "ProjectArchive", request="Update", number=3, Project="shop"), CONTEXT)
    told = answers(http_server)
    assert told[2]["Data"] == told[1]["Data"]
    assert told[3]["Data"] == {"Key": f"archives/shop-{'f' * 16}.zip"}
    assert {told[2]["PhysicalResourceId"], told[3]["PhysicalResourceId"]} == {"kept-id"}, "else the old one is deleted"
    assert set(keys(app)) == {"archives/shop-0123456789abcdef.zip", f"archives/shop-{'f' * 16}.zip"}


def test_an_image_that_is_there_needs_no_build(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    push(app, "load-0123456789abcdef")
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    assert answers(http_server)[1]["Data"] == {"Uri": f"{REPOSITORY}:load-0123456789abcdef"}
    assert app.aws["codebuild"].builds == {}
    assert keys(app) == {}


@pytest.mark.parametrize(
    ("architecture", "kind", "image", "platform"),
    [
        ("x86_64", "LINUX_CONTAINER", "amazonlinux-x86_64-standard", "linux/amd64"),
        ("arm64", "ARM_CONTAINER", "amazonlinux-aarch64-standard", "linux/arm64"),
    ],
)
def test_a_new_image_is_built_for_its_processor(app, tmp_path, http_server, architecture, kind, image, platform):
    package(tmp_path, images={"load": {"hash": HASH, "architecture": architecture}})
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    assert answers(http_server) == {}, "CloudFormation waits for the build"
    given = app.aws["codebuild"].builds["shop-images:1"]["given"]
    variables = {it["name"]: it["value"] for it in given["environmentVariablesOverride"]}
    assert variables == {"TAG": "load-0123456789abcdef", "REPOSITORY": REPOSITORY, "PLATFORM": platform}
    assert given["environmentTypeOverride"] == kind
    assert image in given["imageOverride"]
    bucket, _, key = given["sourceLocationOverride"].partition("/")
    assert app.aws["s3"].get_object(Bucket=bucket, Key=key)["Body"].read() == f"zip of load {HASH}".encode()
    push(app, "load-0123456789abcdef")
    app.aws["codebuild"].end("shop-images:1")
    app.handler(ended("shop-images:1"), CONTEXT)
    assert answers(http_server)[1]["Data"] == {"Uri": f"{REPOSITORY}:load-0123456789abcdef"}
    assert not [key for key in keys(app) if "waiting" in key]


def test_a_base_image_that_only_the_stack_knows_is_filled_in_and_is_part_of_the_tag(
    app, tmp_path, http_server, monkeypatch
):
    base = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/${Stack}-${Environment}:1"
    package(tmp_path, images={"load": {"hash": HASH, "architecture": "x86_64", "image": base}})
    tags = []
    for number, environment in enumerate(("dev", "prod", "prod"), 1):
        monkeypatch.setenv("STACK", "shop")
        monkeypatch.setenv("ENVIRONMENT", environment)
        app.handler(request(http_server.url, "JobImage", number=number, Job="load"), CONTEXT)
        given = list(app.aws["codebuild"].builds.values())[-1]["given"]
        variables = {it["name"]: it["value"] for it in given["environmentVariablesOverride"]}
        assert variables["BASE"] == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-{environment}:1"
        tags.append(variables["TAG"])
    assert tags[0] != tags[1] == tags[2]


def clocked(app, monkeypatch, *, ends_at=None):
    """A context whose time runs as the function sleeps, and a build that ends at a second, without an event."""
    past = []

    def sleep(seconds):
        past.append(seconds)
        if ends_at is not None and sum(past) >= ends_at:
            push(app, "load-0123456789abcdef")
            app.aws["codebuild"].end("shop-images:1")

    monkeypatch.setattr(app.runtime, "sleep", sleep)
    return context(lambda: 900_000 - sum(past) * 1_000)


def test_a_build_whose_event_never_comes_is_found_by_looking(app, tmp_path, http_server, monkeypatch):
    package(tmp_path, images={"load": HASH})
    lambda_context = clocked(app, monkeypatch, ends_at=200)
    app.handler(request(http_server.url, "JobImage", Job="load"), lambda_context)
    assert answers(http_server)[1]["Data"] == {"Uri": f"{REPOSITORY}:load-0123456789abcdef"}
    assert app.aws["lambda"].calls == []
    app.handler(ended("shop-images:1"), CONTEXT)
    assert len(http_server.requests) == 1, "the event that comes after all has nobody left to answer"


def test_looking_at_a_long_build_goes_on_in_another_call_but_not_for_ever(app, tmp_path, http_server, monkeypatch):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", Job="load"), clocked(app, monkeypatch))
    calls = app.aws["lambda"].calls
    rounds = []
    while calls:
        assert (calls[0]["Qualifier"], calls[0]["InvocationType"]) == ("$LATEST", "Event")
        event = json.loads(calls.pop(0)["Payload"])
        rounds.append(event["round"])
        app.handler(event, clocked(app, monkeypatch, ends_at=1 if len(rounds) == 9 else None))
    assert rounds == [2, 3, 4, 5], "five quarters of an hour; a build may take fifty minutes"
    assert http_server.requests == []


def test_only_who_started_a_build_looks_at_it_and_a_look_that_fails_is_not_the_end(
    app, tmp_path, http_server, monkeypatch
):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", number=1, Job="load"), CONTEXT)
    assert len(app.aws["lambda"].calls) == 1
    app.handler(request(http_server.url, "JobImage", number=2, Job="load"), CONTEXT)
    assert len(app.aws["lambda"].calls) == 1
    look, failed = app.aws["codebuild"].batch_get_builds, []

    def throttled(**given):
        if len(failed) < 2:
            failed.append(given)
            raise ConnectionError("Rate exceeded")
        return look(**given)

    app.aws["codebuild"].batch_get_builds = throttled
    event = json.loads(app.aws["lambda"].calls[0]["Payload"])
    app.handler(event, clocked(app, monkeypatch, ends_at=60))
    assert sorted(answers(http_server)) == [1, 2]


def test_all_who_ask_for_an_image_share_its_build(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    for number in (1, 2, 3):
        app.handler(request(http_server.url, "JobImage", number=number, stack=f"s{number}", Job="load"), CONTEXT)
    assert len(app.aws["codebuild"].builds) == 1
    push(app, "load-0123456789abcdef")
    app.aws["codebuild"].end("shop-images:1")
    app.handler(ended("shop-images:1"), CONTEXT)
    told = answers(http_server)
    assert {number: it["StackId"].split("/")[1] for number, it in told.items()} == {1: "s1", 2: "s2", 3: "s3"}
    assert {it["Data"]["Uri"] for it in told.values()} == {f"{REPOSITORY}:load-0123456789abcdef"}


def test_two_who_ask_at_the_same_moment_start_one_build(app, tmp_path, http_server, monkeypatch):
    """Neither sees the other's build.json yet: CodeBuild gives both the same build, by the token."""
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", number=1, Job="load"), CONTEXT)
    app.aws["s3"].delete_object(Bucket="shop-bucket", Key="builds/load-0123456789abcdef/build.json")
    app.handler(request(http_server.url, "JobImage", number=2, Job="load"), CONTEXT)
    assert len(app.aws["codebuild"].builds) == 1


def test_a_build_that_ended_before_the_look_at_it_is_no_reason_to_wait(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", number=1, Job="load"), CONTEXT)
    builds = app.aws["codebuild"]
    look = builds.batch_get_builds

    def ends_now(*, ids):
        push(app, "load-0123456789abcdef")
        builds.end("shop-images:1")
        return look(ids=ids)

    builds.batch_get_builds = ends_now
    app.handler(request(http_server.url, "JobImage", number=2, Job="load"), CONTEXT)
    assert answers(http_server)[2]["Data"] == {"Uri": f"{REPOSITORY}:load-0123456789abcdef"}
    assert len(builds.builds) == 1


def test_a_build_that_fails_is_told_with_its_phase_and_log_and_can_be_tried_again(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", number=1, Job="load"), CONTEXT)
    said = "COMMAND_EXECUTION_ERROR: Error while executing command: docker build. Reason: exit status 1"
    phases = [
        {"phaseType": "PRE_BUILD", "phaseStatus": "SUCCEEDED"},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "X", "message": said}]},
        {"phaseType": "FINALIZING", "phaseStatus": "FAILED"},
        {"phaseType": "COMPLETED"},
    ]
    app.aws["codebuild"].end("shop-images:1", "FAILED", phases=phases, logs={"deepLink": "https://logs/1"})
    app.handler(ended("shop-images:1", "FAILED"), CONTEXT)
    assert answers(http_server)[1]["Status"] == "FAILED"
    assert answers(http_server)[1]["Reason"] == (
        f"the image load-0123456789abcdef could not be built: failed in docker build or push; {said}; log: https://logs/1"
    )
    app.handler(request(http_server.url, "JobImage", number=2, Job="load"), CONTEXT)
    assert list(app.aws["codebuild"].builds) == ["shop-images:1", "shop-images:2"], "a new try is a new build"


@pytest.mark.parametrize("status", ["FAULT", "STOPPED", "TIMED_OUT"])
def test_every_end_of_a_build_is_an_answer(app, tmp_path, http_server, status):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    app.aws["codebuild"].end("shop-images:1", status)
    app.handler(ended("shop-images:1", status), CONTEXT)
    words = status.lower().replace("_", " ")
    assert answers(http_server)[1]["Reason"] == f"the image load-0123456789abcdef could not be built: {words}"


def test_an_event_of_another_build_answers_nobody(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    app.aws["codebuild"].builds["shop-images:by-hand"] = {"buildStatus": "SUCCEEDED", "environment": {}}
    app.handler(ended("shop-images:by-hand"), CONTEXT)
    app.handler(ended("shop-images:gone"), CONTEXT)
    app.handler(ended("shop-images:1"), CONTEXT)  # the event of a build that goes on
    assert http_server.requests == []


def test_one_who_cannot_be_answered_keeps_nobody_waiting_and_is_tried_again(app, tmp_path, http_server):
    package(tmp_path, images={"load": HASH})
    for number in (1, 2):
        app.handler(request(http_server.url, "JobImage", number=number, Job="load"), CONTEXT)
    push(app, "load-0123456789abcdef")
    app.aws["codebuild"].end("shop-images:1")
    http_server.answer(403)
    with pytest.raises(ConnectionError, match="1 of 2 requests could not be answered"):
        app.handler(ended("shop-images:1"), CONTEXT)
    assert len(answers(http_server)) == 2
    http_server.requests.clear()
    app.handler(ended("shop-images:1"), CONTEXT)
    assert len(answers(http_server)) == 1


@pytest.mark.parametrize("kind", ["ProjectArchive", "JobImage"])
def test_a_delete_removes_nothing(app, tmp_path, http_server, kind):
    package(tmp_path, archives={"shop": HASH}, images={"load": HASH})
    app.handler(request(http_server.url, "ProjectArchive", Project="shop"), CONTEXT)
    push(app, "load-0123456789abcdef")
    before = keys(app)
    app.handler(request(http_server.url, kind, request="Delete", number=2, Project="shop", Job="load"), CONTEXT)
    assert answers(http_server)[2] == {**answers(http_server)[2], "Status": "SUCCESS", "PhysicalResourceId": "kept-id"}
    assert keys(app) == before
    assert app.aws["ecr"].list_images(repositoryName="shop-jobs")["imageIds"]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("ProjectArchive", {"Project": "gone"}, "NotPacked: this deployment carries no archives/gone.zip"),
        ("JobImage", {"Job": "gone"}, "NotPacked: this deployment carries no images/gone.zip"),
        ("ProjectArchive", {}, "Unknown: Custom::ProjectArchive needs the property Project"),
        ("Other", {}, "Unknown: Custom::Other is none of Custom::ProjectArchive, Custom::JobImage"),
    ],
)
def test_what_cannot_be_is_answered_at_once(app, tmp_path, http_server, kind, properties, reason):
    package(tmp_path)
    app.handler(request(http_server.url, kind, **properties), CONTEXT)
    told = answers(http_server)[1]
    assert told["Status"] == "FAILED"
    assert told["Reason"].startswith(reason)
    assert told["PhysicalResourceId"]


def test_a_base_image_with_a_name_that_nothing_stands_for_is_refused(app, tmp_path, http_server):
    told = {"hash": HASH, "architecture": "x86_64", "image": "${Stack}/${Other}:1"}
    package(tmp_path, images={"load": told})
    app.handler(request(http_server.url, "JobImage", Job="load"), CONTEXT)
    said = answers(http_server)[1]["Reason"]
    assert said == "Unknown: the image ${Stack}/${Other}:1 names Stack, Other, which this function is not told"
    assert app.aws["codebuild"].builds == {}


def test_what_aws_refuses_is_answered_too_and_fits_the_answer(app, tmp_path, http_server, monkeypatch):
    package(tmp_path, archives={"shop": HASH})

    def refuses(**_):
        raise PermissionError("日本" * 5_000)

    monkeypatch.setattr(app.aws["s3"], "put_object", refuses)
    app.handler(request(http_server.url, "ProjectArchive", Project="shop"), CONTEXT)
    assert answers(http_server)[1]["Reason"].startswith("PermissionError: 日本")
    assert len(http_server.requests[0].body) <= 4_096


def test_an_answer_that_is_not_taken_is_lambdas_failure(app, tmp_path, http_server):
    package(tmp_path, archives={"shop": HASH})
    http_server.answer(403)
    with pytest.raises(ConnectionError, match="Resource1 was refused: HTTP 403"):
        app.handler(request(http_server.url, "ProjectArchive", Project="shop"), CONTEXT)


def test_cloudformation_asks_the_function_and_the_version_meant_answers(app, tmp_path, http_server, monkeypatch):
    """A rollback brings the version of before: its package has the archive of before."""
    package(tmp_path, archives={"shop": HASH})
    passed = app.aws["lambda"].calls
    asked = request(
        http_server.url, "ProjectArchive", Project="shop", PublishVersion="arn:aws:lambda:x:1:function:p:12"
    )
    app.handler(asked, CONTEXT)
    assert http_server.requests == []
    assert [(it["FunctionName"], it["Qualifier"], it["InvocationType"]) for it in passed] == [
        ("shop-publish", "12", "Event")
    ]
    assert json.loads(passed[0]["Payload"]) == asked
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "12")
    app.handler(json.loads(passed[0]["Payload"]), CONTEXT)
    assert answers(http_server)[1]["Data"] == {"Key": "archives/shop-0123456789abcdef.zip"}


def test_names_become_tags_and_keys(app):
    named = app.archives.packages.named
    assert named("load", HASH) == "load-0123456789abcdef"
    assert named("日本/a b", HASH) == "a-b-0123456789abcdef"
    assert named("日本", HASH) == "x-0123456789abcdef"
