"""A job: the container image of command tasks with its size, capacity and rights, as `jobs/<name>/job.yml` describes it.

Frozen shapes; `job_files` reads them, `place` picks one for each command task, `template/` makes task definitions of them.
Texts may hold `${Stack}` and the other words of `job_keys.FILLED`, which a deployment fills in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Capacity = Literal["on_demand", "spot", "spot_then_on_demand"]
Architecture = Literal["x86_64", "arm64"]
IMPLIED_CHARS = 40  # of the name of an image or a task definition, in that of the job that is made of it


@dataclass(frozen=True, slots=True)
class Job:
    """What a container is made of and may do.

    name               the folder below jobs/, or one made of `docker: {image}` of a workflow
    image              a reference; "": built from the Dockerfile, else the requirements.txt, of its folder
    plain              the image is run as it is, by command, environment and exit code: no task runner, no outputs
    cpu, memory        units of 1/1024 vCPU, MiB: a pair that Fargate has
    capacity           which capacity providers launch it, in which order
    ephemeral_storage  GiB; None: Fargate's 20
    workspace          where the shared file system is mounted; "": it is not
    secrets            environment variable -> name of a parameter of SSM, `name:key` or `name:` of a secret of Secrets Manager,
                       or an ARN of either
    secret_files       environment variable -> such a name; the runner writes the secret to a file, the variable names that
    secret_keys        key of `${secret:key}` -> such a name, where it is not the project's own parameter
    environment        environment variable -> text
    statements         IAM statements of the task role, beside what the runner needs; actions and resources are lists
    log_retention      days
    stop_grace         seconds between SIGTERM and SIGKILL
    linger             seconds that a container stays after its command has ended, with what that left running
    timeout            seconds that a task may take, where it has no `_timeout`; None: no limit
    state              files that a task finds again as its last successful run left them
    python             of a laptop's environment: a version, a program or a path
    task_definition    ARN of a task definition that is not ours; `container` of it is run
    pass_roles         ARNs of its roles, which who starts it hands on; (): they are not known
    """

    name: str
    image: str = ""
    plain: bool = False
    cpu: int = 256
    memory: int = 512
    architecture: Architecture = "x86_64"
    capacity: Capacity = "on_demand"
    ephemeral_storage: int | None = None
    workspace: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    secret_keys: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[Mapping[str, object], ...] = ()
    log_retention: int = 90
    stop_grace: int = 30
    linger: int = 0
    timeout: int | None = None
    state: tuple[str, ...] = ()
    python: str = ""
    task_definition: str = ""
    pass_roles: tuple[str, ...] = ()
    container: str = "task"


def image_job(image: str, *, plain: bool = False, cpu: int = 256, memory: int = 512) -> Job:
    """Return the job of an image: `ghcr.io/shop/etl:1.4` -> `image-shop-etl-1-4`."""
    host, _, rest = image.partition("/")
    short = rest if rest and re.search("[.:]|^localhost$", host) else image
    name, _, digest = short.partition("@sha256:")
    return Job(
        _name("plain" if plain else "image", f"{name}-{digest[:12]}"), image, plain=plain, cpu=cpu, memory=memory
    )


def definition_job(arn: str, container: str) -> Job:
    """Return the job of a task definition that is there already: `...:task-definition/app:7` -> `task-app-7`."""
    return Job(_name("task", arn.partition("/")[2]), plain=True, task_definition=arn, container=container)


def _name(kind: str, text: str) -> str:
    words = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"{kind}-{words[:IMPLIED_CHARS].strip('-')}"


def bare(name: str) -> str:
    """Return a job's name as names of resources keep it: `load-small` and `load_small` are one there."""
    return name.replace("-", "").replace("_", "").lower()


def named(names: Collection[str]) -> dict[str, Job]:
    """Return jobs of these names with all the defaults."""
    return {name: Job(name) for name in names}
