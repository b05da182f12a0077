"""Which secrets a command may read: the keys of its `${secret:...}`, its `_secrets` and the exports it uses.

A deployment gives a job just these, and the task runner looks up no other. So each must be known when compiling, and a
reference must stand where the runner puts the secret in: in a command line, in `_env`, in a configuration of Embulk.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from itertools import product
from math import prod

from stepdig import plan
from stepdig.expressions import template
from stepdig.expressions.errors import EvaluationError, NeedsRuntime
from stepdig.expressions.evaluate import Context
from stepdig.language.model import Task
from stepdig.naming.environments import ENVIRONMENT
from stepdig.naming.scopes import ExportLayer, LoopLayer, Scope
from stepdig.problem import Position
from stepdig.runner import secret_texts, templates
from stepdig.runner.templates import Layer
from stepdig.source.nodes import template_texts
from stepdig.source.tree import Mapping, Node, Scalar, plain

# The value of the characters from..to of a scalar's text, templates evaluated.
Piece = Callable[[Scalar, int, int], plan.Value]
# (position, code, text, hint, length)
Complain = Callable[[Position, str, str, str, int], None]

_ROWS = 10_000  # combinations of rows that are tried; more belongs into fewer, named secrets
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_FILLED = {"embulk": ("_env", "config")}  # options that the runner fills; of every other command `_env` alone


def of_task(task: Task, scope: Scope, more: tuple[Node, ...], piece: Piece, complain: Complain) -> list[str]:
    """Return the keys of the secrets that a command task may read, sorted; notes what is wrong with references.

    more   other texts that the runner fills: of a file that the task names
    piece  gives part of a text without regard to stores: a store that makes another key of it reads no secret
    """
    names = remounted(task.options.get("_secrets"), complain)
    keys = set(names.values())
    filled = [
        *more,
        *(task.options[name] for name in _FILLED.get(task.operator or "", ("_env",)) if name in task.options),
        *scope.env,
    ]
    if task.operator in ("sh", "embulk") and task.argument is not None:
        filled.append(task.argument)
    reachable, rest = _reached(task, scope, filled)
    for node in template_texts(*filled, *reachable):
        for start, end in secret_texts.spans(str(node.value)):
            found = _keys(node, start, end, scope, piece, complain)
            keys.update(names.get(key, key) for key in found)
    for node in template_texts(*rest):
        for start, end in secret_texts.spans(str(node.value)):
            shown = str(node.value)[start - len(secret_texts.PREFIX) : end + 1]
            hint = "put it into _env" if task.operator == "sh" else "use _env, or _secrets and digdag.env.secrets"
            at = node.position(start - len(secret_texts.PREFIX))
            complain(at, "SD907", f"{shown} would stay text here, no secret", hint, len(shown))
    return sorted(keys)


def _keys(node: Scalar, start: int, end: int, scope: Scope, piece: Piece, complain: Complain) -> set[str]:
    """Return the keys a reference may have: one, or one for each row of lists around; none after noting what is wrong."""
    value = piece(node, start, end)
    text = str(node.value)[start:end]
    at = node.position(start)
    found = {str(value.value)} if isinstance(value, plan.Constant) else _of_rows(text, scope)
    if not found:
        hint = "write it out, or take it from _export or a table list"
        complain(at, "SD906", "the key of a secret must be known when compiling", hint, len(text))
    wrong = next((key for key in sorted(found) if not secret_texts.KEY.match(key)), None)
    if wrong is not None:
        complain(at, "SD906", f"'{wrong}' is no key of a secret", "use letters, digits and . _ - @", max(1, len(text)))
    return found if wrong is None else set()


def _of_rows(text: str, scope: Scope) -> set[str]:
    """Return what a text is in each row of the lists around, and in each environment; none if that is not enough."""
    found = [_in_environment(text, scope, it) for it in scope.environments or (None,)]
    return set().union(*found) if all(found) else set()


def _in_environment(text: str, scope: Scope, environment: str | None) -> set[str]:
    """Return what a text is in each row of the lists around that are known when compiling; none if that is not enough."""
    layers: list[list[Layer]] = [[Layer({ENVIRONMENT: environment})]] if environment is not None else []
    for layer in scope.layers:
        if isinstance(layer, ExportLayer):
            names = {str(name.value): plain(node) for name, node in layer.mapping.of(environment)}
            layers.append([Layer(names, is_template=True)])
        elif isinstance(layer, LoopLayer):
            variables = scope.draft.loops[layer.loop].variables
            lists = {str(it["name"]): it["rows"] for it in variables if isinstance(it["rows"], list)}
            layers.append([Layer(dict(zip(lists, row, strict=True))) for row in product(*lists.values())])
    if prod(map(len, layers)) > _ROWS:
        return set()
    context = Context(scope.draft.offsets)
    try:
        return {templates.text(row, text, context) for row in product(*layers)}
    except (EvaluationError, NeedsRuntime):
        return set()


def remounted(node: Node | None, complain: Complain, prefix: str = "") -> dict[str, str]:
    """Return `_secrets` as name -> key: `{pw: mysql.password}`; `pw: true` keeps the name."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        complain(node.at, "SD908", "_secrets needs a mapping of names to keys", "such as {pw: mysql.password}", 1)
        return {}
    found: dict[str, str] = {}
    for name, value in node:
        if isinstance(value, Mapping):
            found.update(remounted(value, complain, f"{prefix}{name.value}."))
        elif isinstance(value, Scalar) and value.value is True:
            found[f"{prefix}{name.value}"] = f"{prefix}{name.value}"
        elif isinstance(value, Scalar) and isinstance(value.value, str) and secret_texts.KEY.match(value.value):
            found[f"{prefix}{name.value}"] = value.value
        elif not (isinstance(value, Scalar) and value.value is False):
            hint = "write the key out, or true for the name itself"
            complain(value.at, "SD908", f"'{name.value}' in _secrets is no key of a secret", hint, value.length)
    return found


def _reached(task: Task, scope: Scope, filled: list[Node]) -> tuple[list[Node], list[Node]]:
    """Return the exports and own keys that texts which are filled use, themselves or through others; the other own keys."""
    own = {name: node for name, node in task.options.items() if name[:1] != "_"}
    if task.operator == "embulk":
        own.pop("config", None)
    named: MappingOf[str, list[Node]] = _exports(scope)
    waiting, seen = _words(filled), set[str]()
    reached: list[Node] = []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in [*([own.pop(name)] if name in own else []), *named.get(name, ())]:
            reached.append(node)
            waiting += _words([node])
    return reached, list(own.values())


def _words(nodes: list[Node]) -> list[str]:
    """Return the names in the `${...}` below some nodes."""
    parts = [part for node in template_texts(*nodes) for part in template.split(str(node.value))]
    return [word for part in parts if isinstance(part, template.Expression) for word in _WORD.findall(part.source)]


def _exports(scope: Scope) -> dict[str, list[Node]]:
    """Return what the exports in sight hold under each name."""
    found: dict[str, list[Node]] = {}
    for layer in scope.layers:
        for mapping in layer.mapping.every if isinstance(layer, ExportLayer) else ():
            for name, node in mapping:
                found.setdefault(str(name.value), []).append(node)
    return found
