"""A compiled task -> the process to start, and what the end of that process means.

`prepare` and `finish` are the same for a container and the laptop; between them the caller runs the process.
"""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.runner import loops, outputs, parameters, templates, zones
from stepdig.runner.shapes import Host, Json, TaskRun
from stepdig.runner.storage import Storage

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TAKES_C = re.compile(r"(ba|da|z|k|a|fi)?sh\Z|python[0-9.]*\Z")  # programs that run the text behind -c
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ARGUMENT_BYTES = 120_000  # Linux refuses an argument of 131,072 bytes


class TaskError(Exception):
    """The task fails before its command starts; the message is Digdag's, with its kind at the end."""


@dataclass(frozen=True)
class Prepared:
    """A process to start: `env` is all of its environment; the rest is what `finish` needs."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    prefix: str
    fetch: Sequence[str] = ()
    output_path: Optional[Path] = None  # where a py> leaves its output.json


@dataclass(frozen=True)
class Finished:
    """How a task ended: its exit code, Digdag's message when that is not 0, and what it stored."""

    exit_code: int
    message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)


def prepare(at: TaskRun, host: Host, storage: Storage, context: evaluate.Context) -> Prepared:
    """Return the process of a task in one iteration. Raises TaskError."""
    try:
        params = parameters.parameters(at, storage, context)
        prefix = outputs.task_prefix(at)
    except EvaluationError as error:
        raise TaskError(f"{error} (config)") from None
    except (outputs.OutputError, loops.LoopError) as error:
        raise TaskError(f"{error} (runtime)") from None
    task = at.task
    options = _options(params, task["operator"])
    env = {"TZ": zones.posix(at.bundle["timezone"]), **host.base_env}
    cwd = host.project_dir / task["directory"] if task.get("directory") else host.project_dir
    if task["operator"] == "sh":
        argv, output = _shell_argv(options, host.work_dir), None
        env.update(_as_environment(options))  # also PATH and HOME, as in Digdag
    else:
        argv, output = _python_argv(options, host)
    if "_env" in task["local"]:
        env.update(_own_environment(params["_env"]))
    return Prepared(argv, env, cwd, prefix, task.get("fetch") or (), output)


def finish(prepared: Prepared, exit_code: int, storage: Storage) -> Finished:
    """Return what the end of the process means, and leave the task's outputs in the storage.

    A negative code is a signal, as `subprocess` has it. Only a py> stores; without its `output.json` it has failed.
    """
    code = 128 - exit_code if exit_code < 0 else exit_code
    if prepared.output_path is None:
        return Finished(code, f"Command failed with code {code} (runtime)" if code else "")
    output = _read_output(prepared.output_path)
    if code == 0 and output is not None:
        try:
            outputs.write_output(storage, prepared.prefix, output, prepared.fetch)
        except outputs.OutputError as error:
            return fail(prepared.prefix, storage, f"{error} (config)")
        return Finished(0, outputs=output.get("store_params") or {})
    if code == 0:
        return fail(prepared.prefix, storage, "output.json does not exist or is no JSON object (runtime)")
    raised = (output or {}).get("error") or {}
    backtrace = raised.get("backtrace") or []
    text = f"Python command failed with code {code}"
    if raised:
        text += f"\nError messages from python: {raised['message']} ({raised['class']})"
        text += "".join(f"\n\tfrom {line}" for line in backtrace)
    text += " (runtime)"
    outputs.write_error(storage, prepared.prefix, raised, text, "".join(backtrace))
    return Finished(code, text)


def fail(prefix: str, storage: Storage, message: str) -> Finished:
    """Leave the error of a task whose command could not start or left no outputs; the exit code is 1."""
    outputs.write_error(storage, prefix, {}, message)
    return Finished(1, message)


def cannot_run(prepared: Prepared, error: Exception) -> str:
    """Return the message of a process that the system refused to start."""
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) == errno.E2BIG:
        name = max(prepared.env, key=lambda it: len(prepared.env[it]))
        reason += (
            f": the largest variable, '{name}', has {len(os.fsencode(prepared.env[name])):,} bytes; py> has no limit"
        )
    return f'Cannot run program "{prepared.argv[0]}" (in directory "{prepared.cwd}"): {reason} (runtime)'


