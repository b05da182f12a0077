"""All checks of a definition that need Python alone: `findings` is empty for one that AWS should take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from asl_arguments import argument_findings
from asl_scopes import graph_findings, scopes
from asl_variables import variable_findings
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from stepdig import limits

SUBSTITUTIONS = {
    *("Archive", "Cluster", "Environment", "Stack", "SubnetIds", "SecurityGroupIds", "Bucket"),
    *("FailRunFunction", "HttpRequestFunction", "NotifySlackFunction", "ParamsStoreFunction", "SendMailFunction"),
}
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
RESERVED = """ALL BranchFailed DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout Http.Socket IntrinsicFailure
ItemReaderFailed NoChoiceMatched ParameterPathFailure Permissions QueryEvaluationError ResultPathMatchFailure
ResultWriterFailed Runtime TaskFailed Timeout"""
RESERVED_ERRORS = {f"States.{name}" for name in RESERVED.split()}
# Fields where Step Functions takes a number or an expression and cfn-lint's schema knows numbers only.
NUMERIC_FIELDS = (
    "TimeoutSeconds",
    "HeartbeatSeconds",
    "MaxConcurrency",
    "ToleratedFailurePercentage",
    "ToleratedFailureCount",
)


def findings(definition: dict[str, Any]) -> list[str]:
    """Say what is wrong with a definition: graph, variables, expressions, arguments, errors, substitutions, size."""
    if text := [*_not_ours(definition)]:
        return text
    checks = (graph_findings, variable_findings, argument_findings, error_findings)
    return [text for check in checks for text in check(definition)]


def _not_ours(definition: dict[str, Any]) -> Iterator[str]:
    """Findings about the definition as a text."""
    text = json.dumps(definition, ensure_ascii=False)
    if definition.get("QueryLanguage") != "JSONata":
        yield "QueryLanguage is not JSONata"
    if len(text.encode()) > limits.DEFINITION_BYTES:
        yield f"the definition has {len(text.encode()):,} bytes"
    for name in re.findall(r"\$\{([^}]*)\}?", text):
        if name not in SUBSTITUTIONS and not re.fullmatch(r"(Job|StateMachine)[A-Z][A-Za-z0-9]*", name):
            yield f"${{{name}}} is no substitution of the template; CloudFormation would put it in as text"


def error_findings(definition: dict[str, Any]) -> list[str]:
    """Say what is wrong with Retry and Catch: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""
    found: list[str] = []
    for scope in scopes(definition):
        for name, state in scope.states.items():
            for field in ("Retry", "Catch"):
                rules = state.get(field, [])
                for index, rule in enumerate(rules):
                    texts = [*_rule_findings(rule, index == len(rules) - 1), *_retry_findings(rule)]
                    found += [f"{scope.where}{name}: {field}[{index}]: {text}" for text in texts]
    return found


def _rule_findings(rule: dict[str, Any], last: bool) -> Iterator[str]:
    errors = rule.get("ErrorEquals", [])
    if not errors:
        yield "names no error"
    if "States.ALL" in errors and (len(errors) > 1 or not last):
        yield "States.ALL must stand alone and last"
    yield from (
        f"there is no {error}" for error in errors if error.startswith("States.") and error not in RESERVED_ERRORS
    )


def _retry_findings(rule: dict[str, Any]) -> Iterator[str]:
    interval = rule.get("IntervalSeconds", 1)
    if not limits.RETRY_MIN_INTERVAL_SECONDS <= interval <= limits.WAIT_SECONDS:
        yield f"IntervalSeconds is {interval}"
    if not 0 <= rule.get("MaxAttempts", 3) <= limits.RETRY_MAX_ATTEMPTS:
        yield f"MaxAttempts is {rule['MaxAttempts']}"
    if rule.get("BackoffRate", 2) < 1:
        yield f"BackoffRate is {rule['BackoffRate']}"
    delay = rule.get("MaxDelaySeconds", limits.RETRY_MAX_DELAY_SECONDS)
    if not interval < delay <= limits.RETRY_MAX_DELAY_SECONDS:
        yield f"MaxDelaySeconds is {delay}, the interval {interval}"


def lint_findings(definitions: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return cfn-lint's E3601 for each definition, less its known false alarms on numbers given as expressions."""
    names = {f"Machine{index}": name for index, name in enumerate(definitions)}
    role = "arn:aws:iam::123456789012:role/machine"
    resources = {
        logical: {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"RoleArn": role, "Definition": definitions[name]},
        }
        for logical, name in names.items()
    }
    found: dict[str, list[str]] = {name: [] for name in definitions}
    for match in lint(json.dumps({"Resources": resources}), config=ManualArgs(regions=["us-east-1"])):
        known = "{%" in match.message and match.path[-1] in NUMERIC_FIELDS
        if match.rule.id == "E3601" and not known:
            place = "/".join(map(str, match.path[4:]))
            found[names[str(match.path[1])]].append(f"cfn-lint E3601 at {place}: {match.message}")
    return found
