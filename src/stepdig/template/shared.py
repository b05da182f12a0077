"""What workflows of a template share: archives of their projects, images and logs of their jobs, further templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stepdig.language.job import Job
from stepdig.template.containers import built
from stepdig.template.ids import logical_id
from stepdig.template.parameters import NAMES
from stepdig.template.unit import Unit
from stepdig.template.values import Resources, Value, literal, ref, text

IMAGE_SECONDS = 3600  # the most CloudFormation waits; a build ends before


def jobs_of(units: Iterable[Unit]) -> dict[str, Job]:
    """Return the jobs of some workflows that have task definitions, sorted by name."""
    found = {name: job for unit in units for name, job in unit.own_jobs.items()}
    return dict(sorted(found.items()))


def published(units: Iterable[Unit]) -> Resources:
    """Return the archive of each project and the image of each job, which the function publish answers for."""
    units = list(units)
    made: Resources = {}
    for project in sorted({unit.project for unit in units}):
        made[logical_id("Archive", project)] = _custom("ProjectArchive", {"Project": project})
    for name, job in jobs_of(units).items():
        if built(job):
            wanted = {"Job": name, "ServiceTimeout": IMAGE_SECONDS}
            made[logical_id("Image", name)] = _custom("JobImage", wanted)
    return made


def _custom(kind: str, properties: Mapping[str, Value]) -> dict[str, Value]:
    token, version = ref("PublishFunctionArn"), ref("PublishVersion")
    return {
        "Type": f"Custom::{kind}",
        "Properties": {"ServiceToken": token, **properties, "PublishVersion": version},
    }


def job_logs(units: Iterable[Unit]) -> Resources:
    """Return the log groups of all jobs. They stand in the first template, whichever workflows use them."""
    return {
        logical_id("JobLog", name): {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": text(f"/stepdig/${{Stack}}/{literal(name)}"),
                "RetentionInDays": job.log_retention,
                "KmsKeyId": ref("KeyArn"),
            },
        }
        for name, job in jobs_of(units).items()
    }


def more_templates(files: Mapping[int, str]) -> Resources:
    """Return the further templates as nested applications, each with all parameters."""
    return {
        f"Workflows{number}": {
            "Type": "AWS::Serverless::Application",
            "Properties": {"Location": file, "Parameters": {name: ref(name) for name in NAMES}},
        }
        for number, file in sorted(files.items())
    }
