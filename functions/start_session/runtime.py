"""What Lambda gives this function: Step Functions, EventBridge Scheduler, the log and the metrics."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import boto3
import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from executions import Executions

# At midnight all workflows ask at once, and listing has room for few a second: boto3 waits and tries again.
_PATIENT = boto3.session.Config(retries={"mode": "adaptive", "total_max_attempts": 10})

logger = Logger(service="start_session")
http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=20), retries=3)


@cache
def _client(service: str) -> Any:  # noqa: ANN401 - boto3 ships no types
    """Return a client of AWS; the process keeps it."""
    return boto3.client(service, config=_PATIENT)


class _Aws:
    def executions(self, machine: str, unqualified: str) -> Executions:
        return Executions(_client("stepfunctions"), machine, unqualified)

    def changed(self, schedule_arn: str) -> datetime | None:
        group, name = schedule_arn.partition(":schedule/")[2].split("/")
        found = _schedule(group, name)
        return found["LastModificationDate"] if found is not None else None

    def log(self, text: str, **known: object) -> None:
        logger.info(text, extra=known)

    def count(self, metric: str, workflow: str, number: int) -> None:
        with single_metric(name=metric, unit=MetricUnit.Count, value=number, namespace="stepdig") as it:
            it.add_dimension(name="Workflow", value=workflow)


def state(group: str, name: str) -> str | None:
    """Return whether a schedule is ENABLED or DISABLED; None when there is none of that name."""
    found = _schedule(group, name)
    return found["State"] if found is not None else None


def _schedule(group: str, name: str) -> Any:  # noqa: ANN401 - as AWS has it
    scheduler = _client("scheduler")
    try:
        return scheduler.get_schedule(GroupName=group, Name=name)
    except scheduler.exceptions.ResourceNotFoundException:
        return None


def aws() -> _Aws:
    """Return AWS as `start.run` knows it."""
    return _Aws()
