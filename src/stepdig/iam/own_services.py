"""Rights for what the compiler emits: containers, functions, other workflows, distributed Maps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepdig.iam import arns
from stepdig.iam.calls import Call, is_expression, token
from stepdig.iam.needs import Around, needs
from stepdig.iam.shared import managed_rule, with_key
from stepdig.iam.statement import Statement

_ON_CLUSTER = {"ArnEquals": {"ecs:cluster": arns.CLUSTER}}
_TO_CONTAINERS = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
_MACHINES = re.compile(r"\$\{(StateMachine[A-Za-z0-9]+)\}")


@needs("ecs:runTask")
def run_task(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam ."""
    if call.arguments.get("Cluster") != "${Cluster}":
        around.refuse(call, "SD663", "a container runs in another cluster", "the stack's own is the one that is used")
        return
    yield from _definition(call, around)
    if call.pattern.startswith("sync"):
        watch = ("ecs:StopTask", "ecs:DescribeTasks")
        reason = "tasks are looked at where an event is lost, and stopped when the execution is"
        yield Statement("FollowTasks", watch, (arns.TASKS,), _ON_CLUSTER, reason)
        yield managed_rule("EventsOfTasks", "StepFunctionsGetEventsForECSTaskRule", "the end of a container")
    if any(key in call.arguments for key in ("Tags", "PropagateTags", "EnableECSManagedTags")):
        created = {"StringEquals": {"ecs:CreateAction": "RunTask"}}
        yield Statement("TagTasks", ("ecs:TagResource",), (arns.TASKS,), created, "containers are started with tags")


def _definition(call: Call, around: Around) -> Iterator[Statement]:
    """Yield the rights to run one task definition and to hand on its roles."""
    given = around.named(call, "TaskDefinition")
    if given is None:
        return
    job = around.jobs.get(token(given) or "")
    if job is None and not given.startswith("arn:"):
        around.refuse(call, "SD663", f"no job is meant by the task definition {given}", "name a job, or give an ARN")
        return
    foreign = job.task_definition if job is not None else given
    family = foreign if foreign else arns.family(around.machine, job.name if job is not None else "")
    # an ARN without a revision runs the latest one
    runs = family if family.rpartition("/")[2].count(":") else f"{family}:*"
    reason = "containers of the tasks' jobs are started, in the stack's cluster alone"
    yield Statement("RunTasks", ("ecs:RunTask",), (runs,), _ON_CLUSTER, reason)
    if foreign:
        yield _pass_foreign(job.pass_roles if job is not None else ())
        return
    assert job is not None
    roles = (f"${{{around.roles.tasks[job.name]}.Arn}}", f"${{{around.roles.execution}.Arn}}")
    reason = "ECS takes the roles of the containers from who starts them"
    yield Statement("PassRoles", ("iam:PassRole",), roles, _TO_CONTAINERS, reason)


def _pass_foreign(roles: tuple[str, ...]) -> Statement:
    """Return PassRole for a task definition that is not ours: of the roles that job.yml names, else of any, to containers."""
    if roles:
        reason = "roles of a task definition that is not the stack's, which job.yml names (pass_roles)"
        return Statement("PassGivenRoles", ("iam:PassRole",), roles, _TO_CONTAINERS, reason)
    reason = "roles of a task definition that is not the stack's are not known; pass_roles of job.yml names them"
    return Statement("PassUnknownRoles", ("iam:PassRole",), (arns.ANY_ROLE,), _TO_CONTAINERS, reason)


