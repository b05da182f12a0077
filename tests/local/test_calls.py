"""Tasks: ECS tasks as processes, functions in threads, other machines, tokens, time-outs, stop."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from machines import alive, branch, command, ended, engine, machine, map_, pass_, run, task, types

from stepdig.local.clock import RealClock, VirtualClock
from stepdig.local.execution import Execution
from stepdig.local.integrations.ecs import SimpleLauncher
from stepdig.local.tokens import TaskDoesNotExist


class Heard:
    """A listener that keeps the output and knows when a line has come."""

    def __init__(self, wanted: int = 1) -> None:
        self.lines: list[tuple[str, str, str]] = []
        self.enough = asyncio.Event()
        self._wanted = wanted

    def on_event(self, *_: object) -> None:
        pass

    def on_output(self, execution: Execution, state: str, entered: int, stream: str, text: str) -> None:
        assert execution.events[entered - 1]["type"] == "TaskStateEntered"
        self.lines.append((state, stream, text))
        if len(self.lines) >= self._wanted:
            self.enough.set()


def test_a_task_tells_its_capacity_provider_and_takes_no_launch_type_beside() -> None:
    spot = command("true")
    spot["Arguments"] = {**spot["Arguments"], "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT"}]}
    both = {**spot, "Arguments": {**spot["Arguments"], "LaunchType": "FARGATE"}}
    spot["Arguments"].pop("LaunchType", None)

    execution, refused = run(machine("T", T=spot)), run(machine("T", T=both))

    assert execution.output["CapacityProviderName"] == "FARGATE_SPOT"
    assert (refused.status, refused.error) == ("FAILED", "ECS.InvalidParameterException")


def test_a_command_succeeds_as_an_ecs_task_does() -> None:
    definition = machine("T", T=command("sh", "-c", 'test "$A" = "b c"', env={"A": "b c"}))

    execution = run(definition)

    task_json = execution.output
    assert execution.status == "SUCCEEDED"
    assert task_json["Containers"][0]["ExitCode"] == 0
    assert task_json["Containers"][0]["Name"] == "main"
    assert {key: task_json[key] for key in ("LastStatus", "StopCode", "StartedBy", "LaunchType")} == {
        "LastStatus": "STOPPED",
        "StopCode": "EssentialContainerExited",
        "StartedBy": "AWS Step Functions",
        "LaunchType": "FARGATE",
    }
    assert types(execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_a_failing_command_is_taskfailed_with_the_task_as_cause() -> None:
    catch = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "Output": "{% $parse($states.errorOutput.Cause).Containers[0].ExitCode %}",
            "Next": "Z",
        }
    ]

    execution = run(machine("T", T=command("sh", "-c", "exit 7", Catch=catch), Z=pass_()))

    assert execution.output == 7
    failed = next(event for event in execution.events if event["type"] == "TaskFailed")["taskFailedEventDetails"]
    assert (failed["error"], failed["resourceType"], failed["resource"]) == ("States.TaskFailed", "ecs", "runTask.sync")


def test_a_command_that_cannot_start_has_no_exit_code() -> None:
    execution = run(machine("T", T=command("/no/such/command")))

    cause = json.loads(execution.cause or "")
    assert (execution.error, cause["StopCode"]) == ("States.TaskFailed", "TaskFailedToStart")
    assert "ExitCode" not in cause["Containers"][0]


def test_overrides_above_8192_characters_are_refused() -> None:
    assert run(machine("T", T=command("true", env={"A": "x" * 8192}))).error == "ECS.InvalidParameterException"


def test_a_task_is_killed_when_its_time_is_up() -> None:
    """Time-outs of processes are real even on a clock that jumps."""
    heard = Heard()
    definition = machine("T", T=command("sh", "-c", "echo $$; sleep 1000", TimeoutSeconds=0.5))

    execution = run(definition, listener=heard)

    assert (execution.status, execution.error) == ("FAILED", "States.Timeout")
    assert "TaskTimedOut" in types(execution)
    assert not alive(int(heard.lines[0][2]))


def test_a_machines_time_is_up_in_a_wait_and_in_a_task() -> None:
    waiting = {**machine("W", W={"Type": "Wait", "Seconds": 7200, "End": True}), "TimeoutSeconds": 3600}
    working = {**machine("T", T=command("sleep", "1000")), "TimeoutSeconds": 0.2}

    for definition in (waiting, working):
        execution = run(definition)
        assert (execution.status, types(execution)[-1]) == ("TIMED_OUT", "ExecutionTimedOut")


@pytest.mark.parametrize("shape", ["task", "map", "parallel", "distributed", "child"])
def test_stop_ends_the_processes_at_once(shape: str) -> None:
    """In whatever the task stands; the execution is ABORTED with the error and cause given."""
    one = command("sh", "-c", "echo $$; sleep 1000")
    child = task("states:startExecution.sync:2", {"StateMachineArn": "inner", "Input": {}})
    definition = {
        "task": machine("T", T=one),
        "map": machine("M", M=map_({"T": one}, Items=[1])),
        "parallel": machine("P", P={"Type": "Parallel", "Branches": [branch(T=one)], "End": True}),
        "distributed": machine("M", M=map_({"T": one}, Items=[1], mode="DISTRIBUTED")),
        "child": machine("C", C=child),
    }[shape]

    async def go() -> tuple[Execution, int]:
        heard = Heard()
        async with engine(listener=heard, machines={"inner": machine("T", T=one)}, clock=RealClock()) as it:
            execution = it.start(definition, {}, "x", "m")
            await heard.enough.wait()
            execution.stop("Enough", "for today")
            await execution.wait()
            return execution, int(heard.lines[0][2])

    execution, pid = asyncio.run(go())

    assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Enough", "for today")
    assert types(execution)[-1] == "ExecutionAborted"
    assert not alive(pid)


@pytest.mark.parametrize("shape", ["task", "nested"])
def test_a_second_stop_does_not_wait_for_the_grace(shape: str) -> None:
    """Ctrl-C twice: a command deaf to SIGTERM is killed at once, however deep it stands."""
    one = command("sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.05; done")
    deep = map_({"P": {"Type": "Parallel", "Branches": [branch(T=one)], "End": True}}, Items=[1], mode="DISTRIBUTED")
    definition = machine("T", T=one) if shape == "task" else machine("M", M=deep)

    async def go() -> tuple[Execution, int]:
        heard = Heard()
        async with engine(listener=heard, tasks=SimpleLauncher(grace=1000), clock=RealClock()) as it:
            execution = it.start(definition, {}, "x", "m")
            await heard.enough.wait()
            execution.stop()
            await asyncio.wait([asyncio.ensure_future(execution.wait())], timeout=0.3)
            assert execution.status == "RUNNING"
            assert execution.runner is not None
            execution.runner.cancel()
            await asyncio.wait_for(execution.wait(), 30)
            return execution, int(heard.lines[0][2])

    execution, pid = asyncio.run(go())

    assert execution.status == "ABORTED"
    assert not alive(pid)


def test_stop_during_a_retry_delay_does_not_wait_for_it() -> None:
    async def go() -> Execution:
        retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600}]
        failed = asyncio.Event()

        class Tell:
            def on_event(self, _: Execution, event: dict[str, Any]) -> None:
                if event["type"] == "TaskFailed":
                    failed.set()

            def on_output(self, *_: object) -> None:
                pass

        async with engine(listener=Tell(), clock=RealClock()) as it:
            execution = it.start(machine("T", T=command("false", Retry=retry)), {}, "x", "m")
            await failed.wait()
            execution.stop()
            return await asyncio.wait_for(execution.wait(), 10)

    assert asyncio.run(go()).status == "ABORTED"


def test_a_failing_item_kills_the_commands_of_the_others(tmp_path: Path) -> None:
    heard = Heard()
    script = (
        'if [ "$N" = 2 ]; then while [ ! -s "$F" ]; do sleep 0.01; done; exit 1; fi; echo $$; echo x > "$F"; sleep 1000'
    )
    folder: dict[str, Any] = {"F": "{% $states.context.Execution.Input.file %}", "N": "{% $string($states.input) %}"}

    execution = run(
        machine("M", M=map_({"T": command("sh", "-c", script, env=folder)}, Items=[1, 2])),
        {"file": str(tmp_path / "pid")},
        listener=heard,
    )

    assert (execution.status, execution.error) == ("FAILED", "States.TaskFailed")
    assert not alive(int(heard.lines[0][2]))
    assert "MapIterationAborted" in types(execution)


def test_output_reaches_the_listener_with_its_state() -> None:
    heard = Heard()

    run(machine("T", T=command("sh", "-c", "echo out; echo err >&2")), listener=heard)

    assert sorted(heard.lines) == [("T", "stderr", "err"), ("T", "stdout", "out")]


INVOKE = {
    "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:work:live",
    "Payload": {"n": "{% $states.input %}"},
}


def test_a_function_is_called_with_its_payload() -> None:
    def work(event: dict[str, Any], context: Any) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 0
        event["n"] += 1
        return event

    execution = run(
        machine("T", T=task("lambda:invoke", INVOKE, Output="{% $states.result.Payload %}")),
        41,
        functions={"work": work},
    )

    assert execution.output == {"n": 42}


def test_a_functions_exception_is_the_error() -> None:
    class Sorry(Exception):
        pass

    def work(_: Any, __: Any) -> None:
        raise Sorry("no luck")

    execution = run(machine("T", T=task("lambda:invoke", INVOKE)), 1, functions={"work": work})

    cause = json.loads(execution.cause or "")
    assert (execution.error, cause["errorType"], cause["errorMessage"]) == ("Sorry", "Sorry", "no luck")
    assert 'raise Sorry("no luck")' in cause["stackTrace"][-1]


def test_a_function_that_is_not_there_is_awss_error() -> None:
    assert run(machine("T", T=task("lambda:invoke", INVOKE)), 1).error == "Lambda.ResourceNotFoundException"


def test_a_function_as_the_resource_itself() -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:work",
        "Arguments": [1, 2],
        "End": True,
    }

    execution = run(machine("T", T=state), functions={"work": lambda event, _: sum(event)})

    assert execution.output == 3
    assert "LambdaFunctionSucceeded" in types(execution)


TOKEN = {"FunctionName": "work", "Payload": {"token": "{% $states.context.Task.Token %}"}}
WAITING = "lambda:invoke.waitForTaskToken"


def test_a_function_answers_its_token_itself() -> None:
    def work(event: dict[str, Any], context: Any) -> None:
        context.step_functions.send_task_success(taskToken=event["token"], output='{"ok": 1}')

    assert run(machine("T", T=task(WAITING, TOKEN)), functions={"work": work}).output == {"ok": 1}


def test_a_function_fails_its_token() -> None:
    def work(event: dict[str, Any], context: Any) -> None:
        context.step_functions.send_task_failure(taskToken=event["token"], error="Custom", cause="because")

    execution = run(machine("T", T=task(WAITING, TOKEN)), functions={"work": work})

    assert (execution.error, execution.cause) == ("Custom", "because")
    assert "TaskSubmitted" not in types(execution)[:4]


def test_a_token_is_answered_from_outside_once() -> None:
    async def go() -> tuple[Execution, str]:
        tokens: list[str] = []
        given = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work(event: dict[str, Any], _: Any) -> None:
            tokens.append(event["token"])
            loop.call_soon_threadsafe(given.set)

        async with engine(functions={"work": work}, clock=RealClock()) as it:
            execution = it.start(machine("T", T=task(WAITING, TOKEN)), {}, "x", "m")
            await given.wait()
            it.send_task_success(tokens[0], [1])
            await execution.wait()
            with pytest.raises(TaskDoesNotExist):
                it.send_task_success(tokens[0], [2])
            return execution, tokens[0]

    assert asyncio.run(go())[0].output == [1]


def test_a_missing_heartbeat_is_a_timeout_and_a_heartbeat_delays_it() -> None:
    """AWS records States.Timeout, not States.HeartbeatTimeout."""

    async def go(beats: int) -> tuple[Execution, float]:
        clock = VirtualClock()

        def work(event: dict[str, Any], context: Any) -> None:
            for _ in range(beats):
                context.step_functions.send_task_heartbeat(taskToken=event["token"])

        definition = machine("T", T=task(WAITING, TOKEN, HeartbeatSeconds=600))
        return await ended(definition, functions={"work": work}, clock=clock), clock.skipped

    for beats in (0, 3):
        execution, skipped = asyncio.run(go(beats))
        assert (execution.error, "TaskTimedOut" in types(execution)) == ("States.Timeout", True)
        assert skipped > 590


def test_a_token_wait_times_out() -> None:
    clock = VirtualClock()
    definition = machine("T", T=task(WAITING, TOKEN, TimeoutSeconds="{% 60 * 60 %}"))

    execution = run(definition, functions={"work": lambda *_: None}, clock=clock)

    assert execution.error == "States.Timeout"
    assert clock.skipped > 3500


def test_a_command_may_answer_a_token_and_go_on_until_the_engine_ends() -> None:
    heard = Heard(2)
    one = command("sh", "-c", 'echo "$TOKEN"; echo $$; sleep 1000', env={"TOKEN": "{% $states.context.Task.Token %}"})
    one["Resource"] = "arn:aws:states:::ecs:runTask.waitForTaskToken"

    async def go() -> tuple[Execution, bool]:
        async with engine(listener=heard, clock=RealClock()) as it:
            execution = it.start(machine("T", T=one), {}, "x", "m")
            await heard.enough.wait()
            it.send_task_success(heard.lines[0][2], "well")
            await execution.wait()
            return execution, alive(int(heard.lines[1][2]))

    execution, lived = asyncio.run(go())

    assert (execution.output, lived) == ("well", True)
    assert not alive(int(heard.lines[1][2]))


def test_a_command_nobody_waits_for_ends_with_the_engine() -> None:
    heard = Heard()
    one = command("sh", "-c", "echo $$; sleep 1000")
    one["Resource"] = "arn:aws:states:::ecs:runTask"

    async def go() -> Execution:
        async with engine(listener=heard, clock=RealClock()) as it:
            execution = await it.start(machine("T", T=one), {}, "x", "m").wait()
            await heard.enough.wait()
            return execution

    execution = asyncio.run(go())

    assert execution.output["Tasks"][0]["LastStatus"] == "PROVISIONING"
    assert not alive(int(heard.lines[0][2]))


def test_a_stop_that_comes_while_a_failure_is_cleaned_up_is_not_lost() -> None:
    """The failed branch would be caught; the stop comes while the other branch's command takes its time to end."""
    slow = command("sh", "-c", "trap 'sleep 0.3; exit 0' TERM; echo up; while :; do sleep 0.02; done")
    failing = {
        "Type": "Parallel",
        "Branches": [branch(S=slow), branch(W=task("lambda:invoke", {"FunctionName": "late"}))],
    }
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    go_on = threading.Event()

    def late(_: Any, __: Any) -> None:
        go_on.wait(30)
        raise ValueError("late")

    class Tell(Heard):
        def on_event(self, _: Any, event: dict[str, Any]) -> None:
            if event["type"] == "TaskFailed":
                asyncio.get_running_loop().call_later(0.1, execution.stop)

    async def run_() -> None:
        nonlocal execution
        async with engine(listener=tell, functions={"late": late}, clock=RealClock()) as it:
            execution = it.start(machine("P", P={**failing, "Catch": catch, "End": True}, Z=pass_()), {}, "x", "m")
            await tell.enough.wait()
            go_on.set()
            await execution.wait()

    execution: Any = None
    tell = Tell()
    asyncio.run(run_())

    assert execution.status == "ABORTED"
    assert "PassStateEntered" not in types(execution)


