"""The program of a container: fetch the project, run one task's command, leave its outputs, exit with its code.

Environment, from the override: `STEPDIG_TASK` (`<workflow> <task key>`) and `STEPDIG_RUN` (docs/design.md). From the
task definition: `STEPDIG_BUCKET` (a bucket's name, or an s3:// or file:// URL) and, if wanted, `STEPDIG_GRACE_SECONDS` (how
long a stopped command may take before it is killed; ECS itself kills after `stopTimeout`, 30 s by default),
`STEPDIG_LINGER_SECONDS` (how long what a command left running may go on after it has ended), `STEPDIG_WORKSPACE`,
`STEPDIG_SECRET_...` and `STEPDIG_FILE_...`. Commands see none of them but the workspace. The run object names the project's
zip, `archive`: a run that is redriven after a deployment goes on with the files that it began with.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import FrameType
from typing import Callable, Dict, Mapping, Optional

from stepdig.expressions import evaluate
from stepdig.runner import commands, exit_codes, loops, outputs, programs, secret_files, secret_texts
from stepdig.runner.shapes import Host, Json, Program, TaskError, TaskRun
from stepdig.runner.storage import Storage, StorageError, open_storage

GRACE_SECONDS = 25.0  # less than ECS's 30, so that the outputs are still written
WORKSPACE = "STEPDIG_WORKSPACE"  # where the file system that tasks share is mounted
CANNOT_START = 126  # a shell's code for a command that cannot be run


class SetupError(Exception):
    """The container was not started as the compiler starts it; says what is missing."""


def main(environ: Mapping[str, str]) -> int:
    """Run the task that the environment names; return the exit code."""
    try:
        stop = Stop(_seconds(environ, "STEPDIG_GRACE_SECONDS", GRACE_SECONDS))
        linger = _seconds(environ, "STEPDIG_LINGER_SECONDS", 0)
        stop.listen()
        workflow, _, task_key = _variable(environ, "STEPDIG_TASK").rpartition(" ")
        run = json.loads(_variable(environ, "STEPDIG_RUN"))
        bucket = _variable(environ, "STEPDIG_BUCKET")
        storage = open_storage(bucket if "://" in bucket else f"s3://{bucket}")
        if not run.get("archive"):
            raise SetupError("the run object names no project archive; the first state of a definition does")
        archive = storage.get(run["archive"])
        if archive is None:
            raise SetupError(f"the project archive {run['archive']} is not in {bucket}")
        with tempfile.TemporaryDirectory(prefix="stepdig-") as folder:
            project = Path(folder) / "project"
            extract(archive, project)
            at = TaskRun(_bundle(project, workflow, task_key), task_key, run)
            base = {name: value for name, value in environ.items() if not name.startswith("STEPDIG_")}
            base.update({name: environ[name] for name in (WORKSPACE,) if name in environ})
            base.update(secret_files.write(Path(folder) / "secrets", secret_files.given(environ)))
            host = Host(project, Path(folder) / "task", base, [sys.executable], _secrets(environ))
            finished = run_task(at, host, storage, stop, linger)
            if finished.message:
                _say(finished.message)
            if words := stop.words(finished.exit_code) or exit_codes.meaning(finished.exit_code):
                _say(f"exit code {finished.exit_code}: {words}")
            return finished.exit_code
    except (SetupError, StorageError) as error:
        _say(f"stepdig: {error}")
        return CANNOT_START


def run_task(at: TaskRun, host: Host, storage: Storage, stop: Stop, linger: float = 0) -> commands.Finished:
    """Prepare, run and finish one task."""
    context = evaluate.Context(at.bundle["offsets"], int(time.time() * 1000))
    try:
        prepared = commands.prepare(at, host, storage, context)
    except TaskError as error:
        try:
            return commands.fail(outputs.task_prefix(at), storage, str(error))
        except loops.LoopError:  # no iteration, so no place for its outputs
            return commands.Finished(1, str(error))
    while True:
        try:
            code = execute(prepared, stop, linger)
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument or a variable
            return commands.fail(prepared.prefix, storage, programs.cannot_run(prepared, error))
        ended = commands.finish(prepared, code, storage)
        if isinstance(ended, commands.Finished):
            return ended
        prepared = ended


def execute(prepared: Program, stop: Stop, linger: float = 0) -> int:
    """Run the process in a group of its own, its output going where ours goes; return its code, negative for a signal.

    What the command leaves behind in its group is killed, `linger` seconds after the end of the command.
    """
    sys.stdout.flush()
    stop.starts()
    process = subprocess.Popen(
        prepared.argv, env=dict(prepared.env), cwd=str(prepared.cwd), stdin=subprocess.DEVNULL, start_new_session=True
    )
    stop.started(process.pid)
    try:
        if linger:
            # not reaped yet, so that the group's number stays its own
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            stop.wait(linger)
        return process.wait()
    finally:
        stop.ended()
        _kill_group(process.pid, signal.SIGKILL)


class Stop:
    """What SIGTERM and SIGINT lead to: an exit while there is no command, else they go to its group.

    A signal that comes while the command is being started waits until its group is known: lost, it would leave the
    command running on its own. What still runs after the grace period is killed.
    """

    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._starting = False
        self._group = 0
        self._came = 0
        self._heard = threading.Event()

    def listen(self) -> None:
        """Begin to handle signals; as process 1 of a container nothing else would."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def starts(self) -> None:
        """A command is about to start."""
        self._starting = True

    def started(self, group: int) -> None:
        """The command runs in this process group."""
        self._group, self._starting = group, False
        if self._came:
            self._pass_on(self._came)

    def wait(self, seconds: float) -> None:
        """Let time pass; a signal, also one that came before, ends it."""
        self._heard.wait(seconds)

    def ended(self) -> None:
        """The command has ended; its outputs are still to be written, so a signal now changes nothing."""
        self._group, self._starting = 0, True

    def words(self, code: int) -> str:
        """Return how a command came to end with the code of a signal; "" where none came to this process."""
        if not self._came or code < 128:
            return ""
        return f"this container was told to stop ({signal.Signals(self._came).name}), and the command with it"

    def _hear(self, number: int, _frame: Optional[FrameType]) -> None:
        self._came = number
        self._heard.set()
        if self._group:
            self._pass_on(number)
        elif not self._starting:
            raise SystemExit(128 + number)

    def _pass_on(self, number: int) -> None:
        _kill_group(self._group, number)
        timer = threading.Timer(self._grace_seconds, _kill_group, (self._group, signal.SIGKILL))
        timer.daemon = True
        timer.start()


