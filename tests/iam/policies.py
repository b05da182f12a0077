"""A small IAM: policies with their references filled in, and whether they allow a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

HERE = "ap-northeast-1:123456789012"
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "ap-northeast-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "Stack": "shop-dev",
    "Cluster": "shop-dev-cluster",
    "Bucket": "shop-dev-runs",
    "KeyArn": f"arn:aws:kms:{HERE}:key/11111111-2222-3333-4444-555555555555",
    "Repository": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop-dev-images",
    "FileSystemId": "fs-0123456789abcdef0",
    "AccessPointId": "fsap-0123456789abcdef0",
}


@dataclass(frozen=True)
class Request:
    """One request of a role: what AWS asks IAM."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def value(name: str) -> str:
    """Return what a reference of a template stands for: a parameter, a role's or a function's ARN."""
    if name in VALUES:
        return VALUES[name]
    if name.endswith(".Arn"):
        return f"arn:aws:iam::123456789012:role/{name.removesuffix('.Arn')}"
    if name.endswith("FunctionArn"):
        return f"arn:aws:lambda:{HERE}:function:shop-dev-{name.removesuffix('FunctionArn')}"
    raise AssertionError(f"no parameter of the generated template: {name}")


def resolved(node: Any, more: Mapping[str, str] | None = None) -> Any:
    """Return part of a template with its intrinsics filled in."""
    if isinstance(node, list):
        return [resolved(item, more) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"}:
        return value(node["Ref"])
    if set(node) == {"Fn::Split"}:
        by, text = node["Fn::Split"]
        return resolved(text, more).split(by)
    if set(node) == {"Fn::Select"}:
        number, items = node["Fn::Select"]
        return resolved(items, more)[number]
    if set(node) == {"Fn::Sub"}:
        given = node["Fn::Sub"]
        text, names = (given, {}) if isinstance(given, str) else given
        own = {name: resolved(it, more) for name, it in names.items()}
        filled = re.sub(r"\$\{([^!}][^}]*)\}", lambda it: own.get(it[1]) or value(it[1]), text)
        return re.sub(r"\$\{!([^}]*)\}", r"${\1}", filled)
    return {key: resolved(inner, more) for key, inner in node.items()}


def allows(statements: Iterable[Mapping[str, Any]], request: Request) -> bool:
    """Tell whether a policy allows a request: some statement does and none denies it."""
    effects = {it["Effect"] for it in statements if applies(it, request)}
    return effects == {"Allow"}


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Tell whether a statement is about a request."""
    action = _any(statement.get("Action", ()), request.action, ignore_case=True)
    if "NotAction" in statement:
        action = not _any(statement["NotAction"], request.action, ignore_case=True)
    resource = _any(statement.get("Resource", ()), request.resource)
    if "NotResource" in statement:
        resource = not _any(statement["NotResource"], request.resource)
    return (
        action
        and resource
        and all(
            _holds(operator, key, wanted, request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Any, context: Mapping[str, str]) -> bool:
    """Tell whether a condition holds; on a key that the request does not have, a denied one does and no other."""
    texts = [wanted] if isinstance(wanted, str) else wanted
    if operator in ("StringNotEquals", "ArnNotLike"):
        opposite = {"StringNotEquals": "StringEquals", "ArnNotLike": "ArnLike"}[operator]
        return not _holds(opposite, key, wanted, context)
    if key not in context:
        return False
    if operator in ("StringEquals", "Bool"):
        return context[key] in texts
    if operator == "NumericLessThan":
        return any(float(context[key]) < float(it) for it in texts)
    if operator in ("StringLike", "ArnLike", "ArnEquals"):  # ArnEquals takes patterns as ArnLike does
        return _any(texts, context[key])
    raise AssertionError(f"this IAM does not know {operator}")


def _any(patterns: Any, text: str, *, ignore_case: bool = False) -> bool:
    return any(
        bool(_pattern(it.lower() if ignore_case else it).fullmatch(text.lower() if ignore_case else text))
        for it in ([patterns] if isinstance(patterns, str) else patterns)
    )


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of IAM: `*`, `?`, and `${*}`, `${?}`, `${$}` for the characters themselves."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", text)
    meaning = {"*": ".*", "?": "."}
    made = [meaning.get(it) or re.escape(it[2] if re.fullmatch(r"\$\{[*?$]\}", it) else it) for it in parts]
    return re.compile("".join(made), re.DOTALL)
