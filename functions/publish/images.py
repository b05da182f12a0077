"""Custom::JobImage: the image of a job in the stack's repository, under a tag made of its content; built by CodeBuild if new.

A request that waits for a build is kept in the bucket, `builds/<tag>/waiting/<request>.json`, and answered when EventBridge
tells that the build ended. `builds/<tag>/build.json` names the build, so that all who ask for the same image share one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import archives
import packages
from errors import Unknown

# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
BUILDERS = {
    "x86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0", "linux/amd64"),
    "arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0", "linux/arm64"),
}
_NAME = re.compile(r"\$\{([A-Za-z:]+)\}")
# https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases
PHASES = {
    "QUEUED": "waiting for a builder",
    "PROVISIONING": "getting a builder",
    "DOWNLOAD_SOURCE": "fetching the build context from the bucket",
    "PRE_BUILD": "logging in to the repository",
    "BUILD": "docker build or push",
}


@dataclass(frozen=True)
class Place:
    """Where images are made and kept: the bucket, the repository's URI, CodeBuild's project; clients of AWS.

    folder     of this function's package
    buildspec  what CodeBuild does
    filled     what stands for `${Name}` in the reference of a base image
    """

    s3: Any
    ecr: Any
    codebuild: Any
    bucket: str
    repository: str
    project: str
    folder: Path
    buildspec: str
    filled: Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """A request that is answered when the build of a tag has ended; `started` is its id if it was started for this request."""

    tag: str
    started: str = ""


@dataclass(frozen=True)
class Ended:
    """A build that ended: the tag, who waits for it (key of the bucket, request), what is wrong or an empty text."""

    tag: str
    waiting: tuple[tuple[str, Mapping[str, Any]], ...]
    wrong: str


def wanted(place: Place, job: str, request: Mapping[str, Any]) -> dict[str, str] | Waiting:
    """Return the attribute Uri, or that the request is kept until a build has ended. Raises NotPacked, Unknown."""
    told = packages.told(place.folder, "images", job)
    base = _base(place, str(told.get("image", "")))
    tag = packages.named(job, hashlib.sha256(f"{told['hash']} {base}".encode()).hexdigest() if base else told["hash"])
    if _there(place, tag):
        return {"Uri": uri(place, tag)}
    name = hashlib.sha256(str(request["RequestId"]).encode()).hexdigest()[:32]
    waiting = f"builds/{tag}/waiting/{name}.json"
    # First the request, then the look at the build: one that ends in between finds it.
    place.s3.put_object(Bucket=place.bucket, Key=waiting, Body=json.dumps(dict(request)).encode())
    build = _read(place, f"builds/{tag}/build.json").get("id", "")
    if build and goes_on(place, build):
        return Waiting(tag)
    if _there(place, tag):
        forget(place, waiting)
        return {"Uri": uri(place, tag)}
    return Waiting(
        tag, _start(place, job, tag, {"base": base, "architecture": str(told["architecture"]), "before": build})
    )


def ended(place: Place, build_id: str, tag: str = "") -> Ended | None:
    """Return what the end of a build means; None for one that is not ours, or goes on. `build_id` may be its ARN.

    `tag` is what it builds, where that is known; else its environment says so.
    """
    build = _build(place, build_id.rpartition("build/")[2])
    given = {it["name"]: it["value"] for it in build.get("environment", {}).get("environmentVariables", ())}
    tag = tag or given.get("TAG", "")
    if not tag or build.get("buildStatus", "IN_PROGRESS") == "IN_PROGRESS":
        return None
    wrong = "" if build["buildStatus"] == "SUCCEEDED" else _why(build, tag)
    return Ended(tag, tuple(_waiting(place, tag)), wrong)


def uri(place: Place, tag: str) -> str:
    """Return what a task definition names the image by."""
    return f"{place.repository}:{tag}"


def forget(place: Place, waiting: str) -> None:
    """Forget a request that has been answered."""
    place.s3.delete_object(Bucket=place.bucket, Key=waiting)


def _there(place: Place, tag: str) -> bool:
    registry, _, name = place.repository.partition("/")
    try:
        found = place.ecr.describe_images(
            registryId=registry.partition(".")[0], repositoryName=name, imageIds=[{"imageTag": tag}]
        )
    except place.ecr.exceptions.ImageNotFoundException:
        return False
    return bool(found["imageDetails"])


def _base(place: Place, image: str) -> str:
    """Return the reference of a base image that holds `${Name}`, these filled in, else an empty text. Raises Unknown."""
    if "${" not in image:
        return ""
    unknown = [name for name in _NAME.findall(image) if not place.filled.get(name)]
    if unknown:
        raise Unknown(f"the image {image} names {', '.join(unknown)}, which this function is not told")
    return _NAME.sub(lambda found: place.filled[found[1]], image)


def _start(place: Place, job: str, tag: str, wish: Mapping[str, str]) -> str:
    """Start a build, return its id. Two that start it at once, after the same one before, are given one: the token says so."""
    kind, image, platform = BUILDERS[wish["architecture"]]
    key = f"builds/{tag}/context.zip"
    archives.put(place.s3, place.bucket, key, place.folder / "images" / f"{job}.zip")
    variables = {"TAG": tag, "REPOSITORY": place.repository, "PLATFORM": platform, "BASE": wish["base"]}
    started = place.codebuild.start_build(
        projectName=place.project,
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{place.bucket}/{key}",
        buildspecOverride=place.buildspec,
        environmentTypeOverride=kind,
        imageOverride=image,
        privilegedModeOverride=True,
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items() if value
        ],
        idempotencyToken=hashlib.sha256(f"{tag} {wish['before']}".encode()).hexdigest(),
    )
    build = str(started["build"]["id"])
    place.s3.put_object(Bucket=place.bucket, Key=f"builds/{tag}/build.json", Body=json.dumps({"id": build}).encode())
    return build


def goes_on(place: Place, build: str) -> bool:
    """Tell whether a build has not ended yet."""
    return str(_build(place, build).get("buildStatus", "")) == "IN_PROGRESS"


def _build(place: Place, build: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = place.codebuild.batch_get_builds(ids=[build])["builds"]
    return found[0] if found else {}


def _waiting(place: Place, tag: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    pages = place.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=f"builds/{tag}/waiting/")
    for page in pages:
        for item in page.get("Contents", ()):
            yield item["Key"], _read(place, item["Key"])


def _read(place: Place, key: str) -> dict[str, Any]:
    """Return an object of the bucket, empty where there is none."""
    try:
        found: dict[str, Any] = json.loads(place.s3.get_object(Bucket=place.bucket, Key=key)["Body"].read())
    except place.s3.exceptions.NoSuchKey:
        return {}
    return found


def _why(build: Mapping[str, Any], tag: str) -> str:
    """Return why a build failed: in which phase, what CodeBuild says of it, where its log is."""
    bad = [it for it in build.get("phases", ()) if it.get("phaseStatus") not in (None, "SUCCEEDED")]
    phase = str(bad[0]["phaseType"]) if bad else ""
    where = f" in {PHASES.get(phase, phase)}" if phase else ""
    said = [str(it["message"]) for one in bad[:1] for it in one.get("contexts", ()) if it.get("message")]
    log = build.get("logs", {}).get("deepLink", "")
    what = f"the image {tag} could not be built: {str(build['buildStatus']).lower().replace('_', ' ')}{where}"
    return "; ".join([what, *said, *([f"log: {log}"] if log else [])])
