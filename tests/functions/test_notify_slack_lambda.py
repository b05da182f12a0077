"""notify_slack as Lambda runs it: Powertools, the webhook out of Secrets Manager or the Parameter Store (moto)."""

import importlib
import json
import sys
from types import SimpleNamespace

import boto3
import pytest
from lambda_folder import FOLDER
from moto import mock_aws

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture
def app(monkeypatch):
    """The handler's module with its own runtime, in an account that is made up."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(FOLDER / "notify_slack"))
    own = {path.stem for path in (FOLDER / "notify_slack").glob("*.py")}
    with mock_aws():
        app = importlib.import_module("app")
        parameters = sys.modules["runtime"].parameters
        parameters.clear_caches()  # it keeps clients, too, those of another test's region
        yield app
        parameters.clear_caches()
    for name in own:
        sys.modules.pop(name, None)


def test_the_webhook_comes_from_secrets_manager_and_a_rotated_one_heals_at_once(app, slack, monkeypatch, caplog):
    monkeypatch.setenv("SLACK_WEBHOOK_SECRET", "slack")
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="slack", SecretString=json.dumps({"url": slack.url}))
    assert app.handler({"message": "one"}, CONTEXT) == {"sent": True, "attempts": 1}

    secrets.put_secret_value(SecretId="slack", SecretString=slack.url + "/rotated")
    slack.answer(404, "no_service")
    assert app.handler({"message": "two"}, CONTEXT) == {"sent": True, "attempts": 2}
    assert app.handler({"message": "three"}, CONTEXT) == {"sent": True, "attempts": 1}

    assert [path.rpartition("/")[2] for path in slack.paths] == ["secret", "secret", "rotated", "rotated"]
    assert [record.attempts for record in caplog.records if record.name == "notify_slack"] == [1, 2, 1]
    assert not any(slack.url in str(vars(record)) for record in caplog.records), "no log tells the webhook"


def test_the_webhook_may_be_a_parameter(app, slack, monkeypatch):
    monkeypatch.setenv("SLACK_WEBHOOK_PARAMETER", "/stepdig/slack")
    boto3.client("ssm").put_parameter(Name="/stepdig/slack", Value=slack.url, Type="SecureString")
    assert app.handler({"message": {"text": "hello"}}, CONTEXT)["sent"]
    assert slack.payloads[0]["text"] == "hello"


def test_without_a_webhook_the_error_says_what_to_set(app, monkeypatch):
    monkeypatch.delenv("SLACK_WEBHOOK_SECRET", raising=False)
    monkeypatch.delenv("SLACK_WEBHOOK_PARAMETER", raising=False)
    with pytest.raises(
        sys.modules["errors"].NoWebhook, match="neither SLACK_WEBHOOK_SECRET nor SLACK_WEBHOOK_PARAMETER"
    ):
        app.handler({"message": "x"}, CONTEXT)


def test_fail_run_has_a_client_of_its_own_in_lambda(monkeypatch):
    """The module loads as Lambda loads it, and its client is boto3's."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.syspath_prepend(str(FOLDER / "fail_run"))
    try:
        assert importlib.import_module("app").stepfunctions.meta.service_model.service_name == "stepfunctions"
    finally:
        for name in ("app", "runtime"):
            sys.modules.pop(name, None)
