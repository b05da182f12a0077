"""P6, P9, P17, P18, P25: what a person sees of a task that fails, and does next."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from pains_project import Project

from stepdig.language.job import Job
from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.substitutions import substitute
from stepdig.pipeline import compile_workflow


def test_p06_a_task_that_cannot_start_fails_loudly(project: Project) -> None:
    """WealthNavi: when ECS could not start a task the executor fell back to Docker, then to the server itself, and said nothing.

    Here the image of a job cannot be had (its Python is none that exists). The command runs nowhere, not even on the host that
    could run it; the run fails, and says in plain words which task did not start and why.
    """
    project.write(
        {
            "workflows/shop/nightly.dig": "+load: {sh>: 'touch ran-on-the-host', ecs: {job: load}}\n",
            "jobs/load/job.yml": "python: '3.99'\n",
        }
    )
    done = project.stepdig("run", "workflows/shop/nightly.dig", "--plain")
    assert done.code == 1
    assert "+load" in done.text
    assert "there is no python3.99 on this machine" in done.text
    assert not list(project.folder.rglob("ran-on-the-host"))

    missing = TaskOutcome(None, "TaskFailedToStart", "CannotPullContainerError: load:9: not found")
    execution, launched = _night(b"+load: {sh>: 'touch ran-on-the-host'}\n", Job("default"), lambda _: missing)
    assert execution.status == "FAILED"
    assert 1 <= len(launched) <= 5, "a few launches, then it is told"
    assert set(launched) == {"FARGATE"}
    assert "CannotPullContainerError: load:9: not found" in str(execution.cause)


def test_p09_the_rest_of_the_night_goes_on(project: Project) -> None:
    """Lancers: embulk-output-bigquery failed every ten minutes at night.

    `users` fails at first and is tried again, each time after twice the wait; `orders` fails for good. The other tables are
    loaded, the end names the one that is not, and one command loads it alone.
    """
    project.write(
        {
            "sync.dig": """
                +sync:
                  for_each>: {t: {file: tables.json}}
                  _parallel: true
                  _do:
                    +load: {sh>: './load.sh ${t.table}', _retry: {limit: 2, interval: 1, interval_type: exponential}}
                +after: {sh>: 'echo all tables'}
            """,
            "tables.json": json.dumps([{"table": name} for name in ("users", "orders", "items", "shops")]),
            "load.sh": """\
                #!/bin/sh
                echo $1 >> tries
                [ $1 != users ] || [ $(grep -c users tries) = 3 ] || exit 1
                [ $1 != orders ] || [ -e mended ] || { echo "Table 'shop.orders' doesn't exist" >&2; exit 2; }
                echo $1 >> loaded
            """,
        }
    )
    (project.folder / "load.sh").chmod(0o755)
    run = project.run("sync.dig")
    assert run.code == 1
    assert sorted((project.folder / "loaded").read_text().split()) == ["items", "shops", "users"]
    tried = (project.folder / "tries").read_text().split()
    assert [tried.count(name) for name in ("users", "orders", "items", "shops")] == [3, 3, 1, 1]
    (failed,) = run.end["failed"]
    assert failed.endswith("=orders+load")
    assert "1 failed: orders" in run.end["cause"]
    begun = [
        datetime.fromisoformat(it["time"])
        for it in run.told
        if "=orders+load" in it.get("task", "") and it.get("state") == "running"
    ]
    assert (begun[-1] - begun[0]).total_seconds() >= 2.9, "a second, then two"

    (project.folder / "mended").touch()
    (project.folder / "tries").unlink()
    again = project.run("sync.dig", "--resume")
    assert again.code == 0, again.text
    assert (project.folder / "tries").read_text().split() == ["orders"]
    assert again.lines == ["all tables"]


@pytest.mark.parametrize("changed", [False, True])
def test_p17_a_retry_is_one_command(project: Project, changed: bool) -> None:
    """Gunosy: to run a failed task again one had to know the API, and curl.

    The failed run itself says the command; it is taken from there. What had succeeded does not run again, whether the trouble was
    outside or the workflow had to be changed.
    """
    project.write(
        {
            "batch.dig": "+a: {sh>: 'echo a >> ran'}\n+b: {sh>: 'echo b >> ran; test -e mended'}\n+c: {sh>: 'echo c >> ran'}\n",
        }
    )
    failed = project.stepdig("run", "batch.dig", "--plain", "--session", "2026-11-20")
    assert failed.code == 1
    (line,) = (line for line in failed.text.splitlines() if "stepdig run" in line)
    program, *words = shlex.split(line.partition(": ")[2])
    assert program == "stepdig"

    if changed:
        text = (project.folder / "batch.dig").read_text()
        project.write(
            {"batch.dig": text.replace("; test -e mended", "").replace("+c:", "+new: {sh>: 'echo new >> ran'}\n+c:")}
        )
    else:
        (project.folder / "mended").touch()
    again = project.stepdig(*words, "--plain")
    assert again.code == 0, again.text
    assert (project.folder / "ran").read_text().split() == (
        ["a", "b", "b", "new", "c"] if changed else ["a", "b", "b", "c"]
    )


@dataclass
class Launcher:
    """Ends containers as told by the provider that each was launched by."""

    outcome: Callable[[str], TaskOutcome]
    providers: list[str] = field(default_factory=list)

    async def run(self, _request: TaskRequest) -> TaskOutcome:
        return self.outcome(self.providers[-1])

    def on_event(self, _execution: object, event: dict[str, object]) -> None:
        details = event.get("taskScheduledEventDetails")
        if isinstance(details, dict) and details["resource"] == "runTask.sync":
            given = json.loads(details["parameters"])
            strategy = given.get("CapacityProviderStrategy")
            self.providers.append(strategy[0]["CapacityProvider"] if strategy else given["LaunchType"])

    def on_output(self, *_told: object) -> None:
        pass


def _night(dig: bytes, job: Job, outcome: Callable[[str], TaskOutcome]) -> tuple[Execution, list[str]]:
    """Run a workflow, whose waits the clock jumps over; give the execution and where each container was launched."""
    made = compile_workflow({"w.dig": dig}.get, "w.dig", display=str, project="p", workflow="w", jobs={"default": job})
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))
    launcher = Launcher(outcome)

    async def go() -> Execution:
        services = Integrations(tasks=launcher, functions={"FailRunFunction": Functions()["fail_run"]})
        async with Engine(integrations=services, clock=VirtualClock(), listener=launcher) as engine:
            return await engine.start(definition, {}, "x", "p-w").wait()

    return asyncio.run(go()), launcher.providers


def test_p18_spot_falls_back_and_a_run_tells_what_it_cost(project: Project, tmp_path: Path) -> None:
    """Gunosy: what the batches cost was the reason to move, and Fargate has no way back from Spot by itself.

    Spot takes a container twice: the third try runs on demand, and the user's own `_retry`, here none, is not used up by it. What
    the run took is told with a figure: sizes, seconds, transitions, about how many dollars, by prices that say of when they are.
    """
    taken = TaskOutcome(143, "SpotInterruption", "Your Spot Task was interrupted.")
    job = Job("default", capacity="spot_then_on_demand", cpu=1024, memory=2048)
    execution, launched = _night(
        b"+load: {sh>: ./load.sh}\n", job, lambda provider: TaskOutcome(0) if provider == "FARGATE" else taken
    )
    assert execution.status == "SUCCEEDED"
    assert launched == ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"]

    history = list(execution.events)
    (tmp_path / "history.json").write_text(json.dumps({"events": history}))
    told = project.stepdig("usage", str(tmp_path / "history.json"), "--json")
    assert told.code == 0, told.text
    (usage,) = told.told
    assert len(usage["containers"]) == 3
    assert usage["transitions"] == sum(it["type"].endswith("StateEntered") for it in history)
    assert usage["dollars"] == pytest.approx(_dollars(usage), abs=1e-6)
    shown = project.stepdig("usage", str(tmp_path / "history.json")).text
    assert "about $" in shown
    assert "an estimate by list prices" in shown
    assert usage["prices_as_of"] in shown


def _dollars(usage: dict[str, object]) -> float:
    """Return the arithmetic of docs/reference/usage.md, with the prices of us-east-1."""
    containers = usage["containers"]
    assert isinstance(containers, list)
    hours = [
        max(60, -(-it["seconds"] // 1)) / 3600 * (it["cpu"] / 1024 * 0.04048 + it["memory"] / 1024 * 0.004445)
        for it in containers
    ]
    assert isinstance(usage["transitions"], int)
    return sum(hours) + usage["transitions"] * 0.025 / 1000


def test_p25_the_log_and_the_exit_code_come_to_who_started_it(project: Project) -> None:
    """CrowdWorks: awslogs do not come back to the caller, so the log had to be looked for elsewhere, and so had the exit code.

    The line of a task is on the terminal while the task still runs: it ends only once this test has read the line. Then its
    exit code is the command's.
    """
    project.write({"batch.dig": "+load: {sh>: 'echo working; read answer < gate; echo $answer; exit 7'}\n"})
    os.mkfifo(project.folder / "gate")
    with project.begin("run", "batch.dig", "--plain", "--exit-code") as process:
        assert process.stdout is not None
        assert any("working" in line for line in process.stdout)
        (project.folder / "gate").write_text("go on\n")
        rest = process.stdout.read()
    assert process.returncode == 7
    assert "go on" in rest
    assert "exit code 7" in rest
