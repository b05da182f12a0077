"""fail_run: reports the failure once, lets a redriven run pass; through the engine's own loader."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from stepdig.local import functions

FOLDER = Path(__file__).resolve().parents[2] / "functions"


class Client:
    def __init__(self):
        self.calls = []

    def send_task_success(self, **given):
        self.calls.append(("success", given))

    def send_task_failure(self, **given):
        self.calls.append(("failure", given))


@pytest.fixture
def answered():
    def call(**event):
        client = Client()
        handler = functions.Functions([FOLDER])["FailRunFunction"]
        given = {
            "token": "T",
            "error": "States.TaskFailed",
            "cause": "exit 1",
            "failed_at": 0,
            "redrive_count": 0,
            **event,
        }
        return handler(given, SimpleNamespace(step_functions=client)), client.calls

    return call


@pytest.mark.parametrize(("failed_at", "now"), [(0, 0), (2, 2)])
def test_a_failure_keeps_its_name_and_cause(answered, failed_at, now):
    told = {"taskToken": "T", "error": "States.TaskFailed", "cause": "exit 1"}
    assert answered(failed_at=failed_at, redrive_count=now) == ({"failed": True}, [("failure", told)])


def test_after_a_redrive_it_lets_the_run_go_back_to_what_failed(answered):
    assert answered(failed_at=1, redrive_count=2) == (
        {"failed": False},
        [("success", {"taskToken": "T", "output": "{}"})],
    )


def test_error_and_cause_stay_within_what_the_api_takes(answered):
    _, [(_, told)] = answered(error="e" * 300, cause="c" * 40_000)
    assert (len(told["error"]), len(told["cause"])) == (256, 32_768)
    assert told["cause"].endswith("...")


def test_a_failure_without_a_name_is_reported_all_the_same(answered):
    _, [(kind, told)] = answered(error=None, cause=None)
    assert (kind, told["error"], told["cause"]) == ("failure", "", "")
