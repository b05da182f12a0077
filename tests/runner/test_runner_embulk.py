"""embulk>: the file that Embulk is given; a stub stands for the command, which prints what it was called with."""

import json

import pytest
from runner_bundles import CONTEXT, at, bundle, host, run_prepared, task

from stepdig.runner import commands
from stepdig.runner.storage import FolderStorage

STUB = """#!/bin/sh
echo "$1 $(basename "$2") $(pwd) A=$A p=$p"
cat "$2"
exit ${CODE:-0}
"""
SECRET = "p\"'a: s#s"


@pytest.fixture
def machine(tmp_path):
    stub = tmp_path / "bin" / "embulk"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    return host(tmp_path, {"PATH": f"{stub.parent}:/usr/bin:/bin"})


@pytest.fixture
def ran(tmp_path, machine):
    """Return a function that runs an embulk>; what `finish` says, the stub's first line, the file it was given."""
    storage = FolderStorage(tmp_path / "bucket")

    def run(argument, files=(), *, secrets=(), scopes=None, **local):
        for name, text in dict(files).items():
            (machine.project_dir / name).write_text(text)
        layers = [["export", key] for key in scopes or {}]
        one = bundle(
            {"+t": {**task({"embulk>": argument, **local}, layers=layers), "secrets": list(secrets)}}, scopes=scopes
        )
        given = type(machine)(**{**vars(machine), "secret": lambda key: SECRET if key in ("db.pw", "host") else None})
        finished, out, _ = run_prepared(commands.prepare(at(one), given, storage, CONTEXT), storage)
        head, _, rest = out.partition("\n")
        return finished, head, rest

    return run


def test_a_file_is_evaluated_with_the_task_s_parameters(ran, machine):
    text = "in:\n  table: ${table}_${session_date_compact}\n  columns: ${columns}\n"
    finished, head, given = ran(
        "load.yml", {"load.yml": text}, scopes={"r": {"table": "users"}}, columns=["id", 1], _env={"A": "x"}, p="no"
    )
    assert finished == commands.Finished(0)
    assert head == f"run load.yml {machine.project_dir} A=x p="
    assert given == 'in:\n  table: users_20261120\n  columns: ["id",1]\n'


def test_a_liquid_file_is_left_to_embulk(ran):
    _, _, given = ran("load.yml.liquid", {"load.yml.liquid": "in: {{ env.A }} ${nope}\n"})
    assert given == "in: {{ env.A }} ${nope}\n"


def test_a_mapping_in_the_workflow_is_written_for_embulk(ran):
    config = {"in": {"table": "${table}", "limit": 3}, "out": {"type": "null"}}
    for local in ({"argument": config}, {"argument": None, "config": config}):
        _, _, given = ran(**local, scopes={"r": {"table": "users"}})
        assert json.loads(given) == {"in": {"table": "users", "limit": 3}, "out": {"type": "null"}}


def test_secrets_stay_one_scalar_wherever_they_stand(ran):
    import yaml

    text = """
a: ${secret:db.pw}
b: "x ${secret:db.pw} y"
c: 'x ${secret:db.pw}'
d: {e: ${secret:db.pw}, f: [${secret:db.pw}]}
g: ${exported}
"""
    scopes = {"r": {"exported": "${secret:db.pw}"}}
    _, _, given = ran("load.yml", {"load.yml": text}, secrets=["db.pw"], scopes=scopes)
    assert yaml.safe_load(given) == {
        "a": SECRET,
        "b": f"x {SECRET} y",
        "c": f"x {SECRET}",
        "d": {"e": SECRET, "f": [SECRET]},
        "g": SECRET,
    }


def test_secrets_in_a_mapping_are_whole(ran, machine):
    _, _, given = ran({"in": {"password": "${secret:db.pw}"}}, secrets=["db.pw"])
    assert json.loads(given) == {"in": {"password": SECRET}}
    assert (machine.work_dir / "load.yml").stat().st_mode & 0o077 == 0, "its user's alone"


def test_a_failure_is_told_by_its_code(ran):
    finished, _, _ = ran({"in": {}}, _env={"CODE": 3})
    assert finished == commands.Finished(3, "Command failed with code 3 (runtime)")


@pytest.mark.parametrize(
    ("files", "secrets", "said"),
    [
        ({}, [], "Failed to load a template file 'load.yml': No such file or directory (config)"),
        (
            {"load.yml": "a: b\nc: ${nope}\n"},
            [],
            "Failed to evaluate a variable load.yml (ReferenceError: nope is not defined) (config)",
        ),
        ({"load.yml": "a: ${secret:other}\n"}, ["other"], "Secret not found for key: 'other' (secret not found)"),
    ],
)
def test_what_cannot_start_says_why(ran, files, secrets, said):
    with pytest.raises(commands.TaskError) as error:
        ran("load.yml", files, secrets=secrets)
    assert str(error.value) == said
