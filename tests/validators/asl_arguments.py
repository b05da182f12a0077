"""Arguments of Task states against AWS's own service models, as botocore ships them.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html: members are written in PascalCase.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from asl_expressions import is_expression
from asl_scopes import scopes
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

RESOURCE = re.compile(r"arn:aws:states:::(aws-sdk:)?([a-z0-9]+):([A-Za-z0-9]+)(\.sync|\.sync:2|\.waitForTaskToken)?")
# Optimized integrations and the one way of waiting that each has beside the token.
OPTIMIZED = {
    ("ecs", "runTask"): ".sync",
    ("lambda", "invoke"): None,
    ("states", "startExecution"): ".sync:2",
    ("athena", "startQueryExecution"): ".sync",
}
SERVICES = {"states": "stepfunctions", "sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}
# The model says string or bytes; Step Functions takes JSON there and writes it out.
JSON_MEMBERS = {("lambda", "Payload"), ("states", "Input"), ("s3", "Body"), ("sqs", "MessageBody"), ("sns", "Message")}
PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
    "double": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}


def argument_findings(definition: dict[str, Any]) -> list[str]:
    """Say what AWS would not take of the Task states' Resource and Arguments."""
    found: list[str] = []
    for scope in scopes(definition):
        for name, state in scope.states.items():
            if state["Type"] == "Task":
                found += [f"{scope.where}{name}: {text}" for text in _task_findings(state)]
    return found


def _task_findings(state: dict[str, Any]) -> Iterator[str]:
    match = RESOURCE.fullmatch(state.get("Resource", ""))
    if match is None:
        yield f"Resource {state.get('Resource')!r} is no service integration"
        return
    sdk, service, action, wait = match.groups()
    if sdk and wait not in (None, ".waitForTaskToken"):
        yield f"an aws-sdk integration cannot wait with {wait}"
    elif not sdk and (service, action) not in OPTIMIZED:
        yield f"there is no optimized integration {service}:{action}"
        return
    elif not sdk and wait not in (None, ".waitForTaskToken", OPTIMIZED[service, action]):
        yield f"{service}:{action} cannot wait with {wait}"
    arguments = state.get("Arguments", {})
    if wait == ".waitForTaskToken" and "$states.context.Task.Token" not in json.dumps(arguments):
        yield "waits for a token that nobody is given"
    operation = _operation(service, action[0].upper() + action[1:])
    if operation is None:
        yield f"{service} has no action {action}"
    elif not isinstance(arguments, str):
        yield from _shape_findings(service, operation.input_shape, arguments, "Arguments")


@functools.cache
def _operation(service: str, action: str) -> OperationModel | None:
    loader = botocore.session.Session().get_component("data_loader")
    name = SERVICES.get(service, service)
    if name not in loader.list_available_services("service-2"):
        return None
    model = ServiceModel(loader.load_service_model(name, "service-2"), name)
    return model.operation_model(action) if action in model.operation_names else None


def _shape_findings(service: str, shape: Shape | None, value: Any, where: str) -> Iterator[str]:
    """Compare a value with a shape of the model; expressions and substitutions are known at run time only."""
    if shape is None or (isinstance(value, str) and (is_expression(value) or "${" in value)):
        return
    expected = PYTHON.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool)):
        yield f"{where} is {json.dumps(value)[:60]}, not of the type {shape.type_name}"
    elif isinstance(shape, StructureShape):
        yield from _structure_findings(service, shape, value, where)
    elif isinstance(shape, ListShape):
        for index, each in enumerate(value):
            yield from _shape_findings(service, shape.member, each, f"{where}[{index}]")
    elif isinstance(shape, MapShape):
        for key, each in value.items():
            yield from _shape_findings(service, shape.value, each, f"{where}.{key}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} is {value!r}, not one of {', '.join(shape.enum)}"


def _structure_findings(service: str, shape: StructureShape, value: dict[str, Any], where: str) -> Iterator[str]:
    members = {name[0].upper() + name[1:]: member for name, member in shape.members.items()}
    for name in shape.required_members:
        if name[0].upper() + name[1:] not in value:
            yield f"{where} lacks {name[0].upper() + name[1:]}"
    for name, each in value.items():
        if name not in members:
            near = difflib.get_close_matches(name, members, 1)
            yield f"{where} has no member {name}" + (f", did you mean {near[0]}?" if near else "")
        elif (service, name) not in JSON_MEMBERS:
            yield from _shape_findings(service, members[name], each, f"{where}.{name}")
