"""Distributed maps: items from files, batches, tolerated failures, results written to S3; and many items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from machines import fail, machine, map_, pass_, run, types

from stepdig.local.execution import Execution
from stepdig.local.integrations.s3 import LocalS3


def distributed(states: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return machine("M", M=map_(states or {"P": pass_()}, mode="DISTRIBUTED", **fields))


FAILS_ON_2 = {
    "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 2 %}", "Next": "F"}], "Default": "P"},
    "F": fail("Boom", "two"),
    "P": pass_(),
}


def test_every_item_is_an_execution_of_its_own() -> None:
    names: set[str] = set()

    class Tell:
        def on_event(self, execution: Execution, _: object) -> None:
            names.add(execution.machine)

        def on_output(self, *_: object) -> None:
            pass

    execution = run(distributed(Label="rows", MaxConcurrency=2), [1, 2, 3], listener=Tell())

    assert execution.output == [1, 2, 3]
    assert names == {"machine", "machine/rows"}
    assert types(execution) == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    assert execution.transitions == 1 + 3


def test_children_see_nothing_of_the_outer_variables() -> None:
    inner = {"P": pass_(Output="{% $exists($o) %}")}
    definition = machine("A", A=pass_(Assign={"o": 1}, Next="M"), M=map_(inner, Items=[1], mode="DISTRIBUTED"))

    assert run(definition).output == [False]


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailurePercentage": 25}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": "{% 24.9 %}"}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 0}, "FAILED"),
    ],
)
def test_so_many_children_may_fail(tolerance: dict[str, Any], status: str) -> None:
    execution = run(distributed(FAILS_ON_2, **tolerance), [1, 2, 3, 4])

    assert execution.status == status
    if status == "FAILED":
        assert execution.error == "States.ExceedToleratedFailureThreshold"
        assert execution.cause == "The specified tolerated failure threshold was exceeded"
        assert "MapRunFailed" in types(execution)
    else:
        assert execution.output == [1, {"Error": "Boom", "Cause": "two"}, 3, 4]


READERS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "JSON": ({"InputType": "JSON"}, '[{"a": 1}, 2]', [{"a": 1}, 2]),
    "JSONL": ({"InputType": "JSONL"}, '{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
    "CSV with its own header": (
        {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        'a,b\n1,"x,y"\n2,\n',
        [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}],
    ),
    "CSV with a given header and delimiter": (
        {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["p", "q"], "CSVDelimiter": "PIPE"},
        "1|2\n3|4\n",
        [{"p": "1", "q": "2"}, {"p": "3", "q": "4"}],
    ),
    "no more than MaxItems": ({"InputType": "JSON", "MaxItems": "{% 1 + 1 %}"}, "[1, 2, 3]", [1, 2]),
}


@pytest.mark.parametrize("kind", READERS)
def test_items_come_from_a_file(kind: str, tmp_path: Path) -> None:
    config, text, expected = READERS[kind]
    s3 = LocalS3({"bucket": tmp_path})
    s3.put("bucket", "in/rows", text.encode())
    arguments = {"Bucket": "bucket", "Key": "{% $states.input.key %}"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Arguments": arguments}

    assert run(distributed(ItemReader=reader), {"key": "in/rows"}, s3=s3).output == expected


def test_items_are_the_objects_of_a_bucket(tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})
    for key in ("in/b", "in/a", "out/c"):
        s3.put("bucket", key, b"x")
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Arguments": {"Bucket": "bucket", "Prefix": "in/"}}

    execution = run(distributed({"P": pass_(Output="{% $states.input.Key %}")}, ItemReader=reader), s3=s3)

    assert execution.output == ["in/a", "in/b"]


@pytest.mark.parametrize("content", [None, b"no json", b'{"a": 1}'])
def test_a_file_without_items_fails_the_map(content: bytes | None, tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})
    if content is not None:
        s3.put("bucket", "k", content)
    arguments = {"Bucket": "bucket", "Key": "k"}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": arguments,
    }

    assert run(distributed(ItemReader=reader), s3=s3).error == "States.ItemReaderFailed"


def test_items_go_in_batches() -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"k": "{% $states.input.k %}"}}

    execution = run(distributed(Items="{% $states.input.rows %}", ItemBatcher=batcher), {"rows": [1, 2, 3], "k": "K"})

    assert execution.output == [
        {"BatchInput": {"k": "K"}, "Items": [1, 2]},
        {"BatchInput": {"k": "K"}, "Items": [3]},
    ]


def test_a_batch_keeps_within_its_bytes() -> None:
    execution = run(distributed(ItemBatcher={"MaxInputBytesPerBatch": 30}), ["aaaaaaaa", "bbbbbbbb", "c"])

    assert execution.output == [{"Items": ["aaaaaaaa"]}, {"Items": ["bbbbbbbb", "c"]}]
    assert all(len(json.dumps(batch, separators=(",", ":"))) <= 30 for batch in execution.output)


def test_results_are_written_with_a_manifest(tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "bucket", "Prefix": "out"}}

    execution = run(distributed(FAILS_ON_2, ResultWriter=writer, ToleratedFailureCount=1), [1, 2, 3], s3=s3)

    where = execution.output["ResultWriterDetails"]
    manifest = json.loads(s3.get(where["Bucket"], where["Key"]))
    good = json.loads(s3.get("bucket", manifest["ResultFiles"]["SUCCEEDED"][0]["Key"]))
    bad = json.loads(s3.get("bucket", manifest["ResultFiles"]["FAILED"][0]["Key"]))
    assert [(row["Input"], row["Output"], row["Status"]) for row in good] == [
        ("1", "1", "SUCCEEDED"),
        ("3", "3", "SUCCEEDED"),
    ]
    assert [(row["Input"], row["Error"]) for row in bad] == [("2", "Boom")]
    assert manifest["MapRunArn"] == execution.output["MapRunArn"]


def test_no_more_than_maxconcurrency_run_at_once() -> None:
    now, most = 0, 0

    class Tell:
        def on_event(self, _: object, event: dict[str, Any]) -> None:
            nonlocal now, most
            now += {"MapIterationStarted": 1, "MapIterationSucceeded": -1}.get(event["type"], 0)
            most = max(most, now)

        def on_output(self, *_: object) -> None:
            pass

    wait = {"W": {"Type": "Wait", "Seconds": 1, "End": True}}

    run(machine("M", M=map_(wait, MaxConcurrency="{% 1 + 2 %}")), list(range(20)), listener=Tell())
    assert most == 3

    most = 0
    run(machine("M", M=map_(wait)), list(range(100)), listener=Tell())
    assert most == 40  # AWS's own limit of an inline Map


def test_ten_thousand_children() -> None:
    """Children's histories are their own, so the 25,000 events of the parent are not used up."""
    execution = run(distributed({"P": pass_(Output="{% $states.input + 1 %}")}), list(range(10_000)))

    assert execution.output == list(range(1, 10_001))
    assert len(execution.events) == 8
