"""A compiled task -> the process to start, and what the end of that process means.

`prepare` and `finish` are the same for a container and the laptop; between them the caller runs the process. A task whose
code added subtasks has a second process, which runs them: `finish` then returns it in place of the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence, Union

from stepdig.expressions import evaluate
from stepdig.runner import loops, outputs, parameters, programs, results, state_files, subtask_job
from stepdig.runner.shapes import Host, Json, Program, Result, TaskError, TaskRun
from stepdig.runner.storage import Storage


@dataclass(frozen=True)
class Prepared(Program):
    """A process to start, with what `finish` needs.

    prefix    where the task's outputs lie in the storage
    fetch     stored names that the machine reads, for which it has `room` bytes
    subtasks  what the process of subtasks is told, should the task add any
    state     files to keep when it has succeeded
    """

    prefix: str = ""
    fetch: Sequence[str] = ()
    room: int = outputs.STORES_BYTES
    subtasks: Optional[subtask_job.Parent] = None
    state: state_files.Kept = ()


@dataclass(frozen=True)
class Finished:
    """How a task ended: its exit code, Digdag's message when that is not 0, and what it stored."""

    exit_code: int
    message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)


def prepare(at: TaskRun, host: Host, storage: Storage, context: evaluate.Context) -> Prepared:
    """Return the process of a task in one iteration. Raises TaskError."""
    task = at.task
    try:
        at = loops.completed(at, storage)
        layers = parameters.layers(at, storage)
        prefix = outputs.task_prefix(at)
    except (outputs.OutputError, loops.LoopError) as error:
        raise TaskError(f"{error} (runtime)") from None
    asked = programs.Asked(
        task["operator"],
        task["local"],
        layers,
        at.bundle["timezone"],
        task.get("directory") or "",
        task.get("env") or (),
        task.get("secrets") or (),
    )
    made = programs.program(asked, host, context)
    parent = subtask_job.Parent(asked, host, at.bundle["offsets"]) if asked.operator in subtask_job.ADDING else None
    room = task.get("fetch_bytes", outputs.STORES_BYTES)
    state = state_files.fetch(at, storage, made.cwd)
    return Prepared(**vars(made), prefix=prefix, fetch=task.get("fetch") or (), room=room, subtasks=parent, state=state)


def finish(prepared: Prepared, exit_code: int, storage: Storage) -> Union[Finished, Prepared]:
    """Return what the end of the process means, the task's outputs left in the storage; or the next process to run.

    A negative code is a signal, as `subprocess` has it.
    """
    ended = results.result(prepared, exit_code)
    if ended.exit_code:
        return _failed(prepared, ended, storage)
    if prepared.output_path is None:
        state_files.keep(prepared.state, storage)
        return Finished(0)
    if prepared.subtasks is not None and ended.output.get("subtask_config"):
        made = subtask_job.program(prepared.subtasks, ended.output)
        last = prepared
        return Prepared(**vars(made), prefix=last.prefix, fetch=last.fetch, room=last.room, state=last.state)
    try:
        outputs.write_output(storage, prepared.prefix, ended.output, prepared.fetch, prepared.room)
    except outputs.OutputError as error:
        return fail(prepared.prefix, storage, f"{error} (config)")
    state_files.keep(prepared.state, storage)
    return Finished(0, outputs=ended.output.get("store_params") or {})


def fail(prefix: str, storage: Storage, message: str) -> Finished:
    """Leave the error of a task whose command could not start or left no outputs; the exit code is 1."""
    outputs.write_error(storage, prefix, {}, message)
    return Finished(1, message)


def _failed(prepared: Prepared, ended: Result, storage: Storage) -> Finished:
    """Leave the error of a task that stores: of another nobody reads it."""
    if prepared.output_path is not None:
        lines = ended.error.get("backtrace") or []
        stacktrace = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
        outputs.write_error(storage, prepared.prefix, ended.error, ended.message, stacktrace)
    return Finished(ended.exit_code, ended.message)
