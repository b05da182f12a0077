"""The engine: starts, stops and redrives executions on one event loop.

It interprets definitions as AWS Step Functions does; docs/local-engine.md says where the two differ.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

from stepdig.limits import EXECUTION_NAME_CHARS, PAYLOAD_BYTES
from stepdig.local import interpreter
from stepdig.local.call import Call
from stepdig.local.clock import Clock, RealClock
from stepdig.local.definition import machine_of
from stepdig.local.errors import RUNTIME, InvalidStart, NotRedrivable, StateError
from stepdig.local.execution import Execution, Listener
from stepdig.local.frame import Frame, thawed
from stepdig.local.guard import Guard
from stepdig.local.history import Event, History
from stepdig.local.integrations import Integrations
from stepdig.local.machine import Program
from stepdig.local.payload import Json, encode, size
from stepdig.local.recovery import Children, recovered
from stepdig.local.redrive import redrivable, refreshed
from stepdig.local.scope import Scope
from stepdig.local.tokens import Tokens

_BAD_NAME = re.compile(r"[\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


class Engine:
    """Runs executions. `machines` maps names or ARNs to the definitions that `states:startExecution` may start.

    With `keep_events` an execution keeps its history in memory; without, only the listener sees it. `close` ends what
    is left of the processes; the engine is also an async context manager that does so.
    """

    def __init__(
        self,
        *,
        machines: Mapping[str, dict[str, Json]] | None = None,
        integrations: Integrations,
        clock: Clock | None = None,
        listener: Listener | None = None,
        keep_events: bool = True,
    ) -> None:
        self.clock: Clock = clock or RealClock()
        self.guard = Guard()
        self.tokens = Tokens()
        self._machines = dict(machines or {})
        self._integrations = integrations
        self._listener = listener
        self._keep = keep_events
        self._programs: dict[int, tuple[dict[str, Json], Program]] = {}
        self._running: dict[str, Execution] = {}
        self._started: dict[str, Execution] = {}
        self._background: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop what runs, kill what is left, end the stand-ins for AWS services."""
        for execution in list(self._running.values()):
            execution.stop()
            await execution.wait()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.to_thread(self.guard.close)
        await asyncio.to_thread(self._integrations.close)

    def start(self, definition: dict[str, Json], input: Json, name: str, machine: str) -> Execution:  # noqa: A002 - AWS's word
        """Start an execution of a definition and return it, running.

        Raises InvalidDefinition, or InvalidStart for a name or an input AWS would refuse.
        """
        if not 0 < len(name) <= EXECUTION_NAME_CHARS or _BAD_NAME.search(name):
            raise InvalidStart(f"'{name}' is no name for an execution")
        if size(encode(input)) > PAYLOAD_BYTES:
            raise InvalidStart(f"The input is larger than {PAYLOAD_BYTES} bytes")
        execution = self._execution(definition, self._program(definition), input, name, machine, None)
        self.launch(execution)
        return execution

    async def redrive(self, execution: Execution) -> Execution:
        """Run an execution on from what failed; retries, time-outs and the event loop's task start anew.

        Raises NotRedrivable. Returns the execution, running.
        """
        redrivable(execution)
        execution.redrive_count += 1
        execution.redriven = self.clock.now()
        self.launch(execution)
        return execution

    def restore(self, saved: Mapping[str, Json]) -> Execution:
        """Return the ended execution that `redrive.checkpoint` described, ready to be redriven."""
        execution = self._ended(saved)
        if saved["frame"] is not None:
            execution.frame = thawed(saved["frame"], execution.program, None, execution.context())
        return execution

    def recover(self, saved: Mapping[str, Json], events: list[Event], children: Children) -> Execution:
        """Return an execution whose engine was killed, ready to be redriven, from its history and its children's.

        `saved` is as `restore` takes it, without the frame. Raises NotRedrivable when it had succeeded or not begun.
        """
        if not events or events[-1]["type"] == "ExecutionSucceeded":
            raise NotRedrivable("Execution has not begun, or is SUCCEEDED, and cannot be redriven.")
        execution = self._ended(saved)
        execution.frame = recovered(events, execution.program, execution.context(), children)
        return execution

    def _ended(self, saved: Mapping[str, Json]) -> Execution:
        definition = saved["definition"]
        program = self._program(definition)
        execution = self._execution(definition, program, saved["input"], saved["name"], saved["machine"], None)
        execution.status, execution.error, execution.cause = saved["status"], saved["error"], saved["cause"]
        execution.redrive_count, execution.transitions = saved["redrive_count"], saved["transitions"]
        execution.started, execution.history.last = saved["started"], saved["events"]
        return execution

    def send_task_success(self, token: str, output: Json) -> None:
        """End the task that waits for a token; `output` is the value itself. Raises TaskDoesNotExist."""
        self.tokens.send_task_success(taskToken=token, output=encode(output))

    def send_task_failure(self, token: str, error: str = "", cause: str = "") -> None:
        """Let the task that waits for a token fail. Raises TaskDoesNotExist."""
        self.tokens.send_task_failure(taskToken=token, error=error, cause=cause)

    def send_task_heartbeat(self, token: str) -> None:
        """Tell that the holder of a token is alive. Raises TaskDoesNotExist."""
        self.tokens.send_task_heartbeat(taskToken=token)

    # What the states call, see execution.Services.

    def sequence(self, run: Execution, frame: Frame) -> Coroutine[Any, Any, Any]:
        """Run the states of a frame to its end."""
        return interpreter.sequence(run, frame)

    def integration(self, call: Call, arguments: Json) -> Coroutine[Any, Any, Any]:
        """Do what a Resource says."""
        return self._integrations.call(call, arguments)

    def output(self, execution: Execution, state: str, entered: int, stream: str, text: str) -> None:
        """Hand a line of output to the listener."""
        if self._listener is not None:
            self._listener.on_output(execution, state, entered, stream, text)

    def child(self, parent: Execution, program: Program, value: Json, name: str, machine: str) -> Execution:
        """Return a child execution of a distributed Map, not yet running."""
        return self._execution({}, program, value, name, machine, parent)

    def child_of(self, parent: Execution, arn: str, value: Json, name: str | None) -> Execution:
        """Start another machine by ARN or name; raises KeyError when there is none, ValueError for a taken name."""
        short = arn.rsplit(":", 1)[-1]
        definition = self._machines.get(arn) or self._machines[short]
        execution = self._execution(
            definition, self._program(definition), value, name or str(uuid.uuid4()), short, parent
        )
        if execution.arn in self._started:
            raise ValueError(f"Execution Already Exists: '{execution.arn}'")
        self._started[execution.arn] = execution
        self.launch(execution)
        return execution

    def execution(self, arn: str) -> Execution | None:
        """Return an execution that a `states:startExecution` of this engine started, running or ended."""
        return self._started.get(arn)

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let work go on that no state waits for; `close` ends it."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def launch(self, execution: Execution) -> None:
        """Let an execution run from its frame, or from the start."""
        execution.status, execution.aborting, execution.stopped = "RUNNING", False, None
        self._running[execution.arn] = execution
        execution.runner = asyncio.get_running_loop().create_task(self._run(execution), name=execution.arn)
        execution.runner.add_done_callback(lambda _: self._ended_with(execution))

    def _program(self, definition: dict[str, Json]) -> Program:
        known = self._programs.get(id(definition))
        if known is None:
            known = self._programs[id(definition)] = (definition, machine_of(definition))
        return known[1]

    def _execution(
        self,
        definition: dict[str, Json],
        program: Program,
        value: Json,
        name: str,
        machine: str,
        parent: Execution | None,
    ) -> Execution:
        listener = self._listener

        def sink(event: Event) -> None:
            assert listener is not None
            listener.on_event(execution, event)

        history = History(self.clock, sink if listener else None, keep=self._keep)
        execution = Execution(name, machine, definition, program, value, self, history, parent)
        execution.started = self.clock.now()
        return execution

    async def _run(self, execution: Execution) -> None:
        """Run an execution to its end and note how it ended; nothing is raised but a bug of ours."""
        try:
            limit = execution.program.timeout
            async with self.clock.timeout(limit):
                frame = _opened(execution)
                execution.output = await interpreter.sequence(execution, frame)
            _end(execution, "SUCCEEDED")
        except StateError as e:
            if execution.aborting:
                _end(execution, "ABORTED")
            else:
                execution.error, execution.cause = e.error, e.cause
                _end(execution, "FAILED")
        except TimeoutError:
            _end(execution, "TIMED_OUT")
        except asyncio.CancelledError:
            _end(execution, "ABORTED")
            if not execution.aborting:
                raise
        except Exception as e:  # a bug of ours or of a launcher: the run ends in order, then the bug shows
            execution.error, execution.cause = RUNTIME, f"{type(e).__name__}: {e}"
            _end(execution, "FAILED")
            raise

    def _ended_with(self, execution: Execution) -> None:
        """Close an execution; one that was stopped before its first step has not told its end yet."""
        if execution.status == "RUNNING":
            _end(execution, "ABORTED")
        execution.stopped = self.clock.now()
        self._running.pop(execution.arn, None)


