"""Secrets that are written out are found, and what only looks like one is not."""

from __future__ import annotations

import time

import pytest

from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound, show
from stepdig.source import secrets
from stepdig.source.tree import load

KEY40 = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzKEY0"
SECRETS = {
    "a Slack webhook": "url: https://hooks.slack.com/services/T0/B0/abc",
    "a webhook": "url: https://discord.com/api/webhooks/123/abcdef",
    "an AWS access key": "sh>: AWS_ACCESS_KEY_ID=AKIAABCDEFGHIJKLMNOP run",
    "an AWS secret key": f"x: 'aws_secret_access_key = {KEY40}'",
    "a private key": "x: '-----BEGIN RSA PRIVATE KEY-----'",
    "a Slack token": "x: xoxb-0123456789-abc",
    "a GitHub token": "x: github_pat_0123456789abcdefghijkl",
    "a GitLab token": "x: glpat-0123456789abcdefghij",
    "a Google API key": "x: AIza0123456789abcdefghijklmnopqrstuvwxy",
    "a Stripe key": "x: sk_live_0123456789abcdef",
    "a SendGrid key": "x: SG.0123456789abcdefghijkl.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
    "a token": "headers: [{Authorization: Bearer 0123456789abcdef}]",
    "a password in a URL": "x: postgresql://shop:hunter2@db.example.com/shop",
    "a password": "sh>: PGPASSWORD=hunter22 psql -c 'select 1'",
    "'password' is a secret by its name, and": "password: hunter2",
    "'MYSQL_PWD' is a secret by its name, and": "_env: {MYSQL_PWD: hunter2}",
    "'api_key' is a secret by its name, and": "api_key: a1B2c3D4e5F6g7H8",
    "'token' is a secret by its name, and": "token: 0123456789abcdef0123456789abcdef",
}
ALSO = {
    "a JSON web token": "x: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "an option of a command": "sh>: load --password=hunter22",
    "a header in a text": "x: 'Authorization: Basic dXNlcjpwYXNzd29yZDE='",
    "in a list": "passwords: {password: [hunter2, hunter3]}",
}
# What stands in workflows of people who did it right, or means something else.
HARMLESS = (
    "password: ${secret:mysql.password}",
    "password: mysql.password",
    "password: $DB_PASSWORD",
    "password: /shop/db/password",
    "password: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
    "password: ''",
    "password: true",
    "password: {type: string}",
    "password: ''\npassword_file: config/db.txt",
    "token: next_page_token_v2",
    "token: users",
    "secret: false",
    "primary_key: order_id",
    "partition_key: 0123456789abcdefghij",
    "key: reports/2026/A1b2C3d4E5f6G7h8.csv",
    "cache_key: v1-Abc123Def456Ghi7",
    "sh>: ./load.sh --password=${secret:db.password}",
    'sh>: PGPASSWORD="$PASSWORD" psql',
    "sh>: 'curl -H \"Authorization: Bearer $TOKEN\" https://example.com/'",
    "sh>: curl 'https://example.com/login?password=required'",
    "x: postgresql://shop:${secret:db.password}@db/shop",
    "x: https://user:***@example.com/",
    "x: https://example.com:8080/a@b",
    "x: postgresql://localhost:5432/shop",
    "x: the access key AKIAIOSFODNN7EXAMPLE of AWS's pages",
    "x: basic authentication is described elsewhere",
    "x: 0123456789abcdef0123456789abcdef01234567",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "image: python@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "channel: https://slack.com/app_redirect?channel=C0123456789",
    "webhook: slack.webhook",
    "_secrets: {token: slack.token, pw: true}",
)


def _found(text: str) -> Problems:
    problems, noted = Problems(), Problems()
    top = load(text.encode(), "a.dig", lambda _: None, noted)
    assert top is not None
    assert not noted.found
    secrets.find(top, problems)
    return problems


