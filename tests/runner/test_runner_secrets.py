"""Secrets of command tasks: where they are put in, that nothing else becomes one, that they are not told."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bundles import CONTEXT, at, bundle, host, run_prepared, task

from stepdig.runner import commands, secret_texts, templates
from stepdig.runner.storage import FolderStorage

SECRETS = {"db.pw": "p w'd", "other": "o", "dev.pw": "d"}


@pytest.fixture
def ran(tmp_path):
    """Return a function that runs a task which may read some secrets; what `finish` says, stdout, stderr."""
    storage = FolderStorage(tmp_path / "bucket")
    machine = host(tmp_path, python=(sys.executable,))
    machine = type(machine)(**{**vars(machine), "secret": SECRETS.get})

    def run(local, *keys, scopes=None, params=None, env=(), **files):
        for name, text in files.items():
            (machine.project_dir / f"{name}.py").write_text(text)
        layers = [["export", key] for key in scopes or {}]
        made = {**task(local, layers=layers), "secrets": list(keys), "env": list(env)}
        one = bundle({"+t": made}, scopes=scopes)
        return run_prepared(commands.prepare(at(one, params=params), machine, storage, CONTEXT), storage)

    return run


@pytest.mark.parametrize(
    ("local", "out"),
    [
        ({"sh>": 'echo "${secret:db.pw}"'}, "p w'd"),
        ({"sh>": 'echo "${secret:${env}.pw}"'}, "d"),
        ({"sh>": 'echo "$A"', "_env": {"A": "<${secret:db.pw}>"}}, "<p w'd>"),
        ({"sh>": 'echo "$A"', "_env": {"A": "${secret:alias}"}, "_secrets": {"alias": "db.pw"}}, "p w'd"),
        ({"sh>": 'echo "$A"', "_env": {"A": "${secret:my.alias}"}, "_secrets": {"my": {"alias": "other"}}}, "o"),
        ({"sh>": 'echo "${pw}"'}, "p w'd"),
        ({"sh>": "echo '${{a: [other]}}'"}, '{"a":["o"]}'),
    ],
)
def test_commands_and_env_are_filled(ran, local, out):
    finished, said, _ = ran(
        local,
        "db.pw",
        "other",
        "dev.pw",
        scopes={"r": {"pw": "${secret:db.pw}", "env": "dev", "other": "${secret:other}"}},
    )
    assert (finished.exit_code, said) == (0, f"{out}\n")


def test_env_of_groups_is_filled_and_weaker(ran):
    local = {"sh>": 'echo "$A $B $C"', "_env": {"B": "own"}, "n": "1"}
    _, out, _ = ran(local, "other", env=[{"A": "${secret:other}", "B": "outer"}, {"C": "${n}2"}])
    assert out == "o own 12\n"


def test_parameters_keep_the_reference_as_text(ran):
    """What a py> is given, and the variables of a sh>, hold no secret."""
    code = "import digdag, os\ndef f(pw): print(pw, sorted(digdag.env.secrets), 'STEPDIG_SECRETS' in os.environ)\n"
    out = ran({"py>": "m.f"}, "db.pw", scopes={"r": {"pw": "${secret:db.pw}"}}, m=code)[1]
    assert out == "${secret:db.pw} [] False\n"
    assert ran({"sh>": 'echo "$pw"; : "${secret:other}"'}, "other", scopes={"r": {"pw": "${secret:db.pw}"}})[1] == (
        "${secret:db.pw}\n"
    )


def test_data_cannot_name_a_secret(ran):
    """A value that reads as a reference, or that closes one, stays text."""
    local = {"sh>": "echo '${x} ${y}'"}
    out = ran(local, "db.pw", "other", params={"x": "${secret:db.pw}", "y": "} ${secret:other}"})[1]
    assert out == "${secret:db.pw} } ${secret:other}\n"
    with pytest.raises(commands.TaskError) as error:
        ran({"sh>": "echo '${secret:${x}}'"}, "db.pw", params={"x": "db.pw} ${secret:other"})
    assert str(error.value) == "Secret not found for key: 'db.pw} ${secret:other' (secret not found)"


@pytest.mark.parametrize(("key", "listed"), [("nowhere", ["nowhere"]), ("other", ["db.pw"])])
def test_a_secret_that_is_not_there_or_not_the_task_s_is_not_found(ran, key, listed):
    """The second is there, but the compiler did not find it in the task: a run cannot choose another."""
    with pytest.raises(commands.TaskError) as error:
        ran({"sh>": f"echo ${{secret:{key}}}"}, *listed)
    assert str(error.value) == f"Secret not found for key: '{key}' (secret not found)"


def test_messages_do_not_tell_secrets(ran):
    for local in (
        {"sh>": "x ${secret:other} ${nope}"},
        {"sh>": "x", "_env": {"A": ["${secret:other}"]}},
        {"sh>": "x", "shell": "${secret:other} ${pw}"},
    ):
        with pytest.raises(commands.TaskError) as error:
            ran(local, "other", scopes={"r": {"pw": "${secret:db.pw}"}})
        assert "${secret:other}" in str(error.value)
        assert "begins" not in str(error.value), "the runner's own marks are not for people"


def test_py_reads_the_secrets_that_the_task_names(ran):
    code = """
