"""`check --digdag` finds each extension at its place, and nothing in what the real Digdag has run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepdig.digdag_check import EXTENSIONS, OPERATORS, find
from stepdig.operators import TABLE

RECORDINGS = json.loads((Path(__file__).parents[1] / "digdag/recordings.json").read_text())

# Extension -> (a file that uses it, where)
USES = {
    "params": ("params: {n: 1}\n+t: {echo>: hi}", ["1:1"]),
    "_timeout": ("_timeout: 1h\n+g:\n  _timeout: 2m\n  +t: {echo>: hi, _timeout: 3m}", ["1:1", "3:3", "4:19"]),
    "_ignore_failure": ("+t: {sh>: 'false', _ignore_failure: true}", ["1:20"]),
    "_env": ("_env: {A: b}\n+g:\n  _env: {A: b}\n  +t: {sh>: env, _env: {A: b}}", ["1:1", "3:3"]),
    "store": ("+t: {sh>: work, store: [a]}\n+p: {py>: a.b, store: 1}", ["1:17"]),
    "_secrets": ("+t: {py>: a.b, _secrets: {x: true}}", ["1:16"]),
    "file": ("+l: {for_each>: {a: [1], t: {file: t.json}}, _do: {echo>: hi}}", ["1:29"]),
    "ecs": ("_export: {ecs: {job: a, x: 1}}\n+t: {sh>: a, ecs: {memory: 2048}}", ["1:17", "2:20"]),
    "operator": (
        "+t: {slack>: a.yml}\n+u: {_type: athena, _command: a}\n+v: {sh>: a, _error: {slack>: a.yml}}",
        ["1:6", "2:13", "3:23"]),
    "catch_up": ("schedule: {daily>: 07:00:00, catch_up: last, catch_up_limit: 3}\n+t: {echo>: hi}", ["1:30", "1:46"]),
    "names": ("+t: {echo>: 'a ${project_name} ${a.project_name} project_name'}", ["1:18"]),
}  # fmt: skip


def _found(text: str, path: str = "w.dig", **files: str) -> list[tuple[str, str]]:
    """Return place and text of what is found."""
    given = {path: text, **{name.replace("__", "."): content for name, content in files.items()}}
    read = {name: content.encode() for name, content in given.items()}.get
    return [(f"{it.at.line}:{it.at.column}", it.text) for it in find(read, path)]


@pytest.mark.parametrize("name", USES)
def test_each_extension_is_found(name: str) -> None:
    """At its own key, and nothing else is."""
    extension = next(it for it in EXTENSIONS if it.name == name)
    text, places = USES[name]

    assert _found(text) == [(place, f"not on Digdag: {extension.says}") for place in places]


def test_every_extension_has_an_example() -> None:
    """A new row needs one here."""
    assert {it.name for it in EXTENSIONS} - set(USES) == {"dig.yml", "environments"}


def test_includes_by_environment() -> None:
    """Digdag reads includes before it knows any parameter."""
    files = {"w.dig": '_export:\n  a: 1\n  !include : "c/${env}.dig"\n+t: {echo>: hi}', "c/prod.dig": "b: 1"}
    read = {name: text.encode() for name, text in files.items()}.get
    [found] = find(read, "w.dig", lambda: list(files))
    assert (found.at.line, found.text) == (2, "not on Digdag: an include of ${env}")


def test_the_name_of_a_file() -> None:
    """Digdag sees `*.dig` only; a called file is looked into, each once."""
    assert [place for place, _ in _found("+t: {call>: sub}\n+u: {call>: sub}", "w.dig.yml", sub__dig="params: {}")] == [
        "1:1",
        "1:1",
    ]


@pytest.mark.parametrize(
    "record", [it for it in RECORDINGS if it["exit_code"] == 0], ids=lambda record: str(record["name"])
)
def test_what_digdag_has_run_is_digdags(record: dict[str, object]) -> None:
    """No workflow that was recorded with the real Digdag, and ended well there, is complained about."""
    files = {str(record["workflow"]): record["dig"], **record["files"]}  # type: ignore[dict-item]
    read = {name: str(text).encode() for name, text in files.items()}.get

    assert [str(it) for it in find(read, str(record["workflow"]))] == []


def test_operators_of_ours_that_digdag_does_not_have() -> None:
    """The list is complete: whoever adds an operator says whether Digdag has it."""
    of_plugins = {"slack", "ecs_task.run"} | {name for name in TABLE if name.startswith("athena.")}
    assert set(TABLE) - OPERATORS == of_plugins
