"""A cloud on loopback for `sam deploy`: moto, with what CloudFormation does beyond moto.

- the SAM transform, by AWS's own translator, of the root and of nested templates
- definitions of state machines out of S3, with their substitutions as texts
- custom resources, by running the very package of the function that was deployed (packages.py)
- CodeBuild, which takes a build's context and leaves an image in the repository (builds.py)
- resources that moto does not know are kept as their resolved properties

Run as a program it prints its address and ends when its input does. `GET /kept` on the second address it prints are the resources
of all stacks as JSON, resolved.
"""

from __future__ import annotations

import ipaddress
import itertools
import logging
import os
import sys
from typing import Any

import boto3
import builds
from moto.cloudformation import custom_model, parsing
from moto.cloudformation.models import ChangeSet, Stack
from moto.core.common_models import CloudFormationModel
from moto.logs.models import LogGroup
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from moto.stepfunctions.models import StateMachine
from sam_transform import transformed

import packages

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
KEPT: list[dict[str, Any]] = []
UNKNOWN_TO_MOTO = (
    "AWS::CloudWatch::Alarm",
    "AWS::CodeBuild::Project",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::StepFunctions::StateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion",
    "AWS::IAM::ManagedPolicy",
    "AWS::Logs::MetricFilter",
)


def _change_set_parsed(self: ChangeSet) -> None:
    self.template_dict = transformed(self.template)


class _Kept:
    """A resource that moto does not have."""

    kind = ""

    def __init__(self, name: str, arn: str) -> None:
        self.name, self.arn, self.type = name, arn, self.kind

    def is_created(self) -> bool:
        return True

    @property
    def physical_resource_id(self) -> str:
        return (
            self.arn if self.kind.endswith(("::StateMachineAlias", "::StateMachineVersion", "::Version")) else self.name
        )

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return {"Arn": self.arn, "Version": "1"}.get(attribute_name, self.name)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> _Kept:
        given = cloudformation_json.get("Properties", {})
        name = given.get("Name", resource_name)
        service = cls.kind.split("::")[1].lower()
        arn = f"arn:aws:{service}:{region_name}:{account_id}:{cls.kind.split('::')[2].lower()}/{name}"
        if cls.kind == "AWS::StepFunctions::StateMachineVersion":
            arn = f"{given['StateMachineArn']}:1"
        elif cls.kind == "AWS::Lambda::Version":
            arn = f"arn:aws:lambda:{region_name}:{account_id}:function:{given['FunctionName']}:1"
        elif cls.kind == "AWS::StepFunctions::StateMachineAlias":
            version = given["DeploymentPreference"]["StateMachineVersionArn"]
            arn = f"{version.rpartition(':')[0]}:{name}"
        return cls(name, arn)

    @classmethod
    def update_from_cloudformation_json(
        cls, _original: Any, name: str, given: Any, account_id: str, region_name: str
    ) -> _Kept:
        return cls.create_from_cloudformation_json(name, given, account_id, region_name)


class _Custom:
    """A custom resource, created when its function has answered."""

    def __init__(self, kind: str, answer: dict[str, Any]) -> None:
        self.type, self.data, self.physical_resource_id = kind, answer["Data"], answer["PhysicalResourceId"]

    def is_created(self) -> bool:
        return True

    @classmethod
    def has_cfn_attr(cls, _attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        return self.data[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls, _name: str, given: dict[str, Any], _account: str, _region: str, **known: Any
    ) -> _Custom:
        properties = {key: _texts(value) for key, value in given["Properties"].items()}
        event = {
            "RequestType": "Create",
            "ServiceToken": properties["ServiceToken"],
            "StackId": known["StackId"],
            "LogicalResourceId": known["LogicalId"],
            "ResourceType": known["ResourceType"],
            "ResourceProperties": properties,
        }
        return cls(known["ResourceType"], packages.answered(event))


def _texts(value: Any) -> Any:
    """Return a property as CloudFormation hands it to functions: numbers and booleans are texts."""
    return value if isinstance(value, dict | list) else str(value)


_create_machine = StateMachine.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]


