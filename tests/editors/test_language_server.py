"""What VS Code shows, asked of the language server of its YAML extension, with the files that `stepdig schema --vscode` writes.

`npm --prefix tests/editors ci` gets it; without it these tests are skipped.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from language_server import LanguageServer

from stepdig.cli import main

COMMAND = Path(__file__).parent / "node_modules/.bin/yaml-language-server"

pytestmark = pytest.mark.skipif(
    not COMMAND.exists() or shutil.which("node") is None, reason="needs Node: npm --prefix tests/editors ci"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    assert main(["schema", "--vscode", str(folder)]) == 0
    flat = json.loads((folder / ".vscode/settings.json").read_text())
    yaml = {key.removeprefix("yaml."): value for key, value in flat.items() if key.startswith("yaml.")}
    settings = {"yaml": {**yaml, "validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}
    with LanguageServer([str(COMMAND), "--stdio"], folder, settings) as started:
        yield started


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+a:\n  shh>: x\n", [(1, "there is no such operator")]),
        ("+a:\n  td>: x\n", [(1, "td> is not here: run Treasure Data's own client")]),
        ("+a:\n  loop>: 3\n  _do:\n    +b:\n      ech>: 1\n", [(4, "there is no such operator")]),
        ("+a:\n  sh>: x\n  _retry: many\n", [(2, "must be a whole number")]),
        ("+a:\n  parallel: true\n  +b:\n    echo>: hi\n", [(1, "Property parallel is not allowed.")]),
        ("_exprt: {a: 1}\n+b:\n  echo>: hi\n", [(0, "Property _exprt is not allowed.")]),
        ("+b:\n  http>: x\n  method: PSOT\n", [(2, 'Value is not accepted. Valid values: "GET"')]),
        ("+b:\n  loop>: 3\n", [(0, 'Missing property "_do".')]),
        ("+b:\n  wait>: 10:00\n", [(1, "must be a duration such as 90s")]),
        ("+b c:\n  echo>: x\n", [(0, "a task's name holds letters, digits")]),
        ("+b:\n  http_call>: x\n", [(1, "http_call> cannot run")]),
        ("+a:\n  sh>: x\n  _retry: ${tries}\n  any: [1, {x: 2}]\n", []),
        ("!include : a.dig\n+a:\n  !include : b.dig\n  _export:\n    !include : c.dig\n    x: 1\n", []),
        ("_export:\n  mysql: {host: db}\n", []),
        ("mysql: {host: db}\n", []),
        ("+a:\n  - sh>: x\n  - _retry: 1\n", []),
    ],
    ids=lambda value: value.split("\n")[1].strip() if isinstance(value, str) else "",
)
def test_mistakes_are_underlined(server, text, expected):
    found = server.diagnostics(text)
    assert [line for line, _ in found] == [line for line, _ in expected], found
    for (_, message), (_, words) in zip(found, expected, strict=True):
        assert message.startswith(words)


def test_operators_and_keys_are_offered_where_a_task_begins(server):
    for text in ("+a:\n  |", "+a:\n  s|", "+a:\n  if>: ${x}\n  _do:\n    +b:\n      s|"):
        offered = server.completions(text)
        assert {"sh>", "py>", "for_each>", "_parallel", "_export", "_env"} <= set(offered)
        assert "td>" not in offered
        assert "http_call>" not in offered
    assert offered["sh>"]["documentation"]["value"] == "Run a shell command: `sh>: tasks/load.sh ${table}`."


def test_options_of_the_operator_are_offered_and_no_second_operator(server):
    offered = server.completions("+a:\n  sh>: x\n  |")
    assert {"shell", "store", "ecs", "_env", "_retry", "_error"} <= set(offered)
    assert not [label for label in offered if label.endswith(">")]
    assert {"GET", "POST"} <= set(server.completions("+a:\n  http>: x\n  method: |"))


def test_keys_of_a_workflow_are_offered_at_the_top(server):
    assert {"timezone", "schedule", "params", "_export", "_error"} <= set(server.completions("|"))
    assert {"daily>", "cron>"} <= set(server.completions("schedule:\n  |\n+a: {echo>: x}"))


def test_the_help_of_a_key_is_shown(server):
    assert "Run a shell command" in server.hover("+a:\n  s|h>: x\n")
    assert "names that the command returns" in server.hover("+a:\n  sh>: x\n  sto|re: [rows]\n")
    assert "run again when it failed" in server.hover("+a:\n  sh>: x\n  _ret|ry: 1\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu: 1 vCPU\nmemory: 4 GB\nstate: [diff.yml]\n", []),
        ("cpu: 256\ncapcity: spot\n", [(1, "Property capcity is not allowed.")]),
        (
            "capacity: sport\n",
            [(0, 'Value is not accepted. Valid values: "on_demand", "spot", "spot_then_on_demand".')],
        ),
        ("cpu: lots\n", [(0, "must be a size such as 1024 or 1 vCPU")]),
        ("iam:\n  - {Action: GetObject, Resource: '*'}\n", [(1, "must be actions of IAM such as s3:GetObject")]),
        ("secrets:\n  KEY: {fil: /a}\n", [(1, 'Missing property "file".'), (1, "Property fil is not allowed.")]),
    ],
    ids=lambda value: value.split("\n")[0] if isinstance(value, str) else "",
)
def test_mistakes_in_job_yml_are_underlined(server, text, expected):
    found = server.diagnostics(text, f"jobs/n{abs(hash(text))}/job.yml")
    assert sorted(line for line, _ in found) == [line for line, _ in expected], found
    for (_, message), (_, words) in zip(sorted(found), expected, strict=True):
        assert message.startswith(words)


def test_keys_of_job_yml_are_offered_with_their_help(server):
    offered = server.completions("cpu: 256\n|", "jobs/offered/job.yml")
    assert {"memory", "secrets", "iam", "state"} <= set(offered)
    assert offered["state"]["documentation"]["value"].startswith("files that a task finds again")
    assert {"spot", "on_demand"} <= set(server.completions("capacity: |", "jobs/words/job.yml"))