def _opened(execution: Execution) -> Frame:
    """Note that an execution starts, or starts again, and return the frame to run."""
    history = execution.history
    if execution.redrive_count:
        told = {"redriveCount": execution.redrive_count}
        history.add("ExecutionRedriven", history.last, "executionRedrivenEventDetails", told)
        execution.error = execution.cause = None
    else:
        details = {"input": encode(execution.input), "roleArn": execution.context()["Execution"]["RoleArn"]}
        history.add("ExecutionStarted", 0, "executionStartedEventDetails", details)
    if execution.frame is None:
        execution.frame = Frame(execution.program, execution.input, None, Scope(), execution.context())
        execution.frame.indexes = execution.indexes
    else:
        refreshed(execution.frame, execution.context()["Execution"])
    return execution.frame


_ENDS = {
    "SUCCEEDED": ("ExecutionSucceeded", "executionSucceededEventDetails"),
    "FAILED": ("ExecutionFailed", "executionFailedEventDetails"),
    "ABORTED": ("ExecutionAborted", "executionAbortedEventDetails"),
    "TIMED_OUT": ("ExecutionTimedOut", "executionTimedOutEventDetails"),
}


def _end(execution: Execution, status: str) -> None:
    """Note the end of an execution; one that succeeded needs no frame any more."""
    execution.status = status
    type_, key = _ENDS[status]
    if status == "SUCCEEDED":
        execution.frame = None
        details: dict[str, Json] = {"output": encode(execution.output)}
    else:
        told = (("error", execution.error), ("cause", execution.cause))
        details = {name: value for name, value in told if value is not None}
    execution.history.close(type_, execution.history.last, key, details)
