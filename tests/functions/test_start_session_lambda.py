"""start_session as Lambda has it: the handler with boto3, the log, the metrics; throttled, and by an alias."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepdig.local.functions import Modules

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")
AWSResponse = pytest.importorskip("botocore.awsrequest").AWSResponse

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "start_session"
DAILY = {"cron": [[[0], [0], list(range(1, 32)), list(range(1, 13)), list(range(7))]], "delay": 0}
ROLE = "arn:aws:iam::123456789012:role/r"


class Raw:
    """A body as botocore reads it."""

    def __init__(self, text: str):
        self._text = text.encode()

    def stream(self, **_):
        yield self._text


@pytest.fixture
def deployed(monkeypatch):
    """The handler, Step Functions' client in it, and an event of a schedule that exists, by the machine's alias."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with moto.mock_aws():
        modules = Modules(FOLDER)
        client = modules.load("runtime")._client("stepfunctions")
        definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}})
        machine = client.create_state_machine(name="shop", definition=definition, roleArn=ROLE)["stateMachineArn"]
        scheduler = boto3.client("scheduler")
        scheduler.create_schedule_group(Name="shop-prod")
        arn = scheduler.create_schedule(
            GroupName="shop-prod",
            Name="nightly",
            ScheduleExpression="cron(0 0 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "RoleArn": ROLE},
        )["ScheduleArn"]
        asked = []

        def unqualified(params, **_):  # moto starts by no alias
            body = json.loads(params["body"])
            asked.append(body["stateMachineArn"])
            params["body"] = json.dumps({**body, "stateMachineArn": machine}).encode()

        client.meta.events.register("before-call.stepfunctions.StartExecution", unqualified)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        event = {
            "machine": f"{machine}:live",
            "workflow": "shop-nightly",
            "timezone": "UTC",
            "schedule": DAILY,
            "scheduled_time": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "schedule_arn": arn,
        }
        yield modules.load("app").handler, client, event, asked


def _name(event, days=0):
    at = datetime.fromisoformat(event["scheduled_time"]) + timedelta(days=days)
    return f"{at:%Y%m%dT%H%M%SZ}-1"


def test_it_starts_by_the_alias_and_tells_log_and_metrics(deployed, capsys, caplog):
    handler, client, event, asked = deployed
    caplog.set_level("INFO")
    assert handler(event, None) == {"started": [_name(event)], "skipped": [], "missed": 0}

    assert asked == [event["machine"]]
    listed = client.list_executions(stateMachineArn=event["machine"].removesuffix(":live"))["executions"]
    assert [it["name"] for it in listed] == [_name(event)]
    assert [(it.message, it.workflow, it.execution) for it in caplog.records if it.name == "start_session"] == [
        ("session started", "shop-nightly", _name(event))
    ]
    metric = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metric["SessionsStarted"], metric["Workflow"]) == ([1.0], "shop-nightly")
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "stepdig"


def test_a_schedule_that_was_changed_since_catches_nothing_up(deployed):
    handler, client, event, _ = deployed
    client.start_execution(stateMachineArn=event["machine"], name=_name(event, -5), input="{}")
    assert handler(event, None)["started"] == [_name(event)]


def test_what_was_missed_since_the_schedules_last_change_is_caught_up(deployed):
    """The schedule was made now; in five days three sessions are missed."""
    handler, client, event, _ = deployed
    client.start_execution(stateMachineArn=event["machine"], name=_name(event, 1), input="{}")
    later = {**event, "scheduled_time": f"{datetime.fromisoformat(event['scheduled_time']) + timedelta(days=5):%FT%TZ}"}
    assert handler(later, None)["started"] == [_name(event, days) for days in (2, 3, 4, 5)]


def test_a_schedule_that_is_gone_catches_nothing_up(deployed):
    handler, client, event, _ = deployed
    client.start_execution(stateMachineArn=event["machine"], name=_name(event, -5), input="{}")
    gone = {**event, "schedule_arn": event["schedule_arn"] + "-gone"}
    assert handler(gone, None)["started"] == [_name(event)]


@pytest.mark.parametrize("call", ["StartExecution", "DescribeExecution", "ListExecutions"])
def test_a_throttled_call_is_made_again(deployed, call):
    handler, client, event, _ = deployed
    tries = []

    def throttle(request, **_):
        tries.append(call)
        if len(tries) > 1:
            return None
        body = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"})
        return AWSResponse(request.url, 400, {}, Raw(body))

    client.meta.events.register_first(f"before-send.stepfunctions.{call}", throttle)
    assert handler(event, None)["started"] == [_name(event)]
    assert len(tries) == 2


def test_what_aws_refuses_ends_the_invocation(deployed):
    handler, client, event, _ = deployed

    def refuse(request, **_):
        body = json.dumps({"__type": "AccessDeniedException", "message": "no states:StartExecution"})
        return AWSResponse(request.url, 400, {}, Raw(body))

    client.meta.events.register_first("before-send.stepfunctions.StartExecution", refuse)
    with pytest.raises(Exception, match="no states:StartExecution"):
        handler(event, None)
