"""Launches that fail, and Spot that takes a task, with commands that are real processes: `stepdig run`'s launcher, wrapped."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stepdig.language.job import Capacity, Job
from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.functions import Functions
from stepdig.local.guard import Guard
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskLauncher, TaskOutcome, TaskRequest
from stepdig.local.jobs import Jobs
from stepdig.local.substitutions import substitute
from stepdig.local.tasks import LocalTasks
from stepdig.pipeline import compile_workflow
from stepdig.runner.storage import FolderStorage

NEVER_STARTED = TaskOutcome(
    None, "TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."
)


@dataclass
class Cloud:
    """Between the engine and the processes: some launches never start, Spot takes a task that has said `running`.

    `refuses` and `takes` are tasks, with the number of launches that end so.
    """

    inner: TaskLauncher
    refuses: Counter[str]
    takes: Counter[str]
    launches: list[str] = field(default_factory=list)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run a task's process as long as Spot lets it."""
        task = request.container_overrides["Environment"]["STEPDIG_TASK"].partition(" ")[2]
        self.launches.append(task)
        if self.refuses[task]:
            self.refuses[task] -= 1
            return NEVER_STARTED
        if not self.takes[task]:
            return await self.inner.run(request)
        self.takes[task] -= 1
        running, said = asyncio.Event(), request.on_output

        def heard(stream: str, line: str) -> None:
            said(stream, line)
            running.set()

        process = asyncio.ensure_future(self.inner.run(_with(request, heard)))
        await running.wait()
        process.cancel()  # the engine's launcher sends SIGTERM and waits until the process is gone
        await asyncio.gather(process, return_exceptions=True)
        return TaskOutcome(143, "SpotInterruption", "Your Spot Task was interrupted.")


def _with(request: TaskRequest, on_output: Callable[[str, str], None]) -> TaskRequest:
    values = {name: getattr(request, name) for name in TaskRequest.__dataclass_fields__}
    return TaskRequest(**{**values, "on_output": on_output})


@dataclass(frozen=True)
class Night:
    """An execution and the redrive after it: status of each, the launches of each, the events of both."""

    statuses: list[str]
    launches: list[list[str]]
    events: list[dict[str, Any]]

    def entered(self, since: int = 0) -> list[str]:
        """Return the names of the states entered after an event."""
        details = [it.get("stateEnteredEventDetails") for it in self.events[since:]]
        return [it["name"] for it in details if it]


def night(
    folder: Path, dig: str, *, refuses: dict[str, int], takes: dict[str, int], capacity: Capacity, redrives: int = 0
) -> Night:
    """Run a workflow whose commands are processes in `folder`."""
    jobs = {"default": Job("default", capacity=capacity)}
    made = compile_workflow({"w.dig": dig.encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=jobs)
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))

    async def go() -> Night:
        clock = VirtualClock()
        storage = FolderStorage(folder / "s3")
        local = LocalTasks(
            {"p-w": made.bundle},
            folder,
            folder / "work",
            storage,
            Jobs(folder, folder / "cache", Guard(), lambda _text: None),
            clock,
        )
        cloud = Cloud(local, Counter(refuses), Counter(takes))
        services = Integrations(tasks=cloud, functions={"FailRunFunction": Functions()["fail_run"]})
        statuses, launches = [], []
        async with Engine(integrations=services, clock=clock) as engine:
            execution = await engine.start(definition, {}, "x", "p-w").wait()
            for _ in range(redrives + 1):
                statuses.append(execution.status)
                launches.append(cloud.launches[sum(map(len, launches)) :])
                if execution.status == "SUCCEEDED":
                    break
                execution = await (await engine.redrive(execution)).wait()
            return Night(statuses, launches, execution.events)

    return asyncio.run(go())


def test_never_started_twice_then_fine_and_the_retry_is_still_there(tmp_path: Path) -> None:
    """Two launches that failed, then a command that fails once: `_retry: 1` has its one try for it."""
    dig = "+a: {sh>: 'echo run >> ran; test $(wc -l < ran) -ge 2', _retry: 1}\n"

    done = night(tmp_path, dig, refuses={"+a": 2}, takes={}, capacity="on_demand")

    assert done.statuses == ["SUCCEEDED"]
    assert done.launches == [["+a"] * 4]
    assert (tmp_path / "ran").read_text() == "run\nrun\n"


def test_spot_takes_a_running_process_twice_and_the_third_is_on_demand(tmp_path: Path) -> None:
    """The process is told by SIGTERM, as a container is; what it wrote before is there, what came after is not."""
    (tmp_path / "a.sh").write_text(
        "trap 'echo taken >> ran; exit 143' TERM\necho begun >> ran\necho running\n"
        "if [ $(grep -c begun ran) -lt 3 ]; then sleep 1000 & wait; fi\n"
    )
    dig = "+a: {sh>: exec sh a.sh}\n"

    done = night(tmp_path, dig, refuses={}, takes={"+a": 2}, capacity="spot_then_on_demand")

    asked = [
        json.loads(it["taskScheduledEventDetails"]["parameters"])["CapacityProviderStrategy"][0]["CapacityProvider"]
        for it in done.events
        if it["type"] == "TaskScheduled"
    ]
    assert done.statuses == ["SUCCEEDED"]
    assert asked == ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"]
    assert (tmp_path / "ran").read_text().split() == ["begun", "taken", "begun", "taken", "begun"]


@pytest.mark.parametrize("around", ["", "_error: {echo>: bad}\n"], ids=["plain", "error"])
def test_a_redrive_after_exhausted_launches_enters_that_task_alone(tmp_path: Path, around: str) -> None:
    """State by state: what was done is not entered again, and the counts begin anew."""
    dig = f"{around}+a: {{sh>: echo a >> ran}}\n+b: {{sh>: echo b >> ran}}\n+c: {{sh>: echo c >> ran}}\n"

    done = night(tmp_path, dig, refuses={"+b": 15}, takes={}, capacity="on_demand", redrives=1)

    redriven = next(number for number, it in enumerate(done.events) if it["type"] == "ExecutionRedriven")
    tasks = [name for name in done.entered(redriven) if " " not in name]
    assert done.statuses == ["FAILED", "SUCCEEDED"]
    assert done.launches == [["+a", *["+b"] * 13], ["+b", "+b", "+b", "+c"]]
    assert tasks == ["+b", "+b", "+b", "+c"]
    assert (tmp_path / "ran").read_text().split() == ["a", "b", "c"]


def test_a_redrive_restarts_only_the_items_that_failed(tmp_path: Path) -> None:
    """Two of four items cannot be launched; the redrive enters the loop's task for these two, and the join."""
    dig = "+l:\n  for_each>: {t: [w, x, y, z]}\n  _parallel: {limit: 1}\n  _do:\n    +p: {sh>: 'echo ${t} >> ran'}\n"

    done = night(tmp_path, dig, refuses={"+l+p": 26}, takes={}, capacity="on_demand", redrives=1)

    redriven = next(number for number, it in enumerate(done.events) if it["type"] == "ExecutionRedriven")
    assert done.statuses == ["FAILED", "SUCCEEDED"]
    assert [len(it) for it in done.launches] == [13 + 13 + 1 + 1, 2]
    assert [name for name in done.entered(redriven) if " " not in name] == ["+l", "+l+p", "+l+p"]
    assert (tmp_path / "ran").read_text().split() == ["y", "z", "w", "x"]
