"""List when workflows start by themselves: their next sessions, and when these run."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from stepdig.commands._compile import compile_all
from stepdig.language.recurrence import Recurrence, expression
from stepdig.local import session
from stepdig.project import find_all

HELP = "list when workflows start by themselves: their next sessions"
COUNT = 3  # sessions of each


def add_arguments(parser: ArgumentParser) -> None:
    """Declare PATH..., --from, --count and --json."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a .dig file, a project folder, or the folder that holds workflows/ (default: where you stand)",
    )
    parser.add_argument(
        "--from", dest="since", type=_time, metavar="TIME", help="list runs from then on: 2026-03-28 (default: now)"
    )
    parser.add_argument("--count", type=_count, default=COUNT, metavar="N", help=f"sessions of each (default: {COUNT})")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")


def run(args: Namespace) -> int:
    """Compile, and tell the sessions of each workflow that has a schedule; raises ProblemsFound."""
    workflows = find_all(args.paths)
    scheduled = 0
    for workflow, made in compile_all(workflows).items():
        bundle: Mapping[str, Any] = made.bundle
        if "schedule" not in bundle:
            continue
        scheduled += 1
        schedule, zone = bundle["schedule"], session.zone(bundle["timezone"])
        fired = expression(schedule, bundle["timezone"], [(at, offset) for at, offset in bundle["offsets"]])
        coming = list(_coming(schedule, zone, _since(args.since, zone), args.count))
        sys.stdout.write(
            _line(workflow.machine, bundle, fired, coming)
            if args.json
            else _text(workflow.machine, bundle, fired, coming)
        )
    if not scheduled and not args.json:
        sys.stdout.write("no workflow has a schedule\n")
    return 0


def _coming(
    schedule: Mapping[str, Any], zone: tzinfo, since: datetime, count: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield sessions and their times to run, from a time on; fewer where the schedule ends."""
    periods, delay = session.periods(), timedelta(seconds=int(schedule["delay"]))
    at = since.astimezone(UTC) - delay - timedelta(seconds=1)
    for _ in range(count):
        at = periods.after(schedule, zone, at).astimezone(UTC)
        if at >= periods.NEVER:
            return
        yield at.astimezone(zone), (at + delay).astimezone(zone)


def _text(name: str, bundle: Mapping[str, Any], fired: Recurrence, coming: list[tuple[datetime, datetime]]) -> str:
    where = "" if fired.timezone == bundle["timezone"] else f" {fired.timezone}"
    lines = [f"{name}   {bundle['timezone']}   {fired.expression}{where}"]
    lines += [f"  session {at.isoformat()}   runs {due.isoformat(' ')}" for at, due in coming]
    return "\n".join([*lines, *([] if coming else ["  has ended"])]) + "\n"


def _line(name: str, bundle: Mapping[str, Any], fired: Recurrence, coming: list[tuple[datetime, datetime]]) -> str:
    told = {
        "event": "schedule",
        "workflow": name,
        "timezone": bundle["timezone"],
        "expression": fired.expression,
        "expression_timezone": fired.timezone,
        "sessions": [{"session_time": at.isoformat(), "runs": due.isoformat()} for at, due in coming],
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def _since(given: datetime | None, zone: tzinfo) -> datetime:
    """Return the time to begin at; one without an offset is of the workflow's zone."""
    if given is None:
        return datetime.now(UTC)
    return given if given.tzinfo is not None else given.replace(tzinfo=zone)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no time; give 2026-03-28, or 2026-03-28T07:00:00+09:00") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 1000):
        raise ArgumentTypeError(f"'{text}' is no number from 1 to 1000")
    return int(text)
