"""The process that runs the subtasks of a py> or rb>: tasks as a .dig file has them, one after another or side by side.

It is told its job in a file (`subtask_job`) and leaves an output.json with what the task and its subtasks stored, or the
message of the first failure. Commands are its children, in its process group, so a stop reaches all of them.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from stepdig.expressions import evaluate
from stepdig.runner import programs, results, subtask_bodies
from stepdig.runner.shapes import Host, Json, TaskError
from stepdig.runner.subtask_job import INHERITED
from stepdig.runner.templates import Layer, merge

_CONTROL = ("if", "loop", "for_each", "for_range")
_COMMANDS = ("sh", "py", "rb", "embulk")
_GROUP = ("_parallel", "_export", "_retry", "_error", "_check", "_disable", "_ignore_failure")
_NOT_HERE = ("_after", "_background", "_timeout")
_SEQUENTIAL = (None, False, "", "false")  # values of `_parallel`
_INSTEAD = "subtasks run inside the container of the task that adds them; store the values and write it in the workflow"

Stores = Dict[str, Json]
Layers = Sequence[Layer]


class Failed(Exception):
    """A subtask failed: Digdag's message, its name, the exit code, what its code raised."""

    def __init__(self, message: str, name: str, code: int = 1, error: Optional[Mapping[str, Json]] = None) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.code = code
        self.error = dict(error or {})


class Called(NamedTuple):
    """A subtask added as a function: its arguments are data, and options of the task that added it are its own too."""

    config: Mapping[str, Json]
    options: Mapping[str, Json]


def main(path: str) -> int:
    """Run the job of a file; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    output: Dict[str, Json]
    try:
        output, code = {**results.NOTHING, "store_params": Runner(job, dict(os.environ)).run()}, 0
    except Failed as failed:
        sys.stderr.write(f"{failed.name} failed\n")
        output, code = {"message": failed.message, "error": failed.error}, failed.code
    Path(job["output"]).write_text(json.dumps(output), encoding="utf-8")
    return code


class Runner:
    """Runs the subtasks of one job; `environ` is that of this process."""

    def __init__(self, job: Mapping[str, Json], environ: Dict[str, str]) -> None:
        self._job = job
        self._secrets: Mapping[str, str] = json.loads(environ.pop(programs.HANDED, "{}"))
        self._environ = environ
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def run(self) -> Stores:
        """Run all; return what the task and its subtasks stored. Raises Failed."""
        job = self._job
        layers = [Layer(names, is_template) for names, is_template in job["layers"]]
        return self._added(job["built_ins"]["task_name"], job["added"], layers, job["options"])

    def _added(self, name: str, output: Mapping[str, Json], layers: Layers, options: Mapping[str, Json]) -> Stores:
        """Run the subtasks in a task's output: they see its exports and, over them, its stores."""
        stores: Stores = output.get("store_params") or {}
        config, called = output["subtask_config"], output.get("data_subtasks") or []
        if not isinstance(config, dict):
            raise Failed("digdag.env.subtask_config must be an object (config)", name)
        group = {key: Called(value, options) if key in called else value for key, value in config.items()}
        seen = [*layers, Layer(output.get("export_params") or {}), Layer(stores)]
        return merge(stores, self._task(f"{name}^sub", group, seen))

    def _task(self, name: str, config: Json, layers: Layers) -> Stores:
        """Run a task or group with its `_retry` and `_error`; return what it stored. Raises Failed."""
        written = config.config if isinstance(config, Called) else config
        if not isinstance(written, dict):
            raise Failed(f"{name} must be an object (config)", name)
        wrong = next((key for key in written if key in _NOT_HERE), None)
        if wrong:
            raise Failed(f"'{wrong}' does not work in a subtask: {_INSTEAD} (config)", name)
        if written.get("_disable") in (True, "true"):
            return {}
        inner = [*layers, Layer(written.get("_export") or {}, is_template=True)]
        try:
            return _retried(written, name, lambda: self._checked(name, config, written, inner))
        except Failed as failed:
            if isinstance(written.get("_error"), dict):
                error = {"message": failed.message, "stacktrace": "\n".join(failed.error.get("backtrace") or [])}
                self._task(f"{name}^error", written["_error"], [*inner, Layer({"error": error})])
            if written.get("_ignore_failure") in (True, "true"):
                sys.stderr.write(f"{failed.name} failed: {failed.message}\n")
                return {}
            raise

    def _checked(self, name: str, config: Json, written: Mapping[str, Json], layers: Layers) -> Stores:
        """Run a task or group once, then its `_check`."""
        operator = _operator(written)
        group = partial(self._group, name, written)
        stores = group(layers) if operator is None else self._operated(name, operator, config, layers)
        if isinstance(written.get("_check"), dict):
            stores = merge(stores, self._task(f"{name}^check", written["_check"], [*layers, Layer(stores)]))
        return stores

    def _group(self, name: str, config: Mapping[str, Json], layers: Layers) -> Stores:
        """Run the children of a group; each sees what those before it stored."""
        children = {key: value for key, value in config.items() if key.startswith("+")}
        wrong = [key for key in config if key not in children and key not in _GROUP]
        if wrong:
            raise Failed(f"{name} contains invalid keys: {wrong} (config)", name)
        runs = [partial(self._task, name + key, value) for key, value in children.items()]
        return _together(runs, config.get("_parallel"), layers, name)

    def _operated(self, name: str, operator: str, config: Json, layers: Layers) -> Stores:
        """Run one task's operator."""
        if operator not in (*_COMMANDS, *_CONTROL, "echo", "fail"):
            raise Failed(f"{operator}> does not work in a subtask: {_INSTEAD} (config)", name)
        local, data = _local(operator, config)
        built_ins = {**self._job["built_ins"], "task_name": name}
        job = self._job
        asked = programs.Asked(
            operator, local, [*layers, Layer(built_ins), Layer(data)], job["timezone"], job["directory"], job["env"],
            list(self._secrets),
        )  # fmt: skip
        context = evaluate.Context(job["offsets"], int(time.time() * 1000))
        try:
            if operator in _COMMANDS:
                output = self._command(name, asked, context)
            else:
                params = programs.parameters(asked, context)
                if operator in _CONTROL:
                    return self._bodies(name, subtask_bodies.bodies(operator, params), params.get("_parallel"), layers)
                output = self._said(name, operator, programs.text(params[f"{operator}>"]))
        except TaskError as error:
            raise Failed(str(error), name) from None
        if not output.get("subtask_config"):
            return dict(output.get("store_params") or {})
        return self._added(name, output, layers, {key: local[key] for key in INHERITED if key in local})

    def _command(self, name: str, asked: programs.Asked, context: evaluate.Context) -> Mapping[str, Json]:
        """Run a command in a process of its own; return its output."""
        folder = Path(self._job["work_dir"]) / f"subtask{next(self._numbers)}"
        project = Path(self._job["project_dir"])
        host = Host(project, folder, self._environ, self._job["python"], self._secrets.get)
        made = programs.program(asked, host, context)
        try:
            code = subprocess.call(made.argv, env=dict(made.env), cwd=str(made.cwd), stdin=subprocess.DEVNULL)
        except (OSError, ValueError) as error:
            raise Failed(programs.cannot_run(made, error), name) from None
        finally:
            programs.forget(made)
        ended = results.result(made, code)
        if ended.exit_code:
            raise Failed(ended.message, name, ended.exit_code, ended.error)
        return ended.output

    def _bodies(self, name: str, bodies: Sequence[subtask_bodies.Body], parallel: Json, layers: Layers) -> Stores:
        """Run the iterations of a loop, or the branch of an if>."""

        def run(body: subtask_bodies.Body, seen: Layers) -> Stores:
            return self._task(f"{name}^sub{body.name}", body.config, [*seen, Layer(body.variables)])

        return _together([partial(run, body) for body in bodies], parallel, layers, name)

    def _said(self, name: str, operator: str, text: str) -> Mapping[str, Json]:
        """Do what `echo>` or `fail>` does."""
        if operator == "fail":
            raise Failed(text, name)
        with self._lock:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        return {}


