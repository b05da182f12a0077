"""AWS's limits, met exactly: payloads, variables, history, definition, names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from machines import branch, engine, machine, map_, pass_, run, task, types

from stepdig.limits import HISTORY_EVENTS, PAYLOAD_BYTES
from stepdig.local.errors import InvalidStart, NotRedrivable

TEXT = PAYLOAD_BYTES - 2  # characters of the longest text, whose JSON has two quotes


def repeated(n: int) -> str:
    """An expression that yields n times `x`."""
    return "{% $pad('', " + str(n) + ", 'x') %}"


def test_an_output_of_256_kib_passes_and_one_byte_more_fails() -> None:
    fits = run(machine("A", A=pass_(Output=repeated(TEXT))))
    over = run(machine("A", A=pass_(Output=repeated(TEXT + 1))))

    assert fits.status == "SUCCEEDED"
    assert (over.status, over.error) == ("FAILED", "States.DataLimitExceeded")
    assert over.cause == (
        "The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit."
    )


def test_bytes_count_not_characters() -> None:
    definition = machine("A", A=pass_(Output="{% $pad('', " + str(PAYLOAD_BYTES // 3) + ", '日') %}"))

    assert run(definition).error == "States.DataLimitExceeded"


@pytest.mark.parametrize("name", ["States.ALL", "States.DataLimitExceeded", "States.TaskFailed"])
def test_nothing_catches_or_retries_it(name: str) -> None:
    rules = {"Retry": [{"ErrorEquals": [name]}], "Catch": [{"ErrorEquals": [name], "Next": "Z"}]}
    work = {"big": lambda *_: "x" * PAYLOAD_BYTES}
    state = task("lambda:invoke", {"FunctionName": "big"}, **rules)

    execution = run(machine("T", T=state, Z=pass_()), functions=work)

    assert execution.error == "States.DataLimitExceeded"
    assert types(execution).count("TaskScheduled") == 1


def test_the_collected_result_of_a_map_counts() -> None:
    execution = run(machine("M", M=map_({"P": pass_(Output=repeated(1000))})), [0] * 300)

    assert execution.error == "States.DataLimitExceeded"


def test_variables_of_one_assign_have_256_kib() -> None:
    assert run(machine("A", A=pass_(Assign={"v": repeated(TEXT)}))).status == "SUCCEEDED"
    assert run(machine("A", A=pass_(Assign={"v": repeated(TEXT + 1)}))).error == "States.DataLimitExceeded"
    both = {"v": repeated(TEXT // 2), "w": repeated(TEXT // 2)}
    assert run(machine("A", A=pass_(Assign=both))).error == "States.DataLimitExceeded"


def test_all_variables_have_10_mib() -> None:
    states = {f"S{i}": pass_(Assign={f"v{i}": repeated(TEXT)}, Next=f"S{i + 1}") for i in range(40)}
    last = {"S40": pass_(Assign={"last": "x"})}

    assert run(machine("S0", **states, S40=pass_())).status == "SUCCEEDED"
    assert run(machine("S0", **states, **last)).error == "States.DataLimitExceeded"


def looping(passes: int) -> tuple[dict[str, Any], dict[str, int]]:
    """A machine of 4 events for each pass and 4 more, with its input."""
    again = {"Condition": "{% $states.input.i > 1 %}", "Output": {"i": "{% $states.input.i - 1 %}"}, "Next": "A"}
    choice = {"Type": "Choice", "Choices": [again], "Default": "Z"}
    return machine("A", A=pass_(Next="C"), C=choice, Z=pass_()), {"i": passes}


def test_a_history_may_have_25000_events_and_no_more() -> None:
    """The 25,000th must be ExecutionSucceeded; else it is the ExecutionFailed that says why."""
    fits, full = (HISTORY_EVENTS - 4) // 4, HISTORY_EVENTS // 4 + 1

    within = run(*looping(fits))
    beyond = run(*looping(full))

    assert (within.status, len(within.events)) == ("SUCCEEDED", HISTORY_EVENTS)
    assert (beyond.status, len(beyond.events)) == ("FAILED", HISTORY_EVENTS)
    assert beyond.error == "States.Runtime"
    assert beyond.cause == "The execution reached the maximum number of history events (25000)."


def test_a_full_history_inside_a_map_ends_the_run_uncaught() -> None:
    definition, value = looping(HISTORY_EVENTS)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    outer = machine(
        "P", P={"Type": "Parallel", "Branches": [definition, branch(X=pass_())], "Catch": catch, "End": True}, Z=pass_()
    )
    del definition["QueryLanguage"]

    execution = run(outer, value)

    assert (execution.status, len(execution.events)) == ("FAILED", HISTORY_EVENTS)
    assert types(execution)[-1] == "ExecutionFailed"


def test_a_full_history_cannot_be_redriven() -> None:
    async def go() -> None:
        definition, value = looping(HISTORY_EVENTS)
        async with engine() as it:
            execution = await it.start(definition, value, "x", "m").wait()
            with pytest.raises(NotRedrivable, match="event limit"):
                await it.redrive(execution)

    asyncio.run(go())


@pytest.mark.parametrize("name", ["", "a b", "2026-11-20T00:00:00", "x" * 81, "a/b", "a*"])
def test_a_name_aws_refuses_is_refused(name: str) -> None:
    async def go() -> None:
        async with engine() as it:
            with pytest.raises(InvalidStart):
                it.start(machine("A", A=pass_()), {}, name, "m")

    asyncio.run(go())


def test_an_input_above_256_kib_is_refused() -> None:
    with pytest.raises(InvalidStart, match="262144"):
        run(machine("A", A=pass_()), "x" * PAYLOAD_BYTES)


def test_error_and_cause_are_cut_where_aws_cuts_them() -> None:
    def work(_: Any, __: Any) -> None:
        raise ValueError("x" * 100_000)

    execution = run(machine("T", T=task("lambda:invoke", {"FunctionName": "w"})), functions={"w": work})

    assert len(execution.cause or "") == 32_768
