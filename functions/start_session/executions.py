"""The executions of a workflow, whose names are their sessions: `20261119T150000Z-1` is the first attempt of one.

A name is taken once in 90 days, so a session cannot start twice, however often it is asked for:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

NAME = "%Y%m%dT%H%M%SZ"
_SESSION = re.compile(r"(\d{8}T\d{6}Z)-\d+")
PAGE = 1000  # the most that one call lists
CLOCKS = timedelta(seconds=5)  # by which Lambda's clock and that of Step Functions may differ


@dataclass(frozen=True)
class Execution:
    """One that was found: `session` is None where somebody gave it another name, `stopped` while it runs."""

    name: str
    session: datetime | None
    started: datetime
    stopped: datetime | None

    def ran_at(self, time: datetime) -> bool:
        """Return whether it was running at a time."""
        return self.started <= time and (self.stopped is None or time < self.stopped)


class Client(Protocol):
    """The calls of boto3's client that are used."""

    exceptions: Any  # made by botocore from AWS's model

    def describe_execution(self, *, executionArn: str) -> Mapping[str, Any]:  # noqa: N803 - AWS's names
        """Tell about one execution."""

    def list_executions(self, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - stateMachineArn, statusFilter, maxResults
        """List executions."""

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Mapping[str, Any]:  # noqa: A002, N803
        """Start an execution."""


class Executions:
    """Those of one state machine; `machine` is the ARN that starts them, `unqualified` the one that lists them."""

    def __init__(self, client: Client, machine: str, unqualified: str) -> None:
        self._client = client
        self._machine = machine
        self._unqualified = unqualified

    def exists(self, session: datetime) -> bool:
        """Return whether the first attempt of a session was started. One cheap call: listing is slow and scarce."""
        arn = self._unqualified.replace(":stateMachine:", ":execution:") + f":{name(session)}"
        try:
            self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return False
        return True

    def latest(self) -> list[Execution]:
        """Return the executions that started or ended last."""
        answer = self._client.list_executions(stateMachineArn=self._unqualified, maxResults=PAGE)
        return [_found(it) for it in answer["executions"]]

    def running(self) -> list[Execution]:
        """Return executions that run now."""
        answer = self._client.list_executions(
            stateMachineArn=self._unqualified, statusFilter="RUNNING", maxResults=PAGE
        )
        return [_found(it) for it in answer["executions"]]

    def start(self, session: datetime, given: Mapping[str, Any]) -> bool:
        """Start the first attempt of a session; return False when it was already, by a delivery that came twice.

        While the first execution runs, Step Functions answers a second call as it did the first, with the time of that one.
        """
        text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        asked = datetime.now(UTC)
        try:
            told = self._client.start_execution(stateMachineArn=self._machine, name=name(session), input=text)
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        began: datetime = told["startDate"]
        return began.astimezone(UTC) >= asked - CLOCKS


def name(session: datetime) -> str:
    """Return the name of a session's first attempt. It is of UTC: both sessions of an hour that comes twice have one."""
    return f"{session.astimezone(UTC).strftime(NAME)}-1"


def session_of(execution: str) -> datetime | None:
    """Return the session that the name of an execution tells, or None."""
    found = _SESSION.fullmatch(execution)
    try:
        return datetime.strptime(found[1], NAME).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _found(it: Mapping[str, Any]) -> Execution:
    stopped = it.get("stopDate") if it.get("status") != "RUNNING" else None
    return Execution(it["name"], session_of(it["name"]), it["startDate"], stopped)