def _together(runs: Sequence[Callable[[Layers], Stores]], parallel: Json, layers: Layers, name: str) -> Stores:
    """Run one after another, or side by side under `_parallel`; return what all stored, later ones stronger."""
    stores: Stores = {}
    if parallel in _SEQUENTIAL or not runs:
        for run in runs:
            stores = merge(stores, run([*layers, Layer(stores)]))
        return stores
    limit = parallel.get("limit") if isinstance(parallel, dict) else None
    with ThreadPoolExecutor(max_workers=int(limit) if limit else len(runs)) as pool:
        ended = [pool.submit(run, layers) for run in runs]
    failures = [it for it in (one.exception() for one in ended) if it is not None]
    if len(failures) == 1:
        raise failures[0]
    if failures:
        words = ", ".join(f"{getattr(it, 'name', name)}: {str(it).partition(chr(10))[0]}" for it in failures)
        raise Failed(f"{len(failures)} failed: {words}", name, getattr(failures[0], "code", 1))
    for one in ended:
        stores = merge(stores, one.result())
    return stores


def _operator(config: Mapping[str, Json]) -> Optional[str]:
    """Return the operator of a task, of `sh>: x` or of `_type: sh`; None for a group."""
    key = next((key for key in config if key.endswith(">")), None)
    return key[:-1] if key else config.get("_type")


def _local(operator: str, config: Json) -> Tuple[Dict[str, Json], Mapping[str, Json]]:
    """Return the keys of a task that are evaluated, its operator first, and those that are data."""
    written = config.config if isinstance(config, Called) else config
    argument = written[f"{operator}>"] if f"{operator}>" in written else written.get("_command")
    kept = {"_env", "_secrets", "_do", "_else_do", *(["_parallel"] if operator in _CONTROL else [])}
    own = {key: it for key, it in written.items() if (key[:1] != "_" or key in kept) and key[-1:] not in (">", "+")}
    if not isinstance(config, Called):
        return {f"{operator}>": argument, **own}, {}
    data = {key: value for key, value in own.items() if key not in kept}
    options = {key: value for key, value in config.options.items() if key not in data}
    return {f"{operator}>": argument, **options, **{key: own[key] for key in own if key in kept}}, data


def _retried(config: Mapping[str, Json], name: str, run: Callable[[], Stores]) -> Stores:
    """Run as often as `_retry` says, until it does not fail."""
    written = config.get("_retry")
    retry: Mapping[str, Json] = written if isinstance(written, dict) else {"limit": written or 0}
    try:
        limit, wait, most = (int(retry.get(key) or 0) for key in ("limit", "interval", "max_interval"))
    except (TypeError, ValueError):
        raise Failed(
            f"Expected integer (int) type for key '_retry' but got {json.dumps(written)} (config)", name
        ) from None
    for tried in itertools.count():
        try:
            return run()
        except Failed:
            if tried >= limit:
                raise
        pause = wait * 2**tried if retry.get("interval_type") == "exponential" else wait
        time.sleep(min(pause, most) if most else pause)
    raise AssertionError
