"""Functions on a laptop: found by name, modules of their own, messages handed back to be drawn."""

import sys
from types import SimpleNamespace

import pytest

from stepdig.local import functions

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch):
    monkeypatch.delenv(functions.WEBHOOK, raising=False)


def add(folder, name, **modules):
    (folder / name).mkdir(parents=True)
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text)


@pytest.mark.parametrize(
    "name",
    [
        "notify_slack",
        "NotifySlackFunction",
        "arn:aws:lambda:eu-west-1:123456789012:function:notify_slack",
        "notify_slack:live",
    ],
)
def test_a_function_is_found_by_whatever_a_definition_calls_it(name):
    assert functions.function_name(name) == "notify_slack"


def test_two_functions_have_modules_of_the_same_names_and_keep_them_apart(tmp_path):
    for word in ("one", "two"):
        add(
            tmp_path,
            word,
            app="import errors\nfrom parts import said\ndef handler(event, context):\n    return [errors.NAME, said(), event]\n",
            errors=f"NAME = '{word}'\n",
            parts="import errors\ndef said():\n    return errors.NAME + '!'\n",
        )
    found = functions.Functions([tmp_path])
    before = set(sys.modules)
    assert found["one"](1, CONTEXT) == ["one", "one!", 1]
    assert found["two"](2, CONTEXT) == ["two", "two!", 2]
    assert found["one"](3, CONTEXT) == ["one", "one!", 3]
    assert {"app", "errors", "parts"}.isdisjoint(set(sys.modules) - before)
    assert str(tmp_path / "one") not in sys.path


def test_modules_of_the_program_with_those_names_are_left_alone(tmp_path, monkeypatch):
    mine = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "errors", mine)
    add(
        tmp_path,
        "one",
        app="import errors\ndef handler(event, context):\n    return errors.NAME\n",
        errors="NAME = 1\n",
    )
    assert functions.Functions([tmp_path])["one"]({}, CONTEXT) == 1
    assert sys.modules["errors"] is mine


def test_a_function_is_loaded_once_and_keeps_its_state(tmp_path):
    add(
        tmp_path,
        "count",
        app="calls = []\ndef handler(event, context):\n    calls.append(event)\n    return len(calls)\n",
    )
    found = functions.Functions([tmp_path])
    assert [found["count"]({}, CONTEXT) for _ in range(3)] == [1, 2, 3]


def test_a_projects_own_function_goes_before_ours(tmp_path):
    add(tmp_path, "notify_slack", app="def handler(event, context):\n    return 'mine'\n")
    found = functions.Functions([tmp_path, *functions.SHIPPED])
    assert found["NotifySlackFunction"]({}, CONTEXT) == "mine"
    assert set(found) >= {"notify_slack", "fail_run"}


def test_an_unknown_function_is_a_key_error():
    with pytest.raises(KeyError):
        functions.Functions()["NoSuchFunction"]
    assert functions.Functions().get("no_such") is None


def test_without_a_webhook_a_message_is_handed_back_to_be_drawn():
    payload = {"channel": "#ops", "attachments": [{"text": "done", "fields": [{"title": "rows", "value": "12"}]}]}
    result = functions.Functions()["notify_slack"]({"message": payload}, CONTEXT)
    assert result == {"sent": False, "channel": "#ops", "text": "done\nrows: 12"}


def test_a_loopback_webhook_is_honoured(slack, monkeypatch):
    monkeypatch.setenv(functions.WEBHOOK, slack.url)
    result = functions.Functions()["notify_slack"]({"message": "hello"}, CONTEXT)
    assert result == {"sent": True, "attempts": 1, "channel": "", "text": "hello"}
    assert slack.payloads[0]["text"] == "hello"


def test_errors_of_a_function_keep_their_names(slack, monkeypatch):
    monkeypatch.setenv(functions.WEBHOOK, slack.url)
    slack.answer(429, Retry_After="3600")
    with pytest.raises(Exception, match="wait for 3600 s") as error:
        functions.Functions()["notify_slack"]({"message": "hello"}, CONTEXT)
    assert type(error.value).__name__ == "RateLimited"
    monkeypatch.setenv(functions.WEBHOOK, "ftp://nowhere")
    with pytest.raises(Exception, match="no https URL") as error:
        functions.Functions()["notify_slack"]({"message": "hello"}, CONTEXT)
    assert type(error.value).__name__ == "NoWebhook"
