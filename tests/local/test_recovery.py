"""A run whose engine was killed, at whatever moment, goes on from its history alone."""

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
from machines import branch, engine, fail, machine, map_, pass_, task

from stepdig.local.clock import RealClock
from stepdig.local.errors import NotRedrivable
from stepdig.local.execution import Execution
from stepdig.local.redrive import checkpoint
from stepdig.local.rundir import RunDir


def work(payload: Any, **fields: Any) -> dict[str, Any]:
    return task(
        "lambda:invoke", {"FunctionName": "work", "Payload": payload}, Output="{% $states.result.Payload %}", **fields
    )


CAUGHT = {"ErrorEquals": ["States.ALL"], "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "B"}
CHILD = {"T": work("{% $states.input.v %}", Next="U"), "U": work("u")}
ROW = {"v": "{% $states.context.Map.Item.Value %}"}
BATCH = {"T": work("{% $states.input.Items %}")}

MACHINES: dict[str, dict[str, Any]] = {
    "a chain with variables and a choice": machine(
        "A",
        A=work(1, Assign={"a": "{% $states.result.Payload + 1 %}"}, Next="C"),
        C={
            "Type": "Choice",
            "Choices": [{"Condition": "{% $a > 1 %}", "Assign": {"way": "left"}, "Next": "L"}],
            "Default": "R",
            "Assign": {"way": "right"},
        },
        L=work("{% $way & $a %}", Next="Z"),
        R=fail("wrong"),
        Z=pass_(Output="{% [$states.input, $a, $way] %}"),
    ),
    "retries and catches": machine(
        "A",
        A=work("bad", Retry=[{"ErrorEquals": ["ValueError"], "MaxAttempts": 1}], Catch=[CAUGHT]),
        B=work("{% $e %}", Next="C"),
        C=pass_(Output="{% [$e, $states.input] %}"),
    ),
    "branches": machine(
        "A",
        A=pass_(Assign={"o": 5}, Next="P"),
        P={
            "Type": "Parallel",
            "Arguments": {"in": "{% $o %}"},
            "Branches": [
                branch(X=work("{% $states.input.in %}", Assign={"x": 1}, Next="X2"), X2=work("{% $x + $o %}")),
                branch(Y={"Type": "Wait", "Seconds": 1, "Next": "Y2"}, Y2=work("y")),
                branch(Z=pass_(Output="z")),
            ],
            "Next": "E",
        },
        E=pass_(Output="{% {'r': $states.input} %}"),
    ),
    "maps in maps": machine(
        "M",
        M=map_(
            {
                "S": pass_(Assign={"row": "{% $states.input %}"}, Next="N"),
                "N": map_({"T": work("{% $row * $states.input %}")}, Items="{% [1, $row] %}", MaxConcurrency=2),
            },
            Items=[2, 3, 4],
            MaxConcurrency=2,
            ItemSelector="{% $states.context.Map.Item.Value + 1 %}",
            Next="E",
        ),
        E=pass_(Output="{% [$states.input] %}"),
    ),
    "a distributed map": machine(
        "M",
        M=map_(CHILD, Items=[1, 2, 3], MaxConcurrency=2, mode="DISTRIBUTED", ItemSelector=ROW, Next="E"),
        E=pass_(),
    ),
    "a distributed map in batches": machine(
        "M", M=map_(BATCH, Items=[1, 2, 3], mode="DISTRIBUTED", ItemBatcher={"MaxItemsPerBatch": 2})
    ),
}


class Work:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, event: Any, _: Any) -> Any:
        self.calls += 1
        if event == "bad":
            raise ValueError("bad")
        return event


