"""Subtasks that a py> or rb> added -> the one process that runs them in the same container, and what it is told.

A deployed workflow cannot grow states while it runs, so what `digdag.env.add_subtask` adds runs where it was added, after
the function has returned (`subtasks`). Digdag makes tasks of it, `+t^sub+subtask0`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

from stepdig.runner import results
from stepdig.runner.programs import HANDED, Asked
from stepdig.runner.secret_texts import Secrets
from stepdig.runner.shapes import Host, Json, Program

ADDING = frozenset({"py", "rb"})  # operators whose code may add subtasks
INHERITED = ("python", "ruby", "require")  # options of a task that its own functions, added as subtasks, run with too
# The folder of the project must not be able to stand in the way of a module, so Python is isolated from it.
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from stepdig.runner.subtasks import main; sys.exit(main(sys.argv[2]))"
)


@dataclass(frozen=True)
class Parent:
    """The task that adds subtasks: what it was asked and given."""

    asked: Asked
    host: Host
    offsets: Sequence[Sequence[Json]]


def program(parent: Parent, output: Mapping[str, Json]) -> Program:
    """Return the process for the subtasks in the output.json of a task, its job written beside it."""
    asked, host = parent.asked, parent.host
    built_ins = asked.layers[-1].names
    job: Dict[str, Json] = {
        "added": output,
        "layers": [[it.names, it.is_template] for it in asked.layers[:-1]],
        "built_ins": built_ins,
        "options": {name: asked.local[name] for name in INHERITED if name in asked.local},
        "timezone": asked.timezone,
        "offsets": parent.offsets,
        "directory": asked.directory,
        "env": list(asked.env),
        "secrets": list(asked.secrets),
        "project_dir": str(host.project_dir),
        "work_dir": str(host.work_dir),
        "python": list(host.python),
        "output": str(host.work_dir / "subtasks-output.json"),
    }
    path = host.work_dir / "subtasks.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    env = dict(host.base_env)
    secrets = Secrets(list(asked.secrets), {}, host.secret).all()
    if secrets:
        env[HANDED] = json.dumps(secrets)
    root = str(Path(__file__).parents[2])  # where `stepdig` lies: a folder or a zip
    argv: List[str] = [sys.executable, "-I", "-c", _START, root, str(path)]
    return Program(argv, env, host.project_dir, results.SUBTASKS, Path(job["output"]))
