"""Located nodes -> the workflow as written, by the rules Digdag applies when it loads a file.

WorkflowFile#fromConfig for the top of a file, WorkflowCompiler#collect for tasks and groups:
https://github.com/treasure-data/digdag/blob/master/digdag-core/src/main/java/io/digdag/core/workflow/WorkflowCompiler.java
Whether an operator is known is for `lower` to say.
"""

from __future__ import annotations

from stepdig.language import directives, inputs, names, sla, slips
from stepdig.language import keys as declared
from stepdig.language.directives import shown
from stepdig.language.model import After, Task, Workflow
from stepdig.problem import Position, Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence

TOP_KEYS = ("timezone", "schedule", "sla", "_export", "_error", "_check", "_retry", "_parallel")
OURS = ("_env", "_timeout", "_ignore_failure")  # of groups: Digdag knows none of them
GROUP_KEYS = (*TOP_KEYS, "_background", "_after", "_secrets", "_disable", *OURS)
BODIES = {"if": ("_do", "_else_do"), "loop": ("_do",), "for_each": ("_do",), "for_range": ("_do",)}
BODIES["td_for_each"] = ("_do",)  # not here, but what is wrong inside is told too
_WITHOUT_BODIES = frozenset(
    (
        *("call", "echo", "embulk", "fail", "http", "mail", "param_get", "param_set", "py", "rb", "require", "s3_wait"),
        *("sh", "slack", "wait"),
    )
)
_LOOPS = frozenset({"loop", "for_each", "for_range"})  # `_parallel` is their option, not the group's
_OF_EVERY_TASK = frozenset(
    ("_type", "_command", "_export", "_error", "_check", "_retry", "_background", "_after", "_disable", *OURS[1:])
)

_DIRECTIVES = {
    *(it.name for it in (*declared.TASK, *declared.COMMAND, *declared.LOOP, *declared.GROUP)),
    "_else_do",
    "_type",
    "_command",
}

_SUCH_AS = {
    "_export": "such as _export: {name: value}",
    "_env": "such as _env: {NAME: value}",
    "schedule": "such as schedule: {daily>: 07:00:00}, or cron>: 42 4 1 * * below it",
    "sla": "such as sla: {time: 07:30}",
}

_Keys = slips.Keys


def workflow(node: Mapping, name: str, path: str, problems: Problems, *, called: bool = False) -> Workflow:
    """Return the workflow a file holds; what is wrong is added to `problems` and left out.

    `called`: the file is the target of call>, where Digdag ignores timezone, schedule and sla, and no name is checked.
    """
    keys = _keys(node, "the workflow", node.at, problems)
    known = (*TOP_KEYS, "_env", "_timeout", "params")
    for text, (key, _) in keys.items():
        if not text.startswith("+") and text not in known:
            hint = slips.hint_at_top(key, keys[text][1], (*TOP_KEYS, "params"), GROUP_KEYS)
            problems.add(key.at, "SD201", f"unknown key '{text}' at the top of a workflow", hint, key.length)
    keys = _meant(keys)
    root = _group(f"+{name}", node.at, {k: v for k, v in keys.items() if k[:1] == "+" or k in known}, True, problems)
    params = inputs.declared(keys["params"][1] if "params" in keys else None, root.export, problems)
    if called:
        return Workflow(name, path, "UTC", root, params=params)
    wrong = names.of_workflow(name)
    if wrong:
        problems.add(Position(path, 1, 1), "SD207", *wrong)
    schedule = _mapping(keys, "schedule", problems)
    limit = sla.sla(
        _mapping(keys, "sla", problems), lambda it: _task("^sla", "sla", it.at, it, False, problems), problems
    )
    if schedule is not None:
        inputs.refuse_unscheduled(params, problems)
    return Workflow(name, path, _timezone(keys, problems), root, schedule, limit, params)


def body(node: Node, name: str, problems: Problems) -> Task:
    """Return the task or group of a mapping (or a list of mappings) as the task `name`, `^sub` or `+load`."""
    return _task(name, name, node.at, node, False, problems)


def _task(name: str, label: str, at: Position, node: Node, beside: bool, problems: Problems) -> Task:
    """Return a task or group; `label` is its key in the file, `beside` whether its group runs all at the same time."""
    keys = _keys(node, label, at, problems)
    if "_disable" in keys and directives.switch("_disable", keys["_disable"][1], problems):
        return Task(name, at)
    background = "_background" in keys and directives.switch("_background", keys["_background"][1], problems)
    if background and beside:
        key, _ = keys["_background"]
        what = "'_background' in a group that runs all its tasks at the same time"
        problems.add(key.at, "SD210", what, "remove it, or the group's _parallel", key.length)
    if "_after" in keys and not beside:
        key, _ = keys["_after"]
        what = "'_after' in a group that runs one task after the other"
        problems.add(key.at, "SD253", what, "add _parallel: true to the group", key.length)
    if "_type" in keys or any(key.endswith(">") for key in keys):
        return _operator_task(name, label, at, keys, background, problems)
    for text, (key, _) in keys.items():
        if not text.startswith("+") and text not in GROUP_KEYS:
            what = f"unknown key '{text}' in '{label}', which is a group: it has no operator"
            problems.add(key.at, "SD202", what, slips.hint_in_group(key, keys[text][1], GROUP_KEYS), key.length)
    slips.refuse_misplaced(keys, problems)
    return _group(name, at, _meant(keys), False, problems, background)


