"""Events that nobody should send: each ends in a plain sentence, none leaves a stack waiting, none tells a secret."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lambda_folder import FOLDER
from moto import mock_aws
from publish_stand_ins import CONTEXT, REPOSITORY, package
from publish_stand_ins import request as asked_by_cloudformation

from stepdig.local.functions import Modules

ATOMS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8) | st.just("\ud800\x1b\0")
JSON = st.recursive(
    ATOMS, lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=6), it, max_size=3), max_leaves=8
)
CALM = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
SENTENCES = {"Unknown", "BadEvent", "NotPacked", "MessageInvalid", "NoWebhook", "ConnectionError"}


@pytest.fixture(scope="module")
def cloudformation():
    """A server that takes answers: (url, what was told)."""
    told = []

    class Taking(BaseHTTPRequestHandler):
        def do_PUT(self):
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def account():
    patch = pytest.MonkeyPatch()
    names = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in (
        names | {"BUCKET": "shop-bucket", "REPOSITORY": REPOSITORY, "BUILD_PROJECT": "p", "STACK": "shop"}
    ).items():
        patch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="shop-bucket")
        yield patch
    patch.undo()


@pytest.fixture(scope="module")
def publish(account, tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    package(folder, archives={"shop": "0" * 64})
    (folder / "archives/damaged.json").write_text("{")
    account.setenv("PACKED", str(folder))
    return Modules(FOLDER / "publish").load("app").handler


@pytest.fixture(scope="module")
def start_session(account):
    return Modules(FOLDER / "start_session").load("app").handler


def said(handler, event, context=CONTEXT):
    """Return the sentence in which a call ends, or an empty text; anything but one of our own errors comes through."""
    try:
        handler(event, context)
    except Exception as error:
        if type(error).__name__ not in SENTENCES:
            raise
        return str(error)
    return ""


@contextmanager
def answered(told):
    """Hold that CloudFormation is told exactly once, in an answer that it takes."""
    before = len(told)
    found = SimpleNamespace()
    yield found
    assert len(told) == before + 1
    assert len(told[-1]) <= 4_096
    found.answer = json.loads(told[-1])
    assert found.answer["Status"] in ("SUCCESS", "FAILED")
    assert found.answer["PhysicalResourceId"]


@pytest.mark.parametrize("event", [None, [], [{}], "x", 7, {}, {"source": "aws.codebuild"}, {"RequestType": "Create"}])
def test_what_is_no_event_of_publish_is_a_sentence(publish, event):
    assert said(publish, event)


@pytest.mark.parametrize("name", ["ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
@pytest.mark.parametrize("function", ["publish", "start_session"])
def test_a_request_that_cannot_be_answered_is_a_sentence(request, name, function):
    handler = request.getfixturevalue(function)
    event = _request("http://127.0.0.1:9")
    del event[name]
    assert said(handler, event) == f"this is no request of CloudFormation's: it has no {name}"


def _request(url, kind="ProjectArchive", **more):
    return asked_by_cloudformation(url, kind, **more)


@CALM
@given(JSON, JSON, JSON, st.sampled_from(["Create", "Update"]) | JSON)
@example({"Project": "x" * 5_000, "PublishVersion": "1"}, "Custom::ProjectArchive", None, "Create")
@example({"Project": "\x1b" * 2_000}, "Custom::ProjectArchive", None, "Update")
@example({"Project": "../images/x"}, "Custom::ProjectArchive", "kept", "Update")
@example({"Project": "damaged"}, "Custom::ProjectArchive", None, "Create")
@example({"Job": "\ud800"}, "Custom::JobImage", None, "Create")
@example(None, "Custom::JobImage", None, "Update")
def test_publish_answers_each_request_once(publish, cloudformation, properties, kind, physical_id, asked):
    url, told = cloudformation
    event = _request(url) | {"ResourceProperties": properties, "ResourceType": kind, "RequestType": asked}
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    with answered(told) as found:
        assert said(publish, event) == ""
    assert found.answer["Status"] == ("SUCCESS" if asked == "Delete" else "FAILED")
    assert "Traceback" not in found.answer.get("Reason", "")


@pytest.mark.parametrize("properties", [None, [], "x", {}, {"Project": 7}])
@pytest.mark.parametrize("function", ["publish", "start_session"])
def test_a_delete_of_what_was_never_made_succeeds(request, cloudformation, properties, function):
    handler = request.getfixturevalue(function)
    url, told = cloudformation
    event = _request(url) | {"RequestType": "Delete", "ResourceProperties": properties}
    with answered(told) as found:
        assert said(handler, event) == ""
    assert found.answer["Status"] == "SUCCESS"


@CALM
@given(JSON, JSON, st.sampled_from(["Create", "Update"]) | JSON)
@example({"Group": "g", "Name": "\x00" * 900}, None, "Create")
@example({"Group": {"a": 1}, "Name": ["\ud800"]}, None, "Update")
def test_start_session_answers_each_request_once(start_session, cloudformation, properties, physical_id, asked):
    url, told = cloudformation
    event = _request(url) | {"ResourceProperties": properties, "RequestType": asked, "PhysicalResourceId": physical_id}
    with answered(told):
        assert said(start_session, event) == ""


@pytest.mark.parametrize("function", ["publish", "start_session"])
def test_the_address_of_an_answer_is_told_to_nobody(request, function, capfd):
    """Whoever has it can answer in our place."""
    handler = request.getfixturevalue(function)
    for url in ("http://127.0.0.1:9/?X-Amz-Signature=secret", "x://?X-Amz-Signature=secret"):
        event = _request("") | {"ResponseURL": url, "RequestType": "Delete"}
        with pytest.raises(
            ConnectionError, match=r"^CloudFormation's answer to Resource1 could not be sent: "
        ) as found:
            handler(event, CONTEXT)
        assert found.value.__suppress_context__
    assert "secret" not in "".join(capfd.readouterr())


SCHEDULE = {"cron": [[[0], [0], [1], [1], [0]]], "delay": 0}
FIRED = {
    "machine": "arn:aws:states:us-east-1:123456789012:stateMachine:shop-x:live",
    "workflow": "shop-x",
    "timezone": "UTC",
    "schedule": SCHEDULE,
    "scheduled_time": "2026-11-20T00:01:00Z",
}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"schedule": {"cron": "x"}}, "'cron' of 'schedule' is no list of five lists of numbers"),
        ({"schedule": {"cron": [[[0], [0], [1], [1]]]}}, "'cron' of 'schedule' is no list of five lists of numbers"),
        (
            {"schedule": {"cron": [[[0], [24], [1], [1], [0]]]}},
            "'cron' of 'schedule' is no list of five lists of numbers",
        ),
        ({"schedule": {"seconds": 0}}, "'seconds' of 'schedule' is no number that it may be: 0"),
        ({"schedule": {"seconds": True}}, "'seconds' of 'schedule' is no number that it may be: true"),
        ({"schedule": {**SCHEDULE, "delay": "1h"}}, "'delay' of 'schedule' is no number that it may be: \"1h\""),
        ({"schedule": {**SCHEDULE, "delay": 10**30}}, "'delay' of 'schedule' is no number that it may be: 1000"),
        (
            {"schedule": {**SCHEDULE, "catch_up_limit": 0}},
            "'catch_up_limit' of 'schedule' is no number that it may be: 0",
        ),
        ({"schedule": {**SCHEDULE, "start": "soon"}}, "'start' of 'schedule' is no date: \"soon\""),
        ({"schedule": {**SCHEDULE, "end": 7}}, "'end' of 'schedule' is no date: 7"),
        ({"scheduled_time": "0001-01-01T00:00:00+14:00"}, "date value out of range"),
        ({"scheduled_time": "9999-12-31T23:59:00Z"}, "'scheduled_time' is no time of these days"),
        ({"timezone": "+99:00"}, "offset must be a timedelta strictly between"),
        ({"timezone": "../../etc/passwd"}, "no such time zone: ../../etc/passwd"),
        ({"machine": "x" * 10_000}, "'machine' is no ARN of a state machine: xxxx"),
    ],
)
def test_a_firing_that_cannot_be_is_a_sentence(start_session, more, sentence):
    found = said(start_session, FIRED | more)
    assert found.startswith(sentence)
    assert len(found) < 300


OPTIONS = (
    "cron",
    "seconds",
    "delay",
    "start",
    "end",
    "catch_up",
    "catch_up_limit",
    "skip_delayed_by",
    "skip_on_overtime",
)
MACHINE = {
    "name": "shop-x",
    "definition": '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}',
    "roleArn": "arn:aws:iam::123456789012:role/r",
}


@CALM
@given(
    st.sampled_from([*FIRED, "schedule_arn"]),
    JSON | st.builds(lambda key, it: SCHEDULE | {key: it}, st.sampled_from(OPTIONS), JSON),
)
def test_start_session_ends_in_a_sentence_whatever_stands_in_its_event(account, start_session, key, value):
    machine = boto3.client("stepfunctions").create_state_machine(**MACHINE)["stateMachineArn"]
    said(start_session, FIRED | {"machine": machine} | {key: value})


@pytest.mark.parametrize("event", [None, [], "x", 7, {}, {"detail-type": "Another Thing", "detail": 7}])
def test_what_is_no_event_of_start_session_is_a_sentence(start_session, event):
    assert said(start_session, event)


class Sent(list):
    """What would have been sent; in a report of hypothesis it says no more than its name."""

    __repr__ = object.__repr__


class Silent:
    """AWS that answers nothing."""

    def execution(self, _arn):
        return {}

    first_events = last_events = lambda self, _arn: []

    def log_lines(self, *_):
        return []


@pytest.fixture(scope="module")
def notify_slack(account):
    """The handler, and what it would send."""
    app, sent = Modules(FOLDER / "notify_slack").load("app"), Sent()
    account.setattr(app.runtime, "send", lambda payload, _: sent.append(json.dumps(payload)) or {"sent": True})
    account.setattr(app.runtime, "aws", Silent)
    return app.handler, sent


DETAIL = {
    "executionArn": "arn:aws:states:us-east-1:123456789012:execution:shop-x:20261119T150000Z-1",
    "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:shop-x",
    "status": "FAILED",
    "startDate": 1,
    "stopDate": 2,
}
CHANGE = {"detail-type": "Step Functions Execution Status Change", "detail": DETAIL}
NOTICE = {"EventSource": "aws:sns", "Sns": {"Subject": "s", "Message": "m", "TopicArn": "arn:aws:sns:r:1:t"}}


@pytest.mark.parametrize(
    "event", [None, [], "x", 7, {}, {"detail-type": "Another Thing", "detail": 7}, {"message": None}]
)
def test_what_is_no_message_is_a_sentence(notify_slack, event):
    assert said(notify_slack[0], event)


@CALM
@given(
    st.sampled_from(
        [*DETAIL, "error", "cause", "input", "name", "redriveCount", "redriveStatus", "stateMachineAliasArn"]
    ),
    JSON,
)
@example("cause", '{"a": ' * 5_000)
@example("input", "[" * 100_000)
@example("startDate", float("nan"))
@example("error", "\ud800")
def test_an_end_of_a_run_is_told_whatever_stands_in_its_event(notify_slack, key, value):
    said(notify_slack[0], CHANGE | {"detail": DETAIL | {key: value}})


@CALM
@given(JSON)
def test_an_end_of_a_run_without_its_detail_is_a_sentence(notify_slack, detail):
    assert said(notify_slack[0], CHANGE | {"detail": detail}) or not isinstance(detail, dict)


@CALM
@given(JSON)
@example({"Sns": {"Message": "[" * 100_000}})
@example({"Sns": {"Message": json.dumps({"AlarmName": ["x"], "NewStateValue": 7, "Trigger": "x"})}})
@example({"Sns": {"Message": json.dumps({"AlarmName": "x", "AlarmArn": "x", "NewStateReason": None})}})
def test_a_notice_is_told_whatever_stands_in_it(notify_slack, record):
    said(notify_slack[0], {"Records": [record, NOTICE]})


@CALM
@given(JSON | st.fixed_dictionaries({}, optional={"text": JSON, "blocks": JSON, "attachments": JSON}))
@example("x" * 2_000_000)
@example({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "&" * 1_000_000}}] * 100})
@example({"text": "a", "attachments": [{"fields": [7, {"title": {}, "value": []}], "text": ["x"]}] * 100})
def test_a_message_is_sent_or_refused_whatever_it_is(notify_slack, message):
    handler, sent = notify_slack
    before = len(sent)
    refused = said(handler, {"message": message})
    assert bool(refused) == (len(sent) == before)
    for payload in sent[before:]:
        assert len(json.loads(payload)["text"]) <= 3_000


class Tokens:
    """Step Functions' side of a task token."""

    def __init__(self):
        self.told = []

    def send_task_success(self, **given):
        self.told.append(given)

    def send_task_failure(self, **given):
        self.told.append(given)


@pytest.fixture(scope="module")
def fail_run(account):
    return Modules(FOLDER / "fail_run").load("app")


@CALM
@given(st.fixed_dictionaries({}, optional={"error": JSON, "cause": JSON, "failed_at": JSON, "redrive_count": JSON}))
@example({"cause": {"a": "x" * 100_000}, "error": ["x" * 1_000]})
def test_a_failing_end_answers_its_token_whatever_it_is_told(fail_run, event):
    """Without an answer the run would wait for a year."""
    tokens = Tokens()
    fail_run.answer({"token": "t", **event}, tokens)
    (told,) = tokens.told
    assert told["taskToken"] == "t"
    assert all(isinstance(it, str) for it in told.values())
    assert len(told.get("error", "")) <= 256
    assert len(told.get("cause", "")) <= 32_768


@pytest.mark.parametrize("event", [None, [], "x", {}, {"token": 7}])
def test_a_failing_end_without_a_token_is_a_sentence(fail_run, event):
    with pytest.raises(ValueError, match="the event has no 'token'"):
        fail_run.handler(event, None)
