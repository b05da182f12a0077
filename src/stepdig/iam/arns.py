"""ARNs of what a stack holds, by the names of docs/design.md, as texts for `Fn::Sub`."""

from __future__ import annotations

S3 = "arn:${AWS::Partition}:s3:::"  # names of buckets are one of a kind: their ARNs hold neither Region nor account


def of(service: str, rest: str) -> str:
    """Return the ARN of something of a service in the stack's Region and account."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}"


CLUSTER = of("ecs", "cluster/${Cluster}")
TASKS = of("ecs", "task/${Cluster}/*")
BUCKET = f"{S3}${{Bucket}}"
KEY = "${KeyArn}"
REPOSITORY = of("ecr", "repository/${RepositoryName}")
FILE_SYSTEM = of("elasticfilesystem", "file-system/${FileSystemId}")
ACCESS_POINT = of("elasticfilesystem", "access-point/${AccessPointId}")
ANY_KEY = of("kms", "key/*")
ANY_ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"


def name(machine: str) -> str:
    """Return the name of a state machine, `<Stack>-<project>-<workflow>`; `machine` is `<project>-<workflow>`."""
    return f"${{Stack}}-{machine}"


def family(machine: str, job: str) -> str:
    """Return all revisions of the task definition of a workflow's job."""
    return of("ecs", f"task-definition/{name(machine)}-{job}:*")


def state_machine(machine: str) -> str:
    """Return a state machine's ARN, made of its name, so that machines may name each other and themselves."""
    return of("states", f"stateMachine:{name(machine)}")


def executions(machine: str) -> str:
    """Return the executions of a state machine."""
    return of("states", f"execution:{name(machine)}:*")


def map_runs(machine: str) -> str:
    """Return the child executions of a state machine's distributed Maps, `<machine>/<Map state>:<id>`."""
    return of("states", f"execution:{name(machine)}/*:*")


def rule(rule_name: str) -> str:
    """Return a rule of EventBridge that Step Functions manages."""
    return of("events", f"rule/{rule_name}")


def log_group(job: str) -> str:
    """Return the streams of a job's log group."""
    return of("logs", f"log-group:/stepdig/${{Stack}}/{job}:*")


def parameter(path: str) -> str:
    """Return a parameter of the Parameter Store; the ARN of `/a/b` and of `b` have one `/` before the name."""
    return of("ssm", f"parameter/{path.removeprefix('/')}")


def secret(secret_name: str) -> str:
    """Return a secret of Secrets Manager by its name, without the six characters that AWS adds."""
    return of("secretsmanager", f"secret:{secret_name}")


def in_bucket(*prefixes: str) -> tuple[str, ...]:
    """Return keys of the stack's bucket."""
    return tuple(f"{BUCKET}/{prefix}" for prefix in prefixes)
