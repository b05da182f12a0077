"""Small bundles for tests of the runner, as the compiler would write them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from stepdig.expressions import evaluate
from stepdig.runner import commands
from stepdig.runner.shapes import Host, TaskRun

PREFIX = "runs/wf/20261119T150000Z-1"
CONTEXT = evaluate.Context([[None, 32400]], 1_795_100_000_000)


def task(local, *, name="+wf+t", operator=None, layers=(), loops=(), fetch=(), directory=""):
    operator = operator or next(iter(local)).rstrip(">")
    return {
        "name": name,
        "source": "wf.dig:1",
        "operator": operator,
        "directory": directory,
        "job": "default",
        "layers": list(layers),
        "local": local,
        "loops": list(loops),
        "fetch": list(fetch),
    }


def bundle(tasks, *, scopes=None, loops=None, timezone="Asia/Tokyo"):
    return {
        "format": 1,
        "project": "shop",
        "workflow": "wf",
        "timezone": timezone,
        "offsets": [[None, 32400]],
        "scopes": scopes or {},
        "loops": loops or {},
        "tasks": tasks,
    }


def at(one, key="+t", *, params=None, loop=None, **more):
    run = {"prefix": PREFIX, "session_time": "2026-11-20T00:00:00+09:00", "params": params or {}, **more}
    run.update({"attempt_id": 1, "session_uuid": "u-1"})
    if loop is not None:
        run["loop"] = loop
    return TaskRun(one, key, run)


def host(folder: Path, environ=None, python=("python3",)) -> Host:
    project = folder / "project"
    project.mkdir(exist_ok=True)
    return Host(project, folder / "task", environ if environ is not None else {"PATH": "/usr/bin:/bin"}, python)


def run_prepared(one, storage):
    """Run a task's process, and that of its subtasks, as a container would; return what `finish` says, stdout, stderr."""
    out = err = ""
    while isinstance(one, commands.Prepared):
        done = subprocess.run(one.argv, env=one.env, cwd=one.cwd, capture_output=True, text=True, check=False)
        one, out, err = commands.finish(one, done.returncode, storage), out + done.stdout, err + done.stderr
    return one, out, err


def for_each(*variables):
    return {"operator": "for_each", "variables": [dict(variable) for variable in variables]}


def variable(name, rows=None, label=None):
    return {"name": name, "input": name, "rows": rows, "label": label}


def find_python(version: str) -> str:
    """Return a Python of a version on this machine, or skip the test."""
    found = [
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")),
    ]
    for program in filter(None, found):
        if subprocess.run([program, "-V"], capture_output=True, check=False).returncode == 0:
            return program
    pytest.skip(f"no Python {version} here; pyenv install {version}")