def _meant(keys: _Keys) -> _Keys:
    """Return the keys with tasks whose names lack their `+`, which is told already, as tasks: for the mistakes in them."""
    found = dict(keys)
    for text, (key, value) in keys.items():
        if text[:1] not in "+_" and text not in (*TOP_KEYS, "params") and slips.is_body(value):
            found.setdefault("+" + slips.halfwidth(text).lstrip("+"), (key, value))
    return found


def _group(name: str, at: Position, keys: _Keys, top: bool, problems: Problems, background: bool = False) -> Task:
    parallel = directives.parallel(keys["_parallel"][1], False, problems) if "_parallel" in keys else None
    children = []
    for text, (key, value) in keys.items():
        if text.startswith("+"):
            wrong = names.of_task(text, top)
            if wrong:
                problems.add(key.at, "SD206", *wrong, length=key.length)
            children.append(_task(text, text, key.at, value, parallel is not None, problems))
    _check_order(children, problems)
    return Task(
        name,
        at,
        children=tuple(children),
        export=_mapping(keys, "_export", problems),
        retry=directives.retry(keys["_retry"][1], True, problems) if "_retry" in keys else None,
        parallel=parallel,
        background=background,
        error=_handler("_error", keys, problems),
        after=_after(keys, problems),
        env=_environment(keys, problems),
        timeout=_timeout(keys, problems),
        ignore_failure=_ignores(keys, problems),
    )


def _check_order(children: list[Task], problems: Problems) -> None:
    """Note names in `_after` that are no earlier sibling."""
    for number, child in enumerate(children):
        earlier = [it.name for it in children[:number]]
        for after in child.after:
            if after.name not in earlier:
                later = any(it.name == after.name for it in children)
                hint = "it must stand before this task" if later else did_you_mean(after.name, earlier)
                text = f"'_after' names '{after.name}', which is no earlier task of this group"
                problems.add(after.at, "SD252", text, hint, len(after.name))


def _operator_task(name: str, label: str, at: Position, keys: _Keys, background: bool, problems: Problems) -> Task:
    _refuse_second_operator(label, keys, problems)
    operator, operator_at, argument = _operator(keys, problems)
    having = BODIES.get(operator, () if operator in _WITHOUT_BODIES else ("_do", "_else_do"))
    keys = slips.put_right(keys, operator, having, problems)
    argument = keys[f"{operator}>"][1] if f"{operator}>" in keys and argument is not None else argument
    slips.refuse_misplaced(keys, problems)
    looping = operator in _LOOPS and "_parallel" in keys
    own = {*_OF_EVERY_TASK, *having, *(["_parallel"] if looping else [])}
    options = {
        text: value for text, (_, value) in keys.items() if text not in own and text[-1:] != ">" and text[:1] != "+"
    }
    for text in options:
        slips.refuse_misspelt(keys[text][0], _DIRECTIVES, problems)
    if _environment(keys, problems) is None:
        options.pop("_env", None)
    return Task(
        name,
        at,
        operator,
        operator_at,
        argument,
        options=options,
        keys={text: keys[text][0] for text in options},
        bodies={text: _sub("^sub", *keys[text], problems) for text in having if text in keys},
        export=_mapping(keys, "_export", problems),
        retry=directives.retry(keys["_retry"][1], False, problems) if "_retry" in keys else None,
        parallel=directives.parallel(keys["_parallel"][1], True, problems) if looping else None,
        background=background,
        error=_handler("_error", keys, problems),
        check=_handler("_check", keys, problems),
        after=_after(keys, problems),
        timeout=_timeout(keys, problems),
        ignore_failure=_ignores(keys, problems),
    )


def _operator(keys: _Keys, problems: Problems) -> tuple[str, Position, Node | None]:
    """Return the operator's name, where it stands, and its argument: of `sh>: x`, or of `_type: sh` and `_command: x`."""
    found = next((key for key in keys if key.endswith(">")), None)
    if found is not None:
        key, argument = keys[found]
        return found[:-1], key.at, None if _is_null(argument) else argument
    key, kind = keys["_type"]
    if not isinstance(kind, Scalar) or not isinstance(kind.value, str):
        problems.add(key.at, "SD215", f"'_type' must be the name of an operator, not {shown(kind)}", "", key.length)
        return "", key.at, None
    if directives.is_template(kind):
        problems.add(kind.at, "SD901", "'${...}' in '_type' is not supported yet", "write the operator", kind.length)
    command = keys["_command"][1] if "_command" in keys else None
    return kind.value, kind.at, None if command is None or _is_null(command) else command


