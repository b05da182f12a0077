"""IAM statements of job.yml: what their role must have and must not have beside the shape that `job_keys` declares.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from stepdig.problem import Problems
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain

_KEYS = frozenset(("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Reason"))
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"))


def statements(node: Node | None, problems: Problems) -> tuple[MappingOf[str, object], ...]:
    """Return statements as a policy has them; notes those that say too little or allow too much."""
    found: list[MappingOf[str, object]] = []
    for item in node.items if isinstance(node, Sequence) else ():
        if not isinstance(item, Mapping):
            continue
        unknown = any(key.value not in _KEYS for key, _ in item)  # told already, and perhaps one of these
        for one, other in _PAIRS if not unknown else ():
            if (item.get(one) is None) == (item.get(other) is None):
                problems.add(item.at, "SD614", f"a statement needs {one} or {other}, and not both", "", 1)
        given = {"Effect": "Allow", **{str(key.value): plain(value) for key, value in item}}
        if given["Effect"] != "Deny":
            _refuse_all(item, problems)
        found.append({key: [it] if key in _LISTS and isinstance(it, str) else it for key, it in given.items()})
    return tuple(found)


_LISTS = {name for pair in _PAIRS for name in pair}


def _refuse_all(item: Mapping, problems: Problems) -> None:
    """Note a statement that allows everything, or all of a service everywhere."""
    broad = item.get("NotResource") or next((it for it in _texts(item.get("Resource")) if it.value == "*"), None)
    for action in _texts(item.get("Action")):
        if action.value == "*":
            text = "this allows every action of AWS"
            problems.add(action.at, "SD615", text, "list the actions that the tasks need", action.length)
        elif broad is not None and str(action.value).endswith(":*"):
            text = f"this allows all of {str(action.value)[:-2]} on every resource"
            problems.add(action.at, "SD615", text, "name the actions, or the ARNs under Resource", action.length)
    if item.get("NotAction") is not None and broad is not None:
        problems.add(item.at, "SD615", "this allows every action but a few on every resource", "use Action", 1)


def _texts(node: Node | None) -> list[Scalar]:
    items = node.items if isinstance(node, Sequence) else [node]
    return [it for it in items if isinstance(it, Scalar)]
