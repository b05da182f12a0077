"""Messages about runs: events as AWS documents them, histories of our engine, logs of moto, a Slack on loopback."""

import json
import sys
from types import SimpleNamespace

import pytest
from failed_nights import Night, drawn
from lambda_folder import FOLDER
from states_server import states_server

from stepdig.local.functions import Modules

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)
PLAIN = """
    timezone: Asia/Tokyo
    +prep:
      sh>: echo ready
    +load:
      sh>: echo loading; exit 3
"""
LIST = """
    timezone: Asia/Tokyo
    +sync:
      for_each>: {t: [users, orders, items]}
      _parallel: true
      _do:
        +load:
          sh>: '[ ${t} = users ]'
"""


class Lambda:
    """The function with its environment, and what stands around it."""

    def __init__(self, slack, states):
        self.slack, self.states = slack, states
        modules = Modules(FOLDER / "notify_slack")
        self.app, self.runtime = modules.load("app"), modules.load("runtime")
        self.runtime.parameters.clear_caches()

    def know(self, night, **more):
        """Put a run into Step Functions."""
        self.states.executions[night.arn] = (night.description(**more), night.events)

    def log(self, night, lines, of=""):
        """Put lines into the log of the container that ran for a row."""
        logs = boto3.client("logs")
        group, stream = "/stepdig/prod/default", f"{night.machine}/task/{night.ecs_tasks()[of]}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = 1795104200000
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def __call__(self, event):
        """Send an event to the function; return the message as it is read, "" when there is none."""
        before = len(self.slack.payloads)
        answer = self.app.handler(event, CONTEXT)
        assert answer["sent"] == (len(self.slack.payloads) > before)
        shown = "\n\n".join(drawn(payload) for payload in self.slack.payloads[before:])
        sys.stdout.write(shown)  # pytest shows the message beside a failure, and with -s
        return shown


@pytest.fixture
def function(slack, monkeypatch):
    with states_server() as states, moto.mock_aws():
        for name, value in {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ENDPOINT_URL_SFN": states.url,
            "SLACK_WEBHOOK_SECRET": "slack",
            "STACK": "prod",
        }.items():
            monkeypatch.setenv(name, value)
        boto3.client("secretsmanager").create_secret(Name="slack", SecretString=slack.url)
        yield Lambda(slack, states)


def test_a_failed_task_is_told_with_its_reason_its_log_its_pages_and_the_next_step(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night)
    function.log(night, [f"line {number}" for number in range(30)], of="")
    shown = function(night.event())
    last = night.ecs_tasks()[""]
    assert shown.startswith("*nightly_sync* (shop) failed, session 2026-11-20 00:00 +09:00\n")
    assert "| `+nightly_sync+load`\n| The command ended with exit code 3.\n" in shown
    assert [line for line in shown.split("\n") if line.startswith("| line")] == [f"| line {n}" for n in range(20, 30)]
    assert f"`aws stepfunctions redrive-execution --execution-arn {night.arn}`" in shown
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:prod-shop-nightly_sync:live"
    given = '{"session_time": "2026-11-20T00:00:00+09:00", "attempt_id": 2}'
    anew = f"--state-machine-arn {machine} --name 20261119T150000Z-2 --input '{given}'"
    assert f"start the session anew:\n| `aws stepfunctions start-execution {anew}`" in shown
    console = "https://us-east-1.console.aws.amazon.com"
    assert f"<{console}/states/home?region=us-east-1#/v2/executions/details/{night.arn}|Execution>" in shown
    assert f"<{console}/ecs/v2/clusters/Cluster/tasks/{last}?region=us-east-1|ECS task>" in shown
    group, stream = "$252Fstepdig$252Fprod$252Fdefault", f"prod-shop-nightly_sync$252Ftask$252F{last}"
    log = f"{console}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/{group}/log-events/{stream}"
    assert f"<{log}|Log>" in shown
    assert function.slack.payloads[-1]["attachments"][0]["color"] == "danger"


def test_of_a_list_every_failed_item_is_named_and_the_first_log_shown(function, tmp_path):
    night = Night(tmp_path, LIST)
    function.know(night)
    function.log(night, ["no such table"], of="orders")
    shown = function(night.event())
    assert (
        "| 2 failed in `+nightly_sync+sync+load`:\n| • orders: The command ended with exit code 1. <https://" in shown
    )
    assert "| • items: The command ended with exit code 1. <https://" in shown
    assert "users" not in shown
    assert "| The last lines of the log of `+nightly_sync+sync+load` orders:\n| ```\n| no such table\n| ```" in shown