@needs("lambda:invoke")
def invoke(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html ."""
    function = around.named(call, "FunctionName")
    if function is None:
        return
    name = token(function)
    arn = f"${{{name}Arn}}" if name else function
    if not name and not arn.startswith("arn:"):
        around.refuse(call, "SD663", f"the function {function} is not the stack's", "give its ARN")
        return
    yield Statement("CallFunctions", ("lambda:InvokeFunction",), (arn,), {}, "the functions that the workflow calls")


@needs("states:startExecution")
def start_execution(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html ."""
    given = around.named(call, "StateMachineArn")
    machine = around.machines.get(token(given) or "")
    if given is None:
        return
    if machine is None:
        around.refuse(call, "SD663", f"no workflow is meant by {given}", "name a workflow of the project")
        return
    start, runs = (arns.state_machine(machine),), (arns.executions(machine),)
    yield Statement("StartWorkflows", ("states:StartExecution",), start, {}, "the workflows that require> names")
    if call.pattern.startswith("sync"):
        yield _describe(runs)
        reason = "a required run is stopped with the one that waits for it"
        yield Statement("StopWorkflows", ("states:StopExecution",), runs, {}, reason)
        rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
        yield managed_rule("EventsOfWorkflows", rule, "the end of a required run")


@needs("aws-sdk:sfn:describeExecution")
def describe_execution(call: Call, around: Around) -> Iterator[Statement]:
    """Another run of a required workflow, whose ARN is made of the machine's."""
    names = _MACHINES.findall(str(call.arguments.get("ExecutionArn", "")))
    machines = [around.machines[name] for name in names if name in around.machines]
    if not machines:
        around.refuse(call, "SD663", "no workflow is meant by ExecutionArn", "name a workflow of the project")
    for machine in machines:
        yield _describe((arns.executions(machine),))


def _describe(runs: tuple[str, ...]) -> Statement:
    reason = "how a required run stands and ended"
    return Statement("DescribeWorkflows", ("states:DescribeExecution",), runs, {}, reason)


@needs("map")
def distributed_map(_call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html ."""
    own, runs = (arns.state_machine(around.machine),), (arns.executions(around.machine),)
    yield Statement(
        "StartIterations", ("states:StartExecution",), own, {}, "iterations of a distributed Map are executions"
    )
    follow = ("states:DescribeExecution", "states:StopExecution")
    yield Statement("FollowIterations", follow, runs, {}, "iterations are looked at, and stopped with the run")
    again = (arns.map_runs(around.machine),)
    yield Statement(
        "RedriveIterations", ("states:RedriveExecution",), again, {}, "a redrive runs the failed iterations again"
    )


@needs("aws-sdk:s3:getObject")
def get_object(call: Call, around: Around) -> Iterator[Statement]:
    """An object of the run, or of a bucket that the workflow names."""
    if token(call.arguments.get("Bucket")) == "Bucket":
        if _of_run(call, around):
            yield Statement(
                "ReadRuns", ("s3:GetObject",), _runs(around), {}, "what tasks of the workflow's runs stored"
            )
            yield with_key("DecryptRuns", "kms:Decrypt", "objects of runs are encrypted by the stack's key")
        return
    reason = "objects that the workflow reads"
    yield from _elsewhere(call, around, "ReadObjects", reason)


@needs("aws-sdk:s3:putObject")
def put_object(call: Call, around: Around) -> Iterator[Statement]:
    """An object of the run."""
    if token(call.arguments.get("Bucket")) != "Bucket":
        around.refuse(call, "SD663", "an object is written to a bucket that is not the stack's", "write it in a task")
    elif _of_run(call, around):
        yield Statement(
            "WriteRuns", ("s3:PutObject",), _runs(around), {}, "lists and outputs that states leave for tasks"
        )
        yield with_key("EncryptRuns", "kms:GenerateDataKey", "objects of runs are encrypted by the stack's key")


@needs("aws-sdk:s3:headObject")
def head_object(call: Call, around: Around) -> Iterator[Statement]:
    """`s3_wait>`: the object, and whether it is there: without the right to list, S3 says 403 for a missing one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    yield from _elsewhere(call, around, "LookForObjects", "objects that s3_wait> waits for")


def _elsewhere(call: Call, around: Around, sid: str, reason: str) -> Iterator[Statement]:
    """Yield the rights to read objects of buckets by their names."""
    version = "VersionId" in call.arguments
    for bucket in _buckets(call, around):
        key = call.arguments.get("Key")
        objects = f"{arns.S3}{bucket}/{'*' if is_expression(key) else _escaped(str(key))}"
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        yield Statement(sid + ("Versions" if version else ""), (action,), (objects,), {}, reason)
        told = "S3 tells a missing object from a forbidden one only to who may list the bucket"
        yield Statement("ListBuckets", ("s3:ListBucket",), (f"{arns.S3}{bucket}",), {}, told)


_ONE_OF = re.compile(r"\$b in \[('[a-z0-9.-]+'(?:,'[a-z0-9.-]+')*)\]\?")


def _buckets(call: Call, around: Around) -> list[str]:
    """Return the buckets of a call: one written out, or a list that the expression holds itself to."""
    given = call.arguments.get("Bucket")
    if not is_expression(given):
        return ["${Bucket}" if token(given) else str(given)]
    held = _ONE_OF.search(str(given))
    if held:
        return [name.strip("'") for name in held[1].split(",")]
    hint = "write the bucket out, or list those it may be: buckets: [a, b]"
    around.refuse(call, "SD661", "only the run knows the bucket, so no right can be given", hint)
    return []


def _escaped(key: str) -> str:
    """Return a key as a pattern of IAM, in which `*`, `?` and `$` have meanings."""
    return re.sub(r"[*?$]", lambda it: f"${{{it[0]}}}", key)


def _of_run(call: Call, around: Around) -> bool:
    """Tell whether a key lies below the run's own prefix; notes it if not."""
    key = str(call.arguments.get("Key", ""))
    if re.match(r"\{%\s*\(?\$(states\.input\.)?run\.prefix\b", key):
        return True
    around.refuse(call, "SD663", "a state reads or writes outside of its run's prefix", "this is a mistake of stepdig")
    return False


def _runs(around: Around) -> tuple[str, ...]:
    return arns.in_bucket(f"runs/{around.machine}/*")
