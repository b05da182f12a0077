"""The compile in a few calls, and the floor plan of the house.

    text ----tree----> located nodes ----parse----> Workflow (model) ----lower----> Machine (plan) ----asl----> definition
                                                                    \\---bundle---> what the task runner needs

Each stage is pure: text in, text out; other files come through `read`. A stage that finds mistakes notes them and goes on
where it can; `compile_workflow` raises `ProblemsFound` with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from stepdig import limits
from stepdig.asl.emit import emit
from stepdig.asl.layout import layout
from stepdig.asl.tokens import job_token, machine_token
from stepdig.bounds import fit
from stepdig.bounds.override import Override
from stepdig.bounds.payloads import Payloads
from stepdig.bounds.shapes import Row
from stepdig.bounds.stores import Rooms
from stepdig.bounds.texts import Inputs
from stepdig.expressions import zones
from stepdig.language import parse, schedules
from stepdig.language.job import Job
from stepdig.language.model import Workflow
from stepdig.language.partial import ALL, Parts
from stepdig.lowering.bundle import bundle
from stepdig.lowering.lower import lower
from stepdig.naming.draft import Draft
from stepdig.plan import Machine, Step
from stepdig.problem import Position, Problems, ProblemsFound
from stepdig.source import secrets, tree

Read = Callable[[str], bytes | None]
FIRST_SESSION = 1_262_304_000  # 2010-01-01: sessions before have the offset of then, in zones that change their clocks
_ALWAYS = (
    "Archive",
    "Bucket",
    "Cluster",
    "Environment",
    "FailRunFunction",
    "HttpRequestFunction",
    "NotifySlackFunction",
    "ParamsStoreFunction",
    "SecurityGroupIds",
    "SendMailFunction",
    "Stack",
    "SubnetIds",
)


class _Unfit(ProblemsFound):
    """Problems of a plan, whose paths are as a person types them already."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled workflow: the definition's text and object, the runner's bundle, the `${Names}` the definition uses.

    `bounds` gives what its runs may need of each of AWS's limits; `requires` names the other workflows that it starts;
    `jobs` are those that its tasks run in, by name;
    `narrowed` counts the iterations of loops that do not run since an earlier run has done them.
    """

    definition_text: str
    definition: dict[str, object]
    bundle: dict[str, object]
    substitutions: tuple[str, ...]
    bounds: Callable[[], tuple[Row, ...]] = tuple
    requires: tuple[str, ...] = ()
    narrowed: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)


def compile_workflow(  # noqa: PLR0913 - all but two by name: what a compile may know of the project
    read: Read,
    path: str,
    *,
    display: Callable[[str], str],
    project: str,
    workflow: str,
    jobs: Mapping[str, Job] | None,
    files: Callable[[], Collection[str]] = tuple,
    names: Callable[[str], Collection[str]] = lambda _: (),
    outside: Callable[[str], bool] = lambda _: False,
    parts: Parts = ALL,
) -> Compiled:
    """Compile the workflow file `path` of a project.

    `files` lists the `.dig` files of the project, for includes of `${env}` and a `call>` that only the run can tell; `names`
    those of all files in one of its folders, to propose a near one; `outside` tells whether something is there at a path that
    leads out of the project; `parts` are tasks that do not run.
    `read` gives a file of the project by its path there, or None; `display` turns such a path into what the user types; `jobs`
    are the jobs by name, None to let any name pass. Raises `ProblemsFound`.
    """
    problems = Problems()
    try:
        return _compiled(_Source(read, path, display, project, workflow, jobs, files, names, outside, parts), problems)
    except _Unfit:
        raise
    except ProblemsFound as found:
        shown = [replace(it, at=_shown(it.at, display)) for it in found.problems]
        raise ProblemsFound(shown) from None


@dataclass(frozen=True, slots=True)
class _Source:
    """What a workflow is compiled from, as `compile_workflow` takes it."""

    read: Read
    path: str
    display: Callable[[str], str]
    project: str
    workflow: str
    jobs: Mapping[str, Job] | None
    files: Callable[[], Collection[str]]
    names: Callable[[str], Collection[str]]
    outside: Callable[[str], bool]
    parts: Parts


def _compiled(source: _Source, problems: Problems) -> Compiled:
    path, read = source.path, source.read
    content = read(path)
    if content is None:
        problems.add(Position(path, 1, 1), "SD001", "there is no such file")
    top = tree.load(content or b"", path, read, problems, source.files) if content is not None else None
    if top is None:
        raise ProblemsFound(problems)
    secrets.find(top, problems)
    written = parse.workflow(top, source.workflow, path, problems)
    draft = Draft(
        read=read,
        display=source.display,
        project=source.project,
        workflow=source.workflow,
        timezone=written.timezone,
        offsets=_offsets(written.timezone),
        jobs=source.jobs,
        problems=problems,
        files=source.files,
        folder=source.names,
        outside=source.outside,
        parts=source.parts,
        schedule=schedules.schedule(written.schedule, problems),
        calls=(path,),
    )
    made, text = _written(written, draft, path, problems)
    draft = made.draft
    machines = map(machine_token, draft.requires)
    tokens = {*_ALWAYS, *machines, *(job_token(str(task["job"])) for task in draft.tasks.values())}
    used = tuple(sorted(name for name in tokens if f"${{{name}}}" in text))

    def bounds() -> tuple[Row, ...]:
        from stepdig.bounds import table  # only `check --explain` shows it

        return table.rows(made.machine, made.definition, len(text.encode()), made.fitted, made.payloads, made.rooms)

    given, requires = bundle(draft, made.rooms.bytes), tuple(sorted(draft.requires))
    names = sorted({str(task["job"]) for task in draft.tasks.values()})
    jobs = {name: draft.job(name) for name in names}
    return Compiled(text, made.definition, given, used, bounds, requires, draft.narrowed, jobs)


@dataclass(frozen=True, slots=True)
class _Made:
    """A plan that fits AWS's limits, the draft it comes from, its definition, what its runs may need."""

    machine: Machine
    draft: Draft
    definition: dict[str, object]
    fitted: fit.Fitted
    rooms: Rooms
    payloads: Payloads


