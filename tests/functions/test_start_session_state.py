"""Custom::ScheduleState: a schedule that was paused by hand is told to CloudFormation as such; a real server takes the answer."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stepdig.local.functions import Modules

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "start_session"
TARGET = {"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "RoleArn": "arn:aws:iam::123456789012:role/r"}
PLAN = {
    "GroupName": "shop",
    "Name": "nightly",
    "ScheduleExpression": "rate(1 hour)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
}


@pytest.fixture
def asked(monkeypatch):
    """Ask the handler; return what it answered and what CloudFormation was told: (answer, [(content type, body)])."""
    told, status = [], [200]

    class Taking(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    def ask(kind="Update", taken=200, **properties):
        status[0] = taken
        request = {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{server.server_port}/answer?signature=1",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
            "RequestId": "r-1",
            "LogicalResourceId": "NightlyScheduleState",
            "ResourceProperties": {"ServiceToken": "arn", "Version": "1", **properties},
        }
        return Modules(FOLDER).load("app").handler(request, None), told

    with moto.mock_aws():
        boto3.client("scheduler").create_schedule_group(Name="shop")
        yield ask
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_the_state_it_is_in(asked, state):
    boto3.client("scheduler").create_schedule(**PLAN, Target=TARGET, State=state)
    answer, told = asked(Group="shop", Name="nightly")
    assert answer == {"State": state}
    assert told == [
        (
            "",
            {
                "Status": "SUCCESS",
                "Data": {"State": state},
                "PhysicalResourceId": "shop/nightly",
                "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
                "RequestId": "r-1",
                "LogicalResourceId": "NightlyScheduleState",
            },
        )
    ]


def test_one_that_is_not_there_yet_will_be_enabled(asked):
    assert asked("Create", Group="shop", Name="nightly")[0] == {"State": "ENABLED"}


def test_there_is_nothing_to_delete(asked):
    answer, told = asked("Delete", Group="shop", Name="nightly")
    assert (answer, told[0][1]["Status"]) == ({}, "SUCCESS")


def test_what_cannot_be_known_fails_the_deployment_at_once(asked):
    answer, told = asked(Name="nightly")
    assert answer == {}
    assert told[0][1]["Status"] == "FAILED"
    assert told[0][1]["Reason"] == (
        "the state of the schedule is not known: Custom::ScheduleState needs the properties Group and Name"
    )


def test_an_answer_that_is_not_taken_is_tried_again_by_lambda(asked):
    with pytest.raises(ConnectionError, match="NightlyScheduleState was refused: 403"):
        asked("Delete", taken=403, Group="shop", Name="nightly")
