"""Sentences that a person reads: reasons of failures, messages, durations."""

from __future__ import annotations

import pytest
from nights import container

from stepdig.report.message import unmarked
from stepdig.report.names import groups, is_below
from stepdig.report.reasons import exit_code, reason
from stepdig.report.view import duration


@pytest.mark.parametrize(
    ("error", "cause", "said", "words"),
    [
        ("States.TaskFailed", container(1), "", "exit code 1"),
        ("States.TaskFailed", container(1), "boom (ValueError)", "exit code 1: boom (ValueError)"),
        (
            "States.TaskFailed",
            container(1),
            "Failed to evaluate a variable set -e\nload ${a}\n (ReferenceError: a is not defined) (config)",
            "exit code 1: Failed to evaluate a variable set -e ... (ReferenceError: a is not defined) (config)",
        ),
        ("States.TaskFailed", container(126), "", "exit code 126 (the command is there but cannot be executed)"),
        ("States.TaskFailed", container(127), "", "exit code 127 (a command was not found)"),
        ("States.TaskFailed", container(137), "", "exit code 137 (killed; in a container mostly for want of memory)"),
        ("States.TaskFailed", container(134), "", "exit code 134 (killed by SIGABRT)"),
        ("States.TaskFailed", container(255), "", "exit code 255"),
        (
            "States.TaskFailed",
            container(None, "TaskFailedToStart", "CannotPullContainerError: no such image"),
            "",
            "it could not be started: CannotPullContainerError: no such image",
        ),
        (
            "States.TaskFailed",
            container(None, "SpotInterruption", "Your Spot Task was interrupted."),
            "",
            "it was stopped: Your Spot Task was interrupted.",
        ),
        ("States.Timeout", None, "", "it took longer than it may"),
        ("Fail", "no rows", "", "no rows"),
        ("ItemsFailed", "1 failed: users (exit code 1)", "", "1 failed: users (exit code 1)"),
        (
            "S3.NoSuchKeyException",
            "The specified key does not exist.",
            "",
            "S3.NoSuchKeyException: The specified key does not exist.",
        ),
        (
            "States.QueryEvaluationError",
            "An error occurred while executing the state '+t' (entered at the event id #4). The JSONata expression '$x' "
            "specified for the field 'Assign/echo' threw an error during evaluation. D3137: ReferenceError: x is not defined",
            "",
            "ReferenceError: x is not defined",
        ),
        (
            "States.TaskFailed",
            '{"QueryExecutionId":"0f1e","Status":{"State":"FAILED","StateChangeReason":"TABLE_NOT_FOUND: no \\"t\\""}}',
            "",
            'TABLE_NOT_FOUND: no "t" (query 0f1e)',
        ),
        ("States.TaskFailed", '{"Status":"FAILED"}', "", '{"Status":"FAILED"}'),
        ("States.TaskFailed", "plain text", "", "plain text"),
        (None, None, "", "it failed and gave no reason"),
        ("States.TaskFailed", '{"Containers": 3}', "", '{"Containers": 3}'),
    ],
)
def test_a_failure_has_a_reason_in_plain_words(error, cause, said, words):
    assert reason(error, cause, said) == words


def test_the_exit_code_is_the_first_that_is_not_0():
    assert exit_code(container(3)) == 3
    assert exit_code(container()) is exit_code("text") is exit_code(None) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.00 s"),
        (9.94, "9.94 s"),
        (9.96, "10.0 s"),
        (59.96, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_have_the_digits_that_matter(seconds, words):
    assert duration(seconds) == words


def test_a_message_is_read_as_people_see_it():
    text = (
        "*Nightly sync* of <https://x.test|Monday> &amp; <https://y.test>\n_two_ of ~3~ failed: snake_case_name, 2*3*4"
    )
    assert unmarked(text) == (
        "Nightly sync of Monday (https://x.test) & https://y.test\ntwo of 3 failed: snake_case_name, 2*3*4"
    )


def test_the_groups_around_a_task_are_found_by_its_name():
    assert groups("+wf+a^sub+for-0=t=0=x%2By+load") == [
        "+wf",
        "+wf+a",
        "+wf+a^sub",
        "+wf+a^sub+for-0=t=0=x%2By",
        "+wf+a^sub+for-0=t=0=x%2By+load",
    ]
    assert is_below("+wf+a^sub", "+wf+a")
    assert not is_below("+wf+ab", "+wf+a")
