"""What the states do with data: Output, Assign, Choice, scopes, Parallel, Map, and how expressions fail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from machines import branch, fail, machine, map_, pass_, run, types

from stepdig.local.clock import VirtualClock
from stepdig.local.errors import InvalidDefinition

FEATURES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "an Output mixes expressions, texts and null": (
        machine("A", A=pass_(Output={"x": "{% $states.input.a + 1 %}", "lit": "s", "n": None})),
        {"a": 41},
        {"x": 42, "lit": "s", "n": None},
    ),
    "a variable lives on in later states": (
        machine("A", A=pass_(Assign={"o": {"k": [1, "{% $states.input %}"]}}, Next="B"), B=pass_(Output="{% $o.k %}")),
        5,
        [1, 5],
    ),
    "Assign evaluates all sides first": (
        machine(
            "A",
            A=pass_(Assign={"x": 1, "y": 2}, Next="B"),
            B=pass_(Assign={"x": "{% $y %}", "y": "{% $x %}"}, Next="C"),
            C=pass_(Output="{% [$x, $y] %}"),
        ),
        None,
        [2, 1],
    ),
    "Output sees the variables as they were on entry": (
        machine("A", A=pass_(Assign={"x": 1}, Next="B"), B=pass_(Assign={"x": 2}, Output="{% $x %}")),
        None,
        1,
    ),
    "text with quotes, braces and emoji passes unharmed": (
        machine("A", A=pass_(Output="{% $states.input & '!' %}")),
        'a"b{%c%}\\d\u2028é😀\n',
        'a"b{%c%}\\d\u2028é😀\n!',
    ),
    "null is a value, not undefined": (
        machine("A", A=pass_(Assign={"v": None}, Next="B"), B=pass_(Output="{% [$v, $exists($v), $states.input.a] %}")),
        {"a": None},
        [None, True, None],
    ),
    "whole floats come out as integers": (
        machine("A", A=pass_(Output="{% [1.0 * 2, 10 / 4, 9007199254740991] %}")),
        None,
        [2, 2.5, 9007199254740991],
    ),
    "a blank before {% makes a text": (machine("A", A=pass_(Output=" {% 1 %}")), None, " {% 1 %}"),
    "the first rule that holds wins, with its own Assign and Output": (
        machine(
            "A",
            A={
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $states.input > 10 %}", "Assign": {"p": "big"}, "Output": "o", "Next": "Z"},
                    {"Condition": "{% true %}", "Next": "Z"},
                ],
                "Default": "Z",
                "Assign": {"p": "default"},
            },
            Z=pass_(Output="{% [$p, $states.input] %}"),
        ),
        11,
        ["big", "o"],
    ),
    "Default takes the state's own Assign, even to the same state": (
        machine(
            "A",
            A={
                "Type": "Choice",
                "Choices": [{"Condition": "{% false %}", "Assign": {"p": "rule"}, "Next": "Z"}],
                "Default": "Z",
                "Assign": {"p": "default"},
            },
            Z=pass_(Output="{% $p %}"),
        ),
        None,
        "default",
    ),
    "Succeed may have an Output": (
        machine("S", S={"Type": "Succeed", "Output": "{% $states.input.a %}"}),
        {"a": [1]},
        [1],
    ),
    "a Parallel gives its branches one input and returns their outputs in order": (
        machine(
            "A",
            A=pass_(Assign={"o": 1}, Next="L"),
            L={
                "Type": "Parallel",
                "Arguments": {"q": "{% $states.input %}"},
                "Branches": [
                    branch(X=pass_(Assign={"l": "{% $states.input.q + $o %}"}, Next="X2"), X2=pass_(Output="{% $l %}")),
                    branch(Y=pass_(Output="{% $states.input %}")),
                ],
                "Output": {"r": "{% $states.result %}", "in": "{% $states.input %}"},
                "End": True,
            },
        ),
        2,
        {"r": [3, {"q": 2}], "in": 2},
    ),
    "an inline Map selects its items' input": (
        machine(
            "M",
            M=map_(
                {"P": pass_()},
                Items="{% $states.input.items %}",
                ItemSelector={
                    "i": "{% $states.context.Map.Item.Index %}",
                    "v": "{% $states.context.Map.Item.Value %}",
                    "b": "{% $states.input.b %}",
                },
            ),
        ),
        {"items": [10, 20], "b": "B"},
        [{"i": 0, "v": 10, "b": "B"}, {"i": 1, "v": 20, "b": "B"}],
    ),
    "a Map without items is done": (machine("M", M=map_({"P": pass_()})), [], []),
    "a Map reads outer variables, and its own are gone afterwards": (
        machine(
            "A",
            A=pass_(Assign={"o": 5}, Next="M"),
            M=map_(
                {"P": pass_(Assign={"i": "{% $o + $states.input %}"}, Next="Q"), "Q": pass_(Output="{% $i %}")},
                Items=[1, 2],
                Next="Z",
            ),
            Z=pass_(Output="{% [$states.input, $exists($i)] %}"),
        ),
        None,
        [6, 7, False],
    ),
    "a Map in a Map sees both items' scopes": (
        machine(
            "M",
            M=map_(
                {
                    "P": pass_(Assign={"outer": "{% $states.input %}"}, Next="N"),
                    "N": map_({"Q": pass_(Output="{% $outer * $states.input %}")}, Items=[1, 10]),
                },
                Items=[2, 3],
            ),
        ),
        None,
        [[2, 20], [3, 30]],
    ),
    "a caught failure tells Error and Cause": (
        machine(
            "M",
            M=map_(
                {"P": fail("Boom", "{% 'item ' & $states.input %}")},
                Items=[7],
                Catch=[
                    {
                        "ErrorEquals": ["Boom"],
                        "Assign": {"e": "{% $states.errorOutput.Error %}"},
                        "Output": "{% $states.errorOutput.Cause %}",
                        "Next": "Z",
                    }
                ],
            ),
            Z=pass_(Output="{% [$states.input, $e] %}"),
        ),
        None,
        ["item 7", "Boom"],
    ),
    "the context knows the run": (
        machine(
            "A",
            A=pass_(
                Output="{% [$states.context.State.Name, $states.context.StateMachine.Name, $states.context.Execution.Name, "
                "$states.context.Execution.Input, $states.context.Execution.RedriveCount] %}"
            ),
        ),
        {"q": 1},
        ["A", "machine", "run-1", {"q": 1}, 0],
    ),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_states_do_what_aws_does(feature: str) -> None:
    definition, value, expected = FEATURES[feature]

    execution = run(definition, value)

    assert (execution.status, execution.output, execution.error, execution.cause) == ("SUCCEEDED", expected, None, None)


PREFIX = "An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression "
FAILURES: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "an undefined value": (
        pass_(Output={"x": "{% $states.input.nope %}"}),
        {},
        "States.QueryEvaluationError",
        PREFIX + "'$states.input.nope' specified for the field 'Output/x' returned nothing (undefined).",
    ),
    "a type error in an expression": (
        pass_(Output="{% 1 + 'a' %}"),
        {},
        "States.QueryEvaluationError",
        PREFIX + "'1 + 'a'' specified for the field 'Output' threw an error during evaluation. "
        "T2002: The right side of the + operator must evaluate to a number",
    ),
    "a function as a value": (
        pass_(Output="{% function($x){$x} %}"),
        {},
        "States.QueryEvaluationError",
        PREFIX + "'function($x){$x}' specified for the field 'Output' returned an unsupported result type.",
    ),
    "a condition that is no boolean": (
        {"Type": "Choice", "Choices": [{"Condition": "{% $states.input %}", "Next": "A"}]},
        "text",
        "States.QueryEvaluationError",
        PREFIX + "'$states.input' specified for the field 'Condition' returned an unexpected result type. "
        "Expected 'boolean', but was 'string' for value: \"text\"",
    ),
    "no rule that holds": (
        {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "A"}]},
        {},
        "States.NoChoiceMatched",
        "No choice rule of state 'A' matched, and it has no Default.",
    ),
    "a Fail state": (fail("{% 'E.' & $states.input %}", "why"), "x", "E.x", "why"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_an_execution_fails_with_awss_words(what: str) -> None:
    state, value, error, cause = FAILURES[what]

    execution = run(machine("A", A=state), value)

    assert (execution.status, execution.error, execution.cause) == ("FAILED", error, cause)
    assert execution.events[-1]["executionFailedEventDetails"] == {"error": error, "cause": cause}


def test_a_failing_branch_ends_the_others() -> None:
    """The waiting branch is aborted, the Parallel fails, the Catch takes over."""
    definition = machine(
        "L",
        L={
            "Type": "Parallel",
            "Branches": [
                branch(X=fail("E1", "c1")),
                branch(Y={"Type": "Wait", "Seconds": 3600, "Next": "Y2"}, Y2=pass_()),
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
            "End": True,
        },
        Z=pass_(),
    )
    clock = VirtualClock()

    execution = run(definition, clock=clock)

    assert (execution.status, execution.output) == ("SUCCEEDED", {"Error": "E1", "Cause": "c1"})
    assert "WaitStateAborted" in types(execution)
    assert "ParallelStateFailed" in types(execution)
    assert clock.skipped == 0


def test_wait_takes_seconds_or_a_time() -> None:
    clock = VirtualClock()
    definition = machine(
        "A",
        A={"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "B"},
        B={"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "End": True},
    )

    execution = run(definition, {"s": 3600}, clock=clock)

    assert execution.status == "SUCCEEDED"
    assert clock.slept[0] == 3600
    assert 3599 < clock.skipped <= 3600


def test_the_history_has_awss_form() -> None:
    """Ids count from 1, each event points to the one before it, data are JSON texts."""
    execution = run(machine("A", A=pass_(Assign={"v": "日本"}, Output={"b": 2})), {"a": "é"})

    assert [{k: v for k, v in e.items() if k != "timestamp"} for e in execution.events[1:]] == [
        {
            "type": "PassStateEntered",
            "id": 2,
            "previousEventId": 0,
            "stateEnteredEventDetails": {"name": "A", "input": '{"a":"é"}'},
        },
        {
            "type": "PassStateExited",
            "id": 3,
            "previousEventId": 2,
            "stateExitedEventDetails": {"name": "A", "output": '{"b":2}', "assignedVariables": {"v": '"日本"'}},
        },
        {
            "type": "ExecutionSucceeded",
            "id": 4,
            "previousEventId": 3,
            "executionSucceededEventDetails": {"output": '{"b":2}'},
        },
    ]
    assert execution.events[0]["timestamp"].endswith("Z")


def test_every_event_of_an_iteration_leads_back_to_its_index() -> None:
    """Whoever walks previousEventId from a task finds the MapIterationStarted of its own iteration."""
    definition = machine("M", M=map_({"P": pass_(Next="Q"), "Q": pass_()}, MaxConcurrency=3))
    execution = run(definition, [10, 20, 30, 40])
    by_id = {event["id"]: event for event in execution.events}

    for event in execution.events:
        if event["type"] == "PassStateEntered":
            value = json.loads(event["stateEnteredEventDetails"]["input"])
            before = event
            while before["type"] != "MapIterationStarted":
                before = by_id[before["previousEventId"]]
            assert before["mapIterationStartedEventDetails"]["index"] == value // 10 - 1


def test_transitions_are_states_entered_plus_retries() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 1}]
    definition = machine(
        "M",
        M=map_(
            {"P": pass_(Next="F"), "F": fail("E")}, Items=[1], Retry=retry, Catch=[{"ErrorEquals": ["E"], "Next": "Z"}]
        ),
        Z=pass_(),
    )

    assert run(definition).transitions == 1 + 3 * 2 + 2 + 1


REFUSED = {
    "JSONPath": ({"StartAt": "A", "States": {"A": pass_(Result=1)}}, "not in JSONata"),
    "a JSONPath field": (machine("A", A=pass_(ResultPath="$.a")), "ResultPath"),
    "a missing state": (machine("A", A=pass_(Next="B")), "'B'"),
    "an unknown type": (machine("A", A={"Type": "Pas", "End": True}), "no Type"),
    "neither Next nor End": (machine("A", A={"Type": "Pass"}), "Next or End"),
    "a syntax error": (machine("A", A=pass_(Output="{% $a( %}")), "is not valid"),
    "?: of a later JSONata": (machine("A", A=pass_(Output="{% $a ?: 1 %}")), "is not valid"),
    "?? of a later JSONata": (machine("A", A=pass_(Output="{% $a ?? 1 %}")), "is not valid"),
    "$eval": (machine("A", A=pass_(Output="{% [$eval('1')] %}")), "$eval"),
    "an iteration that assigns an outer variable": (
        machine("A", A=pass_(Assign={"o": 5}, Next="M"), M=map_({"P": pass_(Assign={"o": 6})}, Items=[1])),
        "$o",
    ),
    "a definition above 1 MB": (machine("A", A=pass_(Output="x" * 1_048_576)), "1048576"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_definition_aws_would_refuse_does_not_start(what: str) -> None:
    definition, told = REFUSED[what]

    with pytest.raises(InvalidDefinition, match=re.escape(told)):
        run(definition)


def test_a_distributed_map_may_assign_a_name_of_the_outer_scope() -> None:
    """Its children are executions of their own and see nothing of the outer variables."""
    inner = {"P": pass_(Assign={"o": 6}, Next="Q"), "Q": pass_(Output="{% $o %}")}
    definition = machine("A", A=pass_(Assign={"o": 5}, Next="M"), M=map_(inner, Items=[1], mode="DISTRIBUTED"))

    assert run(definition).output == [6]
