"""The session of a local run: its time as Digdag reads it, the execution's name, the folder that keeps the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any

from stepdig.local import functions

LOCAL = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")
NAME = "%Y%m%dT%H%M%SZ"  # of an execution: letters and digits only, as CloudWatch wants
FORMS = 'hourly, daily, last, "YYYY-MM-DD", "YYYY-MM-DD HH:MM:SS" or a time with an offset, 2026-11-20T00:00:00+09:00'


class SessionError(ValueError):
    """A `--session` that is no session time."""


def zone(name: str) -> tzinfo:
    """Return a `timezone:` of a workflow, an IANA name or an offset such as `+09:00`. Raises SessionError."""
    try:
        found: tzinfo = periods().zone(name)
    except ValueError as error:
        raise SessionError(str(error)) from None
    return found


def periods() -> ModuleType:
    """Return what finds the sessions of a schedule: the file of start_session, here as on AWS."""
    return functions.module("start_session", "periods")


def session_time(text: str | None, where: tzinfo, now: datetime, last: datetime | None) -> datetime:
    """Return the session time that `--session` asks for, in the workflow's zone. Raises SessionError.

    As `digdag run` does: none given is today's midnight; `last` is the latest session that ran here, else today's
    midnight. A local time that a clock change skips moves forward, one that comes twice is the earlier
    (https://docs.digdag.io/command_reference.html#run). Unlike there, none given never means the last session again:
    nothing of it would be skipped.
    """
    here = now.astimezone(where)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if text == "last" and last is not None:
        return last.astimezone(where)
    if text in (None, "daily", "last"):
        return _real(midnight, where)
    if text == "hourly":
        return _real(here.replace(minute=0, second=0, microsecond=0), where)
    return _written(text or "", where)


def execution_name(time: datetime, runs: Path) -> str:
    """Return the first free name of the session's attempts: `20261119T150000Z-1`."""
    session = time.astimezone(UTC).strftime(NAME)
    taken = {path.name for path in runs.glob(f"{session}-*")} if runs.is_dir() else set()
    return next(name for number in range(1, len(taken) + 2) if (name := f"{session}-{number}") not in taken)


def scheduled(bundle: Mapping[str, Any], at: datetime, where: tzinfo, runs: Path) -> dict[str, str]:
    """Return what a schedule's starter gives beside the session time: the sessions around it, and the last one that ran."""
    schedule = bundle.get("schedule")
    if schedule is None:
        return {}
    executed = [time for time in _sessions(runs) if time < at]
    last = {"last_executed_session_time": max(executed).astimezone(where).isoformat()} if executed else {}
    return {**periods().around(schedule, where, at), **last}


def last_session(runs: Path) -> datetime | None:
    """Return the latest session time among the runs kept in a folder, or None."""
    return max(_sessions(runs), default=None)


def _sessions(runs: Path) -> list[datetime]:
    """Return the session times of the runs kept in a folder."""
    names = [path.name.rpartition("-")[0] for path in runs.iterdir()] if runs.is_dir() else []
    return [time for name in names if (time := _named(name)) is not None]


def _written(text: str, where: tzinfo) -> datetime:
    if match := LOCAL.fullmatch(text.strip()):
        try:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            return _real(datetime(year, month, day, hour, minute, second, tzinfo=where), where)
        except ValueError as error:
            raise SessionError(f"{text}: {error}") from None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or time.microsecond:
        raise SessionError(f"'{text}' is no session time; give {FORMS}")
    return time.astimezone(where)


def _real(local: datetime, where: tzinfo) -> datetime:
    """Return a local time that exists: by way of UTC, one in a gap comes out an hour later."""
    return local.astimezone(UTC).astimezone(where)


def _named(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