def extract(archive: bytes, folder: Path) -> None:
    """Unpack a zip with the permission bits of its files. Raises SetupError."""
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for item in opened.infolist():
                path = Path(opened.extract(item, str(folder)))
                mode = (item.external_attr >> 16) & 0o777
                if mode and not item.is_dir():
                    path.chmod(mode)
    except zipfile.BadZipFile:
        raise SetupError("the project archive is not a zip") from None


def _bundle(project: Path, workflow: str, task_key: str) -> Dict[str, Json]:
    path = project / ".stepdig" / f"{workflow}.json"
    try:
        bundle: Dict[str, Json] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise SetupError(f"the project archive holds no .stepdig/{workflow}.json") from None
    if task_key not in bundle["tasks"]:
        raise SetupError(f"workflow {workflow} of the project archive has no task {task_key}; deploy both together")
    return bundle


def _secrets(environ: Mapping[str, str]) -> Callable[[str], Optional[str]]:
    """Return the secrets that the job's task definition gives the container, by their keys."""
    return lambda key: environ.get(secret_texts.variable(key))


def _kill_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of zombies
        os.killpg(pid, number)


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        raise SetupError(f"{name} is no number of seconds: {text}") from None


def _variable(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise SetupError(f"the environment has no {name}; the definition and the task definition set it")
    return environ[name]


def _say(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
