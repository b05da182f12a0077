"""Calls a function of the project for `py>`: `python py_call.py pkg.mod.function input.json output.json`.

Digdag's protocol (https://docs.digdag.io/operators/py.html): the parameters come in `input.json`; `output.json` takes
what the function stored, or its error. The file is copied beside the task and runs in the job's Python, so it stands
alone: Python 3.7 or newer, nothing of the house.
"""

import importlib
import inspect
import json
import os
import sys
import traceback
import types
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

Json = Any  # any value, of JSON or of the project's code


class Env:
    """`digdag.env` as a project's code knows it."""

    def __init__(self, params: Dict[str, Json], secrets: Optional[Dict[str, str]] = None) -> None:
        self.params = params
        self.secrets = secrets or {}  # those that `_secrets` of the task names; Digdag has no such thing
        self.subtask_config: Dict[str, Json] = {}
        self.data_subtasks: List[str] = []  # those whose texts are no templates
        self._added = 0
        self.export_params: Dict[str, Json] = {}
        self.store_params: Dict[str, Json] = {}
        self.state_params: Dict[str, Json] = {}

    def store(self, params: Dict[str, Json] = {}, **kwds: Json) -> None:  # noqa: B006 - Digdag's signature, never written to
        """Make values parameters of all following tasks."""
        self.store_params.update(params, **kwds)

    def export(self, params: Dict[str, Json] = {}, **kwds: Json) -> None:  # noqa: B006 - as above
        """Make values parameters of the subtasks that this task adds."""
        self.export_params.update(params, **kwds)

    def set_state(self, params: Dict[str, Json] = {}, **kwds: Json) -> None:  # noqa: B006 - as above
        """Accept state for a retry; Digdag's own runner drops it too."""
        self.state_params.update(params, **kwds)

    def add_subtask(self, function: Json = None, **params: Json) -> None:
        """Add a task that runs when this function has returned.

        function  a function or method of a module, called with `params`; or a task as a .dig file has it, as a dict
        """
        name = "+subtask%d" % self._added
        if function is None or isinstance(function, dict):
            config = dict(function or {}, **params)
        else:
            config = dict(params, **{"py>": address(function)})
            self.data_subtasks.append(name)
        try:
            json.dumps(config, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError("Parameters must be serializable using JSON: %s" % error) from None
        self.subtask_config[name] = config
        self._added += 1


def address(function: Json) -> str:
    """Return the text of `py>` that calls a function; the class of a method is part of it."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        raise TypeError("digdag.env.add_subtask needs a function, class or method of a module, not %r" % (function,))
    return "%s.%s" % (module, name)


def main(command: str, input_path: str, output_path: str) -> int:
    """Run the function and write `output.json`; return the exit code."""
    params = json.loads(Path(input_path).read_text(encoding="utf-8"))["params"]
    env = Env(params, json.loads(os.environ.pop("STEPDIG_SECRETS", "{}")))
    digdag = types.ModuleType("digdag")
    digdag.env = env  # type: ignore[attr-defined] # the module the project's code imports
    sys.modules["digdag"] = digdag
    sys.path[0:1] = []  # the folder of this file
    sys.path.append(str(Path.cwd()))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a line is seen when it is printed
    try:
        call(command, env.params)
        write(output_path, env)
    except SystemExit as error:
        write(output_path, Env({}), left(error))
        return error.code & 255 or 1 if isinstance(error.code, int) else 1
    except Exception as error:  # whatever the project's code raises is the task's failure
        write(output_path, Env({}), describe(error))
        return 1
    return 0


def call(command: str, params: Dict[str, Json]) -> None:
    """Call `pkg.mod.function`, `pkg.mod.Class.method` or `pkg.mod.Class` (its `run`)."""
    target, method = find(command)
    if method:
        positional, named = arguments(target.__init__, params, skip=1)
        target = getattr(target(*positional, **named), method)
    positional, named = arguments(target, params)
    target(*positional, **named)


def find(command: str) -> Tuple[Json, str]:
    """Return the function and "", or a class and the name of its method."""
    module_name, _, name = command.rpartition(".")
    if not module_name:
        raise ValueError("Empty module name")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        outer, _, class_name = module_name.rpartition(".")
        if error.name != module_name or not outer:
            raise  # something that the project's module imports is missing, or there is no such module
        return attribute(importlib.import_module(outer), class_name), name
    target = attribute(module, name)
    return (target, "run") if inspect.isclass(target) else (target, "")


def attribute(module: Json, name: str) -> Json:
    """Return a name of a module, or fail in Digdag's words."""
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError("Module '%s' has no attribute '%s'" % (module.__name__, name)) from None


def arguments(
    target: Callable[..., Json], params: Dict[str, Json], skip: int = 0
) -> Tuple[List[Json], Dict[str, Json]]:
    """Return the arguments of a call, taken from the parameters by name; `**kw` takes all of them."""
    if target is object.__init__:
        return [], {}
    positional, named, takes_all = [], {}, False
    for parameter in list(inspect.signature(target).parameters.values())[skip:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            takes_all = takes_all or parameter.kind == parameter.VAR_KEYWORD
        elif parameter.name in params:
            if parameter.kind == parameter.POSITIONAL_ONLY:
                positional.append(params[parameter.name])
            else:
                named[parameter.name] = params[parameter.name]
        elif parameter.default is parameter.empty:
            name = getattr(target, "__qualname__", repr(target))
            raise TypeError("Method '%s' requires parameter '%s' but not set" % (name, parameter.name))
    return positional, (params if takes_all else named)


def write(path: str, env: Env, error: Json = None) -> None:
    """Write `output.json`; a stored value that is not JSON fails by its name."""
    for name, value in env.store_params.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as reason:
            raise TypeError("digdag.env.store: '%s' cannot be written as JSON: %s" % (name, reason)) from None
    output: Dict[str, Json] = {
        "subtask_config": env.subtask_config,
        "export_params": env.export_params,
        "store_params": env.store_params,
    }
    if env.data_subtasks:
        output["data_subtasks"] = env.data_subtasks
    if error is not None:
        output["error"] = error
    Path(path).write_text(json.dumps(output), encoding="utf-8")


def describe(error: BaseException) -> Dict[str, Json]:
    """Print the traceback of a failure, without lines of this file, and return the `error` of `output.json`."""
    told = traceback.TracebackException(type(error), error, error.__traceback__)
    told.stack = traceback.StackSummary.from_list([it for it in told.stack if it.filename != __file__])
    lines = list(told.format())
    sys.stderr.write("".join(lines))
    return {"class": type(error).__name__, "message": str(error), "backtrace": lines}


def left(error: SystemExit) -> Dict[str, Json]:
    """Print why code ended the process by `sys.exit`, and return the `error` of `output.json`: its words, or its place.

    Python itself shows no traceback then, and no name of an exception.
    """
    if error.code is not None and not isinstance(error.code, int):
        sys.stderr.write("%s\n" % (error.code,))
        return {"class": "", "message": str(error.code) or "sys.exit('') ended the process", "backtrace": []}
    given = "" if error.code is None else int(error.code)
    frames = [it for it in traceback.extract_tb(error.__traceback__) if it.filename != __file__]
    own = [it for it in frames if it.filename.startswith(str(Path.cwd()))] or frames
    place = " at %s:%s" % (os.path.relpath(own[-1].filename), own[-1].lineno) if own else ""
    message = "sys.exit(%s) ended the process%s" % (given, place)
    if not given:
        message += "; return instead: what was stored would be lost"
    sys.stderr.write(message + "\n")
    return {"class": "", "message": message, "backtrace": []}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
