"""A status-change event of an execution -> what a person is told of the run: who, how it ended, why, where to look.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html has the event. Everything else is asked of
AWS and may be missing: a message with less in it is better than none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timezone
from typing import Any, Protocol

import history
import links
import reasons
from history import Step
from objects import object_in
from reason import Reason

DETAIL_TYPE = "Step Functions Execution Status Change"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
LOG_LINES = 10
NAME_CHARS = 60
_SESSION = re.compile(r"(\d{8}T\d{6}Z)-(\d+)")  # an execution's name: the session in UTC, the attempt
EXECUTION = re.compile(r"arn:[\w-]+:states:[\w-]+:\d*:execution:\S+")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


class Aws(Protocol):
    """What AWS is asked. Each answer is empty when AWS does not give it."""

    def execution(self, arn: str) -> Mapping[str, Any]:
        """Return DescribeExecution's answer."""

    def first_events(self, arn: str) -> Sequence[history.Event]:
        """Return the first events of a history."""

    def last_events(self, arn: str) -> Sequence[history.Event]:
        """Return the last events of a history, as many as a message can lean on."""

    def log_lines(self, group: str, stream: str, number: int) -> Sequence[str]:
        """Return the last lines of a log stream."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step that failed or was running: its name as Digdag has it, its item, why, and its pages."""

    task: str
    item: str
    reason: Reason
    ecs_task: str = ""
    log: str = ""
    stream: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """All that a message may say of a run.

    workflow, project   the machine's name without the stack's, and "", where no more is known
    session             the session time with its zone's offset; None when it is not known
    parts               what failed, or what was running; the first one is told in full
    total               how many items failed, also those that `parts` does not have
    machine, input      the ARN by which a new run starts; what this one was started with
    """

    workflow: str
    project: str
    arn: str
    name: str
    status: str
    session: datetime | None
    started: datetime | None
    stopped: datetime | None
    error: str
    reason: Reason | None
    parts: tuple[Part, ...] = ()
    total: int = 0
    log_lines: tuple[str, ...] = ()
    redrives: int = 0
    not_redrivable: str = ""
    machine: str = ""
    input: str = "{}"

    @property
    def again(self) -> tuple[str, str]:
        """What starts its session anew, with what is deployed now: a name, "" if it has none of a session; the input."""
        named = _SESSION.fullmatch(self.name)
        given = dict(object_in(self.input))
        if self.session is not None:
            given["session_time"] = self.session.isoformat()
        if named:
            given["attempt_id"] = int(named[2]) + 1
        return (f"{named[1]}-{int(named[2]) + 1}" if named else ""), json.dumps(given, ensure_ascii=False)


def wanted(detail: Mapping[str, Any], on: str, except_: str, stack: str) -> bool:
    """Tell whether an event leads to a message.

    `on` lists statuses; `except_` workflows without messages, `shop-ping`, or without those of one status,
    `shop-ping:SUCCEEDED`. Children of a distributed Map (their machine's name has a `/`) are parts of a run.
    """
    machine, status = _machine(str(detail.get("stateMachineArn", ""))), str(detail.get("status", ""))
    listed = {word.strip().upper() for word in on.split(",") if word.strip()} or set(ENDED)
    name = machine.removeprefix(f"{stack}-")
    silent = {word.strip() for word in except_.split(",")}
    return status in ENDED and status in listed and "/" not in machine and not {name, f"{name}:{status}"} & silent


def known(event: Mapping[str, Any], aws: Aws, stack: str, ours: str = "") -> Run:
    """Return what is known of the run that an event tells of; `ours` is the name of the function that sends messages."""
    arn = str(event["detail"]["executionArn"])
    detail = {**event["detail"], **{key: value for key, value in aws.execution(arn).items() if value is not None}}
    machine = _machine(str(detail["stateMachineArn"]))
    started_as = history.first_run_object(aws.first_events(arn))
    project = str(started_as.get("archive") or "").removeprefix("archives/").rpartition("-")[0]
    name = machine.removeprefix(f"{stack}-") if stack else machine
    named = bool(project) and name.startswith(f"{project}-")
    run = Run(
        workflow=name.removeprefix(f"{project}-") if named else name,
        project=project if named else "",
        arn=arn,
        name=str(detail.get("name") or arn.rpartition(":")[2]),
        status=str(detail["status"]),
        session=_time(started_as.get("session_time") or object_in(detail.get("input")).get("session_time")),
        started=_time(detail.get("startDate")),
        stopped=_time(detail.get("stopDate")),
        error=str(detail.get("error") or ""),
        reason=None,
        redrives=redrives if isinstance(redrives := detail.get("redriveCount"), int) else 0,
        not_redrivable=_not_redrivable(detail),
        machine=str(detail.get("stateMachineAliasArn") or detail["stateMachineArn"]),
        input=str(detail.get("input") or "{}"),
    )
    return run if run.status == "SUCCEEDED" else _with_failure(run, detail, (machine, stack, ours), aws)