INNER = machine("P", P=pass_(Output={"got": "{% $states.input %}"}))


def test_another_machine_runs_and_its_output_comes_back() -> None:
    arguments = {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:inner", "Input": {"a": 1}}

    two = run(machine("T", T=task("states:startExecution.sync:2", arguments)), machines={"inner": INNER})
    one = run(machine("T", T=task("states:startExecution.sync", arguments)), machines={"inner": INNER})

    assert (two.output["Output"], two.output["Status"]) == ({"got": {"a": 1}}, "SUCCEEDED")
    assert one.output["Output"] == '{"got":{"a":1}}'
    assert two.transitions == 2


def test_another_machines_failure_is_taskfailed_with_its_description() -> None:
    failing = machine("F", F={"Type": "Fail", "Error": "E", "Cause": "c"})

    execution = run(
        machine("T", T=task("states:startExecution.sync:2", {"StateMachineArn": "inner"})), machines={"inner": failing}
    )

    cause = json.loads(execution.cause or "")
    assert (execution.error, cause["Error"], cause["Cause"], cause["Status"]) == (
        "States.TaskFailed",
        "E",
        "c",
        "FAILED",
    )


def test_a_machine_that_is_not_there() -> None:
    execution = run(machine("T", T=task("states:startExecution", {"StateMachineArn": "nope"})))

    assert execution.error == "StepFunctions.StateMachineDoesNotExistException"
