"""Tasks on a laptop: the runner's functions inside the engine's event loop, one process a task."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from runner_bundles import PREFIX, bundle, for_each, task, variable

from stepdig.local.clock import RealClock
from stepdig.local.guard import Guard
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.jobs import Jobs
from stepdig.local.tasks import LocalTasks
from stepdig.runner.storage import FolderStorage


class Laptop:
    """A project's folder and what running tasks in it showed."""

    def __init__(self, folder: Path, one: dict) -> None:
        self.project = folder / "project"
        self.project.mkdir(exist_ok=True)
        self.storage = FolderStorage(folder / "bucket")
        self.guard = Guard()
        self.failures: list[tuple[str, str]] = []
        self.lines: list[tuple[str, str]] = []
        self.started = asyncio.Event()
        jobs = Jobs(folder / "jobs", folder / "cache", self.guard, lambda _text: None)
        self.tasks = LocalTasks(
            {"wf": one}, self.project, folder / "work", self.storage, jobs, RealClock(), self._failed, grace=5
        )

    def _failed(self, request: TaskRequest, message: str) -> None:
        self.failures.append((request.state, message))

    def _output(self, stream: str, text: str) -> None:
        self.lines.append((stream, text))
        self.started.set()

    async def run(self, key: str = "+t", **loop) -> TaskOutcome:
        run = {"prefix": PREFIX, "session_time": "2026-11-20T00:00:00+09:00", "params": {}, "loop": loop}
        environment = {"STEPDIG_TASK": f"wf {key}", "STEPDIG_RUN": json.dumps(run)}
        overrides = {"Name": "task", "Environment": environment, "Command": None}
        request = TaskRequest("JobDefault", overrides, "x", key, 1, self._output, self.guard)
        return await self.tasks.run(request)


def on_laptop(folder, tasks, work, files=None, **more):
    """Run a coroutine that is given the laptop, and end every process of it."""

    async def go():
        laptop = Laptop(folder, bundle(tasks, **more))
        for name, text in (files or {}).items():
            (laptop.project / name).write_text(text)
        try:
            await work(laptop)
        finally:
            laptop.guard.close()
        return laptop

    return asyncio.run(go())


def test_a_task_runs_in_the_project_itself_and_its_lines_are_handed_on(tmp_path):
    async def work(laptop):
        assert await laptop.run() == TaskOutcome(0)

    local = {"sh>": "pwd > where; echo $session_date; echo oops >&2; printf 'no end'"}
    laptop = on_laptop(tmp_path, {"+t": task(local)}, work)
    assert sorted(laptop.lines) == [("stderr", "oops"), ("stdout", "2026-11-20"), ("stdout", "no end")]
    assert (laptop.project / "where").read_text() == f"{laptop.project}\n"
    assert (laptop.failures, laptop.storage.list("runs/")) == ([], [])


def test_a_failure_is_told_with_digdags_message(tmp_path):
    async def work(laptop):
        assert await laptop.run("+sh") == TaskOutcome(7)
        assert await laptop.run("+py") == TaskOutcome(1)

    tasks = {"+sh": task({"sh>": "exit 7"}), "+py": task({"py>": "m.f", "python": sys.executable})}
    laptop = on_laptop(tmp_path, tasks, work, {"m.py": "def f(): raise KeyError('k')\n"})
    assert laptop.failures[0] == ("+sh", "Command failed with code 7 (runtime)")
    assert laptop.failures[1][1].startswith(
        "Python command failed with code 1\nError messages from python: 'k' (KeyError)"
    )
    assert laptop.lines[-1] == ("stderr", "KeyError: 'k'")


@pytest.mark.parametrize(
    ("local", "message"),
    [
        ({"sh>": "${x}"}, "Failed to evaluate a variable ${x} (ReferenceError: x is not defined) (config)"),
        ({"sh>": "a\0b"}, "embedded null byte (runtime)"),
        ({"sh>": "x", "shell": ["/no/such"]}, "No such file or directory (runtime)"),
    ],
)
def test_a_task_that_cannot_start_fails_with_the_reason_in_its_log_and_in_its_outputs(tmp_path, local, message):
    async def work(laptop):
        assert await laptop.run() == TaskOutcome(1)

    laptop = on_laptop(tmp_path, {"+t": task(local)}, work)
    assert laptop.failures[0][1].endswith(message)
    assert laptop.lines == [("stderr", laptop.failures[0][1])]
    assert json.loads(laptop.storage.get(f"{PREFIX}/+t/error.json"))["message"] == laptop.failures[0][1]


def test_stores_of_parallel_iterations_reach_the_task_after_them_in_order(tmp_path):
    rows = [{"table": f"t{number}"} for number in range(12)]
    loops = {"+sync": for_each(variable("t", rows, "table"))}
    stores = [{"task": "+sync+load", "shared": 0, "when": "all"}]
    tasks = {
        "+sync+load": task(
            {"py>": "m.f", "python": sys.executable, "table": "${t.table}"}, layers=[["loop", "+sync"]], loops=["+sync"]
        ),
        "+after": task({"sh>": 'echo "$last $all"'}, layers=[["stores", stores]]),
    }
    source = "import digdag\ndef f(table): digdag.env.store(last=table, all={table: 1})\n"

    async def work(laptop):
        done = await asyncio.gather(*(laptop.run("+sync+load", t=row["table"]) for row in reversed(rows)))
        assert set(done) == {TaskOutcome(0)}
        assert await laptop.run("+after") == TaskOutcome(0)

    laptop = on_laptop(tmp_path, tasks, work, {"m.py": source}, loops=loops)
    last, _, everything = laptop.lines[-1][1].partition(" ")
    assert last == "t11"
    assert list(json.loads(everything)) == [row["table"] for row in rows]


def test_a_cancelled_task_is_gone_when_cancelling_returns(tmp_path):
    async def work(laptop):
        running = asyncio.ensure_future(laptop.run())
        await asyncio.wait_for(laptop.started.wait(), 60)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert laptop.lines == [("stdout", "started"), ("stdout", "tidied")]

    on_laptop(tmp_path, {"+t": task({"sh>": "trap 'echo tidied; exit' TERM; echo started; sleep 600 & wait"})}, work)


def test_the_host_s_zone_does_not_count(tmp_path, monkeypatch):
    """P23 of the users: the workflow's timezone reaches each task, whatever the laptop's is."""
    monkeypatch.setenv("TZ", "America/Lima")

    async def work(laptop):
        await laptop.run()

    assert on_laptop(tmp_path, {"+t": task({"sh>": "echo $TZ"})}, work).lines == [("stdout", "Asia/Tokyo")]