def _machine_of_s3(cls: Any, resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any) -> Any:
    """Create a state machine as CloudFormation does: its definition out of S3, `${Name}` replaced as text."""
    given = dict(cloudformation_json["Properties"])
    place = given.pop("DefinitionS3Location")
    text = s3_backends[ACCOUNT]["aws"].get_object(place["Bucket"], place["Key"]).value.decode()
    for name, value in given.pop("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    given["DefinitionString"] = text
    return _create_machine(cls, resource_name, {**cloudformation_json, "Properties": given}, *rest, **more)


_attribute_of_machine = StateMachine.get_cfn_attribute


def _machine_attribute(self: StateMachine, attribute_name: str) -> Any:
    return "revision" if attribute_name == "StateMachineRevisionId" else _attribute_of_machine(self, attribute_name)


def _arn_of_log_group(self: LogGroup, _attribute_name: str) -> str:
    """Return the only attribute, which ends in `:*` since rights to streams are given by it."""
    return f"{self.arn.removesuffix(':*')}:*"


_create_resource = parsing.parse_and_create_resource


def _noted(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
    """Create a resource and note it as it was resolved."""
    try:
        made = _create_resource(logical_id, resource_json, resources_map, account_id, region_name)
    except Exception as error:
        sys.stderr.write(f"{logical_id} ({resource_json['Type']}): {type(error).__name__}: {error}\n")
        raise
    if made is not None:
        resolved = parsing.clean_json(resource_json, resources_map)
        KEPT.append({"stack": resources_map["AWS::StackName"], "id": logical_id, **resolved})
    return made


_clean = parsing.clean_json


def _cleaned(given: Any, resources_map: Any) -> Any:
    """Resolve intrinsic functions, also Fn::Cidr.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-cidr.html
    """
    if isinstance(given, dict) and "Fn::Cidr" in given:
        block, count, bits = (_clean(it, resources_map) for it in given["Fn::Cidr"])
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(it) for it in itertools.islice(subnets, int(count))]
    return _clean(given, resources_map)


def _lower_names(resource_type: str, stack_name: str, logical_id: str) -> str:
    name = _generate_name(resource_type, stack_name, logical_id)
    return name.lower() if resource_type == "AWS::ECR::Repository" else name


_generate_name = parsing.generate_resource_name


def teach() -> None:
    """Give moto what it lacks."""
    known = {model.cloudformation_type(): model for model in CloudFormationModel.__subclasses__()}
    for kind in UNKNOWN_TO_MOTO:
        told = {"kind": kind, "cloudformation_type": lambda kind=kind: kind, "cloudformation_name_type": lambda: ""}
        known[kind] = type(
            kind.replace("::", ""), (_Kept,), {it: staticmethod(v) if callable(v) else v for it, v in told.items()}
        )
    parsing.get_model_map = lambda: known  # type: ignore[assignment]
    parsing.get_model_list = lambda: list(known.values())  # type: ignore[assignment]
    parsing.CustomModel = custom_model.CustomModel = _Custom  # type: ignore[assignment,misc]
    parsing.generate_resource_name = _lower_names
    parsing.parse_and_create_resource = _noted
    parsing.clean_json = _cleaned
    Stack.parse_template = staticmethod(transformed)  # type: ignore[assignment]
    ChangeSet._parse_template = _change_set_parsed  # type: ignore[method-assign]
    StateMachine.create_from_cloudformation_json = classmethod(_machine_of_s3)  # type: ignore[assignment]
    LogGroup.get_cfn_attribute = _arn_of_log_group  # type: ignore[method-assign]
    StateMachine.has_cfn_attr = classmethod(lambda _cls, _attr: True)  # type: ignore[method-assign,assignment]
    StateMachine.get_cfn_attribute = _machine_attribute  # type: ignore[method-assign]


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(AWS_DEFAULT_REGION=REGION, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    teach()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    own = builds.serve(KEPT)
    os.environ.update(AWS_ENDPOINT_URL=f"http://localhost:{port}", AWS_ENDPOINT_URL_CODEBUILD=own)
    boto3.client("s3").create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
    sys.stdout.write(f"http://localhost:{port} {own}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
