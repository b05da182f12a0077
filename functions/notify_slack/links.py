"""Pages of the AWS console: of an execution, a task, a stream of a log, an alarm.

CloudWatch's pages want names percent-encoded twice, with `$` for the second percent sign; no page of AWS's documentation
says so, its own console does.
"""

from __future__ import annotations

from urllib.parse import quote

_HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def execution(arn: str) -> str:
    """Return the page of an execution; "Redrive" is a button there."""
    return f"{_base(arn)}/states/home?region={_region(arn)}#/v2/executions/details/{arn}"


def ecs_task(arn: str) -> str:
    """Return the page of an ECS task, `arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`; "" of an ARN without its cluster."""
    place = arn.partition(":task/")[2].split("/")
    if len(place) != 2:
        return ""
    return f"{_base(arn)}/ecs/v2/clusters/{place[0]}/tasks/{place[1]}?region={_region(arn)}"


def log_stream(arn: str, group: str, stream: str) -> str:
    """Return the page of a log stream, in the account and region of `arn`."""
    at = f"log-groups/log-group/{_twice(group)}/log-events/{_twice(stream)}"
    return f"{_base(arn)}/cloudwatch/home?region={_region(arn)}#logsV2:{at}"


def alarm(arn: str, name: str) -> str:
    """Return the page of an alarm."""
    return f"{_base(arn)}/cloudwatch/home?region={_region(arn)}#alarmsV2:alarm/{quote(name, safe='')}"


def _twice(name: str) -> str:
    return quote(quote(name, safe=""), safe="").replace("%", "$")


def _base(arn: str) -> str:
    return f"https://{_region(arn)}.{_HOSTS.get(arn.split(':')[1], 'console.aws.amazon.com')}"


def _region(arn: str) -> str:
    return arn.split(":")[3]
