"""An earlier run of a workflow on this machine, as its folder tells: which tasks it has done, and what they stored."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

from stepdig.language.partial import Choice, Done, Parts, Stores, Values, is_at
from stepdig.limits import HISTORY_EVENTS
from stepdig.local.rundir import RunDir
from stepdig.local.session import NAME
from stepdig.report import names
from stepdig.report.names import ITERATION
from stepdig.report.rows import BLOCKED, IGNORED, SUCCESS
from stepdig.report.track import Tracker
from stepdig.runner import loops
from stepdig.runner.templates import merge

Json = Any  # any value of JSON
ENDED_WELL = (SUCCESS, IGNORED)
RUNS_LOOKED_AT = 10  # of a session, for what they have done
GENERATED = re.compile(r"\^[a-z]+")
OUTER_LOOP = re.compile(r"(?P<path>[^\[]*)\^sub\+\[(?P<loop>[^\]]+)\]")


@dataclass(frozen=True)
class Earlier:
    """The folder of a run; its name is the execution's."""

    folder: Path

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.folder.name

    @property
    def start(self) -> dict[str, Any]:
        """What it was started with: `input`, `name`, `machine`."""
        found: dict[str, Any] = _json(self.folder / "start.json", {})
        return found

    @property
    def definition(self) -> dict[str, Any]:
        """The definition that ran, substitutions made."""
        found: dict[str, Any] = _json(self.folder / "definition.json", {})
        return found

    @property
    def parts(self) -> Parts:
        """What of the workflow did not run in it."""
        found = _json(self.folder / "parts.json", {})
        return Parts(found.get("done") or {}, frozenset(found.get("dropped") or ()), found.get("items") or {})

    @property
    def choice(self) -> Choice:
        """What of the workflow was asked for."""
        return Choice(**_json(self.folder / "parts.json", {}).get("choice") or {})

    @property
    def is_whole(self) -> bool:
        """Whether what it ran can be read: a machine that lost its power may have left empty files."""
        return "session_time" in self.start.get("input", {}) and "States" in self.definition

    @property
    def at(self) -> str:
        """Its session time."""
        return str(self.start["input"]["session_time"])

    @property
    def succeeded(self) -> bool:
        """Whether it ended well; a run that was killed has no status."""
        return str(_json(self.folder / "status.json", {}).get("status")) == "SUCCEEDED"

    @property
    def running(self) -> bool:
        """Whether another process runs it now."""
        return RunDir(self.folder).is_held()

    @property
    def redrivable(self) -> bool:
        """Whether its history has begun, and has room to go on."""
        last = max((event["id"] for event, execution in self._events if not execution), default=0)
        return 0 < last < HISTORY_EVENTS - 1

    def tracker(self) -> Tracker:
        """Return its tasks' rows as they were when it ended."""
        tracker = Tracker(self.definition, self._bundle)
        for event, execution in self._events:
            tracker.event(event, execution)
        return tracker

    def done(self) -> Done:
        """Return what has ended well, in it or before it where it counted as done."""
        tracker, parts = self.tracker(), self.parts
        tasks, items = dict(parts.done), dict(parts.items)
        for name, row in tracker.rows.items():
            path = name.removeprefix(tracker.root)
            if (
                path
                and row.state in ENDED_WELL
                and _is_written(path)
                and (row.ran or row.group is None or "^" not in path)
            ):
                tasks[path] = self._stores(path, tracker)
        for path, found in self._items(tracker).items():
            items[path] = [*items.get(path, ()), *found]
        return Done(tasks, {path: found for path, found in items.items() if path not in tasks})

    def failed(self) -> frozenset[str]:
        """Return the tasks that ran and did not end well."""
        tracker = self.tracker()
        rows = tracker.rows.items()
        return frozenset(
            name.removeprefix(tracker.root) for name, row in rows if row.state not in (*ENDED_WELL, BLOCKED)
        )

    def _items(self, tracker: Tracker) -> dict[str, list[Values]]:
        """Return the iterations that ended well, by loop; none of a loop that must run whole: its tasks stored something."""
        found: dict[str, dict[str, Values]] = {}
        for event, _ in self._events:
            details = event.get("stateEnteredEventDetails") or {}
            place = tracker.places.get(details.get("name", ""))
            at = OUTER_LOOP.match(place.task) if place is not None else None
            if at is None or not _is_written(path := at["path"].removeprefix(tracker.root)):
                continue
            name = names.fill(at[0], self._bundle, details.get("input", ""))
            if name in tracker.rows and tracker.rows[name].state in ENDED_WELL:
                loop = self._bundle["loops"].get(at["loop"], {"operator": ""})
                values = _values(loop, details["input"]) if loop["operator"] == "for_each" else None
                found.setdefault(path, {}).update({name: values} if values is not None else {})
        return {path: [] if self._stores(path, tracker) else list(it.values()) for path, it in found.items()}

    @cached_property
    def _bundle(self) -> dict[str, Any]:
        found: dict[str, Any] = _json(self.folder / "bundle.json", {"loops": {}, "tasks": {}})
        return found

    @cached_property
    def _events(self) -> list[tuple[dict[str, Any], str]]:
        """Return the events with the executions they are of, as they came."""
        events = [(event["id"], event, "") for event in _lines(self.folder / "history.jsonl")]
        # Children of a distributed Map have the number of their item; other workflows are not this one's tasks.
        children = (it for it in _lines(self.folder / "children.jsonl") if it.get("indexes"))
        events += [(it["after"], it, it["execution"]) for it in children]
        return [(event, execution) for _, event, execution in sorted(events, key=itemgetter(0))]

    def _stores(self, path: str, tracker: Tracker) -> Stores:
        """Return what the tasks at and below a path stored, later ones over earlier ones."""
        found: dict[str, Any] = {}
        prefix = self.folder / "s3" / "runs" / str(self.start.get("machine")) / self.name
        for state, place in tracker.places.items():
            if is_at(place.task.removeprefix(tracker.root), path) and not place.ours:
                for file in sorted((prefix / state).rglob("output.json"), key=_iteration):
                    found = merge(found, _json(file, {}).get("store_params") or {})
        return found