import digdag, json, subprocess
def f():
    print(json.dumps(digdag.env.secrets, sort_keys=True))
    print(subprocess.run("env | grep -c SECRET", shell=True, stdout=subprocess.PIPE).stdout.decode())
"""
    _, out, _ = ran({"py>": "m.f", "_secrets": {"pw": "db.pw", "other": True}}, "db.pw", "other", m=code)
    assert out.split("\n")[:2] == ['{"other": "o", "pw": "p w\'d"}', "0"]


def test_subtasks_read_the_secrets_of_their_task_and_no_others(ran):
    code = """
import digdag
def f():
    digdag.env.add_subtask({"sh>": "echo ${secret:other} $A; env | grep -c ^STEPDIG_", "_env": {"A": "${secret:pw}"},
                            "_secrets": {"pw": "db.pw"}, "_error": {"echo>": "${error.message}"}})
"""
    finished, out, _ = ran({"py>": "m.f", "_secrets": {"x": "db.pw", "y": "other"}}, "db.pw", "other", m=code)
    assert out.split("\n")[:2] == ["o p w'd", "0"]
    assert finished.message == "Command failed with code 1 (runtime)"  # grep finds nothing
    finished, out, _ = ran({"py>": "m.f", "_secrets": {"y": "other"}}, "other", m=code)
    assert out == "Secret not found for key: 'db.pw' (secret not found)\n"


def test_the_variable_of_a_container_is_named_after_the_key():
    assert secret_texts.variable("mysql.password-2") == "STEPDIG_SECRET_MYSQL_PASSWORD_2"


TEXTS = st.lists(st.sampled_from(["${secret:", "}", "{", "$", "a", " ", "${", "x.y", "\n", "$$"])).map("".join)


@given(TEXTS)
def test_a_marked_text_read_as_text_again_is_the_text(text):
    assert secret_texts.literal(secret_texts.mark(text)) == text


REFERENCES = st.sampled_from(sorted(SECRETS)).map(lambda key: ("secret", key))
PARTS = st.lists(REFERENCES | st.tuples(st.sampled_from(["data", "text"]), TEXTS))


@given(PARTS)
def test_only_references_of_the_workflow_are_filled_whatever_data_reads(parts):
    """Data between references, as near to one as it may look, comes out as it is."""
    texts = {"secret": "${secret:%s}", "text": "'%s'"}
    plain = {number: text.replace("$", "").replace("{", "") for number, (_, text) in enumerate(parts)}
    written, wanted, data = "", "", {}
    for number, (kind, text) in enumerate(parts):
        if kind == "data":
            data[f"d{number}"] = text
            written, wanted = f"{written}${{d{number}}}", wanted + text
        elif kind == "secret":
            written, wanted = written + texts[kind] % text, wanted + SECRETS[text]
        else:
            written, wanted = written + texts[kind] % plain[number], wanted + f"'{plain[number]}'"
    marked = templates.evaluated([templates.Layer(data)], {"sh>": written}, CONTEXT, secrets=True)["sh>"]
    assert secret_texts.Secrets(list(SECRETS), {}, SECRETS.get).fill(marked) == wanted
