"""What a person reads of a failing function: its message, out of whatever Lambda says."""

import json

import pytest

from stepdig.asl.calls import SAID
from stepdig.local.jsonata import Variables, evaluate

LAMBDA = {
    "errorMessage": 'it said "no"\nand {more}',
    "errorType": "HttpFailed",
    "requestId": "r",
    "stackTrace": ["..."],
}


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ({"Error": "HttpFailed", "Cause": json.dumps(LAMBDA)}, LAMBDA["errorMessage"]),
        (
            {"Error": "E", "Cause": json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": "too slow"})},
            "too slow",
        ),
        ({"Error": "E", "Cause": '{"errorType":"Runtime.ExitError"}'}, None),
        ({"Error": "E", "Cause": json.dumps(LAMBDA)[:40]}, None),
        ({"Error": "E", "Cause": "plain words {}"}, None),
        ({"Error": "E", "Cause": ""}, None),
        ({"Error": "States.Timeout"}, None),
    ],
)
def test_the_message_of_a_function_stands_in_place_of_its_json(output, cause):
    found = evaluate(f"$merge([$states.errorOutput,{SAID}])", Variables(values={"states": {"errorOutput": output}}))

    assert found == ({**output, "Cause": cause} if cause is not None else output)
