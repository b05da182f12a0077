"""ARNs of what a stack holds, by the names of docs/design.md, as texts for `Fn::Sub`."""

from __future__ import annotations

_HERE = "${AWS::Region}:${AWS::AccountId}"
CLUSTER = f"arn:${{AWS::Partition}}:ecs:{_HERE}:cluster/${{Cluster}}"
TASKS = f"arn:${{AWS::Partition}}:ecs:{_HERE}:task/${{Cluster}}/*"
BUCKET = "arn:${AWS::Partition}:s3:::${Bucket}"
KEY = "${KeyArn}"
REPOSITORY = f"arn:${{AWS::Partition}}:ecr:{_HERE}:repository/${{RepositoryName}}"
FILE_SYSTEM = f"arn:${{AWS::Partition}}:elasticfilesystem:{_HERE}:file-system/${{FileSystemId}}"
ACCESS_POINT = f"arn:${{AWS::Partition}}:elasticfilesystem:{_HERE}:access-point/${{AccessPointId}}"
ANY_KEY = f"arn:${{AWS::Partition}}:kms:{_HERE}:key/*"
ANY_ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"


def name(machine: str) -> str:
    """Return the name of a state machine, `<Stack>-<project>-<workflow>`; `machine` is `<project>-<workflow>`."""
    return f"${{Stack}}-{machine}"


def family(machine: str, job: str) -> str:
    """Return all revisions of the task definition of a workflow's job."""
    return f"arn:${{AWS::Partition}}:ecs:{_HERE}:task-definition/{name(machine)}-{job}:*"


def state_machine(machine: str) -> str:
    """Return a state machine's ARN, made of its name, so that machines may name each other and themselves."""
    return f"arn:${{AWS::Partition}}:states:{_HERE}:stateMachine:{name(machine)}"


def executions(machine: str) -> str:
    """Return the executions of a state machine."""
    return f"arn:${{AWS::Partition}}:states:{_HERE}:execution:{name(machine)}:*"


def map_runs(machine: str) -> str:
    """Return the child executions of a state machine's distributed Maps, `<machine>/<Map state>:<id>`."""
    return f"arn:${{AWS::Partition}}:states:{_HERE}:execution:{name(machine)}/*:*"


def rule(rule_name: str) -> str:
    """Return a rule of EventBridge that Step Functions manages."""
    return f"arn:${{AWS::Partition}}:events:{_HERE}:rule/{rule_name}"


def log_group(job: str) -> str:
    """Return the streams of a job's log group."""
    return f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:/stepdig/${{Stack}}/{job}:*"


def parameter(path: str) -> str:
    """Return a parameter of the Parameter Store; the ARN of `/a/b` and of `b` have one `/` before the name."""
    return f"arn:${{AWS::Partition}}:ssm:{_HERE}:parameter/{path.removeprefix('/')}"


def secret(secret_name: str) -> str:
    """Return a secret of Secrets Manager by its name, without the six characters that AWS adds."""
    return f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:secret:{secret_name}"


def in_bucket(*prefixes: str) -> tuple[str, ...]:
    """Return keys of the stack's bucket."""
    return tuple(f"{BUCKET}/{prefix}" for prefix in prefixes)
