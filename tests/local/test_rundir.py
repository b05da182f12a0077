"""What a run leaves on disk, and how it is taken up again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from machines import command, engine, machine, map_, pass_, task

from stepdig.local.clock import RealClock
from stepdig.local.execution import Execution, Listeners
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.rundir import RunDir


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def kept(tmp_path: Path, definition: dict[str, Any], value: Any, **services: Any) -> tuple[Execution, RunDir]:
    async def go() -> tuple[Execution, RunDir]:
        run = RunDir.create(tmp_path, "r1", definition, value, "x", "m")
        async with engine(listener=run, **services) as it:
            execution = await it.start(definition, value, "x", "m").wait()
        run.finish(execution)
        return execution, run

    return asyncio.run(go())


def test_a_run_leaves_definition_history_and_status(tmp_path: Path) -> None:
    definition = machine("A", A=pass_(Output={"日": 1}))

    execution, run = kept(tmp_path, definition, {"in": 1})

    assert run.path == tmp_path / ".stepdig/runs/r1"
    assert json.loads((run.path / "definition.json").read_text()) == definition
    assert lines(run.path / "history.jsonl") == execution.events
    status = json.loads((run.path / "status.json").read_text())
    assert (status["status"], status["output"], status["transitions"], status["events"]) == (
        "SUCCEEDED",
        {"日": 1},
        1,
        4,
    )
    assert not (run.path / "checkpoint.json").exists()
    assert (tmp_path / ".stepdig/.gitignore").read_text() == "*\n"


def test_each_task_and_iteration_has_its_log(tmp_path: Path) -> None:
    say = command("sh", "-c", 'echo "$0"; echo err >&2', "{% $string($states.input) %}", Output=None)
    nested = map_({"+in/ner": say}, Items="{% [$states.input, $states.input + 1] %}")
    definition = machine(
        "T", T={**say, "Next": "M", "Output": "{% $states.input %}"}, M=map_({"N": nested}, Items=[10, 20])
    )
    del definition["States"]["T"]["End"]

    _, run = kept(tmp_path, definition, 1)

    logs = {str(p.relative_to(run.path / "logs")): sorted(p.read_text().split()) for p in run.path.rglob("*.log")}
    assert logs == {
        "T.log": ["1", "err"],
        "+in%2Fner/0/0.log": ["10", "err"],
        "+in%2Fner/0/1.log": ["11", "err"],
        "+in%2Fner/1/0.log": ["20", "err"],
        "+in%2Fner/1/1.log": ["21", "err"],
    }


def test_children_have_their_events_and_logs_too(tmp_path: Path) -> None:
    say = command("sh", "-c", 'echo "$0"', "{% $string($states.input) %}")
    definition = machine(
        "M",
        M=map_({"T": say}, Items=[7, 8], mode="DISTRIBUTED", Next="C"),
        C=task("states:startExecution.sync:2", {"StateMachineArn": "inner", "Input": 9, "Name": "child"}),
    )

    _, run = kept(tmp_path, definition, {}, machines={"inner": machine("T", T=say)})

    assert (run.path / "logs/T/0.log").read_text() == "7\n"
    assert (run.path / "logs/T/1.log").read_text() == "8\n"
    assert (run.path / "logs/inner/child/T.log").read_text() == "9\n"
    assert len({event["execution"] for event in lines(run.path / "children.jsonl")}) == 3


def test_the_history_is_on_disk_while_the_run_goes_on(tmp_path: Path) -> None:
    """Whoever follows the file sees a running task, and status.json appears only at the end."""

    async def go() -> None:
        definition = machine("T", T=command("sh", "-c", "echo ready; sleep 1000"))
        run = RunDir.create(tmp_path, "r1", definition, {}, "x", "m")
        ready = asyncio.Event()

        class Tell:
            def on_event(self, *_: object) -> None:
                pass

            def on_output(self, *_: object) -> None:
                ready.set()

        async with engine(listener=Listeners(run, Tell()), clock=RealClock()) as it:
            execution = it.start(definition, {}, "x", "m")
            await ready.wait()
            await asyncio.sleep(0)
            assert lines(run.path / "history.jsonl")[-1]["type"] == "TaskSubmitted"
            assert (run.path / "logs/T.log").read_text() == "ready\n"
            assert not (run.path / "status.json").exists()
            execution.stop()
            await execution.wait()
        run.finish(execution)

    asyncio.run(go())
    assert json.loads((tmp_path / ".stepdig/runs/r1/status.json").read_text())["status"] == "ABORTED"


def test_a_failed_run_is_taken_up_from_its_folder(tmp_path: Path) -> None:
    """Another engine goes on where the first stopped, in the same files."""
    seen: list[Any] = []
    bad = {2}

    def work(event: Any, _: Any) -> Any:
        seen.append(event)
        if event in bad:
            raise ValueError("no")
        return event

    state = task("lambda:invoke", {"FunctionName": "work", "Payload": "{% $states.input %}"})
    definition = machine("M", M=map_({"T": state}, MaxConcurrency=1, Output="{% $states.result.Payload %}"))
    first, run = kept(tmp_path, definition, [1, 2, 3], functions={"work": work})
    assert first.status == "FAILED"
    bad.clear()

    async def again() -> Execution:
        folder = RunDir(run.path)
        async with engine(functions={"work": work}, listener=folder) as it:
            execution = folder.restore(it)
            await it.redrive(execution)
            await execution.wait()
        folder.finish(execution)
        return execution

    execution = asyncio.run(again())

    assert (execution.output, seen) == ([1, 2, 3], [1, 2, 2, 3])
    history = lines(run.path / "history.jsonl")
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert json.loads((run.path / "status.json").read_text())["redrive_count"] == 1
    assert not (run.path / "checkpoint.json").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc")
def test_many_items_need_little_memory(tmp_path: Path) -> None:
    """10,000 items through an engine that keeps its history on disk only, in under 150 MB."""
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from machines import machine, map_, pass_
from stepdig.local.engine import Engine
from stepdig.local.integrations import Integrations
from stepdig.local.rundir import RunDir
definition = machine("M", M=map_({{"P": pass_(Output="{{% $states.input + 1 %}}")}}, mode="DISTRIBUTED"))
async def main():
    run = RunDir.create(Path({str(tmp_path)!r}), "r", definition, {{}}, "x", "m")
    async with Engine(integrations=Integrations(), listener=run, keep_events=False) as engine:
        execution = await engine.start(definition, list(range(10_000)), "x", "m").wait()
    run.finish(execution)
    assert execution.output[-1] == 10_000
asyncio.run(main())
# Not ru_maxrss: a process inherits that from the one that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 150
    assert len((tmp_path / ".stepdig/runs/r/children.jsonl").read_text().splitlines()) == 40_000


def test_objects_are_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    s3 = LocalS3({"bucket": tmp_path})

    s3.put("bucket", "runs/w/+a+b^sub/0/output.json", b"{}")

    assert (tmp_path / "runs/w/+a+b^sub/0/output.json").read_bytes() == b"{}"
    assert s3.keys("bucket", "runs/") == ["runs/w/+a+b^sub/0/output.json"]


def test_an_interrupted_writer_leaves_no_status(tmp_path: Path) -> None:
    """A run killed in the middle has no status.json, and what it had written stays readable."""
    code = f"""
import asyncio, os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from machines import command, engine, machine, pass_
from stepdig.local.clock import RealClock
from stepdig.local.rundir import RunDir
definition = machine("A", A=pass_(Next="T"), T=command("sh", "-c", "echo started; sleep 1000"))
class Shout(RunDir):
    def on_output(self, *args):
        super().on_output(*args)
        self.lines.flush()
        print("up", flush=True)
async def main():
    run = Shout.create(Path({str(tmp_path)!r}), "r", definition, {{}}, "x", "m")
    async with engine(listener=run, clock=RealClock()) as it:
        await it.start(definition, {{}}, "x", "m").wait()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    folder = tmp_path / ".stepdig/runs/r"
    assert not (folder / "status.json").exists()
    assert [event["type"] for event in lines(folder / "history.jsonl")][-1] == "TaskSubmitted"
