"""ECS tasks on a laptop: the task runner's functions inside the engine, so that a task costs one process, its command."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.local.clock import Clock
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.jobs import Environment, JobError, Jobs
from stepdig.local.processes import GRACE_SECONDS, spawn
from stepdig.local.state_files import mirror
from stepdig.runner import commands, loops, outputs, parameters, programs, secret_files
from stepdig.runner.secret_texts import VARIABLE
from stepdig.runner.shapes import Host, Program, TaskError, TaskRun
from stepdig.runner.storage import Storage

KEEPS_SECRETS = "stepdig secrets --local --set"
CANNOT_START = 127  # a shell's code for a command that is not there

# (request, Digdag's message): told of each task that fails
OnFailure = Callable[[TaskRequest, str], None]
# (full name, parameters): told of each task before it runs
OnParams = Callable[[str, Mapping[str, Any]], None]


class LocalTasks:
    """Runs the command tasks of compiled workflows (the engine's TaskLauncher).

    bundles      workflow name -> its bundle
    project_dir  the project's folder, where commands run; nothing is copied
    work_dir     a folder of the run, where py> tasks leave what they are given and what they give
    storage      the folder that stands for the bucket
    """

    def __init__(
        self,
        bundles: Mapping[str, Mapping[str, Any]],
        project_dir: Path,
        work_dir: Path,
        storage: Storage,
        jobs: Jobs,
        clock: Clock,
        on_failure: OnFailure = lambda _request, _message: None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._bundles = bundles
        self._project_dir = project_dir.resolve()
        self._work_dir = work_dir.resolve()
        self._storage = storage
        self._jobs = jobs
        self._clock = clock
        self._on_failure = on_failure
        self._grace = grace
        self.on_params: OnParams | None = None
        # The workflow's zone counts, and a secret is given to the tasks that name it.
        self._environ = {it: text for it, text in os.environ.items() if it != "TZ" and not it.startswith(VARIABLE)}
        self._base: dict[str, dict[str, str]] = {}
        self._lacking: dict[str, tuple[str, ...]] = {}
        self._numbers = itertools.count(1)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Run one task to its end; cancelled, its processes are gone when this returns."""
        given = request.container_overrides["Environment"]
        workflow, _, key = given["STEPDIG_TASK"].rpartition(" ")
        bundle = self._bundles[workflow]
        at = TaskRun(bundle, key, json.loads(given.get("STEPDIG_RUN", "{}")))
        try:
            job = self._jobs.ready(at.task["job"]) or await self._jobs.environment(at.task["job"])
        except JobError as error:
            self._fail(request, str(error))
            return TaskOutcome(None, stopped_reason=str(error))  # no failed launch, which waiting might mend
        work_dir = self._work_dir / f"{next(self._numbers)}{key}"
        files = secret_files.write(work_dir / "secrets", job.files)
        env = {**self._env(at, job), **files} if files else self._env(at, job)
        try:
            run = self._plain if at.task.get("plain") else self._run
            outcome = await run(request, at, work_dir, env, job)
            if outcome.exit_code and job.missing:
                self._lacking[at.task["job"]] = job.missing
            return outcome
        finally:
            secret_files.forget(files)
            shutil.rmtree(work_dir / "project", ignore_errors=True)  # links, and files that have been kept

    def lacking(self) -> list[str]:
        """Return which secrets were not there for commands that failed, a sentence for each job."""
        return [
            f"job {name}: {', '.join(keys)} {'is' if len(keys) == 1 else 'are'} not set here: {KEEPS_SECRETS} {keys[0]}"
            for name, keys in sorted(self._lacking.items())
        ]

    async def _plain(
        self, request: TaskRequest, at: TaskRun, _work_dir: Path, env: Mapping[str, str], job: Environment
    ) -> TaskOutcome:
        """Run the command that a plain image would be given."""
        argv = request.container_overrides.get("Command")
        if not argv:
            text = "there is no command: what the image itself would run is not known on this machine (config)"
            self._fail(request, text)
            return TaskOutcome(1)
        given = {name: it for name, it in request.container_overrides["Environment"].items() if name != "STEPDIG_TASK"}
        cwd = self._project_dir / (at.task.get("directory") or "")
        made = Program([str(word) for word in argv], {**env, **given}, cwd)
        try:
            code = await self._spawn(made, request, job)
        except TaskError as error:
            self._fail(request, str(error))
            return TaskOutcome(CANNOT_START)
        if code:
            self._on_failure(request, f"Command failed with code {code} (runtime)")
        return TaskOutcome(code)

    async def _run(
        self, request: TaskRequest, at: TaskRun, work_dir: Path, env: Mapping[str, str], job: Environment
    ) -> TaskOutcome:
        """Run a task as the runner of a container would."""
        bundle = at.bundle
        context = evaluate.Context(bundle["offsets"], int(self._clock.now() * 1000))
        project = self._project_dir
        if at.task.get("state"):
            below = f"{at.task['directory']}/" if at.task.get("directory") else ""
            project = mirror(project, work_dir / "project", [below + file for file in at.task["state"]])
        host = Host(project, work_dir, env, job.python, self._jobs.secret)
        if self.on_params is not None:
            with contextlib.suppress(EvaluationError, ValueError):  # then the task itself says what is wrong
                shown = parameters.shown(at, self._storage, context)
                self.on_params(loops.full_name(at.task, bundle, at.loop_input), shown)
        try:
            prepared = commands.prepare(at, host, self._storage, context)
            while True:
                code = await self._spawn(prepared, request, job)
                finished = commands.finish(prepared, code, self._storage)
                if isinstance(finished, commands.Finished):
                    break
                prepared = finished
        except TaskError as error:
            return self._unstarted(request, at, str(error))
        except OSError as error:  # a full disk, a folder that is gone
            where = f": {error.filename}" if error.filename else ""
            self._fail(request, f"the files of this task cannot be written: {error.strerror}{where} (runtime)")
            return TaskOutcome(1)
        if finished.message:
            self._on_failure(request, finished.message)
        return TaskOutcome(finished.exit_code)

    async def _spawn(self, made: Program, request: TaskRequest, job: Environment) -> int:
        """Run a process to its end; return its code. Raises TaskError when the system refuses to start it."""
        try:
            grace = self._grace if job.grace is None else job.grace
            return await spawn(made.argv, made.env, made.cwd, request.guard, request.on_output, grace, job.linger)
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument or a variable
            raise TaskError(programs.cannot_run(made, error)) from None
        finally:
            programs.forget(made)

    def _env(self, at: TaskRun, job: Environment) -> dict[str, str]:
        """Return what a job's commands inherit, the same object for all of them."""
        name = at.task["job"]
        if name not in self._base:
            self._base[name] = {**self._environ, **job.variables}
        return self._base[name]

    def _unstarted(self, request: TaskRequest, at: TaskRun, message: str) -> TaskOutcome:
        """End a task whose command did not start, as the runner in a container ends it: with code 1."""
        with contextlib.suppress(loops.LoopError):  # no iteration, so no place for its outputs
            commands.fail(outputs.task_prefix(at), self._storage, message)
        self._fail(request, message)
        return TaskOutcome(1)

    def _fail(self, request: TaskRequest, message: str) -> None:
        for line in message.splitlines():
            request.on_output("stderr", line)
        self._on_failure(request, message)
