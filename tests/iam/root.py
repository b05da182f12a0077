"""The hand-written template: its roles as they are deployed, intrinsics filled in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from policies import HERE, VALUES
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
PSEUDO = {**{name: value for name, value in VALUES.items() if name.startswith("AWS::")}, "AWS::StackName": "shop-dev"}
# ARNs of resources by their type, made of their names.
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::KMS::Key": f"arn:aws:kms:{HERE}:key/{{name}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{HERE}:{{name}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{HERE}:{{name}}",
    "AWS::ECR::Repository": f"arn:aws:ecr:{HERE}:repository/{{name}}",
    "AWS::ECS::Cluster": f"arn:aws:ecs:{HERE}:cluster/{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:{{name}}:*",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/stepdig/shop-dev/{name}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{HERE}:function:{{name}}",
    "AWS::CodeBuild::Project": f"arn:aws:codebuild:{HERE}:project/{{name}}",
    "AWS::EFS::FileSystem": f"arn:aws:elasticfilesystem:{HERE}:file-system/{{name}}",
    "AWS::EFS::AccessPoint": f"arn:aws:elasticfilesystem:{HERE}:access-point/{{name}}",
    "AWS::Scheduler::ScheduleGroup": f"arn:aws:scheduler:{HERE}:schedule-group/{{name}}",
}
_NAMES = (
    "Name",
    "BucketName",
    "LogGroupName",
    "ClusterName",
    "FunctionName",
    "RepositoryName",
    "QueueName",
    "TopicName",
)


@cache
def template() -> dict[str, Any]:
    """Return the template as it is written."""
    parsed: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    return parsed


def resolved(node: Any, given: dict[str, str]) -> Any:  # noqa: PLR0911 - one for each intrinsic
    """Return part of the template with its intrinsics filled in; `given` are parameters, the others have their defaults."""
    if isinstance(node, list):
        items = [resolved(item, given) for item in node]
        return [item for item in items if item is not None]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(name, inner)] = node.items()
        if name == "Ref":
            return _ref(inner, given)
        if name == "Fn::GetAtt":
            resource, _, attribute = (inner if isinstance(inner, str) else ".".join(inner)).partition(".")
            return _attribute(resource, attribute, given)
        if name == "Fn::If":
            return resolved(inner[1 if _holds(template()["Conditions"][inner[0]], given) else 2], given)
        if name == "Fn::Sub":
            text, more = (inner, {}) if isinstance(inner, str) else inner
            own = {key: resolved(value, given) for key, value in more.items()}
            return re.sub(r"\$\{([^!}]+)\}", lambda it: str(own[it[1]] if it[1] in own else _named(it[1], given)), text)
        if name == "Fn::Select":
            return resolved(inner[1], given)[int(inner[0])]
        if name == "Fn::Split":
            return resolved(inner[1], given).split(inner[0])
        if name == "Fn::Join":
            return inner[0].join(resolved(inner[1], given))
    return {key: value for key, it in node.items() if (value := resolved(it, given)) is not None}


def _holds(node: Any, given: dict[str, str]) -> bool:
    [(name, inner)] = node.items()
    if name == "Fn::Not":
        return not _holds(inner[0], given)
    if name in ("Fn::And", "Fn::Or"):
        return (all if name == "Fn::And" else any)(_holds(item, given) for item in inner)
    if name == "Condition":
        return _holds(template()["Conditions"][inner], given)
    assert name == "Fn::Equals"
    first, second = (resolved(item, given) for item in inner)
    return bool(first == second)


def _named(name: str, given: dict[str, str]) -> Any:
    resource, dot, attribute = name.partition(".")
    return _attribute(resource, attribute, given) if dot else _ref(name, given)


def _ref(name: str, given: dict[str, str]) -> Any:
    if name == "AWS::NoValue":
        return None
    if name in PSEUDO:
        return PSEUDO[name]
    if name in template()["Parameters"]:
        return given.get(name, template()["Parameters"][name].get("Default", ""))
    properties = template()["Resources"][name].get("Properties", {})
    own = next((properties[it] for it in _NAMES if it in properties), None)
    return resolved(own, given) if own is not None else f"shop-dev-{name.lower()}"


def _attribute(name: str, attribute: str, given: dict[str, str]) -> str:
    kind = template()["Resources"][name]["Type"]
    if attribute.endswith("Arn") or (kind == "AWS::SQS::Queue" and attribute == "Arn"):
        return ARNS[kind].format(name=_ref(name, given))
    return f"{_ref(name, given)}-{attribute}"


def policies(given: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each role: of a role's name, of a function's folder."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, resource in template()["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            found[name] = _statements([it["PolicyDocument"] for it in properties.get("Policies", ())], given)
        if resource["Type"] == "AWS::Serverless::Function":
            folder = Path(str(properties["CodeUri"])).name
            role = properties.get("Role")
            if role is None:
                found[folder] = _statements(properties.get("Policies", ()), given)
            else:
                attached = template()["Resources"][(role["Fn::GetAtt"] if isinstance(role, dict) else role)[0]]
                documents = [it["PolicyDocument"] for it in attached["Properties"].get("Policies", ())]
                found[folder] = _statements(documents, given)
    return found


def _statements(documents: Any, given: dict[str, str]) -> list[dict[str, Any]]:
    made = []
    for document in resolved(list(documents), given):
        assert "Statement" in document, f"no statement, but {document}: write it out, so that it can be checked"
        for statement in document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]:
            lists = {
                key: [value] if isinstance(value, str) else value
                for key, value in statement.items()
                if key in ("Action", "Resource", "NotAction", "NotResource")
            }
            made.append({**statement, **lists})
    return made