def _options(params: Dict[str, Json], operator: str) -> Dict[str, Json]:
    """Return the parameters with those of the operator's own name (`_export: {sh: {shell: ...}}`) under them."""
    params = dict(params, _type=operator, _command=params.get(f"{operator}>"))
    defaults = params.get(operator)
    return templates.merge(defaults, params) if isinstance(defaults, dict) else params


def _as_environment(params: Mapping[str, Json]) -> Dict[str, str]:
    """Return every parameter whose name a shell can read.

    A null is an empty text; Digdag fails every sh> in sight of one (`Parameter 'x' is required but null`). A command too
    long for a variable is not told again.
    """
    found = {
        name: value if type(value) is str else _text(value) for name, value in params.items() if _is_variable(name)
    }
    if len(found["_command"]) > _ARGUMENT_BYTES // 4:  # four bytes a character at most
        del found["_command"]
    return found


@lru_cache(maxsize=4096)
def _is_variable(name: str) -> bool:
    return _ENV_NAME.match(name) is not None


def _own_environment(values: Json) -> Dict[str, str]:
    """Return the variables of `_env`. Raises TaskError."""
    if not isinstance(values, dict):
        raise TaskError(f"Expected object type for key '_env' but got {_shown(values)} (config)")
    for name, value in values.items():
        if value is None:
            raise TaskError(f"Parameter '{name}' is required but null (config)")
        if isinstance(value, (dict, list)):
            raise TaskError(f"Expected string type for key '{name}' but got {_shown(value)} (config)")
    return {name: _text(value) for name, value in values.items()}


def _shell_argv(options: Mapping[str, Json], work_dir: Path) -> List[str]:
    shell = options.get("shell") or ["/bin/sh"]
    if not isinstance(shell, list):
        raise TaskError(f"Expected array type for key 'shell' but got {_shown(shell)} (config)")
    program = [_text(part) for part in shell]
    command = _command(options)
    if _TAKES_C.match(program[0].rsplit("/", 1)[-1]) and len(command.encode("utf-8", "replace")) < _ARGUMENT_BYTES:
        return [*program, "-c", command]
    return [*program, str(_write(work_dir / "command", command))]


def _python_argv(options: Mapping[str, Json], host: Host) -> Tuple[List[str], Path]:
    chosen = options.get("python") or list(host.python)
    if not isinstance(chosen, (str, list)):
        raise TaskError(f"Expected string or array type for key 'python' but got {_shown(chosen)} (config)")
    program = [chosen] if isinstance(chosen, str) else [_text(part) for part in chosen]
    inputs = _write(host.work_dir / "input.json", json.dumps({"params": options}))
    output = host.work_dir / "output.json"
    if output.exists():
        output.unlink()  # of an earlier try
    if options["_command"] is None and isinstance(options.get("script"), str):
        return [*program, str(_write(host.work_dir / "script.py", options["script"])), str(inputs), str(output)], output
    source = pkgutil.get_data("stepdig.runner", "py_call.py")  # also out of a zip
    assert source is not None
    caller = _write(host.work_dir / "py_call.py", source.decode("utf-8"))
    return [*program, str(caller), _command(options), str(inputs), str(output)], output


def _command(options: Mapping[str, Json]) -> str:
    command = options["_command"]
    if command is None:
        raise TaskError("Parameter '_command' is required but not set (config)")
    if isinstance(command, (dict, list)):
        raise TaskError(f"Expected string type for key '_command' but got {_shown(command)} (config)")
    return _text(command)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
    return path


def _read_output(path: Path) -> Optional[Dict[str, Json]]:
    """Return the object a py> left, or None."""
    try:
        output = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return output if isinstance(output, dict) else None


def _text(value: Json) -> str:
    """Return a value as a variable holds it: a text as it is, null as nothing, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value)


def _shown(value: Json) -> str:
    """Return a value and its type in Digdag's words: `[1,2] (array)`."""
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return f"{_encode(value)} ({kinds.get(type(value), 'null')})"
