"""A statement of a role, and the policy document that statements make.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Condition operator -> key -> value or values: {"ArnEquals": {"ecs:cluster": "arn:..."}}.
Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]

# What no policy takes; a pattern has `*` in its place. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
_NOT_TAKEN = re.compile("[^\t\n\r -\u00ff]+")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_OURS = re.compile(r"AWS::[A-Za-z]+|[A-Za-z0-9]+(\.[A-Za-z0-9.]+)?")
# What no parameter says as it stands. The URI of a repository is `<registry>/<name>`, its name holds no `/`.
_DERIVED: Mapping[str, object] = {
    "RepositoryName": {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Repository"}]}]},
}


@dataclass(frozen=True, slots=True)
class Statement:
    """Some actions on some resources, and why the role needs them.

    sid         letters and digits, one of a kind in its policy
    actions     `service:Action`
    resources   ARNs, `${Name}` inside; "*" for actions that know no resource
    conditions  under which it holds
    reason      a sentence for the page of rights
    effect      "Allow" or "Deny"; `but_actions` and `but_resources` mean every one but those, as job.yml may say
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)
    reason: str = ""
    effect: str = "Allow"
    but_actions: bool = False
    but_resources: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """Logical ids, in the generated template, of the roles that containers of a workflow get.

    execution   starts them
    tasks       job -> the role of its program
    """

    execution: str
    tasks: Mapping[str, str] = field(default_factory=dict)


def document(statements: Iterable[Statement]) -> dict[str, object]:
    """Return the policy of some statements as JSON for a template: texts with `${Name}` become `Fn::Sub`."""
    return {"Version": "2012-10-17", "Statement": [_json(statement) for statement in statements]}


def _json(statement: Statement) -> dict[str, object]:
    made: dict[str, object] = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "NotAction" if statement.but_actions else "Action": list(statement.actions),
        "NotResource" if statement.but_resources else "Resource": [
            _text(_NOT_TAKEN.sub("*", text)) for text in statement.resources
        ],
    }
    if statement.conditions:
        made["Condition"] = {
            operator: {key: _value(value, "Like" in operator) for key, value in keys.items()}
            for operator, keys in statement.conditions.items()
        }
    return made


def _value(value: str | tuple[str, ...], pattern: bool) -> object:
    """Return the value or values of a condition; those of a `pattern` as IAM takes them."""
    texts = (value,) if isinstance(value, str) else value
    made = [_text(_NOT_TAKEN.sub("*", text) if pattern else text) for text in texts]
    return made[0] if isinstance(value, str) else made


def _text(text: str) -> object:
    """Return a text, or its Fn::Sub; IAM's own variables, `${aws:PrincipalTag/team}`, are left to IAM."""
    names = _REFERENCE.findall(text)
    if not any(_OURS.fullmatch(name) for name in names):
        return text
    kept = _REFERENCE.sub(lambda it: it[0] if _OURS.fullmatch(it[1]) else f"${{!{it[1]}}}", text)
    derived = {name: _DERIVED[name] for name in sorted(set(names)) if name in _DERIVED}
    return {"Fn::Sub": [kept, derived] if derived else kept}