def _written(written: Workflow, blank: Draft, path: str, problems: Problems) -> tuple[_Made, str]:
    """Return the definition and its text, dense where the readable one would be too large; else raise ProblemsFound."""
    made = _fitted(written, blank, dense=False)
    text = layout(made.definition)
    if len(text.encode()) > limits.DEFINITION_BYTES:
        made = _fitted(written, blank, dense=True)
        text = layout(made.definition, dense=True)
    size = len(text.encode())
    if size > limits.DEFINITION_BYTES:
        over = f"the definition has {size:,} bytes; Step Functions takes {limits.DEFINITION_BYTES:,}"
        problems.add(Position(path, 1, 1), "SD502", over, "split the workflow into several files that run on their own")
        raise ProblemsFound(problems)
    return made, text


def _fitted(written: Workflow, blank: Draft, *, dense: bool) -> _Made:
    """Return the plan whose runs stay within AWS's limits; raises ProblemsFound.

    What a run needs is known only of a whole plan. Where the history has no room for the events of a loop, its iterations
    get executions of their own, which its tasks must know: the workflow is lowered again.
    """
    apart: frozenset[str] = frozenset()
    while True:
        draft = replace(blank.fork(), problems=blank.problems, apart=apart)
        machine = replace(lower(written, draft), offsets=_since(draft.offsets, FIRST_SESSION))
        draft.problems.raise_if_any()
        payloads = Payloads(Override(machine.prefix), machine.gathers)
        machine = replace(machine, body=payloads.fitted(machine.body, Inputs()))
        while True:
            owners: dict[str, Step] = {}
            definition = emit(machine, dense=dense, owners=owners)
            fitted = fit.fit(machine, definition, owners)
            if fitted.body is None:
                break
            machine = replace(machine, body=fitted.body)
        if not fitted.apart:
            break
        assert not fitted.apart <= apart, "a loop that was to have executions of its own was lowered without"
        apart |= fitted.apart
    rooms = Rooms(machine).find()
    wrong = [*fitted.problems, *payloads.problems, *rooms.problems]
    if wrong:
        raise _Unfit(wrong)
    return _Made(machine, draft, definition, fitted, rooms, payloads)


def _offsets(timezone: str) -> tuple[tuple[int | None, int], ...]:
    """Return the zone's offsets as rows; an unknown zone, already noted as a mistake, counts as UTC."""
    try:
        return tuple((row[0], row[1] or 0) for row in zones.offsets(timezone))
    except (KeyError, ValueError, OSError):
        return ((None, 0),)


def _since(offsets: tuple[tuple[int | None, int], ...], first: int) -> tuple[tuple[int | None, int], ...]:
    """Return the rows of a zone from a time on: a definition carries no history it does not need."""
    before = [offset for at, offset in offsets if at is None or at <= first]
    return ((None, before[-1]), *(row for row in offsets if row[0] is not None and row[0] > first))


def _shown(at: Position, display: Callable[[str], str]) -> Position:
    return replace(at, path=display(at.path))
