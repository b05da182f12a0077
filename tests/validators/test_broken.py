"""The validators can fail: each fault put into a sound definition is found."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from asl_checks import findings, lint_findings

ECS = {"Cluster": "${Cluster}", "TaskDefinition": "${JobLoad}", "LaunchType": "FARGATE", "Overrides": {"Cpu": "256"}}
TOKEN = {
    "FunctionName": "${FailRunFunction}",
    "Payload": {"token": "{% $states.context.Task.Token %}", "at": "{% $failed_at %}"},
}
RETRY = {"ErrorEquals": ["ECS.ThrottlingException"], "IntervalSeconds": 2, "MaxAttempts": 9, "JitterStrategy": "FULL"}
CATCH = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "+sync+load failed"}
FAIL_RUN = "arn:aws:states:::lambda:invoke.waitForTaskToken"
SOUND: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "+nightly",
    "States": {
        "+nightly": {"Type": "Pass", "Assign": {"run": {"n": 1}, "redo": []}, "Next": "+sync"},
        "+sync": {
            "Type": "Map",
            "Items": "{% $count($redo) > 0 ? $redo : ['users', 'orders'] %}",
            "ItemSelector": {"t": "{% $states.context.Map.Item.Value %}"},
            "MaxConcurrency": 4,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "+sync+load",
                "States": {
                    "+sync+load": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::ecs:runTask.sync",
                        "Arguments": ECS,
                        "Retry": [RETRY],
                        "Catch": [CATCH],
                        "Output": "{% $states.result.Tasks[0].TaskArn & $string($run.n) %}",
                        "End": True,
                    },
                    "+sync+load failed": {"Type": "Pass", "End": True},
                },
            },
            "Assign": {"failed": "{% $states.result[$ != 0] %}"},
            "Next": "+sync join",
        },
        "+sync join": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $count($failed) > 0 %}", "Assign": {"failed_at": 0}, "Next": "+sync failed"}],
            "Default": "+done",
        },
        "+sync failed": {"Type": "Task", "Resource": FAIL_RUN, "Arguments": TOKEN, "Next": "+sync"},
        "+done": {"Type": "Succeed", "Output": "{% $exists($failed_at) ? $failed_at : 0 %}"},
    },
}

GONE = object()
Changes = dict[str, Any]


def machine(changes: Changes) -> dict[str, Any]:
    """Return the sound definition with the values at these paths changed; a path starts at a state, wherever it is."""
    definition = copy.deepcopy(SOUND)
    outer = definition["States"]
    inner = outer["+sync"]["ItemProcessor"]["States"]
    for path, value in changes.items():
        *way, last = path.split("/")
        place: Any = inner if way and way[0] in inner else outer
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return definition


LOAD = "+sync+load/Arguments"
SUCCEED = {"Type": "Succeed"}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
# what is wrong, the change, a word of the finding
OWN: list[tuple[str, Changes, str]] = [
    ("JSONata does not parse", {"+done/Output": "{% $count( %}"}, "parse"),
    ("blank before the expression", {"+done/Output": " {% 1 %}"}, "whole text"),
    ("expression not closed", {"+done/Output": "{% 1"}, "whole text"),
    ("no such function", {"+done/Output": "{% $toUpper('a') %}"}, "no function '$toUpper'"),
    ("eval", {"+done/Output": "{% $eval('1') %}"}, "no function '$eval'"),
    ("root context", {"+done/Output": "{% $.n %}"}, "mean nothing"),
    ("bare name", {"+done/Output": "{% run.n %}"}, "no '$'"),
    ("bare name in a lambda", {"+done/Output": "{% $map([1], function($v) { v }) %}"}, "no '$'"),
    ("unknown variable", {"+done/Output": "{% $runn.n %}"}, "never assigned"),
    ("unknown variable in an argument", {f"{LOAD}/Cluster": "{% $runn %}"}, "never assigned"),
    ("unknown variable in a condition", {"+sync join/Choices/0/Condition": "{% $x %}"}, "never assigned"),
    ("unknown variable in a catch", {"+sync+load/Catch/0/Output": "{% $x %}"}, "never assigned"),
    ("not assigned on every path", {"+done/Output": "{% $failed_at %}"}, "every path"),
    ("another variable's guard", {"+done/Output": "{% $exists($run) ? $failed_at : 0 %}"}, "every path"),
    ("read in the else part", {"+done/Output": "{% $exists($failed_at) ? 0 : $failed_at %}"}, "every path"),
    ("outer name assigned inside", {"+sync+load/Assign": {"redo": []}}, "outer scope"),
    ("outer name assigned before", {"+sync+load failed/Assign": {"failed_at": 1}}, "outer scope"),
    ("outer name assigned by a catch", {"+sync+load/Catch/0/Assign": {"run": 1}}, "outer scope"),
    ("distributed reads an outer name", {"+sync/ItemProcessor/ProcessorConfig": DISTRIBUTED}, "'$run'"),
    ("reserved name", {"+nightly/Assign/states": 1}, "reserved"),
    ("name that is none", {"+nightly/Assign/my-var": 1}, "no name of a variable"),
    ("result before there is one", {f"{LOAD}/Cluster": "{% $states.result.x %}"}, "$states.result"),
    ("result in a Pass", {"+nightly/Output": "{% $states.result %}"}, "$states.result"),
    ("errorOutput outside a catch", {"+done/Output": "{% $states.errorOutput %}"}, "errorOutput"),
    ("Next to nowhere", {"+nightly/Next": "+synk"}, "no state of its scope"),
    ("Next out of a scope", {"+sync+load/Catch/0/Next": "+done"}, "no state of its scope"),
    ("Default to nowhere", {"+sync join/Default": "+x"}, "no state of its scope"),
    ("unreachable", {"+lost": SUCCEED}, "no arrow"),
    ("neither Next nor End", {"+nightly/Next": GONE}, "exactly one"),
    ("both Next and End", {"+nightly/End": True}, "exactly one"),
    ("no end", {"+done": {"Type": "Pass", "Next": "+sync"}}, "no state ends"),
    ("name used twice", {"+sync join/Default": "+sync+load", "+sync+load": SUCCEED}, "used twice"),
    ("name of 81", {"+sync join/Default": "x" * 81, "x" * 81: SUCCEED}, "81 characters"),
    ("unknown member", {f"{LOAD}/Launchtype": "EC2"}, "did you mean LaunchType"),
    ("camel case", {f"{LOAD}/cluster": "c"}, "did you mean Cluster"),
    ("deep unknown member", {f"{LOAD}/Overrides/ContainerOverrides": [{"Env": []}]}, "[0] has no member Env"),
    ("member missing", {f"{LOAD}/TaskDefinition": GONE}, "lacks TaskDefinition"),
    ("no value of the enum", {f"{LOAD}/LaunchType": "FARGATE_SPOT"}, "not one of"),
    ("wrong type", {f"{LOAD}/Count": "3"}, "not of the type integer"),
    ("malformed resource", {"+sync+load/Resource": "arn:aws:states::ecs"}, "no service integration"),
    ("no such integration", {"+sync+load/Resource": "arn:aws:states:::ecs:runTasks.sync"}, "no optimized"),
    ("no such action", {"+sync+load/Resource": "arn:aws:states:::aws-sdk:s3:fetchObject"}, "no action"),
    ("sdk that waits", {"+sync+load/Resource": "arn:aws:states:::aws-sdk:ecs:runTask.sync"}, "cannot wait"),
    ("function without a name", {"+sync failed/Arguments/FunctionName": GONE}, "lacks FunctionName"),
    ("token for nobody", {"+sync failed/Arguments/Payload": {}}, "token that nobody"),
    ("unknown error", {"+sync+load/Catch/0/ErrorEquals": ["States.Timeoutt"]}, "there is no States.Timeoutt"),
    ("States.ALL in company", {"+sync+load/Catch/0/ErrorEquals": ["States.ALL", "X"]}, "alone and last"),
    ("no error named", {"+sync+load/Retry/0/ErrorEquals": []}, "names no error"),
    ("interval of nothing", {"+sync+load/Retry/0/IntervalSeconds": 0}, "IntervalSeconds"),
    ("too many tries", {"+sync+load/Retry/0/MaxAttempts": 10**8}, "MaxAttempts"),
    ("shrinking delay", {"+sync+load/Retry/0/BackoffRate": 0.5}, "BackoffRate"),
    ("cap below the interval", {"+sync+load/Retry/0/MaxDelaySeconds": 1}, "MaxDelaySeconds"),
    ("substitution unknown", {"+done/Comment": "prints ${name}"}, "no substitution"),
    ("group that looks like a substitution", {"+done/Output": "{% [1].${'a': $} %}"}, "no substitution"),
]
OTHERS: dict[str, Changes] = {
    "StartAt is no state": {"+nightly": GONE},
    "Choice without Condition": {"+sync join/Choices/0/Condition": GONE},
    "field of JSONPath": {"+nightly/Parameters": {}},
    "unknown Type": {"+nightly/Type": "Pas"},
    "Fail.Error is a list": {"+done": {"Type": "Fail", "Error": []}},
}


def test_the_sound_definition_has_no_finding() -> None:
    assert findings(SOUND) == []
    assert lint_findings({"sound": SOUND}) == {"sound": []}


@pytest.mark.parametrize(("changes", "word"), [case[1:] for case in OWN], ids=[case[0] for case in OWN])
def test_own_checks_find(changes: Changes, word: str) -> None:
    assert [text for text in findings(machine(changes)) if word in text]


def test_cfn_lint_finds() -> None:
    found = lint_findings({what: machine(changes) for what, changes in OTHERS.items()})

    assert [what for what, messages in found.items() if not messages] == []


def test_numbers_as_expressions_are_no_finding_of_cfn_lint() -> None:
    assert lint_findings({"n": machine({"+sync+load/TimeoutSeconds": "{% $run.n %}"})}) == {"n": []}


def test_node_validators_take_the_sound_definition(ask_node: Any) -> None:
    assert ask_node({"sound": SOUND}) == {"sound": []}


# The language service does not tell JSONata's fields from JSONPath's.
@pytest.mark.parametrize(("tool", "blind"), [("asl-validator", []), ("states language service", ["field of JSONPath"])])
def test_node_validators_find(ask_node: Any, tool: str, blind: list[str]) -> None:
    found = ask_node({what: machine(changes) for what, changes in OTHERS.items()})

    assert [what for what, messages in found.items() if not any(text.startswith(tool) for text in messages)] == blind
