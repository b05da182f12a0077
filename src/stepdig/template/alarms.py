"""A workflow -> its alarms: runs that did not succeed, runs held back by AWS, sessions that were never started.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from __future__ import annotations

from stepdig.iam import arns
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, Value, literal, ref, text

_SECONDS = 300
_ENDS = {"failed": "ExecutionsFailed", "timed_out": "ExecutionsTimedOut", "aborted": "ExecutionsAborted"}


def alarms(unit: Unit) -> Resources:
    """Return the alarms of a workflow; what is not counted is not alarming: no runs, no data."""
    name = arns.name(literal(unit.machine))
    machine = [{"Name": "StateMachineArn", "Value": ref(unit.id("StateMachine"))}]
    ends = [
        {"Id": key, "ReturnData": False, "MetricStat": _stat("AWS/States", metric, machine)}
        for key, metric in _ENDS.items()
    ]
    filled = ", ".join(f"FILL({key}, 0)" for key in _ENDS)
    total = {"Id": "total", "Label": "runs that did not succeed", "Expression": f"SUM([{filled}])"}
    found = {
        unit.id("FailedAlarm"): _alarm(f"runs of {name} failed, timed out or were stopped", Metrics=[*ends, total]),
        unit.id("ThrottledAlarm"): _alarm(
            f"runs of {name} wait for state transitions: the quota of the account is used up",
            **_plain("AWS/States", "ExecutionThrottled", machine),
        ),
    }
    if unit.compiled.bundle.get("schedule"):
        workflow = [{"Name": "Workflow", "Value": text(name)}]
        found[unit.id("MissedAlarm")] = _alarm(
            f"sessions of {name} were not started: an outage was longer than catch_up_limit",
            **_plain("stepdig", "SessionsMissed", workflow),
        )
    return found


def _stat(namespace: str, metric: str, dimensions: list[Value]) -> dict[str, Value]:
    named = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Metric": named, "Period": _SECONDS, "Stat": "Sum"}


def _plain(namespace: str, metric: str, dimensions: list[Value]) -> dict[str, Value]:
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": dimensions,
        "Period": _SECONDS,
        "Statistic": "Sum",
    }


def _alarm(description: str, **metric: Value) -> dict[str, Value]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": text(description),
            **metric,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [ref("AlarmTopicArn")],
        },
    }
