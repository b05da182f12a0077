"""What one compile gathers beside the plan: names taken, compiled tasks, export layers, loops, what the machine reads.

`lower` and the operators write into a `Draft` while they go down the workflow; `bundle` and `asl` read it afterwards. It
is the only thing in the compiler that changes while it is used.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from stepdig import limits
from stepdig.language.job import Job, bare
from stepdig.language.model import Input
from stepdig.language.partial import ALL, Parts
from stepdig.problem import Problems

WHOLE = "*"  # every column of a row is read
# Our own states beside a task's are named after it ("+sync failures?"), so a task's name leaves them room.
OWN_SUFFIX_CHARS = 22


@dataclass(frozen=True, slots=True)
class Frame:
    """A scope of the machine's variables: the top level, the iterations of one Map or the branch of one Parallel."""

    number: int
    outer: Frame | None = None
    distributed: bool = False

    def up_to(self, other: Frame) -> tuple[Frame, ...] | None:
        """Return the frames from this one up to, without, an enclosing `other`; None when other does not enclose it."""
        crossed: list[Frame] = []
        frame: Frame | None = self
        while frame is not None and frame != other:
            crossed.append(frame)
            frame = frame.outer
        return None if frame is None else tuple(crossed)


TOP = Frame(0)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Stored names of one task that the machine reads, and the variable that holds them."""

    variable: str
    frame: int
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Storing:
    """A call that may store: its scope of variables, and its entry in the bundle, by which command tasks find its outputs."""

    frame: Frame
    entry: dict[str, object]


@dataclass(slots=True)
class LoopDraft:
    """A loop of the bundle while it is being compiled.

    `columns` are the columns of its rows that states read; `numbered` tells whether the state input holds the number of
    the iteration, for lists whose elements have no names of their own and where tasks may store.
    """

    operator: str
    variables: list[dict[str, object]]
    columns: dict[str, set[str]] = field(default_factory=dict)
    numbered: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the state input that hold this loop's variables."""
        own = tuple(str(variable["input"]) for variable in self.variables)
        return (f"{own[0]}#", *own) if self.numbered else own


@dataclass(slots=True)
class Draft:
    """The gatherer of one compile; `read`, `files` and `display`: the project's files, their list, how a person names them.

    `parts` tells which tasks do not run, `recorded` what those stored in an earlier run, as the bundle names it.
    `schedule` is when the workflow runs by itself, as the bundle has it.
    `narrowed` counts the iterations of loops that an earlier run has done and this one does not run.
    `outside` tells whether something is there at a path that leads out of the project, `folder` what files a folder of it has.
    `files` lists the `.dig` files of the project; `calls` are the files around, `chosen` whether one of them was chosen by
    the run. `apart` are loops whose iterations must be executions of their own, since the history has no room for them.
    """

    read: Callable[[str], bytes | None]
    display: Callable[[str], str]
    project: str
    workflow: str
    timezone: str
    offsets: tuple[tuple[int | None, int], ...]
    jobs: Mapping[str, Job] | None
    problems: Problems
    files: Callable[[], Collection[str]] = tuple
    outside: Callable[[str], bool] = lambda _: False
    folder: Callable[[str], Collection[str]] = lambda _: ()
    parts: Parts = ALL
    schedule: dict[str, object] | None = None
    recorded: dict[str, Mapping[str, object]] = field(default_factory=dict)
    narrowed: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    tasks: dict[str, dict[str, object]] = field(default_factory=dict)
    storing: dict[str, Storing] = field(default_factory=dict)
    scopes: dict[str, object] = field(default_factory=dict)
    loops: dict[str, LoopDraft] = field(default_factory=dict)
    fetches: dict[str, Fetch] = field(default_factory=dict)
    gathers: dict[int, dict[str, str]] = field(default_factory=dict)
    passes: dict[int, set[str]] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    calls: tuple[str, ...] = ()
    chosen: bool = False
    requires: set[str] = field(default_factory=set)
    frames: int = 0
    errors: int = 0
    deadlines: int = 0
    looks: int = 0
    needs_zone: bool = False
    inputs: tuple[Input, ...] | None = None  # the parameters that the workflow declares
    environments: tuple[str, ...] = ()  # that includes of `_export` tell apart
    parsed: dict[int, object] = field(default_factory=dict)  # nodes whose templates have been looked at, by identity
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)  # that `only` narrows: path -> names of the rows
    implied: dict[str, Job] = field(default_factory=dict)  # jobs that no folder describes, made of what tasks say

    def job(self, name: str) -> Job:
        """Return a job; one that is not known, which is told elsewhere or let pass, has all the defaults."""
        return self.implied.get(name) or (self.jobs or {}).get(name) or Job(name)

    def imply(self, job: Job) -> str:
        """Return the name of a job that a task describes itself; one that names another job already gets a number of its own."""
        known = {**(self.jobs or {}), **self.implied}
        taken = {bare(name): it for name, it in known.items()}
        if taken.get(bare(job.name), job) != job:
            what = (job.image, job.plain, job.cpu, job.memory, job.task_definition, job.container)
            job = replace(job, name=f"{job.name}-{zlib.crc32(repr(what).encode()):08x}")
        self.implied[job.name] = job
        return job.name

    def state_name(self, path: str) -> str:
        """Return a name for the state of a task: its path, shortened by a hash when too long, and used only once."""
        room = limits.STATE_NAME_CHARS - OWN_SUFFIX_CHARS
        if len(path) > room:
            import hashlib  # OpenSSL, which few compiles need

            path = f"{path[: room - 9]}~{hashlib.sha256(path.encode()).hexdigest()[:8]}"
        name, count = path, 1
        while name in self.names:
            count += 1
            name = f"{path}^{count}"
        self.names.add(name)
        return name

    def new_frame(self, outer: Frame, *, distributed: bool = False) -> Frame:
        """Return a new scope of variables inside another."""
        self.frames += 1
        return Frame(self.frames, outer, distributed)

    def fetch(self, task: str, frame: Frame) -> Fetch:
        """Return the record of what the machine reads of a task's stores, made at the first call."""
        if task not in self.fetches:
            self.fetches[task] = Fetch(f"o{len(self.fetches) + 1}", frame.number)
        return self.fetches[task]

    def fork(self) -> Draft:
        """Return a copy for a trial compile whose findings are thrown away."""
        return Draft(
            self.read, self.display, self.project, self.workflow, self.timezone, self.offsets, self.jobs, Problems(),
            files=self.files, outside=self.outside, folder=self.folder, apart=self.apart, parts=self.parts,
            schedule=self.schedule,
            recorded=dict(self.recorded), names=set(self.names), tasks=dict(self.tasks), storing=dict(self.storing),
            scopes=dict(self.scopes), loops=dict(self.loops),
            fetches={key: Fetch(it.variable, it.frame, set(it.names)) for key, it in self.fetches.items()},
            gathers={key: dict(it) for key, it in self.gathers.items()},
            passes={key: set(it) for key, it in self.passes.items()},
            calls=self.calls, chosen=self.chosen, requires=self.requires, frames=self.frames,
            errors=self.errors, deadlines=self.deadlines, looks=self.looks, needs_zone=self.needs_zone,
            inputs=self.inputs, environments=self.environments, lists=dict(self.lists), implied=dict(self.implied),
        )  # fmt: skip