class Record:
    """A listener that keeps what RunDir would write."""

    def __init__(self) -> None:
        self.events: list[tuple[Execution | None, dict[str, Any]]] = []

    def on_event(self, execution: Execution, event: dict[str, Any]) -> None:
        child = execution.root is not execution
        line = {"execution": execution.name, "indexes": list(execution.indexes), **event} if child else event
        self.events.append((execution if child else None, line))

    def on_output(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("name", MACHINES)
def test_killed_after_any_event_it_comes_to_the_same_end(name: str) -> None:
    """And does nothing again that the history says is done."""
    definition, record, function = MACHINES[name], Record(), Work()
    saved = {
        "definition": definition,
        "input": {},
        "name": "x",
        "machine": "m",
        "status": "ABORTED",
        "error": None,
        "cause": None,
    }

    async def whole() -> Execution:
        async with engine(functions={"work": function}, listener=record) as it:
            return await it.start(definition, {}, "x", "m").wait()

    async def after(cut: int) -> tuple[Execution, int]:
        again = Work()
        events = [event for child, event in record.events[:cut] if child is None]
        children: dict[int, list[dict[str, Any]]] = {}
        for child, event in record.events[:cut]:
            if child is not None:
                children.setdefault(event["indexes"][-1], []).append(event)
        kept = {**saved, "redrive_count": 0, "transitions": 0, "started": 0.0, "events": events[-1]["id"]}
        async with engine(functions={"work": again}) as it:
            execution = it.recover(kept, events, children)
            await it.redrive(execution)
            return await execution.wait(), again.calls

    expected = asyncio.run(whole())
    assert expected.status == "SUCCEEDED"
    for cut in range(1, len(record.events)):
        execution, calls = asyncio.run(after(cut))
        exited = sum(event["type"] == "TaskStateExited" for _, event in record.events[:cut])
        assert (execution.status, execution.output) == ("SUCCEEDED", expected.output), (cut, execution.cause)
        if name != "a distributed map in batches":  # batches are made again
            assert calls <= function.calls - exited + 1, cut


class StopAt(Record):
    """Stops the run at the nth event of its first attempt."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def on_event(self, execution: Execution, event: dict[str, Any]) -> None:
        super().on_event(execution, event)
        if len(self.events) == self._number:
            execution.root.stop()


@pytest.mark.parametrize("saved", [False, True], ids=["in memory", "from a checkpoint"])
@pytest.mark.parametrize("name", MACHINES)
def test_stopped_at_any_event_it_comes_to_the_same_end(name: str, saved: bool) -> None:
    definition = MACHINES[name]

    async def one(number: int) -> tuple[Execution, int]:
        function, stopper = Work(), StopAt(number)
        async with engine(functions={"work": function}, listener=stopper) as it:
            execution = await it.start(definition, {}, "x", "m").wait()
            if execution.status == "ABORTED" and not saved:
                await it.redrive(execution)
                await execution.wait()
        if execution.status == "ABORTED":
            kept = json.loads(json.dumps(checkpoint(execution)))
            async with engine(functions={"work": function}) as it:
                execution = it.restore(kept)
                await it.redrive(execution)
                await execution.wait()
        return execution, len(stopper.events)

    expected, events = asyncio.run(one(10_000))
    for number in range(1, events):
        execution, _ = asyncio.run(one(number))
        assert (execution.status, execution.output) == ("SUCCEEDED", expected.output), (number, execution.cause)


def test_a_run_that_had_ended_is_not_redriven(tmp_path: Path) -> None:
    async def go() -> None:
        definition = machine("A", A=pass_())
        run = RunDir.create(tmp_path, "r", definition, {}, "x", "m")
        async with engine(listener=run) as it:
            with pytest.raises(NotRedrivable):
                run.restore(it)
            await it.start(definition, {}, "x", "m").wait()
            run.close()
            with pytest.raises(NotRedrivable):
                run.restore(it)

    asyncio.run(go())


def test_kill_9_and_on_again(tmp_path: Path) -> None:
    """With real commands and a real SIGKILL: what was done stays done."""
    log = tmp_path / "log"
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from machines import command, engine, machine, map_
from stepdig.local.clock import RealClock
from stepdig.local.rundir import RunDir
script = 'echo "$0" >> {log}; [ -e {tmp_path}/go ] || [ "$0" = 1 ] || sleep 1000'
one = command("sh", "-c", script, "{{% $string($states.input) %}}", Output="{{% $states.input %}}")
definition = machine("M", M=map_({{"T": one}}, MaxConcurrency=1))
async def main():
    run = RunDir.create(Path({str(tmp_path)!r}), "r", definition, [1, 2, 3], "x", "m")
    async with engine(listener=run, clock=RealClock()) as it:
        await it.start(definition, [1, 2, 3], "x", "m").wait()
asyncio.run(main())
"""
    first = subprocess.Popen([sys.executable, "-c", code])
    while not (log.exists() and log.read_text().split() == ["1", "2"]):
        assert first.poll() is None
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    (tmp_path / "go").touch()

    async def again() -> Execution:
        folder = RunDir(tmp_path / ".stepdig/runs/r")
        async with engine(listener=folder, clock=RealClock()) as it:
            execution = folder.restore(it)
            await it.redrive(execution)
            await execution.wait()
        folder.finish(execution)
        return execution

    execution = asyncio.run(again())

    assert (execution.status, execution.output) == ("SUCCEEDED", [1, 2, 3])
    assert log.read_text().split() == ["1", "2", "2", "3"]
