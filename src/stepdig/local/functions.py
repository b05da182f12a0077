"""Lambda functions on a laptop: the handlers of `functions/<name>/app.py`, loaded into this process.

Each folder has modules of its own, as in Lambda: two functions may both have `app.py` and `errors.py`. What Lambda's
surroundings give a function of ours (`runtime.py`) is replaced by what the engine gives.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from stepdig.local.kept import KeptParams, find_secrets

Json = Any  # any JSON value
Function = Callable[[Json, Any], Json]
SLACK_SECONDS = 10  # where a person waits for the run to end; the deployed function has a minute
WEBHOOK = "STEPDIG_SLACK_WEBHOOK"  # a laptop's alone: the deployed function reads its secret

_PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = (_PACKAGE / "deploy" / "functions", _PACKAGE.parent.parent / "functions")  # of a wheel; of the repository
_loading = threading.RLock()
_calling = threading.local()


class Functions(Mapping[str, Function]):
    """The functions found in some folders, the first folder that has one wins; each is loaded when first called.

    `root` is the repository whose `.stepdig/` keeps what AWS would keep for them: secrets, parameters.
    """

    def __init__(self, folders: Sequence[Path] = SHIPPED, root: Path | None = None) -> None:
        self._root = root or Path.cwd()
        self._paths: dict[str, Path] = {}
        for folder in folders:
            for app in sorted(folder.glob("*/app.py")):
                self._paths.setdefault(app.parent.name, app.parent)
        self._loaded: dict[str, Function] = {}

    def __getitem__(self, name: str) -> Function:
        path = self._paths[function_name(name)]
        return lambda event, context: self._call(path, event, context)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def _call(self, path: Path, event: Json, context: object) -> Json:
        with _loading:
            if path.name not in self._loaded:
                self._loaded[path.name] = load(path, self._root)
        _calling.context = context
        try:
            return self._loaded[path.name](event, context)
        finally:
            _calling.context = None


def function_name(name: str) -> str:
    """Return a function's folder from what a definition calls it: `NotifySlackFunction`, an ARN, or the name itself."""
    short = name.rpartition("function:")[2].split(":")[0]
    if not short[:1].isupper():
        return short
    return re.sub(r"(?<!^)(?=[A-Z])", "_", short.removesuffix("Function")).lower()


def load(folder: Path, root: Path | None = None) -> Function:
    """Return the handler of a function's folder."""
    with _loading:
        modules = Modules(folder, root)
        replaced = _RUNTIMES.get(folder.name)
        if replaced is not None and (folder / "runtime.py").is_file():
            modules.replace("runtime", replaced(modules))
        handler: Function = modules.load("app").handler
        return handler


@cache
def module(function: str, name: str) -> ModuleType:
    """Return one module of a shipped function, for what a laptop does by the same code."""
    folder = next(folder / function for folder in SHIPPED if (folder / function).is_dir())
    return Modules(folder).load(name)


class Modules:
    """The modules of one function's folder, under their plain names for each other only."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.root = root or Path.cwd()
        self._folder = folder
        self._names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
        self._own: dict[str, ModuleType] = {}

    def replace(self, name: str, members: Mapping[str, object]) -> None:
        """Put a module of ours in the place of one in the folder."""
        module = ModuleType(name)
        module.__dict__.update(members)
        self._own[name] = module

    def load(self, name: str) -> ModuleType:
        """Import a module of the folder; it and what it imports from the folder are seen by this folder alone."""
        with _loading:
            hidden = {known: sys.modules.pop(known) for known in list(sys.modules) if self._is_ours(known)}
            sys.modules.update(self._own)
            sys.path.insert(0, str(self._folder))
            try:
                return importlib.import_module(name)
            finally:
                sys.path.remove(str(self._folder))
                ours = [known for known in list(sys.modules) if self._is_ours(known)]
                self._own.update({known: sys.modules.pop(known) for known in ours})
                sys.modules.update(hidden)

    def _is_ours(self, name: str) -> bool:
        return name.partition(".")[0] in self._names


def _fail_run(_modules: Modules) -> dict[str, object]:
    """Task tokens are answered by the engine that makes the call."""

    class StepFunctions:
        def send_task_success(self, **given: str) -> None:
            _calling.context.step_functions.send_task_success(**given)

        def send_task_failure(self, **given: str) -> None:
            _calling.context.step_functions.send_task_failure(**given)

    return {"stepfunctions": StepFunctions}


def _notify_slack(modules: Modules) -> dict[str, object]:
    """A message is handed back to be drawn in the terminal, and sent only where the laptop names a webhook."""

    def send(payload: dict[str, Any], remaining_ms: Callable[[], int]) -> dict[str, Any]:
        shown = {"channel": str(payload.get("channel") or ""), "text": modules.load("blocks").plain(payload)["text"]}
        url = os.environ.get(WEBHOOK)
        if not url:
            return {"sent": False, **shown}
        import urllib3  # a run without a webhook does without

        def remaining() -> int:
            return min(remaining_ms(), int((end - time.monotonic()) * 1000))

        webhook = modules.load("webhook")
        checked, end = webhook.url_in(url), time.monotonic() + SLACK_SECONDS
        with urllib3.PoolManager(retries=False) as http:
            delivery = webhook.Delivery(http, lambda _fresh: checked, remaining, time.sleep, random.random)
            return {"sent": True, "attempts": webhook.send(payload, delivery), **shown}

    return {"send": send}


def _with_secrets(modules: Modules) -> dict[str, object]:
    """Secrets are files of this repository, else variables of the environment; a log line goes nowhere."""

    def secrets(names: list[str]) -> dict[str, str]:
        return find_secrets(modules.root, names)

    return {"secrets": secrets, "log": lambda _text: None}


def _params_store(modules: Modules) -> dict[str, object]:
    """Parameters are files of this repository, so that one run finds what another one kept."""
    return {"store": lambda path: KeptParams(modules.root, path)}


_RUNTIMES: dict[str, Callable[[Modules], dict[str, object]]] = {
    "fail_run": _fail_run,
    "notify_slack": _notify_slack,
    "http_request": _with_secrets,
    "send_mail": _with_secrets,
    "params_store": _params_store,
}
