"""Redrive: an execution goes on from what failed, with the input and variables it had there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from machines import branch, command, engine, fail, machine, map_, pass_, task, types

from stepdig.local.clock import RealClock, VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.errors import NotRedrivable
from stepdig.local.execution import Execution
from stepdig.local.redrive import checkpoint


class Work:
    """A function that notes what it was called with and fails for what is in `bad`."""

    def __init__(self, *bad: Any) -> None:
        self.bad = list(bad)
        self.seen: list[Any] = []

    def __call__(self, event: Any, _: Any) -> Any:
        self.seen.append(event)
        if event in self.bad:
            raise ValueError(f"bad {event}")
        return event


def work(payload: Any, **fields: Any) -> dict[str, Any]:
    return task(
        "lambda:invoke", {"FunctionName": "work", "Payload": payload}, Output="{% $states.result.Payload %}", **fields
    )


def twice(definition: dict[str, Any], value: Any, function: Work, *, saved: bool) -> tuple[Execution, Execution]:
    """Run, mend the function, redrive; with `saved` by way of JSON and another engine, as after a restart."""

    async def again(it: Engine, execution: Execution) -> Execution:
        function.bad = []
        await it.redrive(execution)
        return await execution.wait()

    async def go() -> tuple[Execution, Execution]:
        async with engine(functions={"work": function}) as it:
            first = await it.start(definition, value, "x", "m").wait()
            assert first.status == "FAILED"
            if not saved:
                return first, await again(it, first)
        kept = json.loads(json.dumps(checkpoint(first)))
        async with engine(functions={"work": function}) as it:
            return first, await again(it, it.restore(kept))

    return asyncio.run(go())


@pytest.fixture(params=[False, True], ids=["in memory", "from a checkpoint"])
def saved(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_earlier_states_are_not_repeated_and_variables_are_kept(saved: bool) -> None:
    function = Work("b")
    definition = machine(
        "A",
        A=work("a", Assign={"v": "{% $states.result.Payload & '!' %}"}, Next="B"),
        B=work("b", Next="C"),
        C=pass_(Output="{% [$v, $states.input, $states.context.Execution.RedriveCount] %}"),
    )

    _, execution = twice(definition, {}, function, saved=saved)

    assert (execution.status, execution.output, execution.redrive_count) == ("SUCCEEDED", ["a!", "b", 1], 1)
    assert function.seen == ["a", "b", "b"]


def test_the_history_goes_on() -> None:
    first, execution = twice(machine("B", B=work("b")), {}, Work("b"), saved=False)

    assert first is execution
    assert types(execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "ExecutionFailed",
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in execution.events] == list(range(1, 13))
    assert execution.events[6]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_a_restored_execution_counts_its_events_on() -> None:
    first, execution = twice(machine("B", B=work("b")), {}, Work("b"), saved=True)

    assert execution.events[0]["id"] == len(first.events) + 1
    assert execution.transitions == first.transitions + 1  # a redrive is billed as a transition


def test_only_failed_and_unfinished_iterations_run_again(saved: bool) -> None:
    function = Work(2)
    definition = machine("M", M=map_({"T": work("{% $states.input %}")}, MaxConcurrency=1))

    _, execution = twice(definition, [1, 2, 3, 4], function, saved=saved)

    assert execution.output == [1, 2, 3, 4]
    assert function.seen == [1, 2, 2, 3, 4]


def test_an_iteration_goes_on_from_its_own_state_with_its_own_variables(saved: bool) -> None:
    function = Work([20])
    inner = {
        "A": work("{% $states.input %}", Assign={"twice": "{% $states.input * 2 %}"}, Next="B"),
        "B": work(["{% $twice %}"], Next="C"),
        "C": pass_(Output="{% [$twice, $outer, $states.context.Map.Item.Index] %}"),
    }
    definition = machine("V", V=pass_(Assign={"outer": "o"}, Next="M"), M=map_(inner, MaxConcurrency=1))

    _, execution = twice(definition, [5, 10], function, saved=saved)

    assert execution.output == [[10, "o", 0], [20, "o", 1]]
    assert function.seen == [5, [10], 10, [20], [20]]


def test_only_failed_and_aborted_branches_run_again(saved: bool) -> None:
    function = Work("bad")
    parallel = {
        "Type": "Parallel",
        "Branches": [
            branch(A=work("good")),
            branch(W={"Type": "Wait", "Seconds": 5, "Next": "B"}, B=work("bad")),
            branch(L={"Type": "Wait", "Seconds": 9000, "Next": "C"}, C=work("late")),
        ],
        "End": True,
    }

    _, execution = twice(machine("P", P=parallel), {}, function, saved=saved)

    assert execution.output == ["good", "bad", "late"]
    assert function.seen == ["good", "bad", "bad", "late"]


def test_only_children_that_did_not_succeed_run_again(saved: bool) -> None:
    function = Work(2)
    inner = {
        "T": work("{% $states.input %}", Next="C"),
        "C": pass_(Output="{% $states.context.Execution.RedriveCount %}"),
    }
    definition = machine("M", M=map_(inner, mode="DISTRIBUTED", MaxConcurrency=1))

    first, execution = twice(definition, [1, 2, 3], function, saved=saved)

    assert (first.redrive_count, execution.output) == (0 if saved else 1, [0, 1, 0])
    assert function.seen == [1, 2, 2, 3]
    assert "MapRunRedriven" in types(execution)


def test_maps_in_maps_in_branches(saved: bool) -> None:
    function = Work([2, 3])
    inner = map_({"T": work(["{% $row %}", "{% $states.input %}"])}, Items=[3, 4], MaxConcurrency=1, Next="E")
    outer = map_(
        {"S": pass_(Assign={"row": "{% $states.input %}"}, Next="N"), "N": inner, "E": pass_()},
        Items=[1, 2],
        MaxConcurrency=1,
    )
    definition = machine("P", P={"Type": "Parallel", "Branches": [branch(M=outer)], "End": True})

    _, execution = twice(definition, {}, function, saved=saved)

    assert execution.output == [[[[1, 3], [1, 4]], [[2, 3], [2, 4]]]]
    assert function.seen == [[1, 3], [1, 4], [2, 3], [2, 3], [2, 4]]


def test_retries_count_anew() -> None:
    function = Work("b")
    retry = [{"ErrorEquals": ["ValueError"], "MaxAttempts": 2}]

    async def go() -> Execution:
        async with engine(functions={"work": function}, clock=VirtualClock()) as it:
            execution = await it.start(machine("B", B=work("b", Retry=retry)), {}, "x", "m").wait()
            await it.redrive(execution)
            return await execution.wait()

    execution = asyncio.run(go())

    assert (execution.status, len(function.seen)) == ("FAILED", 6)


def test_a_fail_state_is_entered_again_and_fails_again() -> None:
    async def go() -> Execution:
        async with engine() as it:
            execution = await it.start(machine("F", F=fail("E")), {}, "x", "m").wait()
            await it.redrive(execution)
            await execution.wait()
            await it.redrive(execution)
            return await execution.wait()

    execution = asyncio.run(go())

    assert (execution.status, execution.error, execution.redrive_count) == ("FAILED", "E", 2)
    assert types(execution).count("FailStateEntered") == 3


def test_a_failing_output_is_evaluated_again_without_the_work() -> None:
    function = Work()
    states = {"T": work("{% $states.input %}")}
    definition = machine(
        "M", M=map_(states, Items=[1, 2], Output="{% $states.context.Execution.RedriveCount > 0 ? 'ok' : $nope %}")
    )

    _, execution = twice(definition, {}, function, saved=False)

    assert execution.output == "ok"
    assert sorted(function.seen) == [1, 2]


def test_a_result_too_large_repeats_the_whole_map() -> None:
    function = Work()
    size = "{% $states.context.Execution.RedriveCount > 0 ? 'small' : $pad('', 200000, 'x') %}"
    definition = machine("M", M=map_({"T": {**work("{% $states.input %}"), "Output": size}}, Items=[1, 2]))

    _, execution = twice(definition, {}, function, saved=False)

    assert execution.output == ["small", "small"]
    assert sorted(function.seen) == [1, 1, 2, 2]


@pytest.mark.parametrize("how", ["stopped", "timed out"])
def test_what_was_stopped_or_timed_out_goes_on_too(how: str, tmp_path: Path) -> None:
    """With real commands: the first ended well, the second was killed and runs again."""
    log = tmp_path / "log"
    script = f"echo $0 >> {log}; [ $0 = first ] || [ -e {tmp_path}/go ] || sleep 1000"
    first = command("sh", "-c", script, "first", Next="B")
    definition = machine("A", A=first, B=command("sh", "-c", script, "second", Output="done"))
    if how == "timed out":
        definition["TimeoutSeconds"] = 2.0

    async def go() -> tuple[str, Execution]:
        async with engine(clock=RealClock()) as it:
            execution = it.start(definition, {}, "x", "m")
            while how == "stopped" and not (log.exists() and "second" in log.read_text()):
                await asyncio.sleep(0.01)
            if how == "stopped":
                execution.stop()
            await execution.wait()
            before = execution.status
            (tmp_path / "go").touch()
            await it.redrive(execution)
            return before, await execution.wait()

    before, execution = asyncio.run(go())

    assert before == {"stopped": "ABORTED", "timed out": "TIMED_OUT"}[how]
    assert (execution.status, execution.output) == ("SUCCEEDED", "done")
    assert log.read_text().split() == ["first", "second", "second"]


def test_a_run_stopped_between_two_states_enters_the_next_one() -> None:
    """The stop is heard when the loop turns, with one state left and the next not entered."""
    states = {f"S{i}": pass_(**({"Next": f"S{i + 1}"} if i < 99 else {})) for i in range(100)}

    async def go() -> Execution:
        class Stop:
            def on_event(self, execution: Execution, event: dict[str, Any]) -> None:
                if event["type"] == "PassStateExited" and not execution.redrive_count:
                    execution.stop()

            def on_output(self, *_: object) -> None:
                pass

        async with engine(listener=Stop()) as it:
            execution = await it.start(machine("S0", **states), {}, "x", "m").wait()
            assert execution.status == "ABORTED"
            await it.redrive(execution)
            return await execution.wait()

    execution = asyncio.run(go())

    entered = [e["stateEnteredEventDetails"]["name"] for e in execution.events if e["type"] == "PassStateEntered"]
    assert execution.status == "SUCCEEDED"
    assert entered == list(states)


def test_a_run_that_succeeded_or_runs_is_not_redriven() -> None:
    async def go() -> None:
        async with engine(clock=RealClock()) as it:
            execution = it.start(machine("W", W={"Type": "Wait", "Seconds": 1000, "End": True}), {}, "x", "m")
            with pytest.raises(NotRedrivable, match="RUNNING"):
                await it.redrive(execution)
            done = await it.start(machine("A", A=pass_()), {}, "y", "m").wait()
            with pytest.raises(NotRedrivable, match="SUCCEEDED"):
                await it.redrive(done)

    asyncio.run(go())


def test_a_waiting_end_learns_that_it_was_redriven_and_leads_back() -> None:
    """The shape of a failing end: it fails the run, and after a redrive leads back to what failed."""
    failing = {"bad": True}
    calls: list[str] = []

    def job(_: Any, __: Any) -> str:
        calls.append("job")
        if failing["bad"]:
            raise ValueError("no")
        return "done"

    def fail_run(event: dict[str, Any], context: Any) -> None:
        calls.append("fail_run")
        if event["redrive_count"] == event["failed_at"]:
            context.step_functions.send_task_failure(taskToken=event["token"], error=event["error"], cause="told")
        else:
            context.step_functions.send_task_success(taskToken=event["token"], output="{}")

    caught = {"error": "{% $states.errorOutput.Error %}", "failed_at": "{% $states.context.Execution.RedriveCount %}"}
    payload = {
        "token": "{% $states.context.Task.Token %}",
        "error": "{% $error %}",
        "failed_at": "{% $failed_at %}",
        "redrive_count": "{% $states.context.Execution.RedriveCount %}",
    }
    definition = machine(
        "J",
        J=task(
            "lambda:invoke",
            {"FunctionName": "job"},
            Catch=[{"ErrorEquals": ["States.ALL"], "Assign": caught, "Next": "F"}],
        ),
        F=task("lambda:invoke.waitForTaskToken", {"FunctionName": "fail_run", "Payload": payload}, Next="J"),
    )

    async def go() -> tuple[Execution, list[str]]:
        async with engine(functions={"job": job, "fail_run": fail_run}) as it:
            execution = await it.start(definition, {}, "x", "m").wait()
            first = execution.status
            await it.redrive(execution)
            second = (await execution.wait()).status
            failing["bad"] = False
            await it.redrive(execution)
            return await execution.wait(), [first, second]

    execution, before = asyncio.run(go())

    assert before == ["FAILED", "FAILED"]
    assert (execution.status, execution.redrive_count) == ("SUCCEEDED", 2)
    assert calls == ["job", "fail_run", "fail_run", "job", "fail_run", "fail_run", "job"]
