"""A compiled workflow on the local engine: its folder, what it may call, the way it is shown, how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stepdig.asl.tokens import machine_token
from stepdig.commands._reporter import Reporter, Required
from stepdig.language.job import Job
from stepdig.local.engine import Engine
from stepdig.local.execution import ACCOUNT, REGION, Execution, machine_arn
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.athena import LocalAthena
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.jobs import Jobs, Settings
from stepdig.local.rundir import RunDir
from stepdig.local.secrets import LocalSecrets
from stepdig.local.state_files import LastingStorage
from stepdig.local.substitutions import substitute
from stepdig.local.tasks import LocalTasks
from stepdig.pipeline import Compiled
from stepdig.project import JOBS, Workflow
from stepdig.report import reasons
from stepdig.report.track import Tracker
from stepdig.report.view import Run, View, ended
from stepdig.runner.storage import FolderStorage

FRAME_SECONDS = 0.1
OK, FAILED, INTERRUPTED = 0, 1, 130
_FILLS = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "Environment": "local",
    "Stack": "local",
}
LOCAL = "local"  # the environment of a laptop, where no workflow asks for one
BUCKET = "local"  # the bucket's name; it is the folder `s3` of the run
HERE = {
    "Bucket": BUCKET,
    "Archive": "local",
    "Stack": "local",
}  # no archive: the files as they are


@dataclass(frozen=True, slots=True)
class Start:
    """A run about to start: its machine with substitutions made, the execution's input, the folder that keeps it.

    required      the other workflows it may start: name of the machine -> definition and bundle
    jobs          what a laptop does of their jobs, by name
    resumed       the rows of a run that goes on; None of a new one
    shows_params  whether each command task's parameters are shown before it runs
    """

    workflow: Workflow
    definition: dict[str, Any]
    bundle: Mapping[str, Any]
    given: Mapping[str, Any]
    run: Run
    folder: RunDir
    required: Mapping[str, Required] = field(default_factory=dict)
    resumed: Tracker | None = None
    shows_params: bool = False
    jobs: Mapping[str, Settings] = field(default_factory=dict)


def required_of(workflows: Mapping[Workflow, Compiled], environment: str = LOCAL) -> dict[str, Required]:
    """Return the machines of required workflows by name."""
    return {
        it.machine: (definition_of(compiled, it, environment), compiled.bundle) for it, compiled in workflows.items()
    }


def definition_of(compiled: Compiled, workflow: Workflow, environment: str = LOCAL) -> dict[str, Any]:
    """Return the definition with this machine's values for the `${Names}` in it."""
    values = {name: {**HERE, "Environment": environment}.get(name, name) for name in compiled.substitutions}
    project = workflow.project.name
    values |= {machine_token(name): machine_arn(f"{project}-{name}") for name in compiled.requires}
    definition: dict[str, Any] = json.loads(substitute(compiled.definition_text, values))
    return definition


def settings_of(workflows: Iterable[Compiled], root: Path) -> dict[str, Settings]:
    """Return what a laptop does of the jobs of some workflows, by name."""
    return {name: _settings(job, root) for it in workflows for name, job in it.jobs.items()}


def _settings(job: Job, root: Path) -> Settings:
    """Return what a laptop does of a job; a folder describes the images that are meant to be stood in for."""
    described = (root / JOBS / job.name).is_dir()
    unused = (
        "" if described else f"the image {job.image}" if job.image else f"the task definition {job.task_definition}"
    )
    return Settings(
        job.python,
        {
            "STEPDIG_S3": str(root / ".stepdig" / "s3"),
            **{name: _filled(text) for name, text in job.environment.items()},
        },
        tuple(job.secrets),
        tuple(job.secret_files),
        root / ".stepdig" / "workspace" if job.workspace else None,
        None if job.stop_grace == Job("").stop_grace else job.stop_grace,
        job.linger,
        unused if job.image or job.task_definition else "",
    )


def _filled(text: str) -> str:
    """Return a text of job.yml with what a deployment would fill in."""
    for name, value in _FILLS.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def execute(start: Start, view: View, *, tasks_code: bool = False) -> int:
    """Run to the end and show it; return the exit code: 0 only for SUCCEEDED, 130 when stopped from outside.

    With `tasks_code` a run that failed gives that of the first task that failed, where there is one.
    """
    tracker = start.resumed or Tracker(start.definition, start.bundle)
    try:
        with start.folder.held():
            code = asyncio.run(_execute(start, Reporter(start.folder, tracker, view, start.required)))
    finally:
        view.close()
    if tasks_code and code == FAILED:
        codes = (reasons.exit_code(row.cause) for row in tracker.tasks.failures())
        return next((it for it in codes if it), FAILED)
    return code


