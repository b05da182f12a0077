"""`states:startExecution`, `.sync` and `.sync:2`: another machine of the same engine.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

from stepdig.local.call import Call
from stepdig.local.clock import iso
from stepdig.local.errors import TASK_FAILED, StateError
from stepdig.local.execution import Execution, outlived
from stepdig.local.payload import Json, decode, encode


async def start_execution(call: Call, arguments: Json) -> Json:
    """Start an execution; return at once, or its description at its end (`.sync:2` gives Output as JSON)."""
    arn = str(arguments.get("StateMachineArn"))
    value = arguments.get("Input", {})
    if isinstance(value, str):
        try:
            value = decode(value)
        except ValueError:
            raise StateError("StepFunctions.InvalidExecutionInputException", "The input is no JSON") from None
    running = call.run.services.execution(execution_arn(arn, str(arguments.get("Name"))))
    if running is not None and running.status == "RUNNING" and running.input == value:
        return await _ended(call, running)  # asked for the same once more, AWS answers with the one there is
    try:
        child = call.run.services.child_of(call.run, arn, value, arguments.get("Name"))
    except KeyError:
        raise StateError(
            "StepFunctions.StateMachineDoesNotExistException", f"State Machine Does Not Exist: '{arn}'"
        ) from None
    except ValueError as e:
        raise StateError("StepFunctions.ExecutionAlreadyExistsException", str(e)) from None
    return await _ended(call, child)


async def describe_execution(call: Call, arguments: Json) -> Json:
    """Return how an execution of this engine is getting on."""
    arn = str(arguments.get("ExecutionArn"))
    found = call.run.services.execution(arn)
    if found is None:
        raise StateError("Sfn.ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
    return _description(found, as_json=False)


def execution_arn(machine_arn: str, name: str) -> str:
    """Return the ARN of an execution of a state machine."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


async def _ended(call: Call, child: Execution) -> Json:
    """Return at once, or as the pattern says at the end of the execution."""
    started = {"ExecutionArn": child.arn, "StartDate": iso(child.started)}
    if not call.resource.pattern:
        return started
    call.submitted(started)
    if call.waiting is not None:
        return await call.token_result()
    await outlived(child)
    return _described(child, as_json=call.resource.pattern == "sync:2")


def _described(child: Execution, *, as_json: bool) -> dict[str, Json]:
    """Return DescribeExecution's answer; raises StateError States.TaskFailed with it unless the child succeeded."""
    answer = _description(child, as_json=as_json)
    if child.status == "SUCCEEDED":
        return answer
    raise StateError(TASK_FAILED, encode(answer))


def _description(child: Execution, *, as_json: bool) -> dict[str, Json]:
    """Return DescribeExecution's answer."""

    def value(of: Json) -> Json:
        return of if as_json else encode(of)

    answer: dict[str, Json] = {
        "ExecutionArn": child.arn,
        "Input": value(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": child.redrive_count,
        "StartDate": int(child.started * 1000),
        "StateMachineArn": child.context()["StateMachine"]["Id"],
        "Status": child.status,
    }
    if child.stopped is not None:
        answer["StopDate"] = int(child.stopped * 1000)
    if child.status == "SUCCEEDED":
        return {**answer, "Output": value(child.output), "OutputDetails": {"Included": True}}
    told = {key: text for key, text in (("Error", child.error), ("Cause", child.cause)) if text is not None}
    return {**answer, **told}
