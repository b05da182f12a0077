"""job.yml: what a good one becomes, what is wrong with a bad one and where; the editor's schema and the parser agree."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from stepdig import schema
from stepdig.language import job_files, job_keys
from stepdig.language.job import Job
from stepdig.problem import Problems

WHOLE = """\
image: ghcr.io/shop/etl:1.4
cpu: 1 vCPU
memory: 4 GB
ephemeral_storage: 50
architecture: arm64
capacity: spot_then_on_demand
workspace: true
secrets:
  DB_PASSWORD: /shop/${Environment}/db
  API_TOKEN: prod/api:token
  KEY_PATH: {file: arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:bq-AbCdEf}
secret_keys: {mysql.password: /shop/mysql}
environment: {LEVEL: info, DEBUG: true, PORT: 8080, RATE: 0.5}
iam:
  - {Action: "s3:GetObject", Resource: ["arn:aws:s3:::shop-${Environment}/*"]}
  - Effect: Deny
    Action: "*"
    Resource: "*"
    Condition: {Bool: {"aws:SecureTransport": "false"}}
log_retention: 30
stop_grace: 1m
linger: 10s
timeout: 1h 30m
state: [diff.yml, state/seen.json]
python: 3.10
"""


def read(text, name="load"):
    problems = Problems()
    job = job_files.load(name, text.encode(), f"jobs/{name}/job.yml", lambda _path: None, problems)
    return job, [f"{it.at.line}:{it.at.column} {it.code} {it.text}" for it in sorted(problems.found)]


def test_every_key_is_read():
    job, problems = read(WHOLE)
    assert problems == []
    assert job == Job(
        "load",
        image="ghcr.io/shop/etl:1.4",
        cpu=1024,
        memory=4096,
        ephemeral_storage=50,
        architecture="arm64",
        capacity="spot_then_on_demand",
        workspace="/workspace",
        secrets={"DB_PASSWORD": "/shop/${Environment}/db", "API_TOKEN": "prod/api:token"},
        secret_files={"KEY_PATH": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:bq-AbCdEf"},
        secret_keys={"mysql.password": "/shop/mysql"},
        environment={"LEVEL": "info", "DEBUG": "true", "PORT": "8080", "RATE": "0.5"},
        statements=(
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::shop-${Environment}/*"]},
            {
                "Effect": "Deny",
                "Action": ["*"],
                "Resource": ["*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
        log_retention=30,
        stop_grace=60,
        linger=10,
        timeout=5400,
        state=("diff.yml", "state/seen.json"),
        python="3.10",
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "secrets:\niam:\nstate:\n"])
def test_what_is_not_said_has_its_default(text):
    assert read(text) == (Job("load"), [])


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("cpu: 1 vCPU", (1024, 2048)), ("memory: 3 GB", (512, 3072)), ("cpu: 256\nmemory: 2048", (256, 2048))],
)
def test_one_size_alone_brings_the_least_that_goes_with_it(text, sizes):
    job, problems = read(text)
    assert ((job.cpu, job.memory), problems) == (sizes, [])


ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:7"


def test_a_task_definition_of_others_is_plain():
    job, problems = read(f"task_definition: {ARN}\ncontainer: app\ntimeout: 20\n")
    assert problems == []
    assert job == Job("load", plain=True, task_definition=ARN, container="app", timeout=20)
    role = "arn:aws:iam::123456789012:role/app"
    job, problems = read(f"task_definition: {ARN}\ncontainer: app\npass_roles: ['{role}']\n")
    assert (job.pass_roles, problems) == ((role,), [])


# shape: what the declaration says, and so the editor, too
SHAPES = [
    ("cpus: 256", "1:1 SD611 unknown key 'cpus' in 'job.yml'"),
    ("- a", "1:1 SD612 'job.yml' must be a mapping or empty, not a list"),
    ("cpu: [1]", "1:6 SD612 'cpu' must be a size such as 1024 or 1 vCPU, not a list"),
    ("memory: lots", "1:9 SD612 'memory' must be a size such as 2048 or 2 GB, not \"lots\""),
    ("plain: 1", "1:8 SD612 'plain' must be true or false, not 1"),
    ("architecture: arm", "1:15 SD612 'architecture' must be one of x86_64, arm64, not \"arm\""),
    ("capacity: spot_first", "1:11 SD612 'capacity' must be one of on_demand, spot, spot_then_on_demand, not \"spot_first\""),
    ("log_retention: 31", "1:16 SD612 'log_retention' must be one of 1, 3, 5, 7"),
    ("stop_grace: 121", "1:13 SD612 'stop_grace' must be 2 to 120, not 121"),
    ("linger: 0", "1:9 SD612 'linger' must be 1 to 600, not 0"),
    ("timeout: soon", "1:10 SD612 'timeout' must be seconds or a duration such as 90s, 30m or 1h, not \"soon\""),
    ("environment: {STEPDIG_X: a}", "1:15 SD612 a key of 'environment' must be the name of a variable"),
    ("environment: {1a: a}", "1:15 SD612 a key of 'environment' must be the name of a variable"),
    ("environment: {A: [a]}", "1:18 SD612 'A' must be a text or a whole number or a number or true or false, not a list"),
    ("secrets: {ECS_X: /a}", "1:11 SD612 a key of 'secrets' must be the name of a variable"),
    ("secrets: {A: a b}", "1:14 SD612 'A' must be the name of a parameter, name:key of a secret, or an ARN"),
    ("secrets: {A: {file: /a, mode: 1}}", "1:25 SD611 unknown key 'mode' in 'A'"),
    ("secrets: {A: {}}", "1:14 SD612 'A' needs 'file'"),
    ("secret_keys: {a/b: /a}", "1:15 SD612 a key of 'secret_keys' must be a key as in ${secret:key}"),
    ("iam: {Action: x}", "1:6 SD612 'iam' must be a list or empty, not a mapping"),
    ("iam: [{Action: GetObject, Resource: '*'}]", "1:16 SD612 'Action' must be actions of IAM such as s3:GetObject"),
    ("iam: [{Action: s3:GetObject, Resource: bucket}]", "1:40 SD612 'Resource' must be ARNs, not \"bucket\""),
    ("iam: [{Action: [], Resource: '*'}]", "1:16 SD612 'Action' is an empty list"),
    ("iam: [{Action: s3:GetObject, Resource: '*', Principal: '*'}]", "1:45 SD611 unknown key 'Principal' in 'iam'"),
    ("iam: [{Action: 's3:GetObject', Resource: '*', Reason: [a]}]", "1:55 SD612 'Reason' must be one line without |, not a list"),
    ("iam: [{Action: 's3:GetObject', Resource: '*', Reason: 'a | b'}]", "1:55 SD612 'Reason' must be one line without |"),
    ("state: diff.yml", "1:8 SD612 'state' must be a list or empty, not \"diff.yml\""),
    ("state: [/etc/passwd]", "1:9 SD612 'state' must be the path of a file below the project's folder"),
    ("state: [a/../b]", "1:9 SD612 'state' must be the path of a file below"),
    ("state: [a/]", "1:9 SD612 'state' must be the path of a file below"),
    ("workspace: here", "1:12 SD612 'workspace' must be true, or a path such as /workspace"),
    ("image: a b", "1:8 SD612 'image' must be a reference such as python:3.13-slim"),
    ("task_definition: app\ncontainer: a", "1:18 SD612 'task_definition' must be the ARN of a task definition"),
]  # fmt: skip
WRONG = """\
cpu: -1
memory: lots
enviroment: {A: 1}
polcies: []
iam:
  - {Action: "*", Resource: "*"}
  - {Action: "s3:*", Resouce: "*"}
  - {Effect: allow, Action: "s3:*", Resource: bucket}
  - hello
  - {Action: GetObject}
  - {Action: "sqs:*", Resource: "*"}
