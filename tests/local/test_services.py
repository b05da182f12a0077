"""S3 on folders, and every other service against a moto server that starts only when it is needed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from machines import alive, ended, engine, gone, machine, pass_, run, task

from stepdig.local.clock import RealClock
from stepdig.local.integrations.aws import AwsServices
from stepdig.local.integrations.s3 import LocalS3

PUT = "aws-sdk:s3:putObject"
GET = "aws-sdk:s3:getObject"


def test_what_is_put_is_got(tmp_path: Path) -> None:
    put = {"Bucket": "bucket", "Key": "a/b", "Body": {"n": "{% $states.input %}"}}
    definition = machine(
        "P",
        P=task(PUT, put, Assign={"etag": "{% $states.result.ETag %}"}, Next="G"),
        G=task(
            GET,
            {"Bucket": "bucket", "Key": "a/b"},
            Output="{% [$parse($states.result.Body).n, $states.result.ETag = $etag] %}",
        ),
    )

    assert run(definition, 5, s3=LocalS3({"bucket": tmp_path})).output == [5, True]
    assert (tmp_path / "a/b").read_text() == '{"n":5}'


def test_a_listing_is_in_order_and_has_sizes(tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})
    for key in ("p/é", "p/b", "p/a", "q"):
        s3.put("bucket", key, b"xx")
    listing = task("aws-sdk:s3:listObjectsV2", {"Bucket": "bucket", "Prefix": "p/", "MaxKeys": 2})

    result = run(machine("L", L=listing), s3=s3).output

    assert [(entry["Key"], entry["Size"]) for entry in result["Contents"]] == [("p/a", 2), ("p/b", 2)]
    assert (result["KeyCount"], result["IsTruncated"]) == (2, True)


@pytest.mark.parametrize("key", ["missing", "a", "a/b/c"])
def test_a_missing_object_is_nosuchkey(key: str, tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})
    s3.put("bucket", "a/b", b"x")
    catch = [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Z"}]

    execution = run(machine("G", G=task(GET, {"Bucket": "bucket", "Key": key}, Catch=catch), Z=pass_()), s3=s3)

    assert execution.output == {"Error": "S3.NoSuchKeyException", "Cause": "The specified key does not exist."}


@pytest.mark.parametrize("key", ["../secret", "a/../../secret", "/etc/passwd", "a//b", "", "."])
def test_no_key_leaves_the_bucket(key: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")

    execution = run(
        machine("G", G=task(GET, {"Bucket": "bucket", "Key": key})), s3=LocalS3({"bucket": tmp_path / "bucket"})
    )

    assert execution.error == "S3.S3Exception"


def test_no_server_starts_without_need(tmp_path: Path) -> None:
    services = AwsServices()

    run(machine("P", P=task(PUT, {"Bucket": "b", "Key": "k", "Body": ""})), s3=LocalS3({"b": tmp_path}), aws=services)

    assert services.endpoint is None


def test_boto3_is_not_even_imported_without_need() -> None:
    """`stepdig run` of a workflow without AWS services needs no AWS library."""
    code = "import sys, stepdig.local.rundir; print([m for m in ('boto3', 'botocore', 'moto') if m in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One moto server for the tests below; an engine's own would start a second later each."""
    pytest.importorskip("moto", reason="pip install 'stepdig[aws]'")
    pytest.importorskip("boto3", reason="pip install 'stepdig[aws]'")
    services = AwsServices()
    yield services.start()
    services.close()


def done(server: str, *steps: tuple[str, Any], output: str = "{% $states.result %}", value: Any = None) -> Any:
    """Run tasks one after the other and return the last one's Output, or its error."""
    states = {
        f"S{i}": task(resource, arguments, Output=output, **({"Next": f"S{i + 1}"} if i + 1 < len(steps) else {}))
        for i, (resource, arguments) in enumerate(steps)
    }

    async def go() -> Any:
        services = AwsServices(server)
        try:
            return await ended(machine("S0", **states), value, aws=services, clock=RealClock())
        finally:
            services.close()

    execution = asyncio.run(go())
    return execution.output if execution.status == "SUCCEEDED" else execution.error