async def _execute(start: Start, reporter: Reporter) -> int:
    began = time.monotonic()
    root = start.workflow.project.root
    s3 = LocalS3({BUCKET: start.folder.s3}, root / ".stepdig" / "s3")
    athena = LocalAthena(s3, root / ".stepdig" / "athena")
    more = {"athena:startQueryExecution": athena.start_query}
    integrations = Integrations(functions=Functions(root=root), s3=s3, more=more)
    machines = {name: definition for name, (definition, _) in start.required.items()}
    async with Engine(machines=machines, integrations=integrations, listener=reporter, keep_events=False) as engine:
        integrations.tasks = tasks = _tasks(start, engine, reporter)
        reporter.show(lambda view: view.start(start.run, reporter.tracker))
        execution = await _begun(start, engine)
        start.folder.lines.on_error = partial(_unwritable, execution, reporter)
        async with _stopped_by_signals(execution, reporter), _ticking(reporter):
            await execution.wait()
        is_kept = _is_kept(start.folder, execution, reporter)
    end = ended(reporter.tracker, time.monotonic() - began)
    for text in tasks.lacking() if execution.status == "FAILED" else ():
        reporter.note(text)
    reporter.show(lambda view: view.end(end))
    return {"SUCCEEDED": OK, "ABORTED": INTERRUPTED}.get(execution.status, FAILED) if is_kept else FAILED


def _unwritable(execution: Execution, reporter: Reporter, error: OSError) -> None:
    """Stop a run whose folder cannot be written, so that nothing is done that nobody would know of."""
    reporter.note(f"the run's folder cannot be written: {error.strerror}; the run is being stopped")
    execution.stop("Stopped", f"its folder cannot be written: {error.strerror}")


def _is_kept(folder: RunDir, execution: Execution, reporter: Reporter) -> bool:
    """Write how a run ended; where that cannot be done, `--resume` reads its history."""
    try:
        folder.finish(execution)
    except OSError as error:
        reporter.note(f"how the run ended cannot be written: {error.strerror}")
        return False
    return folder.lines.error is None


async def _begun(start: Start, engine: Engine) -> Execution:
    """Return the execution, running: a new one, or the one that goes on."""
    if start.resumed is not None:
        return await engine.redrive(start.folder.restore(engine))
    return engine.start(start.definition, dict(start.given), start.run.execution, start.workflow.machine)


def _tasks(start: Start, engine: Engine, reporter: Reporter) -> LocalTasks:
    """Return what runs command tasks."""
    root = start.workflow.project.root

    def on_params(name: str, params: Mapping[str, Any]) -> None:
        reporter.note(f"{name}: {json.dumps(params, ensure_ascii=False, sort_keys=True, default=str)}")

    tasks = LocalTasks(
        {start.workflow.machine: start.bundle, **{name: bundle for name, (_, bundle) in start.required.items()}},
        start.workflow.project.folder,
        start.folder.path / "work",
        LastingStorage(FolderStorage(start.folder.s3), root / ".stepdig"),
        Jobs(
            root / "jobs", root / ".stepdig" / "jobs", engine.guard, reporter.note, LocalSecrets(root).get, start.jobs
        ),
        engine.clock,
    )
    tasks.on_params = on_params if start.shows_params else None
    return tasks


@contextlib.asynccontextmanager
async def _stopped_by_signals(execution: Execution, reporter: Reporter) -> AsyncIterator[None]:
    """Stop the run and all its processes on Ctrl-C, SIGTERM or SIGHUP; a second one does not wait for them to end well."""
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        if execution.aborting and execution.runner is not None:
            execution.runner.cancel()
            return
        reporter.note(f"stopping ({name}); once more to kill what runs")
        execution.stop("Stopped", f"stopped by {name}")

    names = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup it may outlive its terminal
        names[signal.SIGHUP] = "the end of its terminal"
    for number, name in names.items():
        loop.add_signal_handler(number, stop, name)
    try:
        yield
    finally:
        for number in names:
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _ticking(reporter: Reporter) -> AsyncIterator[None]:
    """Let the view draw a few times a second."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(FRAME_SECONDS)
            reporter.show(lambda view: view.tick())

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticker
