"""The JSON Schemas (draft 7) of the language and of job.yml for editors, made of what operators and keys declare.

An editor that knows the schema completes keys, shows the line of help of each and underlines mistakes. It never underlines what
runs, and many mistakes only the compiler can tell. Each operator has a branch of its own (`if` its key is there, `then` its
options), so that a message is about the operator that was written and not about all of them.
`errorMessage`, `patternErrorMessage`, `markdownDescription` and `doNotSuggest` are words of VS Code's JSON and YAML editors.
https://json-schema.org/draft-07, https://code.visualstudio.com/docs/languages/json
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from stepdig.language import keys, names
from stepdig.language.declared import ANY, Option, Schema, properties, without
from stepdig.language.job_keys import JOB, KEYS
from stepdig.operators import TABLE, Operator
from stepdig.operators._elsewhere import ELSEWHERE

_TASK: Schema = {"$ref": "#/definitions/task"}
_NODE: Schema = {"$ref": "#/definitions/node"}
_NO_OPERATOR: Schema = {"patternProperties": {">$": False, "^_type$": False}}
_NO_TASK: Schema = {"patternProperties": {r"^\+": False}}
_TASKS: Schema = {r"^\+": _TASK}
_ODD_NAME = "a task's name holds letters, digits and - _ = [ ] { } % & @ ` , . only"
_INCLUDE: Schema = {"": ANY}  # the key of `!include : file`


def text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> dict[str, object]:
    """Return the schema.

    A file without a task may be a part of one, for `!include`, which holds what it likes.
    """
    known = {it.name: ANY for it in (*keys.TOP, *keys.TOP_IDLE)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": ["object", "null"],
        "properties": _shown(keys.TOP) | _hidden(keys.TOP_IDLE),
        "patternProperties": _TASKS,
        "allOf": [_named()],
        "if": _NO_TASK,
        "else": {
            "properties": {**known, **_INCLUDE},
            "patternProperties": {r"^\+": ANY},
            "additionalProperties": False,
        },
        "definitions": {
            "task": {"type": ["object", "array"], "items": {"type": "object"}, "allOf": [_NODE]},
            "body": {"type": "object", "allOf": [_NODE]},
            "node": _node(),
            "group": _group(),
            **{f"{name}>": _operator(it) for name, it in sorted(TABLE.items())},
        },
    }


def job_text() -> str:
    """Return the schema of job.yml as the text of a file."""
    return json.dumps(job_document(), indent=1, ensure_ascii=False) + "\n"


def job_document() -> dict[str, object]:
    """Return the schema of job.yml; inside of its keys editors show the help of those of a mapping, too."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **JOB, "properties": _shown(KEYS)}


def _node() -> dict[str, object]:
    """Return what a task or a group is: the branch of its operator, or the group."""
    known = "|".join(sorted({*TABLE, *ELSEWHERE}))
    written = {"properties": {"_type": {"enum": sorted(TABLE)}, "_command": ANY}}
    return {
        "allOf": [
            *(_case(f"{name}>", {"$ref": f"#/definitions/{name}>"}) for name in sorted(TABLE)),
            *(without(f"^{name}>$", f"{name}> is not here: {hint}") for name, hint in ELSEWHERE.items()),
            without(f"^(?!({known})>$).*>$", "there is no such operator"),
            _case("_type", written),
            {
                "if": _NO_OPERATOR,
                "then": {"$ref": "#/definitions/group"},
                "else": {"properties": _shown(keys.TASK)},
            },
        ],
    }


def _case(key: str, schema: Schema) -> dict[str, object]:
    return {"if": {"required": [key]}, "then": schema}


def _named() -> dict[str, object]:
    return without(rf"^\+.*[^{names.TASK_CHARS}]", _ODD_NAME)


def _group() -> dict[str, object]:
    """Return a group; a mapping without an operator yet is one, so the operators are offered here."""
    operators = tuple(Option(f"{name}>", it.argument, it.help) for name, it in sorted(TABLE.items()))
    return {
        "properties": {**_shown(operators), **_shown(keys.GROUP), **_hidden(keys.GROUP_IDLE), **_INCLUDE},
        "patternProperties": _TASKS,
        "additionalProperties": False,
        "allOf": [_named()],
    }


def _operator(it: Operator) -> dict[str, object]:
    """Return a task with this operator; keys that it does not read are parameters."""
    options = (Option(f"{it.name}>", it.argument, it.help), *it.options)
    made: dict[str, object] = {
        "properties": _shown(options),
        "allOf": [
            without(r"^\+", "a task with an operator has no tasks below it"),
            without(rf"^(?!{it.name}>$).*>$", "a task has one operator"),
        ],
    }
    needed = [option.name for option in options if option.required]
    if needed:
        made["required"] = needed
    if it.others:
        common = {option.name: ANY for option in keys.TASK}
        made |= {"properties": {**common, **_INCLUDE, **_shown(options)}, "additionalProperties": it.others}
    return made


def _shown(options: tuple[Option, ...]) -> dict[str, object]:
    return {name: _marked(it) for name, it in properties(options).items()}


def _hidden(options: tuple[Option, ...]) -> dict[str, object]:
    return {name: {**_marked(it), "doNotSuggest": True} for name, it in properties(options).items()}


def _marked(schema: object) -> dict[str, object]:
    """Return a schema whose help editors show as Markdown, which it is."""
    assert isinstance(schema, Mapping)
    return {**schema, "markdownDescription": schema["description"]}
