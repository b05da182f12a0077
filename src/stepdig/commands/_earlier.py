"""An earlier run of a workflow on this machine, as its folder tells: which tasks it has done, and what they stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stepdig.local.session import NAME
from stepdig.partial import Stores, is_at
from stepdig.report.rows import IGNORED, SUCCESS
from stepdig.report.track import Tracker
from stepdig.runner.templates import merge

Json = Any  # any value of JSON


@dataclass(frozen=True, slots=True)
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
    def succeeded(self) -> bool:
        """Whether it ended well; a run that was killed has no status."""
        return str(_json(self.folder / "status.json", {}).get("status")) == "SUCCEEDED"

    def tracker(self) -> Tracker:
        """Return its tasks' rows as they were when it ended."""
        tracker = Tracker(self.definition, _json(self.folder / "bundle.json", {"loops": {}, "tasks": {}}))
        events = [(event, "") for event in _lines(self.folder / "history.jsonl")]
        # Children of a distributed Map have the number of their item; other workflows are not this one's tasks.
        events += [(it, it["execution"]) for it in _lines(self.folder / "children.jsonl") if it.get("indexes")]
        for event, execution in sorted(events, key=lambda it: str(it[0]["timestamp"])):
            tracker.event(event, execution)
        return tracker

    def done(self) -> dict[str, Stores]:
        """Return the tasks that have ended well, by path, with what they stored; also those done before it began."""
        tracker = self.tracker()
        done: dict[str, Stores] = dict(_json(self.folder / "done.json", {}))
        for row in tracker.rows.values():
            path = row.name.removeprefix(tracker.root)
            if path and row.state in (SUCCESS, IGNORED) and "^" not in path:
                done[path] = self._stores(path, tracker)
        return done

    def _stores(self, path: str, tracker: Tracker) -> Stores:
        """Return what the tasks at and below a path stored, later ones over earlier ones."""
        found: dict[str, Any] = {}
        prefix = self.folder / "s3" / "runs" / str(self.start.get("machine")) / self.name
        for state, place in tracker.places.items():
            if is_at(place.task.removeprefix(tracker.root), path) and not place.ours:
                for file in sorted((prefix / state).rglob("output.json"), key=_iteration):
                    found = merge(found, _json(file, {}).get("store_params") or {})
        return found


def of_session(runs: Path, at: datetime) -> Earlier | None:
    """Return the last run of a session, or None."""
    session = at.astimezone(UTC).strftime(NAME)
    found = [path for path in runs.glob(f"{session}-*") if path.name.rpartition("-")[2].isdigit()]
    return Earlier(max(found, key=lambda path: int(path.name.rpartition("-")[2]))) if found else None


def to_resume(runs: Path, name: str) -> Earlier | None:
    """Return the run of that name, or without one the last that has not ended well; None when there is none."""
    if name:
        return Earlier(runs / name) if (runs / name / "start.json").is_file() else None
    found = sorted(runs.glob("*/start.json"), key=lambda path: path.stat().st_mtime_ns)
    last = next((Earlier(path.parent) for path in reversed(found)), None)
    return last if last is not None and not last.succeeded else None


def _iteration(file: Path) -> list[int]:
    return [int(part) for part in file.parts if part.isdigit()]


def _json(path: Path, empty: Json) -> Json:
    """Return the content of a file, `empty` when it is not there or was not written whole."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return empty


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file; what a killed engine wrote half is left out."""
    found = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
