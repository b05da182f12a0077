"""Generated parameters for an expression: plausible ones by how names are used, and deliberately wrong-typed ones."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from stepdig.expressions import builtins, jsglobals, strings, translate
from stepdig.expressions.arrays import ARRAY_METHODS
from stepdig.expressions.nodes import Binary, Call, Function, Index, Literal, Member, Name, Node, This
from stepdig.expressions.values import field

ZONES = ("UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/London")
NOW = 1457863200123  # 2016-03-13T10:00:00.123Z, the hour a summer time begins in
SESSIONS = (
    "2016-03-13T10:00:00",
    "2016-01-31T08:00:00",
    "2024-02-29T00:00:00",
    "2025-03-09T09:30:00",
    "2025-03-10T02:00:00",
    "2025-11-02T08:30:00",
    "2025-11-02T09:30:00",
    "2025-12-31T23:59:59",
    "2024-03-31T01:30:00",
    "2025-03-30T00:59:00",
    "2025-10-26T01:30:00",
    "2026-07-01T12:00:00",
)
_MISSING = object()
_POOLS: dict[str, list[Any]] = {
    "text": ["a-b_c.d/e", "2016-01-15", "x", 'it\'s "q" \\ 日本', "a,b.c", ""],
    "number": [3, 0, -2, 1.5, 10, 1],
    "array": [["a", "b"], ["only"], ["x y", "z", "w"], [1, 2, 3], ["a", None], []],
    "object": [
        {"k1": 1, "k2": "b"},
        {"only": {"a": [1]}},
        {"b": [], "a": None},
        {"x": 1, "y": 2, "z": 3},
        {},
        {"k": "v"},
    ],
    "json": [
        '{"access_token":"T","attempts":[{"done":true}],"workflows":[{"id":"9"}],"name":"n","oid":5,"content":[{"text":"t"}]}',
        '{"attempts":[],"workflows":[{"id":1},{"id":2}],"content":[]}',
        "[1,2]",
        '["a"]',
        '{"name":null}',
        "{}",
    ],
    "date": [
        "2016-03-13",
        "2024-02-29 10:11:12",
        "2025-11-02T01:30:00-07:00",
        "2025-03-09T10:00:00Z",
        "20250131",
        1457863200000,
    ],
    "seconds": [1457863200, 0, 1700000000, 1741500000, 1762072200, 1],
    "any": ["abc", 3, "yes", True, 0, {"k": [1, {"z": None}]}],
    "tagged": [["a", "b"], "str", 5, None, ["x"], _MISSING],
}
_WRONG: list[Any] = [
    None,
    _MISSING,
    "",
    "0",
    "3",
    " 7 ",
    False,
    True,
    0,
    1,
    -1.5,
    "abc",
    [],
    [0],
    ["a"],
    ["a", "b"],
    {},
    {"a": 1},
    "true",
    "1e3",
]
_ASKED = {"Object.keys": "object", "JSON.parse": "json", "moment": "date", "moment.unix": "seconds"}


class Names:
    """Session variables from the run object, every other name in `$p`."""

    def __init__(self, zone: translate.Zone, timezone_name: str) -> None:
        self.zone, self.timezone = zone, timezone_name

    def resolve(self, path: tuple[str, ...]) -> tuple[translate.Binding, int]:
        session = builtins.session_variable(path[0], self.zone, self.timezone)
        if session is not None:
            return session, 1
        if jsglobals.is_global(path[0]):
            return None, 1
        return translate.Code(f"$p.{field(path[0])}", "any", True), 1


def run_object(session: str, zone: str) -> dict[str, Any]:
    """Return the run object of a session at an instant (UTC, without offset)."""
    local = datetime.fromisoformat(session + "+00:00").astimezone(ZoneInfo(zone))
    return {"session_time": local.isoformat(), "session_uuid": "414a8b9e-b365-4394-916a-f0ed9987bd2b", "attempt_id": 7}


def session_params(session: str, zone: str) -> dict[str, Any]:
    """Return all session variables, those of the schedule included."""
    params = builtins.session_values(run_object(session, zone), zone)
    for prefix, days in (("last_session_", -1), ("next_session_", 1)):
        at = datetime.fromisoformat(session + "+00:00").astimezone(UTC) + timedelta(days=days)
        offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
        params.update(builtins.times(prefix, at.timestamp() * 1000, int(offset.total_seconds()) // 60))
    return params


def walk(part: Any) -> Iterator[Any]:
    """Yield all nodes of a tree."""
    if hasattr(part, "_fields"):
        yield part
    for item in part:
        if isinstance(item, tuple):
            yield from walk(item)


def _chain(node: Node, bound: set[str]) -> list[Any] | None:
    """Return the path of a chain of members: names, and nodes of computed keys."""
    if isinstance(node, Name):
        return None if node.name in bound or jsglobals.is_global(node.name) else [node.name]
    if isinstance(node, This):
        return []
    if isinstance(node, Member):
        base = _chain(node.object, bound)
        return None if base is None else [*base, node.name]
    if isinstance(node, Index):
        base = _chain(node.object, bound)
        return None if base is None else [*base, node.key]
    return None


def _spelled(node: Node) -> str:
    if isinstance(node, Member):
        return f"{_spelled(node.object)}.{node.name}"
    return node.name if isinstance(node, Name) else "?"


def _hints(tree: Node) -> tuple[dict[int, str], set[int]]:
    """Return by node id how it is used, and the ids of members that are methods or lengths."""
    hints: dict[int, str] = {}
    inner: set[int] = set()
    for node in walk(tree):
        if isinstance(node, Call) and isinstance(node.callee, Member):
            inner.add(id(node.callee))
            if node.callee.name in strings.METHODS and node.callee.name not in (
                "slice",
                "concat",
                "indexOf",
                "toString",
            ):
                hints[id(node.callee.object)] = "text"
            elif node.callee.name in ARRAY_METHODS and node.callee.name not in (
                "slice",
                "concat",
                "indexOf",
                "toString",
            ):
                hints[id(node.callee.object)] = "array"
            if node.callee.name in ("add", "subtract") and node.arguments:
                hints[id(node.arguments[0])] = "number"
            if node.callee.name == "call" and node.arguments:
                hints[id(node.arguments[0])] = "tagged"
        if isinstance(node, Call) and node.arguments and _spelled(node.callee) in _ASKED:
            hints[id(node.arguments[0])] = _ASKED[_spelled(node.callee)]
        if isinstance(node, Member) and node.name == "length":
            hints[id(node.object)] = "array"
            inner.add(id(node))
        if isinstance(node, Index):
            hints[id(node.object)] = "container"
        if isinstance(node, Binary) and node.operator in ("-", "*", "/", "%", "<", ">", "<=", ">="):
            hints.setdefault(id(node.left), "number")
            hints.setdefault(id(node.right), "number")
    return hints, inner


def leaves(tree: Node) -> list[tuple[list[Any], str]]:
    """Return the paths an expression reads, each with a hint of what it holds."""
    hints, inner = _hints(tree)
    bound = {name for node in walk(tree) if isinstance(node, Function) for name in node.parameters}
    found: list[tuple[list[Any], str]] = []

    def visit(node: Any) -> None:
        if isinstance(node, (Name, Member, Index)) and id(node) not in inner:
            path = _chain(node, bound)
            if path is not None:
                if path:
                    found.append((path, hints.get(id(node), "any")))
                for key in path:
                    if hasattr(key, "_fields"):
                        visit(key)
                return
        for item in node:
            if isinstance(item, tuple):
                visit(item)

    visit(tree)
    return found


def params_for(tree: Node, index: int, rng: random.Random, wrong: bool, taken: set[str]) -> dict[str, Any]:
    """Return parameters for an expression; `taken` names (session variables) are left out."""
    literals = [node.value for node in walk(tree) if isinstance(node, Literal)]
    literals = [
        int(v) if isinstance(v, float) and v.is_integer() else v for v in literals if not str(v).startswith("[object")
    ]
    paths = sorted(leaves(tree), key=lambda leaf: len(leaf[0]))
    params: dict[str, Any] = {}
    keys = [key.name for path, _ in paths for key in path if isinstance(key, Name)]
    for name in keys:
        params[name] = rng.choice([0, 1, 0]) if name in ("i", "index", "n") else "k1"
    for path, hint in paths:
        if path[0] in taken or (len(path) == 1 and path[0] in keys) or hint == "container":
            continue
        if wrong:
            value = rng.choice(_WRONG + literals * 2)
        elif literals and hint in ("any", "number") and rng.random() < 0.5:
            value = rng.choice(literals)
            if hint == "number" and not isinstance(value, (int, float)):
                value = _POOLS["number"][index % 6]
        else:
            value = _POOLS[hint][(index + rng.randrange(2)) % 6]
        if value is not _MISSING:
            _put(params, path, json.loads(json.dumps(value)))
    return params


def _key(key: Any, params: dict[str, Any]) -> Any:
    if isinstance(key, str):
        return key
    if isinstance(key, Literal):
        return int(key.value) if isinstance(key.value, float) else key.value
    if isinstance(key, Name):
        return params.get(key.name, "k1")
    path = _chain(key, set())
    value: Any = params
    for step in path or ["?"]:
        value = value.get(step) if isinstance(value, dict) and isinstance(step, str) else None
    return value if isinstance(value, (str, int)) else 1 if isinstance(key, Binary) else "k1"


def _put(params: dict[str, Any], path: list[Any], value: Any) -> None:
    """Put a value at a path, making arrays and objects on the way."""
    at: Any = params
    keys = [_key(key, params) for key in path]
    for key, following in pairwise(keys):
        made: Any = [] if isinstance(following, int) and not isinstance(following, bool) else {}
        if isinstance(at, list):
            if not isinstance(key, int):
                return
            at += [made] * (key + 1 - len(at))
            if not isinstance(at[key], (dict, list)):
                at[key] = made
            at = at[key]
        else:
            if not isinstance(at.get(str(key)), (dict, list)):
                at[str(key)] = made
            at = at[str(key)]
    last = keys[-1]
    if isinstance(at, list) and isinstance(last, int):
        at += [None] * (last + 1 - len(at))
        at[last] = value
    elif isinstance(at, dict):
        at[str(last)] = value
