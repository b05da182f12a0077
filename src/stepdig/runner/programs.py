"""The parameters of a command task -> the process of its operator: its argv, its environment, the files it is given."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pkgutil
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.runner import secret_texts, templates, zones
from stepdig.runner.secret_texts import Secrets
from stepdig.runner.shapes import Host, Json, Program, TaskError

HANDED = "STEPDIG_SECRETS"  # secrets for a program of ours, as JSON; it takes them out of its environment
OUTPUT = "STEPDIG_OUTPUT"  # the file in which a sh> with `store:` leaves values

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TAKES_C = re.compile(r"(ba|da|z|k|a|fi)?sh\Z|python[0-9.]*\Z")  # programs that run the text behind -c
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ARGUMENT_BYTES = 120_000  # Linux refuses an argument of 131,072 bytes


@dataclass(frozen=True)
class Asked:
    """One command task as its process needs it.

    local     its own keys as written, operator first
    env       `_env` of the groups around, outermost first
    layers    the parameters under its own keys, weakest first
    secrets   keys of the secrets it may read
    """

    operator: str
    local: Mapping[str, Json]
    layers: Sequence[templates.Layer]
    timezone: str
    directory: str = ""
    env: Sequence[Mapping[str, Json]] = ()
    secrets: Sequence[str] = field(default=())


def program(asked: Asked, host: Host, context: evaluate.Context) -> Program:
    """Return the process of a task. Raises TaskError."""
    secrets = Secrets(list(asked.secrets), secret_texts.names_of(asked.local.get("_secrets")), host.secret)
    marked, env = _evaluated(asked, context)
    options = _options(marked, asked.operator)
    plain: Dict[str, Json] = secret_texts.literal(options) if asked.secrets else options
    base = {"TZ": zones.posix(asked.timezone), **host.base_env}
    cwd = host.project_dir / asked.directory if asked.directory else host.project_dir
    made = _PROGRAMS[asked.operator](_Given(asked, plain, options, secrets, host, cwd, context), base)
    own = [marked["_env"]] if "_env" in asked.local else []
    for values in [*env, *own]:
        made.env.update({name: secrets.fill(text) for name, text in _own_environment(values).items()})
    secret = made.private if asked.secrets else ()
    return Program(made.argv, made.env, cwd, asked.operator, made.output_path, made.store, secret)


def forget(made: Program) -> None:
    """Remove what holds secrets, once the process has ended."""
    for path in made.secret:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


@dataclass(frozen=True)
class _Given:
    """What the process of an operator is made from; `marked` are its options with references to secrets marked."""

    asked: Asked
    options: Mapping[str, Json]
    marked: Mapping[str, Json]
    secrets: Secrets
    host: Host
    cwd: Path
    context: evaluate.Context


@dataclass(frozen=True)
class _Made:
    argv: List[str]
    env: Dict[str, str]
    output_path: Optional[Path] = None
    store: Sequence[str] = ()
    private: Sequence[Path] = ()


def parameters(asked: Asked, context: evaluate.Context) -> Dict[str, Json]:
    """Return the parameters of a task without a process, references to secrets left as text. Raises TaskError."""
    found: Dict[str, Json] = secret_texts.literal(_evaluated(asked, context)[0])
    return found


def text(value: Json) -> str:
    """Return a value as a variable holds it: a text as it is, null as nothing, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value)


def cannot_run(made: Program, error: Exception) -> str:
    """Return the message of a process that the system refused to start."""
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) == errno.E2BIG:
        name = max(made.env, key=lambda it: len(made.env[it]))
        reason += f": the largest variable, '{name}', has {len(os.fsencode(made.env[name])):,} bytes; py> has no limit"
    return f'Cannot run program "{made.argv[0]}" (in directory "{made.cwd}"): {reason} (runtime)'


def _evaluated(asked: Asked, context: evaluate.Context) -> Tuple[Dict[str, Json], List[Json]]:
    """Return the task's parameters and the `_env` of the groups around it, evaluated as its own. Raises TaskError."""
    outer = {f"_env^{number}": values for number, values in enumerate(asked.env)}
    local = {**asked.local, **outer} if outer else asked.local  # the same object for all iterations, where it can be
    try:
        found = templates.evaluated(asked.layers, local, context, secrets=bool(asked.secrets))
    except EvaluationError as error:
        raise TaskError(f"{secret_texts.literal(str(error))} (config)") from None
    return found, [found.pop(name) for name in outer]


def _options(params: Dict[str, Json], operator: str) -> Dict[str, Json]:
    """Return the parameters with those of the operator's own name (`_export: {sh: {shell: ...}}`) under them."""
    params = dict(params, _type=operator, _command=params.get(f"{operator}>"))
    defaults = params.get(operator)
    return templates.merge(defaults, params) if isinstance(defaults, dict) else params


def _sh(given: _Given, base: Dict[str, str]) -> _Made:
    """`sh>`: a shell's `-c`; every parameter is a variable, also PATH and HOME, as in Digdag."""
    shell = given.options.get("shell") or ["/bin/sh"]
    if not isinstance(shell, list):
        raise TaskError(f"Expected array type for key 'shell' but got {_shown(shell)} (config)")
    argv = [text(part) for part in shell]
    command = given.secrets.fill(_command(given.marked))
    private: Tuple[Path, ...]
    if _TAKES_C.match(argv[0].rsplit("/", 1)[-1]) and len(command.encode("utf-8", "replace")) < _ARGUMENT_BYTES:
        argv, private = [*argv, "-c", command], ()
    else:
        private = (_write(given.host.work_dir / "command", command, private=True),)
        argv.append(str(private[0]))
    env = {**base, **_as_environment(given.options)}
    store = given.asked.local.get("store")  # the task's own: a parameter of that name means something else
    if not isinstance(store, list):
        return _Made(argv, env, private=private)
    output = _write(given.host.work_dir / "output", "")  # over that of an earlier try
    return _Made(argv, {**env, OUTPUT: str(output)}, output, [text(name) for name in store], private)