def test_what_was_retried_and_went_well_is_not_named(function, tmp_path):
    night = Night(
        tmp_path,
        """
        +group:
          _retry: {limit: 1, interval: 1}
          +flaky:
            sh>: '[ -e tried ] || { touch tried; exit 9; }'
          +after:
            sh>: 'true'
        +shrug:
          _ignore_failure: true
          sh>: exit 5
        +shrugs:
          _ignore_failure: true
          +inside:
            for_each>: {t: [a, b]}
            _parallel: true
            _do: {sh>: exit 6}
        +end:
          fail>: nothing to load for ${session_date}
        """,
    )
    function.know(night)
    shown = function(night.event())
    assert "`+nightly_sync+end`\n| The workflow ended itself with `fail&gt;`." in shown.replace(
        " nothing", "\n nothing"
    )
    assert "nothing to load for 2026-11-20" in shown
    assert not {"flaky", "shrug", "exit code"} & set(shown.replace("`", " ").replace("+", " ").split())


def test_behind_an_error_handler_the_task_that_failed_first_is_told(function, tmp_path):
    night = Night(tmp_path, PLAIN + "    _error:\n      +tidy:\n        sh>: echo tidied\n")
    function.know(night)
    shown = function(night.event())
    assert "| `+nightly_sync+load`\n| The command ended with exit code 3.\n" in shown
    assert "tidy" not in shown


def test_success_is_short(function, tmp_path):
    night = Night(tmp_path, "timezone: Asia/Tokyo\n+a:\n  echo>: hello\n")
    function.know(night, startDate=1795100401.8, stopDate=1795104201.9)
    assert function(night.event()) == (
        "*nightly_sync* (shop) succeeded, session 2026-11-20 00:00 +09:00\n"
        "| <https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"
        f"{night.arn}|Execution>\n|\n| took 1 h 3 min · 2026-11-20 00:00:01 to 01:03:21 · 20261119T150000Z-1\n|"
    )
    assert function.slack.payloads[-1]["attachments"][0]["color"] == "good"


@pytest.mark.parametrize(("status", "said"), [("TIMED_OUT", "timed out"), ("ABORTED", "was stopped")])
def test_a_run_that_was_ended_tells_what_was_running(function, tmp_path, status, said):
    night = Night(tmp_path, LIST, status=status)
    open_tasks = [event for event in night.events if event["type"] == "TaskSubmitted"][:3]
    night.events = [event for event in night.events if event["id"] <= open_tasks[-1]["id"]]
    night.events = [event for event in night.events if event["type"] not in ("TaskSucceeded", "TaskFailed")]
    detail = {"error": "Stopped", "cause": "by tanaka: wrong date"} if status == "ABORTED" else {}
    ending = {"TIMED_OUT": "ExecutionTimedOut", "ABORTED": "ExecutionAborted"}[status]
    last = {**night.events[-1], "type": ending, "id": 10_000, "previousEventId": 0}
    last.pop("taskSubmittedEventDetails")
    night.events.append({**last, f"{ending[0].lower()}{ending[1:]}EventDetails": detail})
    function.know(night, **detail)
    shown = function(night.event())
    assert f"*nightly_sync* (shop) {said}, session" in shown
    assert all(f"• `+nightly_sync+sync+load` {row} <https://" in shown for row in ("users", "orders", "items"))
    assert ("Stopped: by tanaka: wrong date" in shown) == (status == "ABORTED")


def test_secrets_and_mentions_in_causes_and_logs_do_not_reach_slack(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night)
    hook = "https://hooks.slack.com/services/" + "T0/B0/abcdefghij"
    planted = {
        f"curl {hook}": "abcdefghij",
        "AKIA" + "ABCDEFGHIJKLMNOP": "ABCDEFGHIJKLMNOP",
        "mysql --password=hunter2x -u root": "hunter2x",
        "connecting to mysql://root:hunter3x@db/shop": "hunter3x",
        'config {"db_password": "hunter4 \\" x"}': "hunter4",
        "Authorization: Bearer abcdef0123456789": "abcdef0123456789",
        "<!channel> look & see ```": "<!channel>",
    }
    function.log(night, list(planted), of="")
    shown = function(night.event())
    assert "&lt;!channel&gt; look &amp; see '''" in shown
    sent = json.dumps(function.slack.payloads)
    assert not [secret for secret in planted.values() if secret in sent]
    assert shown.count("[redacted]") >= len(planted) - 1


