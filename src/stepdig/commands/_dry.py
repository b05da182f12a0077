"""`stepdig run --dry-run`: each task and what it would run, its templates filled in where they are known; nothing runs."""

from __future__ import annotations

import json
import posixpath
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.language import parse
from stepdig.language.model import Task
from stepdig.language.partial import Parts
from stepdig.lowering import calls
from stepdig.problem import Problems
from stepdig.project import Workflow
from stepdig.report.names import groups as around
from stepdig.runner import parameters
from stepdig.runner.shapes import TaskRun
from stepdig.source import tree

if TYPE_CHECKING:
    from stepdig.pipeline import Compiled

Json = Any  # any value of JSON


class _Nothing:
    """A storage without outputs: no task has run."""

    def get(self, _key: str) -> bytes | None:
        """Return nothing."""
        return None

    def put(self, _key: str, _body: bytes) -> None:
        """Keep nothing."""

    def list(self, _prefix: str) -> list[str]:
        """Return nothing."""
        return []


@dataclass(frozen=True, slots=True)
class _Found:
    """A task as written, where it stands: its path, the exports around it (keys of scopes), its file's directory.

    known   whether its parameters can be told before the run: it is in no loop
    """

    task: Task
    path: str = ""
    exports: tuple[str, ...] = ()
    directory: str = ""
    known: bool = True


def show(
    args: Namespace, workflow: Workflow, compiled: Compiled, parts: Parts, at: datetime, params: Mapping[str, Json]
) -> int:
    """Print what would run; return the exit code."""
    env = {"env": params["env"]} if compiled.bundle.get("environments") else {}
    walk = _Walk(workflow, compiled, {"prefix": "", "session_time": at.isoformat(), "params": params, **env})
    for found in walk.tasks():
        if found.task.operator is None or any(map(parts.skip, around(found.path))):
            continue
        shown = walk.params(found) if found.known else {}
        operator, argument = found.task.operator, found.task.argument
        text = shown.get(f"{operator}>", "" if argument is None else tree.plain(argument))
        if args.json:
            told = {"event": "planned", "task": f"+{workflow.name}{found.path}", "operator": operator, "argument": text}
            sys.stdout.write(json.dumps({**told, **({"params": shown} if args.show_params else {})}) + "\n")
            continue
        lines = (text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)).rstrip("\n").split("\n")
        path = found.path.replace("^sub", "")
        sys.stdout.write(f"{path}  {operator}> {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:]))
        for name, value in sorted(shown.items()) if args.show_params else ():
            sys.stdout.write(f"    {name}: {json.dumps(value, ensure_ascii=False)}\n")
    return 0


class _Walk:
    """The tasks of a workflow as written, those of files it calls too; `scopes` gathers the exports met on the way."""

    def __init__(self, workflow: Workflow, compiled: Compiled, run: Mapping[str, Json]) -> None:
        self._project, self._file, self._name = workflow.project, workflow.file, workflow.name
        self._bundle, self._run = compiled.bundle, run
        at = int(datetime.fromisoformat(run["session_time"]).timestamp() * 1000)
        self._context = evaluate.Context(compiled.bundle["offsets"], at)  # type: ignore[arg-type] # its JSON
        self._scopes: dict[str, Json] = dict(compiled.bundle["scopes"])  # type: ignore[call-overload] # its JSON

    def tasks(self) -> Iterator[_Found]:
        """Yield every task and group, in the order written."""
        return self._inside(_Found(self._read(self._file)), "")

    def params(self, found: _Found) -> dict[str, Json]:
        """Return the parameters of a task; none where only the run knows what it reads."""
        task, name = found.task, f"+{self._name}{found.path}"
        options = {key: tree.plain(node) for key, node in task.options.items()}
        local = {f"{task.operator}>": "" if task.argument is None else tree.plain(task.argument), **options}
        top, *inner = [["export", key] for key in found.exports] or [["export", ""]]
        recorded = [["recorded", key] for key in self._bundle.get("recorded") or {}]  # type: ignore[attr-defined] # its JSON
        defaults = [key for key in reversed(self._scopes) if "^params" in key]  # those of called files are the weakest
        entry = {
            "name": name,
            "directory": found.directory,
            "layers": [top, *recorded, *inner],
            "local": local,
            "loops": [],
            "defaults": defaults,
        }
        bundle = {**self._bundle, "scopes": {"": {}, **self._scopes}, "tasks": {name: entry}}
        try:
            return parameters.shown(TaskRun(bundle, name, self._run), _Nothing(), self._context)
        except (EvaluationError, ValueError):
            return {}

    def _inside(self, outer: _Found, generated: str) -> Iterator[_Found]:
        """Yield what stands inside a group, a task or a called file."""
        outer = self._exporting(outer)
        for child in outer.task.children:
            found = replace(outer, task=child, path=f"{outer.path}{generated}{child.name}")
            yield self._exporting(found)
            yield from self._inside(found, "")
        for body in outer.task.bodies.values():
            known = outer.known and outer.task.operator == "if"
            found = replace(outer, task=body, path=f"{outer.path}^sub", known=known)
            if body.operator is not None:
                yield self._exporting(found)
            yield from self._inside(found, "")
        if outer.task.operator == "call":
            yield from self._called(outer)

    def _called(self, outer: _Found) -> Iterator[_Found]:
        """Yield the tasks of a called file; none where only the run knows which."""
        written = "" if outer.task.argument is None else tree.plain(outer.task.argument)
        name = self.params(outer).get("call>") if outer.known else written
        path = calls.target(outer.directory, str(name), self._project.read)
        if path is not None:
            task = self._read(path)
            yield from self._inside(
                replace(outer, task=task, path=f"{outer.path}^sub", directory=posixpath.dirname(path)), ""
            )

    def _exporting(self, found: _Found) -> _Found:
        """Return a task with its own `_export` over those around."""
        key = f"{found.path} {found.task.at.line}"
        if found.task.export is None or key in found.exports:
            return found
        self._scopes[key] = tree.plain(found.task.export.of(self._run.get("env")))
        return replace(found, exports=(*found.exports, key))

    def _read(self, path: str) -> Task:
        content = self._project.read(path) or b""
        top = tree.load(content, path, self._project.read, Problems(), self._project.files)
        assert top is not None, "it has compiled"
        return parse.workflow(top, self._name, path, Problems(), called=path != self._file).root