def _py(given: _Given, base: Dict[str, str]) -> _Made:
    """`py>`: the job's Python calls a function, or runs the `script:` that stands in the workflow."""
    argv = _interpreter(given.options, "python", list(given.host.python))
    inputs, output = _exchange(given)
    env = _handed(given, base)
    script = given.options.get("script")
    if given.options["_command"] is None and isinstance(script, str):
        return _Made([*argv, str(_write(given.host.work_dir / "script.py", script)), inputs, str(output)], env, output)
    caller = _shipped("py_call.py", given.host.work_dir)
    return _Made([*argv, caller, _command(given.options), inputs, str(output)], env, output)


def _rb(given: _Given, base: Dict[str, str]) -> _Made:
    """`rb>`: the job's Ruby calls a method of what `require:` names."""
    argv = _interpreter(given.options, "ruby", ["ruby"])
    inputs, output = _exchange(given)
    env = _handed(given, base)
    argv += ["-I", str(given.cwd)]
    script = given.options.get("script")
    if given.options["_command"] is None and isinstance(script, str):
        made = str(_write(given.host.work_dir / "script.rb", script))
        return _Made([*argv, "--", made, inputs, str(output)], env, output)
    caller = _shipped("rb_call.rb", given.host.work_dir)
    feature = given.options.get("require")
    features = [text(feature)] if feature is not None else []
    return _Made([*argv, "--", caller, _command(given.options), inputs, str(output), *features], env, output)


def _embulk(given: _Given, base: Dict[str, str]) -> _Made:
    """`embulk>`: `embulk run` of a file of the project, evaluated before unless it is Liquid, or of a map in the workflow."""
    config = given.marked["_command"] if given.options["_command"] is not None else given.marked.get("config")
    path = given.host.work_dir / "load.yml"
    if isinstance(config, dict):
        filled = json.dumps(given.secrets.filled(config), ensure_ascii=False, indent=2)  # JSON is YAML
        return _Made(["embulk", "run", str(_write(path, filled, private=True))], base, private=(path,))
    name = _command(given.options)
    if name.endswith(".liquid"):
        return _Made(["embulk", "run", name], base)
    try:
        source = (given.cwd / name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise TaskError(f"Failed to load a template file '{name}': {reason} (config)") from None
    marked = secret_texts.mark(source)
    try:
        rendered = evaluate.render(marked, dict(given.marked), given.context)
    except EvaluationError as error:
        words = str(error).replace(marked, name, 1)  # not the whole file
        raise TaskError(f"{secret_texts.literal(words)} (config)") from None
    filled = given.secrets.fill(rendered, secret_texts.in_yaml)
    return _Made(["embulk", "run", str(_write(path, filled, private=True))], base, private=(path,))


_PROGRAMS: Mapping[str, Callable[[_Given, Dict[str, str]], _Made]] = {
    "sh": _sh,
    "py": _py,
    "rb": _rb,
    "embulk": _embulk,
}


def _interpreter(options: Mapping[str, Json], name: str, default: List[str]) -> List[str]:
    chosen = options.get(name) or default
    if not isinstance(chosen, (str, list)):
        raise TaskError(f"Expected string or array type for key '{name}' but got {_shown(chosen)} (config)")
    return [chosen] if isinstance(chosen, str) else [text(part) for part in chosen]


def _exchange(given: _Given) -> Tuple[str, Path]:
    """Write the input.json of Digdag's protocol; return its path and that of the output.json."""
    output = given.host.work_dir / "output.json"
    if output.exists():
        output.unlink()  # of an earlier try
    return str(_write(given.host.work_dir / "input.json", json.dumps({"params": given.options}))), output


def _handed(given: _Given, base: Dict[str, str]) -> Dict[str, str]:
    """Return the environment with the secrets that `_secrets` names, which `digdag.env.secrets` shows."""
    named = given.secrets.named()
    return {**base, HANDED: json.dumps(named)} if named else dict(base)


def _shipped(name: str, folder: Path) -> str:
    """Copy a file of this package beside the task; return its path."""
    source = pkgutil.get_data("stepdig.runner", name)  # also out of a zip
    assert source is not None
    return str(_write(folder / name, source.decode("utf-8")))


def _as_environment(params: Mapping[str, Json]) -> Dict[str, str]:
    """Return every parameter whose name a shell can read.

    A null is an empty text; Digdag fails every sh> in sight of one (`Parameter 'x' is required but null`). A command too
    long for a variable is not told again.
    """
    found = {name: value if type(value) is str else text(value) for name, value in params.items() if _is_variable(name)}
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
    return {name: text(value) for name, value in values.items()}


def _command(options: Mapping[str, Json]) -> str:
    command = options["_command"]
    if command is None:
        raise TaskError("Parameter '_command' is required but not set (config)")
    if isinstance(command, (dict, list)):
        raise TaskError(f"Expected string type for key '_command' but got {_shown(command)} (config)")
    return text(command)


def _write(path: Path, content: str, *, private: bool = False) -> Path:
    """Write a file of the task; a private one may hold a secret and is its user's alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if private:
        path.touch(mode=0o600)
    path.write_bytes(content.encode("utf-8", "replace"))
    return path


def _shown(value: Json) -> str:
    """Return a value and its type in Digdag's words: `[1,2] (array)`."""
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return f"{_encode(secret_texts.literal(value))} ({kinds.get(type(value), 'null')})"
