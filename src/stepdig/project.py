"""The folder on disk: which workflows there are, and the compiler's only door to their files.

A *repository* keeps its Digdag projects under `workflows/<project>/`, its images under `jobs/`. A plain Digdag project
folder needs no set-up: it is a repository of one project. As in Digdag, every `.dig` at the top of a project folder is
a workflow, one in a sub-folder never is (it can only be called).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stepdig.language import job_files
from stepdig.language.job import Job, bare
from stepdig.problem import Position, Problem, Problems, ProblemsFound, did_you_mean

SUFFIXES = (".dig.yml", ".dig")  # editors take the longer one for YAML; Digdag knows the shorter
FOLDER = "workflows"
JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class Project:
    """One Digdag project: `folder` holds its files, `root` also the jobs and what stepdig writes; both are absolute."""

    name: str
    folder: Path
    root: Path

    def workflows(self) -> tuple[Workflow, ...]:
        """Return the workflows at the top of the folder, sorted by name."""
        entries = (path for path in self.folder.iterdir() if _is_workflow(path.name) and not path.is_dir())
        return tuple(Workflow(self, path.name) for path in sorted(entries))

    def read(self, path: str) -> bytes | None:
        """Return a file's content, or None when there is no such file; `path` is relative to the folder, with `/`.

        Raises OSError for a file that is there but not to be had: no permission, or a link that leaves the folder.
        """
        if "\0" in path or path.startswith("/") or ".." in path.split("/"):
            return None
        real = Path(os.path.realpath(self.folder / path))
        try:
            if not real.is_file():
                return None
        except PermissionError as error:  # a folder above it is closed: who knows what would be read there
            raise PermissionError(error.errno, error.strerror, str(self.folder / path)) from None
        except OSError:  # the name is too long for a file system
            return None
        if not real.is_relative_to(os.path.realpath(self.folder)):
            raise PermissionError(errno.EPERM, "the link leads out of the project folder", str(self.folder / path))
        return real.read_bytes()

    def files(self) -> tuple[str, ...]:
        """Return the paths of all `.dig` files below the folder, which `call>` may name, sorted."""
        found = []
        for folder, inner, names in os.walk(self.folder):
            inner[:] = [name for name in inner if not name.startswith(".")]
            here = Path(folder).relative_to(self.folder)
            found += [(here / name).as_posix() for name in names if _is_workflow(name)]
        return tuple(sorted(found))

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder of the project, sorted; none where it is no such folder."""
        if folder.startswith("/") or ".." in folder.split("/"):
            return ()
        try:
            return tuple(sorted(it.name for it in (self.folder / folder).iterdir() if it.is_file()))
        except (OSError, ValueError):
            return ()

    def outside(self, path: str) -> bool:
        """Return whether there is something at a path that leads out of the folder."""
        return "\0" not in path and os.path.lexists(self.folder / path)

    def display(self, path: str) -> str:
        """Return how a file is called in definitions: relative to `root`, wherever the command was typed."""
        return (self.folder / path).relative_to(self.root).as_posix()

    def jobs(self, problems: Problems) -> dict[str, Job] | None:
        """Return the jobs under `jobs/` by name, or None where there is no such folder.

        Mistakes in a job.yml are noted, by its path from `root`; such a job has all the defaults.
        """
        folder = self.root / JOBS
        if not folder.is_dir():
            return None
        try:
            names = sorted(it.name for it in folder.iterdir() if it.is_dir() and not it.name.startswith((".", "__")))
        except OSError as error:
            problems.found.append(unreadable(error, JOBS))
            return {}
        for name in [name for name in names if not is_text(name)]:
            names.remove(name)
            problems.found.append(no_text(f"{JOBS}/{name}"))
        first: dict[str, str] = {}
        for name in names:
            twin = first.setdefault(bare(name), name)
            if twin != name:
                at = Position(f"{JOBS}/{name}/{job_files.FILE}", 1, 1)
                text = f"'{name}' and '{twin}' are one name where AWS takes neither - nor _"
                problems.add(at, "SD613", text, "rename one of the two")
        return {name: self._job(name, problems) for name in names}

    def _job(self, name: str, problems: Problems) -> Job:
        path = f"{JOBS}/{name}/{job_files.FILE}"

        def read(inner: str) -> bytes | None:
            return replace(self, folder=self.root).read(inner)

        try:
            return job_files.load(name, read(path), path, read, problems)
        except OSError as error:
            problems.found.append(unreadable(error, path))
            return Job(name)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A `.dig` file at the top of a project; `file` is its name there."""

    project: Project
    file: str

    @property
    def name(self) -> str:
        """The workflow's name: the file's without its suffix."""
        return next(self.file.removesuffix(suffix) for suffix in SUFFIXES if self.file.endswith(suffix))

    @property
    def machine(self) -> str:
        """The name of its state machine, `<project>-<workflow>`."""
        return f"{self.project.name}-{self.name}"

    @property
    def path(self) -> str:
        """The file as definitions and, made relative by `typed`, people call it."""
        return self.project.display(self.file)


def find(path: str) -> tuple[Workflow, ...]:
    """Return the workflows a path names: a `.dig` file, a project folder, or a repository with all its projects.

    Raises ProblemsFound when nothing is there, or when two files would become one state machine.
    """
    here = _absolute(path)
    try:
        found = _of_folder(here) if here.is_dir() else (_of_file(here, path),)
    except OSError as error:
        raise ProblemsFound([unreadable(error, path)]) from error
    if not found:
        text = f"no workflow here: neither {FOLDER}/<project>/*.dig nor *.dig"
        places = () if here.parent.name == FOLDER else here.parents
        above = next((str(it) for it in places if os.path.isdir(it / FOLDER)), "")  # noqa: PTH112 - a closed one is none
        hint = f"there is {FOLDER}/ in {typed(above, here)}" if above else "`stepdig init DIR` makes a first one"
        raise ProblemsFound([Problem(Position(path or ".", 1, 1), "SD003", text, hint)])
    _refuse_twins(found)
    return found


def find_all(paths: Iterable[str]) -> tuple[Workflow, ...]:
    """Return the workflows of several paths, each once; none given means the folder the user stands in."""
    problems: list[Problem] = []
    found: dict[Workflow, None] = {}
    for path in list(paths) or ["."]:
        try:
            found.update(dict.fromkeys(find(path)))
        except ProblemsFound as wrong:
            problems += wrong.problems
    if problems:
        raise ProblemsFound(problems)
    return tuple(found)


def root_of(path: str) -> Path:
    """Return the root that a path is or belongs to: above `workflows/<project>`, above `workflows`, or the folder."""
    here = _absolute(path)
    here = here.parent if here.is_file() else here
    return here.parent if here.name == FOLDER else _project(here).root


def all_of(root: Path) -> tuple[Workflow, ...]:
    """Return every workflow below a root, perhaps none; raises as `find` does."""
    try:
        found = _of_folder(root)
    except OSError as error:
        raise ProblemsFound([unreadable(error, typed(error.filename or FOLDER, root))]) from error
    _refuse_twins(found)
    return found


def typed(path: str, root: Path) -> str:
    """Return a path that is relative to `root` as the user would type it where they stand."""
    full = str(root / path)
    return min(os.path.relpath(full), full, key=len)


def is_text(name: str) -> bool:
    """Tell whether a name from the disk is text in UTF-8, as definitions and templates are."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def no_text(path: str) -> Problem:
    """Return the problem of a file or folder whose name is not."""
    return Problem(Position(path, 1, 1), "SD760", "this name is not text in UTF-8", "rename it")