def _with_failure(run: Run, detail: Mapping[str, Any], names: tuple[str, str, str], aws: Aws) -> Run:
    """Return the run with what failed in it, why, and the last lines that the first of it wrote."""
    machine, stack, ours = names
    error, cause = (it if isinstance(it := detail.get(key), str) else None for key in ("error", "cause"))
    events = aws.last_events(run.arn)
    steps = history.failed_steps(events, ours) if run.status == "FAILED" else history.running_steps(events)
    parts = tuple(_part(step, run, machine, stack) for step in _foremost(steps, error, cause))
    lines: Sequence[str] = ()
    if parts and parts[0].stream is not None:
        lines = aws.log_lines(*parts[0].stream, LOG_LINES)
    reason = reasons.explain(error, cause) if error or cause or run.status == "FAILED" else None
    total = _number_failed(error, cause) or len(parts)
    return replace(run, reason=reason, parts=parts, total=total, log_lines=tuple(lines))


def _foremost(steps: list[Step], error: object, cause: object) -> list[Step]:
    """Return the steps that the run's own error is of, if there are any; else all that failed, as of a list's items."""
    own = [step for step in steps if step.error == error and step.cause == cause]
    return own or steps


def _part(step: Step, run: Run, machine: str, stack: str) -> Part:
    task = step.task or {}
    arn = str(task.get("TaskArn") or "")
    family = str(task.get("TaskDefinitionArn") or "").rpartition("/")[2].partition(":")[0]
    job = family.removeprefix(f"{machine}-") if family.startswith(f"{machine}-") else ""
    stream = (f"/stepdig/{stack}/{job}", f"{machine}/task/{arn.rpartition('/')[2]}") if arn and job and stack else None
    return Part(
        task=f"+{run.workflow}{step.state}" if step.state else "",
        item=_item(step.input),
        reason=reasons.explain(step.error, step.cause, job) if step.error or step.cause else Reason(""),
        ecs_task=links.ecs_task(arn) if arn else "",
        log=links.log_stream(arn, *stream) if stream else "",
        stream=stream,
    )


def _item(state_input: str) -> str:
    """Return what a person calls the iteration that a state's input tells of: `users`, `2026-11-20 eu`, `0-10`."""
    shown = [
        _shown(value) for key, value in object_in(state_input).items() if key not in ("run", "vars") and key[-1:] != "#"
    ]
    text = " ".join(shown)
    return text if len(text) <= NAME_CHARS else text[: NAME_CHARS - 4] + " ..."


def _shown(value: object) -> str:
    if isinstance(value, dict):
        if "from" in value and "to" in value:
            return f"{value['from']}-{value['to']}"
        return _shown(next(iter(value.values()), ""))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number_failed(error: object, cause: object) -> int:
    """Return how many items failed, which the join of a list says first: `12 failed: users (exit code 1), ...`."""
    found = re.match(r"(\d+) failed: ", str(cause)) if error == "ItemsFailed" else None
    return int(found[1]) if found else 0


def _not_redrivable(detail: Mapping[str, Any]) -> str:
    if detail.get("redriveStatus") != "NOT_REDRIVABLE":
        return ""
    return str(detail.get("redriveStatusReason") or "Step Functions says no more")


def _machine(arn: str) -> str:
    """Return a machine's name: `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`, perhaps `:VERSION` after it."""
    return ":".join(arn.split(":")[6:7])


def _time(value: object) -> datetime | None:
    """Return a time from milliseconds (the event), a datetime (boto3), or a text with an offset (`$run`)."""
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str) and _OFFSET.search(value):
            return datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def zone_of(session: datetime | None) -> timezone:
    """Return the zone in which times of a run are told: that of its session, else UTC."""
    offset = session.utcoffset() if session is not None else None
    return timezone(offset) if offset is not None else UTC


def cut_lines(lines: Iterable[str], width: int) -> list[str]:
    """Return lines of at most `width` characters."""
    return [line if len(line) <= width else line[: width - 4] + " ..." for line in lines]
