"""Retry and Catch: delays, caps, jitter, which error is covered by which name."""

from __future__ import annotations

from typing import Any

import pytest
from machines import fail, machine, map_, pass_, run, types

from stepdig.local.clock import VirtualClock
from stepdig.local.errors import matches
from stepdig.local.machine import Retrier
from stepdig.local.retry import delay_of


def failing(retry: list[dict[str, Any]], error: str = "E", **fields: Any) -> dict[str, Any]:
    return machine("M", M=map_({"F": fail(error)}, Items=[1], Retry=retry, **fields), Z=pass_())


def test_delays_grow_up_to_the_cap() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 4, "MaxDelaySeconds": 10}]
    clock = VirtualClock()

    execution = run(failing(retry), clock=clock)

    assert (execution.status, execution.error) == ("FAILED", "E")
    assert clock.slept == [3, 6, 10, 10]
    assert types(execution).count("MapStateStarted") == 5


def test_the_defaults_are_awss() -> None:
    """One second, rate 2, three attempts."""
    clock = VirtualClock()

    run(failing([{"ErrorEquals": ["States.ALL"]}]), clock=clock)

    assert clock.slept == [1, 2, 4]


def test_full_jitter_stays_below_the_delay_and_varies() -> None:
    retrier = Retrier(("E",), 10.0, 3, 2.0, 31_622_400.0, jitter=True)

    delays = [delay_of(retrier, 2) for _ in range(200)]

    assert all(0 <= delay <= 20 for delay in delays)
    assert min(delays) < 5
    assert max(delays) > 15


def test_a_long_series_of_retries_does_not_overflow() -> None:
    assert delay_of(Retrier(("E",), 1.0, 99_999_999, 10.0, 600.0, jitter=False), 100_000) == 600.0


def test_each_retrier_counts_for_itself() -> None:
    """A, B, A with one attempt for A and two for B: the second A is not retried."""
    seen: list[str] = []

    def flaky(_: Any, __: Any) -> None:
        seen.append("ABA"[len(seen)])
        raise {"A": KeyError, "B": ValueError}[seen[-1]]("x")

    retry = [{"ErrorEquals": ["KeyError"], "MaxAttempts": 1}, {"ErrorEquals": ["ValueError"], "MaxAttempts": 2}]
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "flaky"}}

    execution = run(machine("T", T={**state, "Retry": retry, "End": True}), functions={"flaky": flaky})

    assert (execution.error, seen) == ("KeyError", ["A", "B", "A"])


def test_no_attempts_means_no_retry() -> None:
    clock = VirtualClock()

    run(failing([{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]), clock=clock)

    assert clock.slept == []


def test_the_context_counts_the_retries() -> None:
    seen: list[int] = []

    def count(event: dict[str, Any], _: Any) -> None:
        seen.append(event["n"])
        raise ValueError("again")

    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "count", "Payload": {"n": "{% $states.context.State.RetryCount %}"}},
        "Retry": [{"ErrorEquals": ["ValueError"], "MaxAttempts": 2}],
        "End": True,
    }

    run(machine("T", T=state), functions={"count": count})

    assert seen == [0, 1, 2]


def test_an_output_that_cannot_be_evaluated_is_caught() -> None:
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.errorOutput.Cause %}", "Next": "Z"}]
    definition = machine("M", M=map_({"P": pass_()}, Items=[1], Output="{% $nope %}", Catch=catch), Z=pass_())

    execution = run(definition)

    assert execution.output == (
        "An error occurred while executing the state 'M' (entered at the event id #2). "
        "The JSONata expression '$nope' specified for the field 'Output' returned nothing (undefined)."
    )


@pytest.mark.parametrize(
    ("names", "error", "covered"),
    [
        (["A"], "A", True),
        (["A"], "B", False),
        (["States.ALL"], "A", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], None, True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.TaskFailed"], "A", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", False),
    ],
)
def test_names_cover_errors_as_on_aws(names: list[str], error: str | None, covered: bool) -> None:
    assert matches(names, error) is covered


def test_a_caught_failure_keeps_none_of_the_states_own_assign() -> None:
    catch = [{"ErrorEquals": ["E"], "Assign": {"caught": True}, "Next": "Z"}]
    definition = machine(
        "A",
        A=pass_(Assign={"x": 1}, Next="M"),
        M=map_({"F": fail("E")}, Items=[1], Assign={"x": 2}, Catch=catch, Next="Z"),
        Z=pass_(Output="{% [$x, $caught] %}"),
    )

    assert run(definition).output == [1, True]
