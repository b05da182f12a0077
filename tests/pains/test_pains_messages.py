"""P21, P29: what is told of a run, and what it still has to tell when it ends."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from failed_nights import Night, drawn
from moto import mock_aws
from pains_project import ROOT, Project
from slack_server import slack_server
from states_server import states_server

from stepdig.local.functions import Modules

NIGHT = """
    timezone: Asia/Tokyo
    +load: {sh>: 'echo loading; exit 3'}
"""


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that hands the end of a run to notify_slack, and gives the message that arrives in Slack."""
    with slack_server() as slack, states_server() as states, mock_aws():
        keys = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        about = {"AWS_ENDPOINT_URL_SFN": states.url, "SLACK_WEBHOOK_SECRET": "slack", "STACK": "prod"}
        for name, value in {**keys, **about}.items():
            monkeypatch.setenv(name, value)
        boto3.client("secretsmanager").create_secret(Name="slack", SecretString=slack.url)
        modules = Modules(ROOT / "functions/notify_slack")
        modules.load("runtime").parameters.clear_caches()

        def message(night: Night) -> str:
            states.executions[night.arn] = (night.description(), night.events)
            for of, task in night.ecs_tasks().items():
                _log(f"{night.machine}/task/{task}", f"the table is gone {of}".strip())
            modules.load("app").handler(night.event(), SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
            return drawn(slack.payloads[-1])

        yield message


def _log(stream: str, line: str) -> None:
    """Put a container's line into CloudWatch."""
    logs, group = boto3.client("logs"), "/stepdig/prod/default"
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": 1795104200000, "message": line}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def test_p21_logs_and_status_need_no_ssh(tell: Any, tmp_path: Path, project: Project) -> None:
    """Vega: logs were read by ssh, and that a run had succeeded was known only since Slack said so.

    The message has the reason, the container's last lines, links to the execution, the task and its log in the console, and the
    command that goes on. On a laptop all of a run is kept: status, history, each task's log.
    """
    shown = tell(Night(tmp_path / "night", NIGHT))
    assert "The command ended with exit code 3." in shown
    assert "the table is gone" in shown
    assert "aws stepfunctions redrive-execution" in shown
    console = "https://us-east-1.console.aws.amazon.com/"
    for page, name in (("states/home", "Execution"), ("ecs/v2/clusters", "ECS task"), ("cloudwatch/home", "Log")):
        (link,) = (it for it in shown.split("<") if it.startswith(console + page) and f"|{name}>" in it)
        assert "exec" in link or "task" in link

    run = project.write({"night.dig": NIGHT}).run("night.dig")
    kept = project.folder / run.start["directory"]
    assert json.loads((kept / "status.json").read_text())["status"] == "FAILED"
    assert (kept / "logs/+load.log").read_text() == "loading\n"
    assert project.history(run)[-1]["type"] == "ExecutionFailed"


AGENT = """
    import os, socket, sys, time
    command = os.getppid()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as collector:
        print("ready", flush=True)
        while os.getppid() == command:
            time.sleep(0.01)
        if collector.recv(2) == b"go":
            collector.sendall(b"rows:1|c")
"""


@contextmanager
def collector(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Give the port of one agent's collector, and what it got; without an answer the agent holds on to what it has."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def collect() -> None:
            one = server.accept()[0]
            with one:
                one.sendall(answer)
                with contextlib.suppress(ConnectionResetError):
                    got.append(one.recv(100))

        thread = threading.Thread(target=collect)
        thread.start()
        yield server.getsockname()[1], got
        thread.join()


@pytest.mark.parametrize("linger", ["2s", ""])
def test_p29_metrics_that_are_sent_late_arrive(project: Project, linger: str) -> None:
    """CrowdWorks: DogStatsD's metrics were lost, as the process ended at once, and the container with it.

    The agent of this job sends what it holds only after the command has ended. `linger` of its job.yml keeps the container for
    that; without it the agent is ended with the command, and the collector sees the connection close.
    """
    project.write(
        {
            "workflows/shop/batch.dig": "+load: {sh>: 'sh load.sh $port', ecs: {job: load}}\n",
            "workflows/shop/load.sh": "python3 agent.py $1 > up &\nwhile ! grep -q ready up; do :; done\n",
            "workflows/shop/agent.py": AGENT,
            "jobs/load/job.yml": f"linger: {linger}\n" if linger else "{}\n",
        }
    )
    with collector(b"go" if linger else b"") as (port, got):
        run = project.run("workflows/shop/batch.dig", "-p", f"port={port}")
    assert run.code == 0, run.text
    assert got == ([b"rows:1|c"] if linger else [b""]) or (not linger and got == [])
