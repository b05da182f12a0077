"""The engine itself: substitutions, several runs at once, bugs of others, the two clocks."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from machines import command, engine, fail, machine, map_, pass_, run, task, types

from stepdig.local.clock import RealClock, VirtualClock, iso
from stepdig.local.execution import Execution
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.substitutions import MissingSubstitution, substitute


def test_substitutions_are_replaced_inside_json_texts() -> None:
    text = json.dumps({"a": "${Bucket}/x", "b": "${Bucket}${Cluster}", "c": "$${ not a name }", "d": "{% ${1} %}"})

    assert json.loads(substitute(text.replace("${1}", "$x"), {"Bucket": 'b"\\é', "Cluster": "c"})) == {
        "a": 'b"\\é/x',
        "b": 'b"\\éc',
        "c": "$${ not a name }",
        "d": "{% $x %}",
    }


def test_a_missing_substitution_is_named() -> None:
    with pytest.raises(MissingSubstitution, match="JobLoad"):
        substitute('{"a": "${JobLoad}"}', {})


def test_runs_at_once_do_not_mix() -> None:
    definition = machine("M", M=map_({"T": command("sh", "-c", 'echo "$0"', "{% $string($states.input) %}")}))

    class Tell:
        def __init__(self) -> None:
            self.lines: dict[str, set[str]] = {}

        def on_event(self, *_: object) -> None:
            pass

        def on_output(self, execution: Execution, _: str, __: int, ___: str, text: str) -> None:
            self.lines.setdefault(execution.name, set()).add(text)

    async def go() -> dict[str, set[str]]:
        tell = Tell()
        async with engine(listener=tell, clock=RealClock()) as it:
            runs = [it.start(definition, [i, i + 100], f"run{i}", "m") for i in range(5)]
            await asyncio.gather(*(one.wait() for one in runs))
        return tell.lines

    assert asyncio.run(go()) == {f"run{i}": {str(i), str(i + 100)} for i in range(5)}


def test_a_launcher_gets_what_the_override_says() -> None:
    seen: list[TaskRequest] = []

    class Launcher:
        async def run(self, request: TaskRequest) -> TaskOutcome:
            seen.append(request)
            return TaskOutcome(0)

    definition = machine("A", A=pass_(Next="T"), T=command("load", "x", env={"K": "{% $states.input.v %}"}))

    execution = run(definition, {"v": "w"}, tasks=Launcher())

    request = seen[0]
    assert request.container_overrides == {"Name": "main", "Command": ["load", "x"], "Environment": {"K": "w"}}
    assert (request.task_definition, request.execution_name, request.state) == ("job", "run-1", "T")
    assert execution.events[request.entered_event_id - 1]["type"] == "TaskStateEntered"


def test_a_launchers_bug_ends_the_run_and_shows() -> None:
    """The others' processes are gone, the history is closed, and the exception reaches whoever waits."""

    class Broken:
        async def run(self, request: TaskRequest) -> TaskOutcome:
            raise ZeroDivisionError("a bug")

    async def go() -> Execution:
        async with engine(tasks=Broken()) as it:
            execution = it.start(machine("T", T=command("true")), {}, "x", "m")
            with pytest.raises(ZeroDivisionError):
                await execution.wait()
            return execution

    execution = asyncio.run(go())

    assert (execution.status, execution.error, execution.cause) == (
        "FAILED",
        "States.Runtime",
        "ZeroDivisionError: a bug",
    )
    assert types(execution)[-1] == "ExecutionFailed"


def test_close_stops_what_still_runs() -> None:
    async def go() -> Execution:
        async with engine(clock=RealClock()) as it:
            execution = it.start(machine("W", W={"Type": "Wait", "Seconds": 1000, "End": True}), {}, "x", "m")
            await asyncio.sleep(0)
        return execution

    assert asyncio.run(go()).status == "ABORTED"


def test_a_run_stopped_before_its_first_step_is_aborted_and_can_be_redriven() -> None:
    async def go() -> tuple[str, Execution]:
        async with engine() as it:
            execution = it.start(machine("A", A=pass_()), {}, "x", "m")
            execution.stop()
            before = (await execution.wait()).status
            await it.redrive(execution)
            return before, await execution.wait()

    before, execution = asyncio.run(go())

    assert (before, execution.status) == ("ABORTED", "SUCCEEDED")


