"""Words for what went wrong: causes as ECS, Step Functions, Lambda and our own functions give them; secrets; pages."""

import json
import re
from pathlib import Path

import pytest

from stepdig.runner import exit_codes
from stepdig.source import secrets

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/data/asl-recordings.json"
DENIED = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform"
SECRET = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
# Stop code, stopped reason, the container's reason and exit code; what must be said, and what to do.
STOPPED = [
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        "OutOfMemoryError: Container killed due to memory usage",
        137,
        "out of memory",
        "`memory` in jobs/big/job.yml",
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        None,
        137,
        "exit code 137: killed",
        "more memory",
    ),
    ("EssentialContainerExited", "Essential container in task exited", None, 1, "exit code 1.", ""),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        None,
        127,
        "a command was not found",
        "image of jobs/big",
    ),
    ("EssentialContainerExited", "Essential container in task exited", None, 126, "cannot be executed", "executable"),
    ("EssentialContainerExited", "Essential container in task exited", None, 139, "crashed", "architecture"),
    ("EssentialContainerExited", "Essential container in task exited", None, 143, "told to stop", "Redrive"),
    ("EssentialContainerExited", "Essential container in task exited", None, 134, "killed by SIGABRT", ""),
    (
        "SpotInterruption",
        "Your Spot Task was interrupted.",
        None,
        137,
        "took the Spot capacity back",
        "spot_then_on_demand",
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/"
        "library/nothing:1: docker.io/library/nothing:1: not found",
        None,
        None,
        "There is no such image.",
        "jobs/big/job.yml",
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
        None,
        None,
        "not made for the job's processor",
        "architecture",
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected "
        "status code 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit",
        None,
        None,
        "too many pulls",
        "later",
    ),
    (
        "TaskFailedToStart",
        'CannotPullContainerError: failed to do request: Head "https://registry-1.docker.io/v2": dial tcp 1.2.3.4:443: '
        "i/o timeout",
        None,
        None,
        "could not be reached",
        "NAT gateway",
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: pull access denied for x, repository does not exist or may require 'docker login'",
        None,
        None,
        "did not let ECS have the image",
        "execution role",
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: write /var/lib: no space left on device",
        None,
        None,
        "does not fit",
        "ephemeral_storage",
    ),
    (
        "TaskFailedToStart",
        SECRET + f"unable to retrieve secret from asm: AccessDeniedException: {DENIED} secretsmanager:GetSecretValue",
        None,
        None,
        "may not read one of its secrets",
        "KMS",
    ),
    (
        "TaskFailedToStart",
        SECRET + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: "
        "/stepdig/prod/secrets/db",
        None,
        None,
        "A secret of the job is not there.",
        "stepdig secrets",
    ),
    (
        "TaskFailedToStart",
        SECRET + "unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send "
        'request failed caused by: Post "https://api.ecr": dial tcp: i/o timeout',
        None,
        None,
        "could not be reached",
        "443",
    ),
    (
        "TaskFailedToStart",
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
        "ResourceNotFoundException: The specified log group does not exist",
        None,
        None,
        "",
        "",
    ),
    (
        "TaskFailedToStart",
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: mount.nfs4: Connection "
        "timed out",
        None,
        None,
        "file system could not be mounted",
        "2049",
    ),
    (
        "TaskFailedToStart",
        "Timeout waiting for network interface provisioning to complete.",
        None,
        None,
        "network interface in time",
        "Redrive",
    ),
    (
        "TaskFailedToStart",
        "Timeout waiting for EphemeralStorage provisioning to complete.",
        None,
        None,
        "its disk in time",
        "Redrive",
    ),
    (
        "TaskFailedToStart",
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        None,
        None,
        "no capacity",
        "in a while",
    ),
    (
        "TaskFailedToStart",
        'CannotStartContainerError: exec: "python3": executable file not found in $PATH',
        None,
        None,
        "not in its image",
        "python3",
    ),
    ("UserInitiated", "Task stopped by user", None, 143, "Somebody stopped", ""),
    (
        "TerminationNotice",
        "ECS is performing maintenance on the underlying infrastructure hosting the task.",
        None,
        None,
        "machine",
        "Redrive",
    ),
    ("TaskFailedToStart", "Something that nobody has seen", None, None, "could not be started", "Redrive"),
]


def stopped(code, reason, of_container, exit_code):
    container = {"Name": "task", "Reason": of_container, "ExitCode": exit_code}
    container = {key: value for key, value in container.items() if value is not None}
    return json.dumps({"TaskArn": "arn:t", "StopCode": code, "StoppedReason": reason, "Containers": [container]})


