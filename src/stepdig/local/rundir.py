"""What a run leaves on disk, `<root>/.stepdig/runs/<id>/`, written while it happens.

definition.json   what ran, substitutions made        start.json        input, name, machine
history.jsonl     the history, an event a line        children.jsonl    those of child executions, with their names
bundle.json       what the task runner was given      parts.json        what of the workflow was asked for, what was done before
logs/             a task's output, a file for each task and iteration
s3/               the local bucket                    status.json       how it ended; absent while it runs
checkpoint.json   where it stopped, for a redrive; absent when it succeeded
lock              locked by the process that runs it
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from stepdig.local.clock import iso
from stepdig.local.engine import Engine
from stepdig.local.errors import NotRedrivable
from stepdig.local.execution import Execution
from stepdig.local.history import Event
from stepdig.local.line_files import LineFiles
from stepdig.local.payload import Json, decode, encode
from stepdig.local.redrive import checkpoint

_BEFORE_WORK = frozenset({"TaskScheduled", "LambdaFunctionScheduled"})
_SAFE = "+^ ()[]@=,!"  # besides letters and digits, what a log's name may hold


class RunDir:
    """The folder of one run; as a listener of the engine it writes the history and the logs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = LineFiles()
        self._logs: dict[tuple[str, str, tuple[int, ...]], Path] = {}

    @classmethod
    def create(
        cls,
        root: Path,
        id_: str,
        definition: Json,
        input_: Json,
        name: str,
        machine: str,
        kept: Mapping[str, Json] = MappingProxyType({}),
    ) -> RunDir:
        """Make the folder of a new run; `kept` are further JSON files. Raises FileExistsError when there is one of this id."""
        run = cls(root / ".stepdig" / "runs" / id_)
        run.s3.mkdir(parents=True)
        _hide_from_git(root / ".stepdig")
        _write(run.path / "definition.json", definition)
        for file, value in kept.items():
            _write(run.path / f"{file}.json", value)
        _write(run.path / "start.json", {"input": input_, "name": name, "machine": machine})
        return run

    @property
    def s3(self) -> Path:
        """Return the folder of the local bucket."""
        return self.path / "s3"

    def log(self, execution: Execution, state: str, indexes: tuple[int, ...]) -> Path:
        """Return the log of a task: `logs/<state>.log`, in loops `logs/<state>/<iteration>/.../<iteration>.log`."""
        key = (execution.arn, state, indexes)
        if key not in self._logs:  # a path for each of a million lines takes longer than the rest
            own = _is_own(execution)
            folder = self.path / "logs"
            folder = folder if own else folder / _file(execution.machine) / _file(execution.name)
            *folders, last = [_file(state), *map(str, indexes)]
            self._logs[key] = folder.joinpath(*folders, f"{last}.log")
        return self._logs[key]

    def on_event(self, execution: Execution, event: Event) -> None:
        """Append an event to the history."""
        if event["type"] in _BEFORE_WORK:
            self.lines.flush()  # what is done is on disk before anything new is begun
            if self.lines.error is not None:
                raise asyncio.CancelledError  # nor begins what could not be kept; the run is being stopped
        if execution.root is execution:
            self.lines.append(self.path / "history.jsonl", encode(event))
        else:
            self.lines.append(
                self.path / "children.jsonl",
                encode({**self._place(execution), **event}),
            )

    @staticmethod
    def _place(execution: Execution) -> dict[str, Json]:
        """Return what places a child's event: the items it is of, and the event of the run itself that it came after."""
        indexes = list(execution.indexes) if _is_own(execution) else []
        return {"execution": execution.name, "indexes": indexes, "after": execution.root.history.last}

    def on_output(self, execution: Execution, state: str, entered_event_id: int, stream: str, text: str) -> None:
        """Append a line to the task's log; standard error is told from standard output by nothing, as in a terminal."""
        self.lines.append(self.log(execution, state, execution.labels.get(entered_event_id, ())), text)

    def finish(self, execution: Execution) -> None:
        """Write how the run ended: first the checkpoint, then, whole or not at all, the status.

        What could not be written counts as killed: it goes on from its history.
        """
        self.close()
        if self.lines.error is not None:
            return  # its history ends too early for a checkpoint to go on from
        if execution.status != "SUCCEEDED":
            _write(self.path / "checkpoint.json", {**checkpoint(execution), "definition": None})
        _write(self.path / "status.json", status_of(execution))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from going on with the run. Raises BlockingIOError when one is at it."""
        with (self.path / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def is_held(self) -> bool:
        """Return whether a process runs it; the system frees the lock of one that was killed."""
        try:
            with self.held():
                return False
        except BlockingIOError:
            return True

    def close(self) -> None:
        """Write what is left and close the files."""
        self.lines.close()

    def restore(self, engine: Engine) -> Execution:
        """Return the run's execution, ready to be redriven, and begin to write again.

        The checkpoint of a run whose engine was killed is read from the history. Raises NotRedrivable for a run that
        succeeded or never began.
        """
        definition = decode((self.path / "definition.json").read_text("utf-8"))
        kept = self.path / "checkpoint.json"
        if (saved := _read(kept)) is not None:
            execution = engine.restore({**saved, "definition": definition})
        elif (_read(self.path / "status.json") or {}).get("status") == "SUCCEEDED":
            raise NotRedrivable("Execution is SUCCEEDED and cannot be redriven.")
        else:
            start = decode((self.path / "start.json").read_text("utf-8"))
            execution = self._recovered(engine, {**start, "definition": definition})
        (self.path / "status.json").unlink(missing_ok=True)  # the run has no status while it runs,
        kept.unlink(missing_ok=True)  # and killed it goes on from its history, not from where it stood before
        return execution

    def _recovered(self, engine: Engine, start: dict[str, Json]) -> Execution:
        """Return the execution of a killed engine; it counts as ABORTED."""
        events, children = self._lines("history.jsonl"), self._lines("children.jsonl")
        by_item: dict[int, list[Event]] = {}
        for event in children:
            if event["indexes"]:
                by_item.setdefault(event["indexes"][-1], []).append(event)
        saved = {
            **start,
            "status": "ABORTED",
            "error": None,
            "cause": None,
            "redrive_count": sum(event["type"] == "ExecutionRedriven" for event in events),
            "transitions": sum(event["type"].endswith("StateEntered") for event in (*events, *children)),
            "started": datetime.fromisoformat(events[0]["timestamp"]).timestamp() if events else 0.0,
            "events": events[-1]["id"] if events else 0,
        }
        return engine.recover(saved, events, by_item)

    def _lines(self, name: str) -> list[Event]:
        """Return the events of a file; what a killed engine wrote half is left out."""
        path = self.path / name
        found: list[Event] = []
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with contextlib.suppress(ValueError):
                event = decode(line.decode("utf-8"))
                found += [event] if isinstance(event, dict) else []
        return found


def status_of(execution: Execution) -> dict[str, Any]:
    """Return how an execution ended, as status.json holds it; times are ISO texts."""
    return {
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "output": execution.output if execution.status == "SUCCEEDED" else None,
        "name": execution.name,
        "machine": execution.machine,
        "started": iso(execution.started),
        "stopped": iso(execution.stopped) if execution.stopped is not None else None,
        "redrive_count": execution.redrive_count,
        "transitions": execution.transitions,
        "events": execution.history.last,
    }


def _is_own(execution: Execution) -> bool:
    """Return whether an execution is of the run's own machine, and of no workflow that it requires."""
    root = execution.root
    return execution.machine == root.machine or execution.machine.startswith(root.machine + "/")


def _hide_from_git(folder: Path) -> None:
    """Let git pass the folder over, in a plain Digdag project too, whose .gitignore does not know it."""
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as file:
        file.write("*\n")


def _read(path: Path) -> dict[str, Json] | None:
    """Return the object in a file; None where there is none, as a machine that lost its power may leave it."""
    try:
        found = decode(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, value: Json) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(encode(value) + "\n")
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _file(name: str) -> str:
    """Return a state's or machine's name as a file name; what a file system may refuse becomes %XX."""
    safe = "".join(c if c.isalnum() else quote(c, safe=_SAFE + "-_.~") for c in name)
    return "%2E" + safe[1:] if safe.startswith(".") else safe
