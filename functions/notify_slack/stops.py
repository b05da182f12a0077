"""Why ECS stopped a task: what the stop code, the stopped reason and the containers' reasons mean, and exit codes.

The first row that fits speaks; beside each is the page it leans on.
"""

from __future__ import annotations

from reason import ECS, REDRIVE, row

_PULL = ECS + "task_cannot_pull_image.html"
_INIT = ECS + "resource-initialization-error.html"
_CODES = ECS + "stopped-task-error-codes.html"
_NETWORK = (
    "Look at the network: private subnets need a NAT gateway or VPC endpoints, and the security group must let 443 out."
)
STOPS = (
    row(
        r"OutOfMemory|out of memory",
        "The container ran out of memory.",
        "Give it more: `memory` in jobs/{job}/job.yml, or `ecs: {memory: ...}` of the task.",
        ECS + "out-of-memory.html",
    ),
    row(
        r"SpotInterruption|Spot Task was interrupted|Spot interruption",
        "AWS took the Spot capacity back while it ran.",
        "Redrive the run; `capacity: spot_then_on_demand` in jobs/{job}/job.yml goes on without Spot by itself.",
        ECS + "fargate-capacity-providers.html",
    ),
    row(
        r"CannotPull.*(toomanyrequests|too many requests|rate limit)",
        "The registry refused the image: too many pulls.",
        "Redrive the run later; an image in ECR has no such limit.",
        _PULL,
    ),
    row(
        r"CannotPull.*(platform|no matching manifest|no match for)",
        "The image is not made for the job's processor.",
        "Set `architecture` in jobs/{job}/job.yml to that of the image, or build the image for both.",
        _PULL,
    ),
    row(
        r"CannotPull.*(access ?denied|not authorized|denied:|unauthorized|forbidden|no basic auth)",
        "The registry did not let ECS have the image.",
        "Check the image's name in jobs/{job}/job.yml, and that the execution role may pull from its repository.",
        _PULL,
    ),
    row(
        r"CannotPull.*(not found|manifest unknown|does not exist|invalid reference)",
        "There is no such image.",
        "Check the image's name and tag in jobs/{job}/job.yml, and that it was built and pushed.",
        _PULL,
    ),
    row(
        r"CannotPull.*no space left",
        "The image does not fit on the task's disk.",
        "Raise `ephemeral_storage` in jobs/{job}/job.yml.",
        _PULL,
    ),
    row(
        r"CannotPull.*(timeout|timed out|deadline|dial tcp|connection|request canceled|EOF)",
        "The image's registry could not be reached.",
        _NETWORK,
        _PULL,
    ),
    row(r"CannotPull", "The image could not be fetched.", "Check the image's name in jobs/{job}/job.yml.", _PULL),
    row(
        r"ResourceInitialization.*secret.*(access ?denied|not authorized|kms)",
        "The container's execution role may not read one of its secrets.",
        "Check the secrets in jobs/{job}/job.yml and the policy of their KMS key, and deploy.",
        _INIT,
    ),
    row(
        r"ResourceInitialization.*(logger|logging driver|log group|log stream|awslogs)",
        "The log of the container could not be opened.",
        "Check that the job's log group is there (deploying makes it) and that CloudWatch Logs can be reached.",
        _INIT,
    ),
    row(
        r"ResourceInitialization.*(ResourceNotFound|ParameterNotFound|can't find|invalid ?parameters|json key"
        r"|marked for deletion)",
        "A secret of the job is not there.",
        "Store it under the name that jobs/{job}/job.yml has for it: `stepdig secrets` tells which.",
        _INIT,
    ),
    row(
        r"ResourceInitialization.*(secret|registry auth|ecr).*(timeout|timed out|deadline|dial tcp|RequestError"
        r"|connection|killed)",
        "Secrets Manager, the Parameter Store or the registry could not be reached.",
        _NETWORK,
        _INIT,
    ),
    row(
        r"ResourceInitialization.*(access ?denied|not authorized)",
        "The container's execution role lacks a right.",
        "Read the words above: they name the right. Deploy again if the role was changed by hand.",
        _INIT,
    ),
    row(
        r"ResourceInitialization.*(EFS|file ?system|mount|volume)",
        "The file system could not be mounted.",
        "Check its mount targets in the task's subnets, and that the security groups let port 2049 through.",
        _INIT,
    ),
    row(
        r"ResourceInitialization",
        "AWS could not set up the container.",
        "Read the words above, then redrive the run.",
        _INIT,
    ),
    row(
        r"network interface provision|attach.*network interface",
        "AWS could not give the container a network interface in time.",
        "Redrive the run; if it comes again, see whether the subnets have free addresses.",
        _CODES,
    ),
    row(r"EphemeralStorage provisioning", "AWS could not give the container its disk in time.", REDRIVE, _CODES),
    row(
        r"Capacity is unavailable|RESOURCE:|no capacity|insufficient capacity",
        "Fargate had no capacity left.",
        "Redrive the run in a while; `capacity: spot_then_on_demand` and subnets in more zones help.",
        ECS + "api_failures_messages.html",
    ),
    row(
        r"exec format error",
        "The image is not made for the job's processor.",
        "Set `architecture` in jobs/{job}/job.yml to that of the image.",
        ECS + "cannot-start-container.html",
    ),
    row(
        r"(CannotStart|CannotCreate).*(executable file not found|no such file)",
        "What the container is to run is not in its image.",
        "Install it in the image of jobs/{job}, which needs python3 as well.",
        ECS + "cannot-start-container.html",
    ),
    row(
        r"(CannotStart|CannotCreate).*permission denied",
        "What the container is to run cannot be executed.",
        "Make it executable in the image of jobs/{job}.",
        ECS + "cannot-start-container.html",
    ),
    row(
        r"CannotCreateVolume",
        "The file system could not be mounted.",
        "Check that it is there and can be reached.",
        _CODES,
    ),
    row(
        r"CannotStart|CannotCreate|CannotInspect|ContainerRuntime|InternalError",
        "AWS could not start the container.",
        REDRIVE,
        _CODES,
    ),
    row(
        r"TerminationNotice|InfrastructureHealth|maintenance on the underlying|retire",
        "AWS took the machine below the container away.",
        REDRIVE,
        ECS + "task-maintenance.html",
    ),
    row(
        r"UserInitiated|stopped by user|StopTask",
        "Somebody stopped the container, or Step Functions did as the run ended.",
        "",
        _CODES,
    ),
)
# What a shell's exit codes mean, in the middle of a sentence; the report of local runs says the same.
EXIT_CODES = {
    126: "the command is there but cannot be executed",
    127: "a command was not found",
    130: "interrupted",
    137: "killed; in a container mostly for want of memory",
    139: "crashed (SIGSEGV)",
    143: "told to stop (SIGTERM)",
}
EXIT_TODOS = {
    126: "Make the file executable, in git too: `git update-index --chmod=+x FILE`.",
    127: "Install the command in the image of jobs/{job}, or correct its name.",
    137: "Give it more memory: `memory` in jobs/{job}/job.yml, or `ecs: {memory: ...}` of the task.",
    139: "The program itself is at fault, or made for another processor (`architecture` in jobs/{job}/job.yml).",
    143: REDRIVE,
}