@pytest.mark.parametrize("row", STOPPED, ids=lambda row: f"{row[0]} {row[3]} {row[1][:50]}")
def test_stopped_tasks(notify, row):
    *given, says, todo = row
    found = notify("reasons").explain("States.TaskFailed", stopped(*given), "big")
    assert says in found.says
    assert todo in found.todo
    if found.page == "":
        assert given[3] is not None, "what is no exit code of the user's command has AWS's page"
    if given[3] is None:
        assert given[1] == found.words, "AWS's own words are told beside ours"


def test_a_log_group_that_is_missing_is_no_missing_secret(notify):
    words = (
        "ResourceInitializationError: failed to validate logger args: ResourceNotFoundException: "
        "The specified log group does not exist"
    )
    found = notify("reasons").explain("States.TaskFailed", stopped("TaskFailedToStart", words, None, None))
    assert found.says == "The log of the container could not be opened."


@pytest.mark.parametrize(
    ("error", "cause", "says"),
    [
        ("States.Timeout", None, "It took longer than it may."),
        (
            "States.DataLimitExceeded",
            "The state/task returned a result with a size exceeding",
            "larger than Step Functions takes",
        ),
        ("States.Runtime", "The execution reached the maximum number of history events (25000).", "more events than"),
        ("States.Runtime", "An error occurred while executing the state", "could not carry out the definition"),
        ("ECS.AccessDeniedException", f"{DENIED}: ecs:RunTask", "role may not start the task"),
        (
            "ECS.AmazonECSException",
            "Capacity is unavailable at this time",
            "Fargate had no capacity left, in all tries.",
        ),
        ("ECS.ThrottlingException", "Rate exceeded", "more tasks than it starts at a time"),
        (
            "AmazonECS.Unknown",
            '{"Failures":[{"Reason":"RESOURCE:CPU"}],"Tasks":[]}',
            "Fargate had no capacity left, in all tries.",
        ),
        ("ECS.InvalidParameterException", "Container Overrides length must be at most 8192", "longer than ECS takes"),
        ("ECS.ClusterNotFoundException", "Cluster not found.", "cluster of the stack is not there"),
        ("Lambda.TooManyRequestsException", "Rate Exceeded.", "in all tries"),
        (
            "HttpFailed",
            '{"errorType":"HttpFailed","errorMessage":"500 of https://example.com"}',
            "not answered as it should be",
        ),
        ("ItemsFailed", "2 failed: a, b", "Not all items"),
        ("Fail", "nothing to load", "ended itself with `fail>`"),
        ("S3.NoSuchKey", "The specified key does not exist.", "not in S3"),
        ("ValueError", "boom", "ValueError: boom"),
        ("Custom", None, "It failed with Custom and gave no reason."),
        (None, None, "It failed and gave no reason."),
        ("States.TaskFailed", '{"Containers": "cut here', '{"Containers": "cut here'),
    ],
)
def test_errors(notify, error, cause, says):
    assert says in notify("reasons").explain(error, cause).says


def test_a_function_s_exception_is_told_by_its_message(notify):
    cause = json.dumps({"errorType": "ParamRefused", "errorMessage": "a value of 5,000 characters", "stackTrace": []})
    assert notify("reasons").explain("ParamRefused", cause).words == "a value of 5,000 characters"


def test_a_query_s_failure_is_told_by_its_reason(notify):
    query = {"QueryExecutionId": "0f1e", "Status": {"State": "FAILED", "StateChangeReason": "TABLE_NOT_FOUND: no t"}}
    for cause in (query, {"QueryExecution": query}):
        found = notify("reasons").explain("States.TaskFailed", json.dumps(cause))
        assert found.says == "TABLE_NOT_FOUND: no t (query 0f1e)"


def test_another_workflow_s_run_is_told_by_its_own_reason(notify):
    inner = stopped("EssentialContainerExited", "Essential container in task exited", None, 127)
    run = {
        "ExecutionArn": "arn:e",
        "StateMachineArn": "arn:aws:states:r:1:stateMachine:prod-shop-prep",
        "Status": "FAILED",
    }
    found = notify("reasons").explain(
        "States.TaskFailed", json.dumps({**run, "Error": "States.TaskFailed", "Cause": inner})
    )
    assert found.says.startswith(
        "The run of prod-shop-prep that it waited for has failed: The command ended with exit code 127"
    )


def test_terminal_and_message_say_the_same_of_an_exit_code(notify):
    assert exit_codes.CODES == notify("stops").EXIT_CODES


