"""Compiled definition -> the role of its state machine: each call it makes, in whatever scope, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from stepdig.asl.tokens import job_token, machine_token
from stepdig.iam import other_services, own_services, queries
from stepdig.iam.calls import calls
from stepdig.iam.needs import TABLE, Around
from stepdig.iam.statement import Roles, Statement
from stepdig.language.job import Job
from stepdig.problem import Problems

assert own_services
assert other_services
assert queries  # importing them fills the table
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
_LOGGING = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
_TRACING = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)


def machine_statements(
    definition: Mapping[str, object],
    machine: str,
    jobs: Mapping[str, Job],
    *,
    roles: Roles,
    requires: Mapping[str, str],
) -> tuple[Statement, ...]:
    """Return what the state machine of a workflow may. Raises ProblemsFound (SD660-SD669) for what cannot be derived.

    machine    `<project>-<workflow>`
    jobs       those that its tasks run in, by name
    roles      logical ids of the roles of its containers
    requires   workflow as `require>` names it (`Compiled.requires`) -> its machine, `<project>-<workflow>`
    """
    problems = Problems()
    tokens = {job_token(name): job for name, job in jobs.items()}
    machines = {machine_token(workflow): name for workflow, name in requires.items()}
    around = Around(machine, tokens, roles, machines, problems)
    found: list[Statement] = []
    for call in calls(definition):
        derive = TABLE.get(call.service)
        if derive is None:
            hint = "this is a mistake of stepdig: its table of rights (src/stepdig/iam/) has no line for it"
            around.refuse(call, "SD660", f"which rights {call.service} needs is not known", hint)
        else:
            found.extend(derive(call, around))
    problems.raise_if_any()
    return (*merged(found), *always())


def always() -> tuple[Statement, ...]:
    """Return what every state machine needs for its log and its traces."""
    return (
        Statement("DeliverLogs", _LOGGING, ("*",), {}, "the execution's log; these actions know no resources"),
        Statement("WriteTraces", _TRACING, ("*",), {}, "traces of X-Ray; these actions know no resources"),
    )


def merged(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements with those of one sid as one; they differ in their resources alone."""
    made: dict[str, Statement] = {}
    for statement in statements:
        known = made.setdefault(statement.sid, statement)
        assert (known.actions, known.conditions) == (statement.actions, statement.conditions), statement.sid
        resources = tuple(sorted({*known.resources, *statement.resources}))
        made[statement.sid] = replace(known, resources=resources)
    return tuple(made.values())