image: a${x}
timeout: 30 minutes
secrets:
  A: ${y}
  B: a b
  C: /x/${z}
environment: {A: 1, STEPDIG_X: 3}
log_retention: 31
stop_grace: 1000s
plain: yes
"""
TOLD = [
    "1:6 SD231 there is no cpu '-1' on Fargate | such as 1024 or 1 vCPU",
    "2:9 SD612 'memory' must be a size such as 2048 or 2 GB, not \"lots\"",
    "3:1 SD611 unknown key 'enviroment' in 'job.yml' | did you mean 'environment'?",
    "4:1 SD611 unknown key 'polcies' in 'job.yml' | known: ",
    "6:14 SD615 this allows every action of AWS | list the actions",
    "7:22 SD611 unknown key 'Resouce' in 'iam' | did you mean 'Resource'?",
    "8:14 SD612 'Effect' must be one of Allow, Deny, not \"allow\" | did you mean 'Allow'?",
    "8:47 SD612 'Resource' must be ARNs, not \"bucket\"",
    "9:5 SD612 'iam' must be a mapping, not \"hello\"",
    "10:5 SD614 a statement needs Resource or NotResource",
    "10:14 SD612 'Action' must be actions of IAM such as s3:GetObject",
    "11:14 SD615 this allows all of sqs on every resource | name the actions",
    "12:9 SD616 '${x}' means nothing in job.yml",
    "13:10 SD612 'timeout' must be seconds or a duration such as 90s, 30m or 1h, not \"30 minutes\" | did you mean 30m?",
    "15:6 SD616 '${y}' means nothing in job.yml",
    "16:6 SD612 'B' must be the name of a parameter, name:key of a secret, or an ARN, not \"a b\"",
    "17:9 SD616 '${z}' means nothing in job.yml",
    "18:15 SD617 'A' is set by 'secrets', too",
    "18:21 SD612 a key of 'environment' must be the name of a variable",
    "19:16 SD612 'log_retention' must be one of 1, 3, 5, 7, 14, 30,",
    "20:13 SD612 'stop_grace' is 1,000 s; it may have 2 to 120 s",
    "21:8 SD612 'plain' must be true or false, not \"yes\" | did you mean true?",
]  # fmt: skip


def test_every_mistake_of_a_file_is_told_in_one_run():
    problems = Problems()
    job = job_files.load("load", WRONG.encode(), "jobs/load/job.yml", lambda _path: None, problems)
    told = [f"{it.at.line}:{it.at.column} {it.code} {it.text} | {it.hint}" for it in sorted(problems.found)]

    assert job == Job("load")
    assert [line[: len(said)] for line, said in zip(told, TOLD, strict=True)] == TOLD


# sense: what only a person who knows AWS, or the whole file, can say
SENSES = [
    ("cpu: 300", "1:6 SD231 there is no cpu '300' on Fargate"),
    ("ephemeral_storage: 201", "1:20 SD231 there is no ephemeral storage '201' on Fargate"),
    ("cpu: 256\nmemory: 4 GB", "2:9 SD232 cpu 256 does not go with memory 4096"),
    ("stop_grace: 3m", "1:13 SD612 'stop_grace' is 180 s; it may have 2 to 120 s"),
    ("state: [a, a]", "1:12 SD612 'a' stands twice in 'state'"),
    ("workspace: /etc/app", "1:12 SD612 the workspace cannot be mounted over /etc/app"),
    ("iam: [{Resource: '*'}]", "1:7 SD614 a statement needs Action or NotAction, and not both"),
    ("iam: [{Action: 's3:Get*', NotResource: '*', Resource: '*'}]", "1:7 SD614 a statement needs Resource or NotResource"),
    ("iam: [{Action: '*', Resource: '*'}]", "1:16 SD615 this allows every action of AWS"),
    ("iam: [{Action: ['s3:*'], Resource: '*'}]", "1:17 SD615 this allows all of s3 on every resource"),
    ("iam: [{NotAction: 'iam:*', Resource: '*'}]", "1:7 SD615 this allows every action but a few on every resource"),
    ("environment: {A: '${Enviroment}'}", "1:19 SD616 '${Enviroment}' means nothing in job.yml"),
    ("environment: {A: b}\nsecrets: {A: /a}", "1:15 SD617 'A' is set by 'secrets', too"),
    (f"task_definition: {ARN}", "1:1 SD618 'task_definition' needs 'container'"),
    ("container: app", "1:1 SD618 'container' cannot stand here: it names a container of 'task_definition'"),
    ("pass_roles: ['arn:aws:iam::123456789012:role/app']", "1:1 SD618 'pass_roles' cannot stand here: it names the roles of"),
    (f"task_definition: {ARN}\ncontainer: app\npass_roles: [app]", "3:14 SD612 'pass_roles' must be the ARN of a role"),
    (f"task_definition: {ARN}\ncontainer: app\nimage: a", "3:1 SD618 'image' cannot stand here"),
    ("image: a\nplain: true\nstate: [a]", "3:1 SD618 'state' cannot stand here: an image that is run as it is"),
    ("image: a\nplain: true\nlinger: 5", "3:1 SD618 'linger' cannot stand here: an image that is run as it is"),
    (f"task_definition: {ARN}\ncontainer: app\nlinger: 5", "3:1 SD618 'linger' cannot stand here: a task definition"),
    ("linger: 11m", "1:9 SD612 'linger' is 660 s; it may have 1 to 600 s"),
    ("plain: true\nsecrets: {A: {file: /a}}", "2:14 SD618 'A': a plain image is given secrets in variables"),
    ("environment: {HOOK: 'https://hooks.slack.com/services/T0/B0/xyz'}", "1:22 SD410 a Slack webhook is written out here"),
    ("environment: {DB_PASSWORD: hunter2}", "1:28 SD410 'DB_PASSWORD' is a secret by its name, and written out here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), [*SHAPES, *SENSES], ids=lambda it: str(it)[:40])
def test_a_mistake_is_told_at_its_place_and_the_job_has_its_defaults(text, problem):
    job, problems = read(text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert job == Job("load")


def test_a_part_may_be_included_and_is_told_by_its_own_name():
    files = {"jobs/load/rights.yml": b"iam: [{Action: '*', Resource: '*'}]\n"}
    problems = Problems()
    job_files.load("load", b"!include : rights.yml\n", "jobs/load/job.yml", files.get, problems)
    assert [f"{it.at} {it.code}" for it in problems] == ["jobs/load/rights.yml:1:16 SD615"]


def test_all_mistakes_are_told_in_one_run():
    text = "cpus: 1\nmemory: x\nenvironment: {A_TOKEN: abcdefgh, B: '${X}'}\n"
    assert [it.split()[1] for it in read(text)[1]] == ["SD611", "SD612", "SD410", "SD616"]


@pytest.mark.parametrize("text", ["environment: {PAGE_TOKEN_FILE: /run/x, MAX_TOKENS: 1000, TOKEN: /a/b, SECRET: ''}"])
def test_what_only_sounds_like_a_secret_passes(text):
    assert read(text)[1] == []


def test_a_name_that_aws_would_not_take():
    assert read("", "lo ad")[1][0].startswith("1:1 SD613 a job's name has letters, digits, - and _")


VALIDATOR = Draft7Validator(schema.job_document())


def accepts(text):
    return VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", [text for text, _ in SHAPES])
def test_the_editor_refuses_what_the_parser_refuses(text):
    assert not accepts(text)


GOOD = ["", WHOLE, "secrets:\n", f"task_definition: {ARN}\ncontainer: a", "cpu: .5 vCPU\nmemory: 1 GB"]


@pytest.mark.parametrize("text", GOOD)
def test_the_editor_takes_what_the_parser_takes(text):
    taken = not any("SD61" in it for it in read(text)[1])
    assert accepts(text) == taken


def test_the_schema_is_one_and_says_something_of_every_key():
    Draft7Validator.check_schema(schema.job_document())
    document = json.loads(schema.job_text())
    assert set(document["properties"]) == {it.name for it in job_keys.KEYS}
    assert all(it["description"] == it["markdownDescription"] for it in document["properties"].values())


def _values(schema):
    """Return values for a key: such as the declaration takes, and such as it may not."""
    words = ["", "1", "30m", "512", "1 vCPU", "2 GB", "a", "/a", "a b", "x/y", "true", "arn:aws:s3:::b", "s3:Get*", "*"]
    texts = st.sampled_from([*words, *schema.get("enum", [])])
    plain = st.one_of(st.none(), st.booleans(), st.integers(-5, 5000), texts)
    names = st.sampled_from([*schema.get("properties", {}), "A_B", "STEPDIG_X", "1a", "a.b", "Action", "file"])
    inner = [it for it in (schema.get("items"), schema.get("additionalProperties")) if isinstance(it, dict)]
    below = st.one_of(plain, *map(_values, inner)) if inner else plain
    return st.one_of(plain, st.lists(below, max_size=2), st.dictionaries(names, below, max_size=2))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_editor_and_parser_agree_on_any_file(data):
    """What the editor underlines the parser refuses, and what it leaves has no mistake of shape."""
    keys = data.draw(st.lists(st.sampled_from(job_keys.KEYS), max_size=3, unique_by=lambda it: it.name))
    made = {it.name: data.draw(_values(it.schema)) for it in keys} | data.draw(st.sampled_from([{}, {}, {"cpus": 1}]))
    problems = read(json.dumps(made))[1]
    sense = ("may have", "mounted over", "stands twice")  # of SD612, what only the parser knows
    shapes = [it for it in problems if " SD611 " in it or (" SD612 " in it and not any(words in it for words in sense))]
    assert (shapes == []) == VALIDATOR.is_valid(made), problems