def unreadable(error: OSError, path: str) -> Problem:
    """Return the problem of a file or folder that the system does not hand over."""
    return Problem(Position(path, 1, 1), "SD002", f"cannot be read: {(error.strerror or str(error)).lower()}")


def unwritable(error: OSError, path: str) -> Problem:
    """Return the problem of a file or folder that the system does not let us write."""
    place = Position(typed(error.filename or path, Path()), 1, 1)
    return Problem(place, "SD005", f"cannot be written: {(error.strerror or str(error)).lower()}")


def _absolute(path: str) -> Path:
    return Path(os.path.normpath(Path.cwd() / path))  # not resolve(): a linked folder keeps the name the user gave it


def _is_workflow(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".")  # `.#main.dig` is an editor's lock


def _of_file(path: Path, shown: str) -> Workflow:
    project = _project(path.parent)
    if not path.exists():
        names = [entry.file for entry in project.workflows()] if path.parent.is_dir() and not path.is_symlink() else []
        hint = did_you_mean(path.name, names) or (f"there are: {', '.join(names[:5])}" if names else "")
        text = "the link leads nowhere" if path.is_symlink() else "no such file or folder"
        raise ProblemsFound([Problem(Position(shown, 1, 1), "SD001", text, hint)])
    if not _is_workflow(path.name):
        raise ProblemsFound([Problem(Position(shown, 1, 1), "SD003", "not a workflow: its name must end in .dig")])
    return Workflow(project, path.name)


def _of_folder(folder: Path) -> tuple[Workflow, ...]:
    """Return the workflows of a folder: its own, else those of the repository it is the top of."""
    if own := _project(folder).workflows():
        return own
    projects = folder if folder.name == FOLDER else folder / FOLDER
    if not projects.is_dir():
        return ()
    return tuple(w for entry in sorted(projects.iterdir()) if entry.is_dir() for w in _project(entry).workflows())


def _project(folder: Path) -> Project:
    inside = folder.parent.name == FOLDER
    return Project(folder.name or "project", folder, folder.parent.parent if inside else folder)


def _refuse_twins(found: Iterable[Workflow]) -> None:
    """Two files must not become one state machine: `a.dig` and `a.dig.yml`, or `a-b/c.dig` and `a/b-c.dig`."""
    first: dict[str, Workflow] = {}
    problems = []
    for workflow in found:
        twin = first.setdefault(workflow.machine, workflow)
        if twin is not workflow:
            text = f"{twin.path} has the name '{workflow.machine}' already"
            problems.append(Problem(Position(workflow.path, 1, 1), "SD004", text, "rename one of the two"))
    if problems:
        raise ProblemsFound(problems)
