"""What earlier builds compiled, below .stepdig/build/: a workflow none of whose inputs changed is not compiled again.

An input is whatever the compile asked of the project: a file's content or that there is none, the list of its `.dig` files, the
jobs. The compiler itself is one, too: nothing is taken over from another version, another Python or another zone data.
It may be deleted at any time, and what cannot be read counts as not there. `--check` and `pack` do not ask it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeGuard

import yaml

import stepdig
from stepdig.commands import _outputs
from stepdig.commands._compile import Known, compile_one, known_jobs
from stepdig.expressions import zones
from stepdig.language.job import Job
from stepdig.pipeline import Compiled
from stepdig.problem import Problem, Problems, ProblemsFound
from stepdig.project import Project, Workflow

PLACE = (".stepdig", "build")
_INDEX = "index.json"
Inputs = dict[str, str]  # what was asked -> a hash of the answer


@dataclass(frozen=True, slots=True)
class Watched(Project):
    """A project that notes what it is asked, and a hash of what it answered."""

    noted: Inputs = field(default_factory=dict, compare=False)

    def read(self, path: str) -> bytes | None:
        """Return a file's content, as a project does."""
        content = Project.read(self, path)
        self.noted[self._asked("read", path)] = _hash(content)
        return content

    def files(self) -> tuple[str, ...]:
        """Return the paths of all `.dig` files, as a project does."""
        found = Project.files(self)
        self.noted[self._asked("files")] = _hash(os.fsencode("\0".join(found)))
        return found

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder, as a project does."""
        found = Project.names(self, folder)
        self.noted[self._asked("names", folder)] = _hash(os.fsencode("\0".join(found)))
        return found

    def outside(self, path: str) -> bool:
        """Return whether something is there, as a project does."""
        found = Project.outside(self, path)
        self.noted[self._asked("outside", path)] = str(found)
        return found

    def jobs(self, problems: Problems) -> dict[str, Job] | None:
        """Return the jobs, as a project does."""
        found = Project.jobs(self, problems)
        self.noted[self._asked("jobs")] = _hash(os.fsencode("\0".join([*(found or ("", "")), *map(str, problems)])))
        return found

    def _asked(self, what: str, path: str = "") -> str:
        here = self.folder.relative_to(self.root).as_posix() if self.folder.is_relative_to(self.root) else ""
        return json.dumps([what, here, path])


def _hash(content: bytes | None) -> str:
    return "none" if content is None else hashlib.sha256(content).hexdigest()


def _version() -> str:
    """Return a hash of everything that compiles: our sources, Python, the YAML reader."""
    total = hashlib.sha256(f"{sys.version} {yaml.__version__}".encode())
    source = Path(stepdig.__file__).parent
    for path in sorted(source.rglob("*.py")):
        total.update(f"{path.relative_to(source)} {path.stat().st_size}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


class Remembered:
    """What was compiled below a root, and what is now."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root.joinpath(*PLACE)
        self.index = _index(self.folder / _INDEX)
        self._answers: dict[str, str] = {}
        self._inputs: dict[str, Inputs] = {}
        self._fresh: dict[str, str] = {}

    def holds(self, workflows: Iterable[Workflow], folder: Path) -> bool:
        """Tell whether what the last build wrote is still what these workflows are compiled to, and still there."""
        known, outputs = self.index.get("workflows", {}), self.index.get("outputs", {})
        names = {it.machine for it in workflows}
        if not outputs or names != set(known) or _outputs.names(folder) - set(outputs):
            return False
        if not all(self._is_same(known[name]["inputs"]) and self._same_zone(known[name]) for name in names):
            return False
        try:
            return all(_hash((folder / name).read_bytes()) == it for name, it in outputs.items())
        except OSError:
            return False

    def compiled(self, workflows: Iterable[Workflow]) -> dict[Workflow, Compiled]:
        """Compile what has changed; raises ProblemsFound with the problems of every workflow."""
        compiled, problems = {}, list[Problem]()
        known: Known | None = None
        asked_jobs: Inputs = {}
        for workflow in workflows:
            made = self._taken(workflow.machine)
            if made is None:
                own = workflow.project
                watched = Watched(own.name, own.folder, own.root)
                if known is None:
                    known = known_jobs(Workflow(replace(watched, noted=asked_jobs), workflow.file))
                try:
                    made = compile_one(Workflow(watched, workflow.file), known=known)
                except ProblemsFound as wrong:
                    problems += wrong.problems
                    continue
                self._inputs[workflow.machine] = {**watched.noted, **asked_jobs}
                self._fresh[workflow.machine] = _text(made)
            compiled[workflow] = made
        if problems:
            raise ProblemsFound(problems)
        return compiled

    def keep(self, outputs: Mapping[str, str]) -> None:
        """Remember what was compiled, and what was written of it."""
        machines = [name.removesuffix(_outputs.DEFINITION) for name in outputs if name.endswith(_outputs.DEFINITION)]
        entries = {name: self.index.get("workflows", {}).get(name) for name in machines}
        for name, text in self._fresh.items():
            bundle = json.loads(text)["bundle"]
            zone = {"timezone": bundle.get("timezone"), "offsets": bundle.get("offsets")}
            entries[name] = {"inputs": self._inputs[name], "made": _hash(text.encode()), **zone}
        index = {
            "version": self.index["version"],
            "workflows": entries,
            "outputs": {name: _hash(text.encode()) for name, text in outputs.items()},
        }
        with contextlib.suppress(OSError):  # then the next build takes longer, that is all
            _outputs.write(self.folder, {f"{name}.json": text for name, text in self._fresh.items()})
            _outputs.write(self.folder, {_INDEX: json.dumps(index)})
            for path in self.folder.glob("*.json"):
                if path.name != _INDEX and path.stem not in entries:
                    path.unlink()

    def _taken(self, machine: str) -> Compiled | None:
        """Return what was compiled, if none of its inputs has changed and it is all there."""
        entry = self.index.get("workflows", {}).get(machine)
        if entry is None or not self._is_same(entry["inputs"]) or not self._same_zone(entry):
            return None
        try:
            content = (self.folder / f"{machine}.json").read_bytes()
        except OSError:
            return None
        return _compiled(json.loads(content)) if _hash(content) == entry["made"] else None

    def _is_same(self, inputs: Inputs) -> bool:
        return all(self._answer(asked) == answer for asked, answer in inputs.items())

    def _answer(self, asked: str) -> str:
        """Return a hash of what the project answers now; each question is asked once."""
        if asked not in self._answers:
            try:
                what, here, path = json.loads(asked)
                project = Watched("", self.root / here, self.root)
                ask: dict[str, Callable[[], object]] = {
                    "read": lambda: project.read(path),
                    "files": project.files,
                    "names": lambda: project.names(path),
                    "outside": lambda: project.outside(path),
                    "jobs": lambda: project.jobs(Problems()),
                }
                ask[what]()
            except (OSError, ValueError, KeyError, TypeError):  # not to be had now, or no question of ours
                return "unreadable"
            self._answers.update(project.noted)
        return self._answers.get(asked, "")

    def _same_zone(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether the zone of a workflow has the offsets that it was compiled with."""
        try:
            return bool(zones.offsets(str(entry["timezone"])) == entry["offsets"])
        except (KeyError, ValueError, OSError):
            return False


def _index(path: Path) -> dict[str, Any]:
    """Return what is remembered; without what is there, if another compiler left it or it cannot be read."""
    version = _version()
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        found = None
    return found if _is_index(found) and found["version"] == version else {"version": version}


def _is_index(found: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether something has the shape that `keep` writes: somebody may have merged or edited it."""
    if not isinstance(found, dict) or set(found) != {"version", "workflows", "outputs"}:
        return False
    entries, outputs = found["workflows"], found["outputs"]
    return (
        isinstance(outputs, dict)
        and isinstance(entries, dict)
        and all(isinstance(it, dict) and isinstance(it.get("inputs"), dict) and "made" in it for it in entries.values())
    )


def _text(made: Compiled) -> str:
    held = {
        "definition_text": made.definition_text,
        "bundle": made.bundle,
        "substitutions": made.substitutions,
        "requires": made.requires,
        "jobs": {name: asdict(job) for name, job in made.jobs.items()},
    }
    return json.dumps(held)


def _compiled(held: Mapping[str, Any]) -> Compiled:
    text = held["definition_text"]
    jobs = {name: _job(it) for name, it in held["jobs"].items()}
    return Compiled(
        text,
        json.loads(text),
        held["bundle"],
        tuple(held["substitutions"]),
        requires=tuple(held["requires"]),
        jobs=jobs,
    )


def _job(held: Mapping[str, Any]) -> Job:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
    return Job(**fields)