@pytest.mark.parametrize("what", [*SECRETS, *ALSO])
def test_a_secret_is_found_and_not_shown(what: str) -> None:
    text = SECRETS.get(what) or ALSO[what]
    problems = _found(text)
    assert problems.found
    assert {it.code for it in problems} == {"SD410"}
    if what in SECRETS:
        said = what if what.endswith(", and") else f"{what} is"
        assert [it.text for it in problems] == [f"{said} written out here"]
    for problem in problems:
        start = problem.at.column - 1
        hidden = text.splitlines()[problem.at.line - 1][start : start + problem.length]
        assert hidden
        assert hidden not in show(problem, text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert [str(it) for it in _found(text)] == []


def test_all_of_a_text_are_found_each_once() -> None:
    text = "x: 'AKIAABCDEFGHIJKLMNOP https://hooks.slack.com/services/T0/B0/abc AKIAABCDEFGHIJKLMNOQ'"
    assert [(it.text.split(" is ")[0], it.at.column) for it in _found(text)] == [
        ("an AWS access key", 5),
        ("a Slack webhook", 26),
        ("an AWS access key", 69),
    ]


def test_the_hint_says_how_to_move_it() -> None:
    [problem] = _found("_export: {'db password': {password: hunter2}}")
    assert "aws ssm put-parameter --type SecureString --name /stepdig/STACK/secrets/password" in problem.hint
    assert "stepdig secrets --local --set password" in problem.hint
    assert "${secret:password}" in problem.hint


def test_the_webhook_of_digdag_slack_goes_where_slack_reads_it() -> None:
    [problem] = _found("_export: {webhook_url: 'https://hooks.slack.com/services/T0/B0/abc'}")
    assert problem.hint.startswith("leave it out: slack> has the stack's")
    assert "--name /stepdig/STACK/secrets/slack.webhook" in problem.hint


HOOK = "https://hooks.slack.com/services/T0/B0/abc"
PLACES = {
    "the workflow": ({"a.dig": f"+a: {{sh>: run, hook: '{HOOK}'}}"}, "a.dig:1:23"),
    "_env": ({"a.dig": f"_env: {{HOOK: '{HOOK}'}}\n+a: {{sh>: run}}"}, "a.dig:1:15"),
    "headers of http>": (
        {"a.dig": "+a:\n  http>: https://example.com/\n  headers:\n    - X-Key: AKIAABCDEFGHIJKLMNOP"},
        "a.dig:4:14",
    ),
    "an included file": ({"a.dig": "_export:\n  !include : b.yml\n+a: {sh>: run}", "b.yml": f"hook: {HOOK}"}, "b.yml:1:7"),
    "a called file": ({"a.dig": "+a: {call>: b.dig}", "b.dig": f"+b: {{sh>: 'curl {HOOK}'}}"}, "b.dig:1:17"),
    "a table list": (
        {"a.dig": "+a:\n  for_each>: {t: {file: l.csv}}\n  _do: {sh>: run}", "l.csv": f"name,hook\nshop,{HOOK}\n"},
        "l.csv:2:6",
    ),
    "the text of a mail": (
        {"a.dig": "+a:\n  mail>: m.txt\n  subject: s\n  from: a@example.com\n  to: [b@example.com]", "m.txt": f"a\n{HOOK}"},
        "m.txt:2:1",
    ),
    "a message for Slack": ({"a.dig": "+a: {slack>: s.yml}", "s.yml": f"text: see {HOOK}"}, "s.yml:1:11"),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_secrets_are_found_in_every_file_that_is_compiled(place: str) -> None:
    files, at = PLACES[place]
    with pytest.raises(ProblemsFound) as found:
        compile_workflow(
            lambda path: files[path].encode() if path in files else None,
            "a.dig",
            display=str,
            project="shop",
            workflow="a",
            jobs=None,
        )
    assert [str(it.at) for it in found.value.problems if it.code == "SD410"] == [at]


@pytest.mark.parametrize(
    "piece", ["a-", "a.", "a:", "bearer a", "eyJ", "SG.", "://a", "password", "xapp-", "-----BEGIN A", "aws_secret_"]
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """Twice the text, about twice the steps: counted by time against a text of half the size, with much room."""
    text = piece * (200_000 // len(piece))
    started = time.process_time()
    list(secrets.written_out(text[: len(text) // 8]))
    short = time.process_time() - started
    started = time.process_time()
    list(secrets.written_out(text))
    assert time.process_time() - started < 32 * max(short, 0.05)