def of_session(runs: Path, at: datetime) -> list[Earlier]:
    """Return the runs of a session, the last one first."""
    session = at.astimezone(UTC).strftime(NAME)
    found = [path for path in runs.glob(f"{session}-*") if path.name.rpartition("-")[2].isdigit()]
    return [Earlier(it) for it in sorted(found, key=lambda path: -int(path.name.rpartition("-")[2]))]


def all_done(earlier: Iterable[Earlier]) -> Done:
    """Return what runs of one session, the last one first, have done: what a later one tells of a task counts."""
    done, decided = Done(), set[str]()
    for run in itertools.islice(earlier, RUNS_LOOKED_AT):
        found, failed = run.done(), run.failed()
        tasks = {path: stores for path, stores in found.tasks.items() if path not in decided}
        items = {path: values for path, values in found.items.items() if path not in decided}
        done = Done({**tasks, **done.tasks}, {**items, **done.items})
        decided |= {*found.tasks, *found.items, *failed}
        if run.succeeded and run.choice == Choice():
            break  # it ran all there is
    return done


def to_resume(runs: Path, name: str, at: datetime | None = None) -> Earlier | None:
    """Return the run of that name, or without one the last whose session has not ended well since; None: there is none.

    `at`: of this session.
    """
    if name:
        return Earlier(runs / name) if (runs / name / "start.json").is_file() else None
    ended_well = set()
    for path in sorted(runs.glob("*/start.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        found = Earlier(path.parent)
        if not found.is_whole or (at is not None and datetime.fromisoformat(found.at) != at):
            continue
        if not found.succeeded and found.at not in ended_well:
            return found
        ended_well.add(found.at)
    return None


def _is_written(path: str) -> bool:
    """Return whether a path is a task's of the workflow or a called file, in no loop, handler or check."""
    return "[" not in path and all(part == "^sub" for part in GENERATED.findall(path)) and not ITERATION.search(path)


def _values(loop: dict[str, Any], given: str) -> Values | None:
    """Return the values of a loop's variables in an iteration whose states have this input; None where it does not tell."""
    try:
        return list(loops.values(loop, json.loads(given)).values())
    except (ValueError, LookupError, TypeError):
        return None


def _iteration(file: Path) -> list[int]:
    return [int(part) for part in file.parts if part.isdigit()]


def _json(path: Path, empty: Json) -> Json:
    """Return the content of a file, `empty` when it is not there or was not written whole."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return empty
    return found if isinstance(found, type(empty)) else empty


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file; what a killed engine wrote half is left out."""
    found = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.exists() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found
