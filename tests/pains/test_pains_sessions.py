"""P15, P16, P20: a session runs once, whatever dies or comes twice; nothing has to be kept running for it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
import root
from moto.backends import get_backend
from pains_cloud import Cloud, cloud
from pains_project import ROOT, Project
from template_stack import ACCOUNT, HERE, REGION, STACK, parsed

from stepdig.local.functions import Modules

# What would have to be looked after: a database, a server, a service that must not stop.
OPERATED = (
    "AWS::RDS::",
    "AWS::DynamoDB::",
    "AWS::ElastiCache::",
    "AWS::EC2::Instance",
    "AWS::ECS::Service",
    "AWS::AutoScaling::",
)
NIGHTLY = """
    timezone: Asia/Tokyo
    schedule: {daily>: '03:00:00', catch_up_limit: 3}
    +load: {sh>: 'true'}
"""


def test_p15_there_is_no_database_to_crash_on(project: Project) -> None:
    """Lancers: the container with Digdag and its PostgreSQL died and started again in a loop, as its own database was broken.

    Neither the template nor what build writes has anything that must be kept running. Here the process of a run is killed in
    the middle, with no chance to tidy up; one command goes on from there.
    """
    kinds = {it["Type"] for it in root.template()["Resources"].values()}
    project.write(
        {
            "workflows/shop/nightly.dig": """
                +first: {sh>: 'echo first >> ran'}
                +second: {sh>: 'echo second >> ran; if [ ! -e again ]; then touch again; echo ready; sleep 600; fi'}
                +third: {sh>: 'echo third >> ran'}
            """
        }
    )
    assert project.stepdig("build").code == 0
    kinds |= {
        it["Type"] for it in parsed((project.folder / "statemachines/template.yaml").read_text())["Resources"].values()
    }
    assert "AWS::Serverless::StateMachine" in kinds
    assert not [kind for kind in kinds if kind.startswith(OPERATED)]

    with project.begin("run", "workflows/shop/nightly.dig", "--json", "--session", "2026-11-20") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("text") == "ready":
                break
        process.send_signal(signal.SIGKILL)
    gone_on = project.run("workflows/shop/nightly.dig", "--resume")
    assert gone_on.code == 0, gone_on.text
    assert (project.folder / "workflows/shop/ran").read_text().split() == ["first", "second", "second", "third"]


@dataclass
class Scheduler:
    """EventBridge Scheduler as it stands in the account: it calls the function by the input that the template gave it."""

    cloud: Cloud
    modules: Modules
    metrics: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self, at: datetime) -> dict[str, Any]:
        """Deliver the call of a time once."""
        (listed,) = self.cloud.account.client("scheduler").list_schedules()["Schedules"]
        schedule = self.cloud.account.client("scheduler").get_schedule(
            GroupName=listed["GroupName"], Name=listed["Name"]
        )
        text = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", f"{at:%Y-%m-%dT%H:%M:%SZ}")
        event = json.loads(text.replace("<aws.scheduler.schedule-arn>", schedule["Arn"]))
        answer = self.modules.load("app").handler(event, None)
        assert isinstance(answer, dict)
        return answer

    @property
    def executions(self) -> list[str]:
        arn = f"arn:aws:states:{HERE}:stateMachine:{STACK}-shop-nightly"
        found = self.cloud.account.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
        return sorted(it["name"] for it in found)


@pytest.fixture
def scheduler(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    for name, value in {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    project.write({"workflows/shop/nightly.dig": NIGHTLY})
    with cloud(project.folder, tmp_path) as made:
        modules = Modules(ROOT / "functions" / "start_session")
        client = modules.load("runtime")._client("stepfunctions")
        arn = f"arn:aws:states:{HERE}:stateMachine:{STACK}-shop-nightly"

        def unqualified(params: dict[str, Any], **_: object) -> None:  # moto starts by no alias
            params["body"] = json.dumps({**json.loads(params["body"]), "stateMachineArn": arn}).encode()

        client.meta.events.register("before-call.stepfunctions.StartExecution", unqualified)
        own, lock = get_backend("stepfunctions")[ACCOUNT][REGION].describe_state_machine(arn), Lock()
        begin = own.start_execution

        def start(
            **given: Any,
        ) -> Any:  # moto looks whether a name is taken, and adds it then; Step Functions does so at once
            with lock:
                return begin(**given)

        own.start_execution = start
        yield Scheduler(made, modules)


def _nights(count: int) -> list[datetime]:
    """Return the next times at which the schedule fires: 03:00 in Tokyo."""
    first = (datetime.now(UTC) + timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)
    return [first + timedelta(days=number) for number in range(count)]


def _session(night: datetime) -> str:
    """Return the name of the execution of a night: its session is midnight in Tokyo."""
    return f"{night - timedelta(hours=3):%Y%m%dT%H%M%SZ}-1"


def test_p16_a_session_runs_once_however_often_it_is_started(scheduler: Scheduler, project: Project) -> None:
    """Gunosy: two Celery workers took the same task, and the batch ran twice.

    The Scheduler delivers at least once: here eight deliveries of one night come at the same time, and one more after it. There
    is one execution. `require>` attaches to the run of a session that another workflow has started, instead of a second one.
    """
    (night,) = _nights(1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: scheduler.deliver(night), range(8)))
    scheduler.deliver(night)
    assert scheduler.executions == [_session(night)]

    needs = "+needs: {require>: base}\n+then: {echo>: done}\n"
    project.write(
        {
            "workflows/own/base.dig": "+once: {sh>: 'echo base >> ran'}\n",
            "workflows/own/left.dig": needs,
            "workflows/own/both.dig": "_parallel: true\n+l: {require>: left}\n+b: {require>: base}\n",
        }
    )
    assert project.run("workflows/own/both.dig").code == 0
    assert (project.folder / "workflows/own/ran").read_text().split() == ["base"]


def test_p20_an_outage_is_caught_up_or_told(scheduler: Scheduler, capsys: pytest.CaptureFixture[str]) -> None:
    """Vega: there was one host; when it was down nothing ran, and nobody knew.

    After the first night nothing is delivered for two nights, as in an outage: the call after it starts all three. After a longer
    one the last `catch_up_limit` sessions start and the rest are counted, for which there is an alarm, as there is for runs that
    fail and for starts that do not arrive at all.
    """
    nights = _nights(12)
    scheduler.deliver(nights[0])
    assert scheduler.deliver(nights[3])["started"] == [_session(night) for night in nights[1:4]]
    assert scheduler.executions == [_session(night) for night in nights[:4]]

    capsys.readouterr()
    late = scheduler.deliver(nights[11])
    assert len(late["started"]) + late["missed"] == 8
    assert late["missed"] > 0
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"SessionsMissed"' in line]
    assert [it["SessionsMissed"] for it in metrics] == [[float(late["missed"])]]

    alarms = scheduler.cloud.account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {it.get("MetricName"): it for it in alarms}
    assert "SessionsMissed" in watched
    assert "ExecutionsFailed" in json.dumps(alarms, default=str)
    dimensions = {it["Name"]: it["Value"] for it in watched["SessionsMissed"]["Dimensions"]}
    assert dimensions["Workflow"] == metrics[0]["Workflow"]
    assert all(it["AlarmActions"] for it in alarms)
    queues = [
        it["Properties"] for it in root.template()["Resources"].values() if it["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert any("DeadLetters" in json.dumps(it) for it in queues)
