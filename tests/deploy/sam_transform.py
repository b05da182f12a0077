"""What `sam deploy` makes of a template in the account: AWS's own translator, in process."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class _NoPolicies:
    """Managed policies by their names; the templates name them by their ARNs."""

    def load(self) -> dict[str, str]:
        return {}


def packaged(text: str) -> str:
    """Return a template as `sam package` leaves it: local paths are places in S3."""
    template: dict[str, Any] = json.loads(json.dumps(yaml_parse(text)))
    for logical_id, one in template["Resources"].items():
        given = one.get("Properties", {})
        for key in given.keys() & {"CodeUri", "DefinitionUri"}:
            given[key] = f"s3://packages/{logical_id}"
        if one["Type"] == "AWS::Serverless::Application":
            given["Location"] = f"https://s3.amazonaws.com/packages/{logical_id}"
    return json.dumps(template)


def transformed(text: str) -> dict[str, Any]:
    """Return a template as CloudFormation has it after the SAM transform."""
    template: dict[str, Any] = json.loads(json.dumps(yaml_parse(text)))  # the translator changes what it is given
    if "AWS::Serverless-2016-10-31" in str(template.get("Transform")):
        with mock.patch.dict(os.environ, AWS_DEFAULT_REGION="ap-northeast-1"):
            template = transform(template, {}, _NoPolicies())
    for parameter in template.get("Parameters", {}).values():
        if parameter["Type"] == "CommaDelimitedList" and "Default" in parameter:
            parameter["Default"] = parameter["Default"].split(",")  # moto splits only what is given
    return template
