"""What a deployment makes of a template: the SAM translator in process, then references resolved to sample values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from stepdig.commands._compile import compile_all
from stepdig.local import execution
from stepdig.project import all_of
from stepdig.template.render import render
from stepdig.template.unit import Unit

ROOT = Path(__file__).resolve().parents[2]
REGION, ACCOUNT = execution.REGION, execution.ACCOUNT  # those of our engine, which runs what is deployed
HERE = f"{REGION}:{ACCOUNT}"
STACK = "shop-dev"
GIVEN = {
    "Stack": STACK,
    "Environment": "dev",
    "Cluster": STACK,
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "Bucket": f"{STACK}-runs",
    "KeyArn": f"arn:aws:kms:{HERE}:key/11111111-2222-3333-4444-555555555555",
    **{
        f"{name}FunctionArn": f"arn:aws:lambda:{HERE}:function:{STACK}-{name}"
        for name in (
            *("NotifySlack", "FailRun", "HttpRequest", "SendMail", "ParamsStore"),
            *("StartSession", "Publish"),
        )
    },
    "PublishVersion": "3",
    "Repository": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{STACK}-images",
    "FileSystemId": "fs-0123456789abcdef0",
    "AccessPointId": "fsap-0123456789abcdef0",
    "ScheduleGroup": STACK,
    "ScheduleRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{STACK}-scheduler",
    "DeadLetterQueueArn": f"arn:aws:sqs:{HERE}:{STACK}-dead",
    "AlarmTopicArn": f"arn:aws:sns:{HERE}:{STACK}-alarms",
    "LogRetentionDays": "90",
    "PermissionsBoundaryArn": "",
}
_PSEUDO = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
NOTHING = object()


def units(root: Path) -> list[Unit]:
    """Return the workflows of a project folder."""
    return [Unit(it.project.name, it.name, it.path, made) for it, made in compile_all(all_of(root)).items()]


def rendered(root: Path, committed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the generated files of a project folder."""
    return render(units(root), committed or {}, "statemachines")


def parsed(text: str) -> dict[str, Any]:
    """Return a template as CloudFormation reads it."""
    found: dict[str, Any] = json.loads(json.dumps(yaml_parse(text)))
    return found


def transformed(text: str) -> dict[str, Any]:
    """Return what the SAM translator makes of a template whose local files have been uploaded, as `sam package` leaves it."""
    template = parsed(text)
    for it in template["Resources"].values():
        if it["Type"] == "AWS::Serverless::StateMachine":
            it["Properties"]["DefinitionUri"] = f"s3://artifacts/{it['Properties']['DefinitionUri']}"
        if it["Type"] == "AWS::Serverless::Application":
            it["Properties"]["Location"] = f"https://s3.amazonaws.com/artifacts/{it['Properties']['Location']}"
    made: dict[str, Any] = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION)).translate(
        template, dict(GIVEN)
    )
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


@dataclass
class Resolved:
    """A transformed template with sample values for everything that it refers to.

    `refs` are what resources turned out to be called, by logical id, `attributes` what else is asked of them; both are filled
    by whoever makes the resources. What nobody has made yet cannot be referred to.
    """

    template: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=lambda: GIVEN)
    refs: dict[str, str] = field(default_factory=dict)
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def order(self) -> list[str]:
        """The logical ids in an order in which they can be made."""
        waiting = {name: self._needs(it) for name, it in self.template["Resources"].items()}
        found: list[str] = []
        while waiting:
            ready = [name for name, needs in waiting.items() if not needs & waiting.keys()]
            assert ready, f"a circle: {waiting}"
            found += ready
            waiting = {name: needs for name, needs in waiting.items() if name not in ready}
        return found

    def _needs(self, node: object) -> set[str]:
        text = json.dumps(node)
        return {name for name in self.template["Resources"] if re.search(rf'["{{]{name}["}}.]', text)}

    def kind(self, name: str) -> str:
        return str(self.template["Resources"][name]["Type"])

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of a resource, resolved."""
        found = self.value(self.template["Resources"][name].get("Properties", {}))
        assert isinstance(found, dict)
        return found

    def value(self, node: Any) -> Any:
        """Return a part of the template with its intrinsics done."""
        if isinstance(node, list):
            return [it for it in map(self.value, node) if it is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (kind, inner), *_ = node.items()
            done = {"Ref": self._ref, "Fn::GetAtt": self._att, "Fn::Sub": self._sub, "Fn::If": self._if}.get(kind)
            if done is not None:
                return done(inner)
            if kind == "Fn::Select":
                return self.value(inner[1])[int(inner[0])]
            if kind == "Fn::Split":
                return self.value(inner[1]).split(inner[0])
        made = {key: self.value(it) for key, it in node.items()}
        return {key: it for key, it in made.items() if it is not NOTHING}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        known = {**self.given, **_PSEUDO, **self.refs}
        assert name in known, f"{name} is neither a parameter nor made yet"
        return known[name]

    def _att(self, parts: list[str]) -> str:
        return self.attributes[parts[0], parts[1]]

    def _sub(self, given: Any) -> str:
        text, own = (given, {}) if isinstance(given, str) else given

        def filled(found: re.Match[str]) -> str:
            name = found[1]
            if name in own:
                return str(self.value(own[name]))
            return str(self._att(name.split(".")) if "." in name else self._ref(name))

        return re.sub(r"\$\{!", "${", re.sub(r"\$\{([^!}][^}]*)\}", filled, text))

    def _if(self, parts: list[Any]) -> Any:
        return self.value(parts[1] if self.condition(self.template["Conditions"][parts[0]]) else parts[2])

    def condition(self, node: Mapping[str, Any]) -> bool:
        """Return whether a condition holds."""
        if "Fn::Not" in node:
            return not self.condition(node["Fn::Not"][0])
        left, right = map(self.value, node["Fn::Equals"])
        return bool(left == right)