def test_every_row_can_speak_and_names_its_page(notify):
    """No row is hidden behind an earlier one that takes everything: its own words are not those of another."""
    for rows in (notify("stops").STOPS, notify("faults").ERRORS):
        assert len({row.reason.says + row.reason.todo for row in rows}) == len(rows)
        assert all(row.reason.says.endswith(".") for row in rows)
        assert all(re.fullmatch(r"(https://docs\.aws\.amazon\.com/\S+\.html)?", row.reason.page) for row in rows)
    assert all(row.reason.page for row in notify("stops").STOPS)


def as_aws_gives(event):
    """The recorder has read the texts that AWS gives in JSON."""
    details = event.get("stateEnteredEventDetails")
    return (
        {**event, "stateEnteredEventDetails": {**details, "input": json.dumps(details["input"])}} if details else event
    )


@pytest.mark.skipif(not RECORDINGS.is_file(), reason="recordings of AWS are not here")
def test_histories_that_aws_wrote_are_read(notify):
    """Of each recorded run that failed, the step that failed is found, with the error and cause of the run."""
    recordings = json.loads(RECORDINGS.read_text())["executions"]
    failed = 0
    for recording in recordings:
        last = recording["events"][-1]
        if last["type"] != "ExecutionFailed":
            continue
        steps = notify("history").failed_steps([as_aws_gives(event) for event in reversed(recording["events"])])
        details = last["executionFailedEventDetails"]
        assert any((step.error, step.cause) == (details.get("error"), details.get("cause")) for step in steps)
        assert all(step.state for step in steps)
        failed += 1
    assert failed > 10


def test_a_message_that_was_not_sent_is_no_failed_task(notify):
    """Failing to send a message of the workflow fails nothing; its failure stands in the history all the same."""
    called = {
        "resourceType": "lambda",
        "parameters": json.dumps({"FunctionName": "arn:aws:lambda:r:1:function:prod-slack:live"}),
    }
    events = [
        {"id": 1, "previousEventId": 0, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "+tell"}},
        {"id": 2, "previousEventId": 1, "type": "TaskScheduled", "taskScheduledEventDetails": called},
        {"id": 3, "previousEventId": 2, "type": "TaskFailed", "taskFailedEventDetails": {"error": "RateLimited"}},
        {"id": 4, "previousEventId": 3, "type": "TaskStateExited", "stateExitedEventDetails": {"name": "+tell"}},
    ]
    failed_steps = notify("history").failed_steps
    assert failed_steps(events, "prod-slack") == []
    assert [step.state for step in failed_steps(events, "prod-http")] == ["+tell"]


SAMPLES = [
    "https://hooks.slack.com/services/" + "T0/B0/abcdefghijkl",
    "https://discord.com/api/webhooks/1/" + "abcdefghijkl",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "aws_secret_access_key = " + "abcdefghij" * 4,
    "-----BEGIN RSA PRIVATE " + "KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    "xoxb-" + "1234567890-abc",
    "ghp_" + "a" * 36,
    "github_pat_" + "a" * 30,
    "glpat-" + "a" * 24,
    "AIza" + "a" * 35,
    "sk_live_" + "a" * 24,
    "SG." + "a" * 22 + "." + "b" * 43,
    "eyJhbGciOiJIUzI1." + "eyJzdWIiOiIxMjM0." + "abcdefghijkl",
    "Bearer " + "abcdefghij0123456789",
    "mysql://root:" + "s3cretpass@db/shop",
    "mysql --password=" + "s3cretpass",
]


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_what_the_compiler_refuses_as_a_secret_no_message_has(notify, sample):
    assert list(secrets.written_out(sample)), "the sample is one that the compiler knows"
    blotted = notify("redact").redact(f"before {sample} after")
    assert not list(secrets.written_out(blotted.replace("[redacted]", "")))
    assert blotted.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "loaded 5 tokens into author=Bob",
        "https://user@example.com/path?page=2",
        "basic check of passwords done",
        "key: users",
    ],
)
def test_what_is_no_secret_stays(notify, text):
    assert notify("redact").redact(text) == text


def test_pages_of_other_partitions(notify):
    links = notify("links")
    assert links.execution("arn:aws-cn:states:cn-north-1:1:execution:m:n").startswith(
        "https://cn-north-1.console.amazonaws.cn/"
    )
    assert links.ecs_task("arn:aws:ecs:eu-west-1:1:task/0123") == "", "an ARN of the old form does not tell the cluster"
    stream = links.log_stream("arn:aws:ecs:eu-west-1:1:task/c/t", "/stepdig/prod/日", "m+x/task/t")
    assert stream.endswith("log-group/$252Fstepdig$252Fprod$252F$25E6$2597$25A5/log-events/m$252Bx$252Ftask$252Ft")