def test_dynamodb_by_its_optimised_form(server: str) -> None:
    table = {
        "TableName": "t",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    item = {"id": {"S": "1"}, "n": {"N": "5"}}

    answer = done(
        server,
        ("aws-sdk:dynamodb:createTable", table),
        ("dynamodb:putItem", {"TableName": "t", "Item": item}),
        ("dynamodb:getItem", {"TableName": "t", "Key": {"id": {"S": "1"}}}),
    )

    assert answer == {"Item": item}


def test_sqs_takes_json_for_text(server: str) -> None:
    queue = done(server, ("aws-sdk:sqs:createQueue", {"QueueName": "q"}), output="{% $states.result.QueueUrl %}")

    answer = done(
        server,
        ("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": 1}}),
        ("aws-sdk:sqs:receiveMessage", {"QueueUrl": queue}),
    )

    assert json.loads(answer["Messages"][0]["Body"]) == {"a": 1}


def test_sns_and_events(server: str) -> None:
    topic = done(server, ("aws-sdk:sns:createTopic", {"Name": "t"}), output="{% $states.result.TopicArn %}")

    assert done(
        server,
        ("sns:publish", {"TopicArn": topic, "Message": {"a": 1}}),
        output="{% $exists($states.result.MessageId) %}",
    )
    entry = {"Source": "s", "DetailType": "d", "Detail": {"a": 1}}
    assert done(server, ("events:putEvents", {"Entries": [entry]}))["FailedEntryCount"] == 0


def test_athena_waits_for_its_query(server: str) -> None:
    query = {"QueryString": "select 1", "WorkGroup": "primary", "ResultConfiguration": {"OutputLocation": "s3://b/o"}}

    answer = done(server, ("athena:startQueryExecution.sync", query))

    assert answer["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
    assert answer["QueryExecution"]["Status"]["SubmissionDateTime"].endswith("Z")


def test_s3_beyond_the_folders(server: str) -> None:
    answer = done(
        server,
        ("aws-sdk:s3:createBucket", {"Bucket": "bucket-2"}),
        (PUT, {"Bucket": "bucket-2", "Key": "k", "Body": {"a": 1}}),
        (GET, {"Bucket": "bucket-2", "Key": "k"}),
    )

    assert (answer["Body"], answer["ContentLength"]) == ('{"a":1}', 7)


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        (GET, {"Bucket": "nope", "Key": "k"}, "S3.NoSuchBucketException"),
        ("aws-sdk:s3:headObject", {"Bucket": "nope", "Key": "k"}, "S3.NoSuchKeyException"),
        ("aws-sdk:dynamodb:getItem", {"TableName": "x", "Key": {}}, "DynamoDb.ResourceNotFoundException"),
        ("dynamodb:getItem", {"TableName": "x", "Key": {}}, "DynamoDB.ResourceNotFoundException"),
        (
            "aws-sdk:sfn:describeExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:a:b"},
            "Sfn.ExecutionDoesNotExistException",
        ),
        ("aws-sdk:s3:noSuchThing", {}, "States.Runtime"),
        ("aws-sdk:nosuchservice:doThings", {}, "States.Runtime"),
        ("aws-sdk:s3:getObject", {"Bucket": "b"}, "States.Runtime"),
        ("glue:startJobRun.sync", {"JobName": "j"}, "Glue.EntityNotFoundException"),
    ],
)
def test_errors_have_awss_names(server: str, resource: str, arguments: Any, error: str) -> None:
    assert done(server, (resource, arguments)) == error


def test_kill_9_of_the_engine_ends_the_server_too() -> None:
    pytest.importorskip("moto", reason="pip install 'stepdig[aws]'")
    code = "from stepdig.local.integrations.aws import AwsServices as A; a = A(); a.start(); "
    code += "print(a._server._process.pid, flush=True); import signal; signal.pause()"
    engine_ = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert engine_.stdout is not None
    pid = int(engine_.stdout.readline())

    engine_.kill()
    engine_.wait()
    engine_.stdout.close()

    assert gone([pid])


def test_the_engines_own_server_starts_by_itself_and_ends_with_it() -> None:
    pytest.importorskip("moto", reason="pip install 'stepdig[aws]'")
    pytest.importorskip("boto3", reason="pip install 'stepdig[aws]'")

    async def go() -> tuple[Any, int]:
        services = AwsServices()
        async with engine(aws=services, clock=RealClock()) as it:
            execution = await it.start(machine("L", L=task("aws-sdk:s3:listBuckets", {})), {}, "x", "m").wait()
            assert services._server is not None
            return execution.output["Buckets"], services._server._process.pid

    buckets, pid = asyncio.run(go())

    assert buckets == []
    assert not alive(pid)
