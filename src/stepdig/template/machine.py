"""A workflow -> its state machine, the log of that, what its definition's substitutions stand for."""

from __future__ import annotations

from stepdig.asl.tokens import job_token, machine_token
from stepdig.iam import arns
from stepdig.template.ids import logical_id
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, Value, att, literal, ref, text

ALIAS = "live"
SUFFIX = ".asl.json"
_SAME = ("Bucket", "Cluster", "Environment", "SecurityGroupIds", "Stack", "SubnetIds")  # parameters of the same name


def alias_id(unit: Unit) -> str:
    """Return the logical id that SAM gives to the alias."""
    return f"{unit.id('StateMachine')}Alias{ALIAS}"


def state_machine(unit: Unit) -> Resources:
    """Return the machine and its log group.

    The log takes errors alone and no data: the history of an execution has all, for 90 days, and who may read logs need not
    read parameters. Vended logs need no resource policy of the account, whose room is small.
    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """
    name = arns.name(literal(unit.machine))
    log = unit.id("MachineLog")
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": att(log, "Arn")}}
    return {
        unit.id("StateMachine"): {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Name": text(name),
                "Type": "STANDARD",
                "DefinitionUri": f"{unit.machine}{SUFFIX}",
                "DefinitionSubstitutions": substitutions(unit),
                "Role": att(unit.id("MachineRole"), "Arn"),
                "Logging": {"Level": "ERROR", "IncludeExecutionData": False, "Destinations": [destination]},
                "Tracing": {"Enabled": True},
                "AutoPublishAlias": ALIAS,
            },
        },
        log: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": text(f"/aws/vendedlogs/states/{name}"),
                "RetentionInDays": ref("LogRetentionDays"),
                "KmsKeyId": ref("KeyArn"),
            },
        },
    }


def substitutions(unit: Unit) -> dict[str, Value]:
    """Return what each `${Name}` of the definition stands for: those that it uses and no others."""
    made = unit.compiled
    jobs = {job_token(name): job for name, job in made.jobs.items()}
    others = {machine_token(name): f"{unit.project}-{name}" for name in made.requires}
    found: dict[str, Value] = {}
    for name in made.substitutions:
        if name in _SAME:
            found[name] = ref(name)
        elif name == "Archive":
            found[name] = att(logical_id("Archive", unit.project), "Key")
        elif name in jobs:
            job = jobs[name]
            found[name] = job.task_definition or ref(unit.id("TaskDefinition", job.name))
        elif name in others:  # by its name: two machines may need each other, and may lie in two templates
            found[name] = text(arns.state_machine(literal(others[name])))
        else:
            found[name] = ref(f"{name}Arn")
    return found
