"""Where a file would not run on Digdag, or run differently there: `stepdig check --digdag`. Each extension of ours is a row."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepdig.expressions import builtins, template
from stepdig.lowering.calls import target
from stepdig.problem import Position, Problem, Problems
from stepdig.source import tree
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, template_texts

# docs.digdag.io/operators.html; any other of ours is a plug-in there, if it is at all.
OPERATORS = frozenset([
    "call", "http_call", "require", "loop", "for_each", "for_range", "if", "fail", "echo", "wait", "sh", "py", "rb", "embulk",
    "http", "mail", "param_get", "param_set", "s3_wait", "s3_copy", "s3_delete", "s3_move", "s3_touch", "emr", "pg", "redshift",
    "redshift_load", "redshift_unload", "gcs_wait", "bq", "bq_ddl", "bq_load", "bq_extract", "td", "td_run", "td_ddl",
    "td_load", "td_for_each", "td_wait", "td_wait_table", "td_table_export", "td_result_export", "td_partial_delete",
])  # fmt: skip
_BODIES = ("_do", "_else_do", "_error", "_check")
_SIZES = ("job", "cpu", "memory", "ephemeral_storage", "state", "container")

Found = Iterator[tuple[Position, int]]  # places, each with the length of its caret


@dataclass(frozen=True, slots=True)
class Body:
    """The keys of a workflow, a task or a group; `operator` is None for a group, "" in a workflow's top."""

    keys: dict[str, tuple[Scalar, Node]]
    operator: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Extension:
    """One thing that Digdag does not know: where a body has it, what to say, what to write for Digdag."""

    name: str
    find: Callable[[Body], Found]
    says: str
    hint: str


def _key(name: str, *of: str | None) -> Callable[[Body], Found]:
    """Return a finder of a key in bodies of certain operators; none named: in any."""

    def find(body: Body) -> Found:
        if name in body.keys and (not of or body.operator in of):
            key = body.keys[name][0]
            yield key.at, key.length

    return find


def _operator(body: Body) -> Found:
    for name, (key, value) in body.keys.items():
        if name.endswith(">") and name[:-1] not in OPERATORS:
            yield key.at, key.length
        if name == "_type" and isinstance(value, Scalar) and value.value not in OPERATORS:
            yield value.at, value.length


def _table_file(body: Body) -> Found:
    lists = body.keys.get("for_each>")
    for _, value in lists[1] if lists and isinstance(lists[1], Mapping) else ():
        if isinstance(value, Mapping):
            yield value.at, 1


def _of_a_job(body: Body) -> Found:
    export = body.keys["_export"][1] if "_export" in body.keys else None
    exported = export.get("ecs") if isinstance(export, Mapping) else None
    for node in (body.keys["ecs"][1] if "ecs" in body.keys else None, exported):
        for key, _ in node if isinstance(node, Mapping) else ():
            if key.value in _SIZES:
                yield key.at, key.length


def _environments(body: Body) -> Found:
    export = body.keys["_export"][1] if "_export" in body.keys else None
    if isinstance(export, Mapping) and export.variants:
        yield export.at, len("!include")


def _catch_up(body: Body) -> Found:
    schedule = body.keys["schedule"][1] if "schedule" in body.keys and body.operator == "" else None
    for key, _ in schedule if isinstance(schedule, Mapping) else ():
        if key.value in ("catch_up", "catch_up_limit"):
            yield key.at, key.length


def _suffix(body: Body) -> Found:
    if body.operator == "" and body.path.endswith(".dig.yml"):
        yield Position(body.path, 1, 1), 1


def _names_of_ours(body: Body) -> Found:
    own = [value for key, value in body.keys.values() if not (str(key.value).startswith("+") or key.value in _BODIES)]
    for scalar in template_texts(*own):
        for part in template.split(str(scalar.value)):
            found = _OURS.search(part.source) if isinstance(part, template.Expression) else None
            if found is not None and isinstance(part, template.Expression):
                yield scalar.position(part.start + found.start()), len(found[0])


_OURS = re.compile(rf"(?<![\w.])({'|'.join(builtins.WEAKEST)})\b")

EXTENSIONS = (
    Extension(
        "params", _key("params", ""), "declared parameters", "move defaults to _export; there -p cannot change them"
    ),
    Extension("_timeout", _key("_timeout"), "a time limit", "limit the command itself: sh>: timeout 30m ..."),
    Extension("_ignore_failure", _key("_ignore_failure"), "a failure that is ignored", "sh>: command || true"),
    Extension("_env", _key("_env", None, ""), "_env of a group", "give it to each task"),
    Extension("store", _key("store", "sh"), "values that a sh> returns", "a py> with digdag.env.store"),
    Extension("_secrets", _key("_secrets", "py", "rb"), "secrets of py> and rb>", "_env: {TOKEN: '${secret:key}'}"),
    Extension("file", _table_file, "a table list in a file", "write the list into the workflow"),
    Extension("ecs", _of_a_job, "the job or size of a task", "it means nothing there, and does no harm"),
    Extension(
        "catch_up", _catch_up, "how an outage is made up for", "it starts all missed sessions; skip_delayed_by: 6h"
    ),
    Extension(
        "environments", _environments, "an include of ${env}", "Digdag reads includes before it knows any parameter"
    ),
    Extension("operator", _operator, "this operator", "it needs a plug-in there"),
    Extension("names", _names_of_ours, "a built-in variable of ours", "set it in _export"),
    Extension("dig.yml", _suffix, "a file whose name does not end in .dig", "rename it; Digdag does not see it"),
)


def find(read: tree.Read, path: str, files: tree.Files | None = None) -> list[Problem]:
    """Return where a workflow and the files it calls use what only stepdig knows; what does not parse is left out."""
    found = Problems()
    seen: set[str] = set()
    ahead = [path]
    while ahead:
        file = ahead.pop()
        content = read(file) if file not in seen else None
        seen.add(file)
        top = tree.load(content, file, read, Problems(), files) if content is not None else None
        for body in _bodies(top, file, "") if top is not None else ():
            for extension in EXTENSIONS:
                for at, length in extension.find(body):
                    found.add(at, "SD239", f"not on Digdag: {extension.says}", extension.hint, length)
            ahead += _called(body, file, read)
    return list(found)


def _bodies(node: Node, path: str, operator: str | None) -> Iterator[Body]:
    """Yield a body and those inside it."""
    mappings = node.items if isinstance(node, Sequence) else [node]
    keys = {str(key.value): (key, value) for it in mappings if isinstance(it, Mapping) for key, value in it}
    if operator is None:
        operator = next((name[:-1] for name in keys if name.endswith(">")), None)
        kind = keys["_type"][1] if operator is None and "_type" in keys else None
        operator = str(kind.value) if isinstance(kind, Scalar) else operator
    yield Body(keys, operator, path)
    for name, (_, value) in keys.items():
        if name.startswith("+") or name in _BODIES:
            yield from _bodies(value, path, None)


def _called(body: Body, path: str, read: tree.Read) -> list[str]:
    """Return the file that a body calls, where its name is written out."""
    argument = body.keys["call>"][1] if "call>" in body.keys else None
    name = argument.value if isinstance(argument, Scalar) else None
    found = target(posixpath.dirname(path), name, read) if isinstance(name, str) and "${" not in name else None
    return [found] if found is not None else []