def test_without_events_kept_only_the_listener_has_them() -> None:
    from stepdig.local.engine import Engine
    from stepdig.local.integrations import Integrations

    heard: list[str] = []

    class Tell:
        def on_event(self, _: Execution, event: dict[str, Any]) -> None:
            heard.append(event["type"])

        def on_output(self, *_: object) -> None:
            pass

    async def go() -> Execution:
        async with Engine(integrations=Integrations(), listener=Tell(), keep_events=False) as it:
            return await it.start(machine("A", A=pass_()), {}, "x", "m").wait()

    execution = asyncio.run(go())

    assert execution.events == []
    assert heard == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_a_virtual_clock_jumps_to_the_nearest_timer_in_order() -> None:
    clock = VirtualClock()

    def wait(seconds: int) -> dict[str, Any]:
        return {"Type": "Wait", "Seconds": seconds, "End": True}

    branches = [{"StartAt": f"W{n}", "States": {f"W{n}": wait(n)}} for n in (86_400, 60, 3_600)]
    execution = run(machine("P", P={"Type": "Parallel", "Branches": branches, "End": True}), clock=clock)

    left = [e["stateExitedEventDetails"]["name"] for e in execution.events if e["type"] == "WaitStateExited"]
    assert left == ["W60", "W3600", "W86400"]
    assert 86_399 < clock.skipped < 86_401


def test_a_virtual_clock_does_not_jump_while_a_command_runs(tmp_path: Path) -> None:
    """A wait of an hour beside a command: the hour begins to pass only when the command has ended."""
    clock = VirtualClock()
    flag = tmp_path / "flag"
    seen: list[float] = []

    class Tell:
        def on_event(self, _: Execution, event: dict[str, Any]) -> None:
            if event["type"] == "TaskSucceeded":
                seen.append(clock.skipped)

        def on_output(self, *_: object) -> None:
            flag.touch()

    work = command("sh", "-c", f"echo x; while [ ! -e {flag} ]; do sleep 0.01; done")
    branches = [
        {"StartAt": "T", "States": {"T": work}},
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}},
    ]
    run(machine("P", P={"Type": "Parallel", "Branches": branches, "End": True}), clock=clock, listener=Tell())

    assert seen == [0.0]
    assert clock.skipped > 3590


def test_times_are_written_as_aws_writes_them() -> None:
    assert iso(0.0014) == "1970-01-01T00:00:00.001Z"
    assert iso(1_795_132_799.9999) == "2026-11-19T23:59:59.999Z"
    assert abs(time.time() - RealClock().now()) < 5


def test_an_argument_list_where_an_object_belongs_fails_the_state() -> None:
    execution = run(machine("T", T=task("sqs:sendMessage", "{% [1] %}")))

    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")


def test_a_distributed_map_over_a_file_is_redriven_where_it_failed(tmp_path: Path) -> None:
    """The items stay those of the first attempt, whatever the file says by then."""
    s3 = LocalS3({"bucket": tmp_path})
    s3.put("bucket", "rows", b"[1, 2, 3]")
    calls: list[int] = []

    def work(event: int, _: Any) -> int:
        calls.append(event)
        if calls.count(2) == 1 and event == 2:
            raise ValueError("no")
        return event * 10

    arguments = {"Bucket": "bucket", "Key": "rows"}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": arguments,
    }
    one = task(
        "lambda:invoke", {"FunctionName": "w", "Payload": "{% $states.input %}"}, Output="{% $states.result.Payload %}"
    )
    definition = machine("M", M=map_({"T": one}, mode="DISTRIBUTED", ItemReader=reader, MaxConcurrency=1))

    async def go() -> Execution:
        async with engine(s3=s3, functions={"w": work}) as it:
            execution = await it.start(definition, {}, "x", "m").wait()
            assert execution.status == "FAILED"
            s3.put("bucket", "rows", b"[]")
            await it.redrive(execution)
            return await execution.wait()

    assert asyncio.run(go()).output == [10, 20, 30]
    assert calls == [1, 2, 2, 3]


def test_a_failing_end_inside_a_map_is_told_once() -> None:
    execution = run(machine("M", M=map_({"F": fail("E", "c")}, Items=[1])))

    assert types(execution)[-4:] == ["FailStateEntered", "MapIterationFailed", "MapStateFailed", "ExecutionFailed"]
