"""What comes on the alarm topic, as SNS hands it to Lambda; CloudWatch's message as it documents it."""

import json

import pytest
from failed_nights import drawn

ALARM = {
    "AlarmName": "prod shop-nightly_sync failed",
    "AlarmDescription": "A run of shop-nightly_sync failed.",
    "AWSAccountId": "123456789012",
    "AlarmConfigurationUpdatedTimestamp": "2026-11-01T00:00:00.000+0000",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [1.0 (20/11/26 03:00:00)] was greater than the threshold (0.0).",
    "StateChangeTime": "2026-11-20T03:05:12.000+0000",
    "Region": "Asia Pacific (Tokyo)",
    "AlarmArn": "arn:aws:cloudwatch:ap-northeast-1:123456789012:alarm:prod shop-nightly_sync failed",
    "OldStateValue": "OK",
    "OKActions": [],
    "AlarmActions": ["arn:aws:sns:ap-northeast-1:123456789012:prod-alarms"],
    "InsufficientDataActions": [],
    "Trigger": {
        "MetricName": "ExecutionsFailed",
        "Namespace": "AWS/States",
        "StatisticType": "Statistic",
        "Statistic": "SUM",
        "Unit": None,
        "Dimensions": [
            {"value": "arn:aws:states:ap-northeast-1:1:stateMachine:prod-shop-nightly_sync", "name": "StateMachineArn"}
        ],
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1.0,
    },
}


def records(*messages):
    topic = "arn:aws:sns:ap-northeast-1:123456789012:prod-alarms"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:uuid",
                "Sns": {"Type": "Notification", "TopicArn": topic, "Subject": subject, "Message": message},
            }
            for subject, message in messages
        ]
    }


@pytest.fixture
def shown(notify):
    """Return the messages of an event as a person reads them."""

    def show(event):
        return [drawn(notify("blocks").render(payload)) for payload in notify("notices").payloads(event)]

    return show


def test_an_alarm(shown):
    [text] = shown(records(("ALARM: ...", json.dumps(ALARM))))
    page = "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1#alarmsV2:alarm/"
    assert text.split("\n") == [
        "Alarm *prod shop-nightly_sync failed* is in alarm",
        "| A run of shop-nightly_sync failed.",
        "| > Threshold Crossed: 1 datapoint [1.0 (20/11/26 03:00:00)] was greater than the threshold (0.0).",
        "|",
        f"| <{page}prod%20shop-nightly_sync%20failed|Alarm> · AWS/States ExecutionsFailed, StateMachineArn=prod-shop-nightly_sync"
        " · 2026-11-20T03:05:12.000+0000",
        "|",
    ]


def test_an_alarm_that_is_over_is_green(notify):
    [payload] = notify("notices").payloads(records(("OK", json.dumps({**ALARM, "NewStateValue": "OK"}))))
    assert payload["text"] == "Alarm *prod shop-nightly_sync failed* is fine again"
    assert payload["attachments"][0]["color"] == "good"


def test_an_alarm_without_what_is_optional(shown):
    [text] = shown(records((None, json.dumps({"AlarmName": "a", "NewStateValue": "INSUFFICIENT_DATA"}))))
    assert text.startswith("Alarm *a* has no data\n| > CloudWatch gives no reason")


def test_anything_else_as_it_is_and_each_record_by_itself(shown):
    told = {"budget": "shop", "password": "hunter2hunter2"}
    plain, mapping = shown(records(("Budget", "80% <used> by <!here>"), (None, json.dumps(told))))
    assert plain == "*Budget*\n80% &lt;used&gt; by &lt;!here&gt;"
    assert mapping.startswith("A notice on prod-alarms\n```\n{\n")
    assert "shop" in mapping
    assert "hunter2" not in mapping


def test_a_long_notice_is_cut(shown):
    [text] = shown(records(("s", json.dumps({"x": "y" * 9_000}))))
    assert len(text) < 3_000