def test_a_long_night_fits_slack(function, tmp_path):
    rows = ", ".join(f"table_{number:03}_{'x' * 30}" for number in range(60))
    dig = LIST.replace("[users, orders, items]", f"[{rows}]").replace(
        "true", "{limit: 40}"
    )  # iterations of the run itself
    night = Night(tmp_path, dig)
    function.know(night)
    first = next(row for row in night.ecs_tasks() if row.startswith("table_000"))
    function.log(night, ["y" * 5_000] * 10, of=first)
    shown = function(night.event())
    assert "| 60 failed in `+nightly_sync+sync+load`:" in shown
    listed = shown.count("| • table_0")
    assert listed >= 5
    assert f"| ... and {60 - listed} more; the execution's page has them all." in shown
    assert len(json.dumps(function.slack.payloads[-1], ensure_ascii=False)) < 13_000
    assert all(
        len(block["text"]["text"]) <= 3_000 for block in function.slack.payloads[-1]["attachments"][0]["blocks"][:-1]
    )


def test_without_rights_the_message_says_what_the_event_says(function, tmp_path):
    night = Night(tmp_path, PLAIN)  # no execution is known: each question is answered with an error
    shown = function(night.event(error="States.Timeout", cause=""))
    assert shown.startswith("*shop-nightly_sync* failed\n| It took longer than it may.")
    assert "redrive-execution" in shown


def test_throttled_questions_are_asked_again(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night)
    function.states.faults = [(400, "ThrottlingException"), (500, "InternalFailure")]
    assert "The command ended with exit code 3." in function(night.event())
    assert function.states.asked.count("DescribeExecution") == 3


def test_a_long_history_is_read_from_its_end_page_by_page_and_no_further(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night)
    function.states.page = 5
    assert "`+nightly_sync+load`" in function(night.event())
    assert function.states.asked.count("GetExecutionHistory") == 1 + min(4, -(-len(night.events) // 5))


def test_what_cannot_be_redriven_is_started_again(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night, redriveStatus="NOT_REDRIVABLE", redriveStatusReason="Execution is older than 14 days.")
    shown = function(night.event())
    assert "it cannot be redriven: Execution is older than 14 days. Start the session anew:" in shown
    assert "redrive-execution" not in shown
    assert "--name 20261119T150000Z-2 --input '{" in shown


def test_what_was_given_at_the_start_is_given_again_unless_it_is_secret(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.know(night, input='{"params": {"days": 3}}')
    assert """--input '{"params": {"days": 3}, "session_time": "2026""" in function(night.event())
    function.know(night, input='{"params": {"password": "hunter2hunter2"}}')
    assert "--input '...'`" in function(night.event())


def test_items_that_ran_as_executions_of_their_own_are_named(function, tmp_path):
    rows = ",".join(f"t{number}" for number in range(45))
    night = Night(tmp_path, LIST.replace("users, orders, items", rows).replace("true", "{limit: 45}"))
    function.know(night)
    shown = function(night.event())
    assert "| 45 failed:\n| > t0 (exit code 1), t1 (exit code 1), " in shown


def test_the_run_of_another_workflow_is_told_by_its_reason(function, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "other.dig").write_text('+x: {sh>: "exit 9"}\n')
    night = Night(tmp_path, "+r:\n  require>: other\n")
    function.know(night)
    shown = function(night.event())
    assert "The run of shop-other that it waited for has failed: The command ended with exit code 9." in shown


@pytest.mark.parametrize(
    ("variables", "status", "sent"),
    [
        ({}, "RUNNING", False),
        ({}, "SUCCEEDED", True),
        ({"NOTIFY_ON": "FAILED, TIMED_OUT"}, "SUCCEEDED", False),
        ({"NOTIFY_ON": "failed"}, "FAILED", True),
        ({"NOTIFY_EXCEPT": "shop-nightly_sync"}, "FAILED", False),
        ({"NOTIFY_EXCEPT": "shop-other,shop-nightly_sync:SUCCEEDED"}, "SUCCEEDED", False),
        ({"NOTIFY_EXCEPT": "shop-nightly_sync:SUCCEEDED"}, "FAILED", True),
    ],
)
def test_which_events_lead_to_a_message(function, tmp_path, monkeypatch, variables, status, sent):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    night = Night(tmp_path, "+a:\n  echo>: hello\n", status=status)
    assert bool(function(night.event())) == sent


def test_children_of_a_distributed_map_are_no_runs(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    event = night.event()
    event["detail"]["stateMachineArn"] += "/sync"
    assert function(event) == ""


def test_slack_down_raises_so_that_lambda_tries_again(function, tmp_path):
    night = Night(tmp_path, PLAIN)
    function.slack.answer(429, "slow down", Retry_After=3_600)
    with pytest.raises(Exception, match="Slack asks to wait"):
        function(night.event())


def test_messages_of_workflows_go_on_as_before(function):
    assert function({"message": {"text": "hello"}}) == "hello"
