"""What has fired -> the sessions that start, and those that do not, each with its reason.

A session is due its delay after its time; the one that became due within the minute up to the firing is this firing's.
Sessions before it that have no execution were missed: `catch_up` says which of them start now. Times are of UTC in here,
so that they compare and add up as they pass; a session's input has them in the workflow's zone.
https://docs.digdag.io/scheduling_workflow.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

import periods
from executions import Execution, Executions, name
from firing import Firing

CATCH_UP_LIMIT = 24  # missed sessions that start after an outage, unless the schedule says otherwise
MINUTE = timedelta(minutes=1)


class Aws(Protocol):
    """What Lambda gives: AWS's answers, the log, the metrics."""

    def executions(self, machine: str, unqualified: str) -> Executions:
        """Return the executions of a state machine."""

    def changed(self, schedule_arn: str) -> datetime | None:
        """Return when a schedule was last changed; None when it is gone."""

    def log(self, text: str, **known: object) -> None:
        """Write a line of the log."""

    def count(self, metric: str, workflow: str, number: int) -> None:
        """Add to a metric."""


@dataclass
class Report:
    """What became of the sessions of one firing."""

    firing: Firing
    aws: Aws
    started: list[str] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    missed: int = 0

    def note(self, text: str, session: datetime | None = None, **known: object) -> None:
        """Log a decision about a session."""
        at = {"session": self.said(session)} if session is not None else {}
        self.aws.log(text, workflow=self.firing.workflow, fired=self.firing.at.isoformat(), **at, **known)

    def skip(self, session: datetime, reason: str) -> None:
        """Note a session that does not start."""
        self.note("session skipped", session, reason=reason)
        self.skipped.append({"session": self.said(session), "reason": reason})

    def said(self, session: datetime) -> str:
        """Return a session's time as the workflow sees it."""
        return session.astimezone(self.firing.zone).isoformat()


@dataclass(frozen=True)
class Past:
    """What was before a firing's session: the last one that ran, those that were missed, how many more than may start."""

    executed: datetime | None
    missed: Sequence[datetime] = ()
    beyond: int = 0


def run(firing: Firing, aws: Aws, now: datetime) -> dict[str, Any]:
    """Start the sessions that are due; return what was started, skipped and left out."""
    report = Report(firing, aws)
    session = due(firing)
    if session is None:
        report.note("no session is due")
    else:
        executions = aws.executions(firing.machine, firing.unqualified)
        past = _past(firing, session, executions, aws)
        report.missed = past.beyond
        if past.beyond:
            report.note("sessions of an outage are left out", session, number=past.beyond)
        executed = past.executed
        for each in (*past.missed, session):
            if _started(each, executed, executions, now, report):
                executed = each
    counts = {
        "SessionsStarted": len(report.started),
        "SessionsSkipped": len(report.skipped),
        "SessionsMissed": report.missed,
    }
    for metric, number in counts.items():
        if number:
            aws.count(metric, firing.workflow, number)
    return {"started": report.started, "skipped": report.skipped, "missed": report.missed}


def due(firing: Firing) -> datetime | None:
    """Return the session that became due in the minute up to the firing, or None: the schedule may fire too often."""
    until = firing.at - _delay(firing)
    session = periods.after(firing.schedule, firing.zone, until - MINUTE).astimezone(UTC)
    return session if session <= until else None


def _started(
    session: datetime, executed: datetime | None, executions: Executions, now: datetime, report: Report
) -> bool:
    """Start one session; return whether there is an execution of it now."""
    firing = report.firing
    late = now - (session + _delay(firing))
    if 0 < firing.schedule.get("skip_delayed_by", 0) < late.total_seconds():
        report.skip(session, f"skip_delayed_by: it was due {_spoken(late)} ago")
        return False
    if firing.schedule.get("skip_on_overtime"):
        running = report.started[:1] or [it.name for it in executions.running() if it.session != session]
        if running:
            report.skip(session, f"skip_on_overtime: {running[0]} is running")
            return False
    given = {
        "session_time": report.said(session),
        **periods.around(firing.schedule, firing.zone, session),
        **({"last_executed_session_time": report.said(executed)} if executed is not None else {}),
        "attempt_id": 1,
        "session_uuid": str(uuid5(NAMESPACE_URL, f"{firing.unqualified}/{name(session)}")),
    }
    if executions.start(session, given):
        report.started.append(name(session))
        report.note("session started", session, execution=name(session), late_seconds=int(late.total_seconds()))
    else:
        report.note("session was started before", session, execution=name(session))
    return True


def _past(firing: Firing, session: datetime, executions: Executions, aws: Aws) -> Past:
    """Return what was before a session. The usual case, that the one before it ran, costs one call."""
    before = periods.before(firing.schedule, firing.zone, session)
    if before is None:
        return Past(None)
    before = before.astimezone(UTC)
    if executions.exists(before):
        return Past(before)
    found = executions.latest()
    ran = [it.session for it in found if it.session is not None and it.session < session]
    last = max(ran, default=None)
    if last is None or firing.schedule.get("catch_up") == "none":
        return Past(last)
    changed = aws.changed(firing.schedule_arn) if firing.schedule_arn is not None else firing.at
    return _missed(firing, session, last, changed or firing.at, found)


def _missed(firing: Firing, session: datetime, last: datetime, changed: datetime, found: Sequence[Execution]) -> Past:
    """Return the sessions between the last one that ran and this one that became due since the schedule was changed.

    With `skip_on_overtime`, one that came while something ran was skipped then, and is not missed.
    """
    since = max(last, changed - _delay(firing))
    missed = [
        time
        for time in periods.between(firing.schedule, firing.zone, since, session)
        if not (firing.schedule.get("skip_on_overtime") and any(it.ran_at(time + _delay(firing)) for it in found))
    ]
    if firing.schedule.get("catch_up") == "last":
        return Past(last, missed[-1:])
    most = int(firing.schedule.get("catch_up_limit", CATCH_UP_LIMIT))
    return Past(last, missed[-most:], len(missed[:-most]))


def _delay(firing: Firing) -> timedelta:
    return timedelta(seconds=int(firing.schedule.get("delay", 0)))


def _spoken(time: timedelta) -> str:
    return str(timedelta(seconds=int(time.total_seconds())))
