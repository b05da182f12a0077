"""params_store: on AWS's Parameter Store (moto), and on a laptop's folder, with the same answers."""

from pathlib import Path

import pytest

from stepdig.local.functions import Modules, load
from stepdig.operators.param_get import ANSWER_BYTES

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "params_store"
PATH = "/stepdig/dev/params/shop/"


@pytest.fixture(params=["aws", "laptop"])
def handler(request, tmp_path, monkeypatch):
    if request.param == "laptop":
        yield load(FOLDER, tmp_path)
        return
    moto = pytest.importorskip("moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with moto.mock_aws():
        yield Modules(FOLDER).load("app").handler


def test_what_is_set_is_got_by_name(handler):
    handler({"path": PATH, "set": {"a": "1", "b.c-d_e": "日本\r\n"}}, None)
    assert handler({"path": PATH, "get": ["b.c-d_e", "a"]}, None) == {"params": {"b.c-d_e": "日本\r\n", "a": "1"}}


def test_what_was_never_set_is_an_empty_text(handler):
    assert handler({"path": PATH, "get": ["nope"]}, None) == {"params": {"nope": ""}}


def test_an_empty_text_replaces_what_was_there(handler):
    for value in ("x", "", ""):
        handler({"path": PATH, "set": {"a": value}}, None)
    assert handler({"path": PATH, "get": ["a"]}, None) == {"params": {"a": ""}}


def test_the_last_value_counts_and_projects_are_apart(handler):
    for value in ("1", "2"):
        handler({"path": PATH, "set": {"a": value}}, None)
    assert handler({"path": PATH, "get": ["a"]}, None) == {"params": {"a": "2"}}
    assert handler({"path": "/stepdig/dev/params/other/", "get": ["a"]}, None) == {"params": {"a": ""}}


def test_more_names_than_one_call_takes(handler):
    names = [f"n{number}" for number in range(23)]
    handler({"path": PATH, "set": {name: name.upper() for name in names}}, None)
    assert handler({"path": PATH, "get": names}, None) == {"params": {name: name.upper() for name in names}}


@pytest.mark.parametrize(("value", "words"), [("é" * 4097, "a: 8,194 bytes"), ("{{x}}", "takes no text with '{{'")])
def test_what_the_store_refuses_is_said_before_it_is_asked(handler, value, words):
    with pytest.raises(Exception, match=words) as raised:
        handler({"path": PATH, "set": {"a": value}}, None)
    assert type(raised.value).__name__ == "ParamRefused"


def test_more_than_a_state_holds_is_refused(handler):
    names = [f"n{number}" for number in range(30)]
    for name in names:
        handler({"path": PATH, "set": {name: "x" * 8_000}}, None)
    with pytest.raises(Exception, match=r"n0, n1, .* bytes together"):
        handler({"path": PATH, "get": names}, None)
    assert ANSWER_BYTES == Modules(FOLDER).load("values").ANSWER_BYTES
