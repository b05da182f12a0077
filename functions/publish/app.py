"""publish: puts what a deployment carries into its place, for CloudFormation, as custom resources.

Custom::ProjectArchive {"Project", "PublishVersion"} -> attribute Key; Custom::JobImage {"Job", "PublishVersion"} -> attribute
Uri. `PublishVersion` is the version of this function that carries what the template was made with: CloudFormation asks the
function again when it changes, and a rollback is answered from the package of then. Also hears "CodeBuild Build State Change";
EventBridge promises these events by best effort, so a build is also looked at until it ends.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import answer
import archives
import images
import runtime
from errors import Unknown

LATEST = "$LATEST"
FOLLOWED = "publish.follow"  # source of the event by which this function goes on looking at a build
LOOK_SECONDS = 15
LEAST_MS = 60_000  # of the time that is left, for a last look, its answers, or going on
ROUNDS = 5  # of Lambda's quarter of an hour: longer than a build may take, wait for a builder included
KINDS = {"Custom::ProjectArchive": ("Project", "archive"), "Custom::JobImage": ("Job", "image")}


def handler(event: object, context: Any) -> None:  # noqa: ANN401 - Lambda's context
    """Hear CloudFormation or EventBridge. Every request of CloudFormation is answered, at once or when its build has ended.

    Raises Unknown for an event that nobody waits for.
    """
    if not isinstance(event, dict):
        raise Unknown(f"the event is no object but {type(event).__name__}")
    if event.get("source") == "aws.codebuild":
        _build_ended(_build_of(event), context)
        return
    if event.get("source") == FOLLOWED:
        _follow(images.Waiting(str(event["tag"]), str(event["build"])), int(event["round"]), context)
        return
    request = answer.checked(event)
    try:
        if request.get("RequestType") != "Delete" and _passed_on(request, context):
            return
        data = _published(request, context)
    except Exception as error:
        runtime.logger.exception("a request of CloudFormation failed")
        answer.failed(runtime.http, request, _physical_id(request), f"{type(error).__name__}: {error}")
        return
    if not isinstance(data, images.Waiting):
        answer.succeeded(runtime.http, request, _physical_id(request), data)
    elif data.started:
        _follow(data, 1, context)


def _build_of(event: Mapping[str, Any]) -> str:
    detail = event.get("detail")
    build = detail.get("build-id") if isinstance(detail, dict) else None
    if not isinstance(build, str) or not build:
        raise Unknown("the event of CodeBuild names no build")
    return build


def _passed_on(event: Mapping[str, Any], context: Any) -> bool:  # noqa: ANN401
    """Pass a request on to the version whose package it means: CloudFormation's ServiceToken, without one, may never change."""
    wanted = str(_properties(event).get("PublishVersion", "")).rpartition(":")[2]
    if runtime.version() != LATEST or not wanted.isdigit():
        return False
    _call(wanted, event, context)
    return True


def _published(event: Mapping[str, Any], context: Any) -> dict[str, str] | images.Waiting:  # noqa: ANN401
    """Return the attributes of a resource, or that they are known later."""
    if event.get("RequestType") == "Delete":
        return {}  # executions that run, or are redriven, need what is there; the bucket's and the repository's rules tidy up
    name = _name(event)
    if event["ResourceType"] == "Custom::ProjectArchive":
        return archives.publish(runtime.client("s3"), runtime.bucket(), runtime.folder(), name)
    return images.wanted(runtime.place(context.invoked_function_arn), name, answer.kept(event, _physical_id(event)))


def _name(event: Mapping[str, Any]) -> str:
    asked = str(event.get("ResourceType"))
    if asked not in KINDS:
        raise Unknown(f"{asked} is none of {', '.join(KINDS)}")
    name = _properties(event).get(KINDS[asked][0])
    if not isinstance(name, str) or not name:
        raise Unknown(f"{asked} needs the property {KINDS[asked][0]}, a text")
    return name


def _properties(event: Mapping[str, Any]) -> Mapping[str, Any]:
    given = event.get("ResourceProperties")
    return given if isinstance(given, dict) else {}


def _physical_id(event: Mapping[str, Any]) -> str:
    """Return the id that CloudFormation knows the resource by; it never changes, so that no update ends in a Delete."""
    if event.get("PhysicalResourceId"):
        return str(event["PhysicalResourceId"])
    prop, word = KINDS.get(str(event.get("ResourceType")), ("", "unknown"))
    return f"{word}-{_properties(event).get(prop, '')}"[: answer.ID_CHARS]


def _build_ended(build_id: str, context: Any, tag: str = "") -> None:  # noqa: ANN401
    """Answer all who wait for a build. One who cannot be answered keeps nobody else waiting, and is tried again."""
    place = runtime.place(context.invoked_function_arn)
    end = images.ended(place, build_id, tag)
    if end is None:
        return
    unanswered = []
    for key, request in end.waiting:
        physical_id = str(request.get("PhysicalResourceId", ""))
        try:
            if end.wrong:
                answer.failed(runtime.http, request, physical_id, end.wrong)
            else:
                answer.succeeded(runtime.http, request, physical_id, {"Uri": images.uri(place, end.tag)})
        except Exception:
            runtime.logger.exception("an answer was not taken", extra={"waiting": key})
            unanswered.append(key)
        else:
            images.forget(place, key)
    if unanswered:
        raise ConnectionError(f"{len(unanswered)} of {len(end.waiting)} requests could not be answered")


def _follow(build: images.Waiting, number: int, context: Any) -> None:  # noqa: ANN401
    """Look at a build until it ends, and answer who waits: an event that never comes would leave a deployment hanging."""
    place = runtime.place(context.invoked_function_arn)
    while context.get_remaining_time_in_millis() > LEAST_MS:
        runtime.sleep(LOOK_SECONDS)
        try:
            if not images.goes_on(place, build.started):
                _build_ended(build.started, context, build.tag)
                return
        except Exception:
            runtime.logger.exception("a build could not be looked at", extra={"build": build.started})
    if number < ROUNDS:
        again = {"source": FOLLOWED, "build": build.started, "tag": build.tag, "round": number + 1}
        _call(runtime.version(), again, context)


def _call(version: str, event: Mapping[str, Any], context: Any) -> None:  # noqa: ANN401
    """Call a version of this function, without waiting for it."""
    runtime.client("lambda").invoke(
        FunctionName=context.function_name,
        Qualifier=version,
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )
