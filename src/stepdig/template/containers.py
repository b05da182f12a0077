"""The jobs of a workflow -> their task definitions.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from __future__ import annotations

from stepdig.iam import Used, secret_names, used
from stepdig.language.job import Job
from stepdig.runner.secret_files import VARIABLE as FILE
from stepdig.runner.secret_texts import variable
from stepdig.template.ids import logical_id
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, Value, att, literal, ref, text

VOLUME = "workspace"
RUNNER = "/opt/stepdig/runner.pyz"  # where `packing` lays it into images
_WRITING_SECONDS = 5  # of the grace, for the outputs of a task that was stopped


def built(job: Job) -> bool:
    """Tell whether a job's image is built for the stack: with the task runner, or from its own Dockerfile."""
    return not job.task_definition and not (job.plain and job.image)


def task_definitions(unit: Unit) -> Resources:
    """Return a task definition for each job of a workflow that has none yet.

    A revision that something still runs with, or may be redriven with, stays: UpdateReplacePolicy.
    """
    needs = used(unit.compiled.bundle)
    return {
        unit.id("TaskDefinition", name): {
            "Type": "AWS::ECS::TaskDefinition",
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "Delete",
            "Properties": _task_definition(unit, job, needs.get(name, Used())),
        }
        for name, job in unit.own_jobs.items()
    }


def _task_definition(unit: Unit, job: Job, needs: Used) -> dict[str, Value]:
    architecture = {"x86_64": "X86_64", "arm64": "ARM64"}[job.architecture]
    made: dict[str, Value] = {
        "Family": text(f"${{Stack}}-{literal(unit.machine)}-{literal(job.name)}"),
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": str(job.cpu),
        "Memory": str(job.memory),
        "RuntimePlatform": {"CpuArchitecture": architecture, "OperatingSystemFamily": "LINUX"},
        "TaskRoleArn": att(unit.id("TaskRole", job.name), "Arn"),
        "ExecutionRoleArn": att(unit.id("ExecutionRole"), "Arn"),
        "ContainerDefinitions": [_container(unit, job, needs)],
    }
    if job.ephemeral_storage is not None:
        made["EphemeralStorage"] = {"SizeInGiB": job.ephemeral_storage}
    if job.workspace:
        made["Volumes"] = [_volume()]
    return made


def _container(unit: Unit, job: Job, needs: Used) -> dict[str, Value]:
    """Return the one container. Its root file system can be written: the runner unpacks the project there, commands leave files.

    InitProcessEnabled: what a command leaves behind is reaped, and signals reach the runner, which is no init.
    """
    image = att(logical_id("Image", job.name), "Uri") if built(job) else text(job.image)
    made: dict[str, Value] = {"Name": job.container, "Essential": True, "Image": image}
    if not job.plain:
        made["EntryPoint"] = ["python3", "-I", RUNNER]  # -I: variables of the image for Python are for its own programs
        made["LinuxParameters"] = {"InitProcessEnabled": True}
    environment = _environment(job)
    if environment:
        made["Environment"] = [{"Name": name, "Value": value} for name, value in environment.items()]
    secrets = secrets_of(job, needs)
    if secrets:
        made["Secrets"] = [
            {"Name": name, "ValueFrom": text(secret_names.value_from(it))} for name, it in secrets.items()
        ]
    if job.workspace:
        made["MountPoints"] = [{"SourceVolume": VOLUME, "ContainerPath": job.workspace}]
    made["StopTimeout"] = job.stop_grace
    made["LogConfiguration"] = _log(unit, job)
    return made


def _environment(job: Job) -> dict[str, Value]:
    ours: dict[str, Value] = {}
    if not job.plain:
        grace = max(1, job.stop_grace // 2, job.stop_grace - _WRITING_SECONDS)
        ours = {"STEPDIG_BUCKET": ref("Bucket"), "STEPDIG_GRACE_SECONDS": str(grace)}
        if job.linger:
            ours["STEPDIG_LINGER_SECONDS"] = str(job.linger)
        if job.workspace:
            ours["STEPDIG_WORKSPACE"] = job.workspace
    return {**ours, **{name: text(value) for name, value in sorted(job.environment.items())}}


def secrets_of(job: Job, needs: Used) -> dict[str, str]:
    """Return the variables of a container that hold secrets, each with the secret's name."""
    keys = {variable(key): job.secret_keys.get(key, secret_names.own(key)) for key in needs.keys}
    files = {f"{FILE}{name}": it for name, it in job.secret_files.items()}
    return dict(sorted({**keys, **files, **job.secrets}.items()))


def _log(unit: Unit, job: Job) -> dict[str, Value]:
    """Return where a container's output goes; a slow CloudWatch stops no command, 25 MB wait for it.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    options = {
        "awslogs-group": text(f"/stepdig/${{Stack}}/{literal(job.name)}"),
        "awslogs-region": ref("AWS::Region"),
        "awslogs-stream-prefix": unit.machine,
        "mode": "non-blocking",
        "max-buffer-size": "25m",
    }
    return {"LogDriver": "awslogs", "Options": options}


def _volume() -> dict[str, Value]:
    """Return the shared file system, by its access point, encrypted on its way, with the task role's rights."""
    place = {
        "FilesystemId": ref("FileSystemId"),
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": {"AccessPointId": ref("AccessPointId"), "IAM": "ENABLED"},
    }
    return {"Name": VOLUME, "EFSVolumeConfiguration": place}