def _refuse_second_operator(label: str, keys: _Keys, problems: Problems) -> None:
    """Note a second operator, and tasks below one that has an operator."""
    operators = [key for text, (key, _) in keys.items() if text.endswith(">") or text == "_type"]
    for key in operators[1:]:
        what = f"'{label}' has two operators, '{operators[0].value}' and '{key.value}'"
        problems.add(key.at, "SD203", what, "make them two tasks", key.length)
    child = next((key for text, (key, _) in keys.items() if text.startswith("+")), None)
    if child:
        what = f"'{label}' has the operator '{operators[0].value}' and a task below it, '{child.value}'"
        hint = f"put '{operators[0].value}' into a task of its own, and '{label}' is a group"
        problems.add(child.at, "SD204", what, hint, child.length)


def _keys(node: Node, label: str, at: Position, problems: Problems) -> _Keys:
    """Return the keys of a body: of a mapping, or of a list of mappings merged in order; none when it is neither."""
    if isinstance(node, Mapping):
        return {str(key.value): (key, value) for key, value in node}
    if isinstance(node, Scalar):
        slips.refuse_scalar(label, node, at, problems)
        return {}
    merged: _Keys = {}
    for item in node.items:
        if isinstance(item, Mapping):
            merged.update({str(key.value): (key, value) for key, value in item})
        else:
            problems.add(
                item.at,
                "SD205",
                f"an item of '{label}' must be a mapping, not {shown(item)}",
                "such as - echo>: hello",
                item.length,
            )
    return merged


def _sub(name: str, key: Scalar, node: Node, problems: Problems) -> Task:
    """Return the body under `_do`, `_else_do`, `_error` or `_check`; Digdag takes no list there."""
    if isinstance(node, Mapping):
        return _task(name, str(key.value), key.at, node, False, problems)
    hint = "give each item a name of its own: '+first: ...'" if isinstance(node, Sequence) else "write tasks below it"
    problems.add(key.at, "SD213", f"'{key.value}' must be a mapping, not {shown(node)}", hint, key.length)
    return Task(name, key.at)


def _handler(name: str, keys: _Keys, problems: Problems) -> Task | None:
    """Return the body of `_error` or `_check`; None when absent or empty."""
    if name not in keys:
        return None
    key, value = keys[name]
    if isinstance(value, Mapping) and not value.entries:
        return None
    return _sub(name.replace("_", "^"), key, value, problems)


def _after(keys: _Keys, problems: Problems) -> tuple[After, ...]:
    return directives.after(keys["_after"][1], problems) if "_after" in keys else ()


def _timeout(keys: _Keys, problems: Problems) -> int | None:
    return directives.timeout(keys["_timeout"][1], problems) if "_timeout" in keys else None


def _ignores(keys: _Keys, problems: Problems) -> bool:
    return "_ignore_failure" in keys and directives.switch("_ignore_failure", keys["_ignore_failure"][1], problems)


def _mapping(keys: _Keys, name: str, problems: Problems) -> Mapping | None:
    """Return the value of a key that takes a mapping; None when it is absent, or none (then noted)."""
    if name not in keys:
        return None
    key, value = keys[name]
    if isinstance(value, Mapping):
        return value
    hint = _SUCH_AS.get(name, "")
    if isinstance(value, Sequence) and all(isinstance(it, Mapping) for it in value.items):
        hint = f"write its keys without '-', indented below '{name}:'"
    problems.add(key.at, "SD213", f"'{name}' must be a mapping, not {shown(value)}", hint, key.length)
    return None


def _environment(keys: _Keys, problems: Problems) -> Mapping | None:
    """Return `_env`, noting what in it cannot be a variable."""
    found = _mapping(keys, "_env", problems)
    if found is not None:
        slips.check_environment(found, problems)
    return found


def _timezone(keys: _Keys, problems: Problems) -> str:
    if "timezone" not in keys or _is_null(keys["timezone"][1]):
        return "UTC"
    from stepdig.language import timezones  # reads the list of all zones

    _, value = keys["timezone"]
    text = value.value if isinstance(value, Scalar) else None
    found = timezones.canonical(text) if isinstance(text, str) else None
    if found is None:
        hint = timezones.suggestion(text if isinstance(text, str) else value.text if isinstance(value, Scalar) else "")
        problems.add(value.at, "SD214", f"unknown timezone {shown(value)}", hint, value.length)
    return found or "UTC"


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
