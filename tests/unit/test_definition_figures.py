"""Figures of definitions: how large that of a large workflow is, and how many state transitions success is billed for."""

from __future__ import annotations

import asyncio
import json

import pytest

from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.substitutions import substitute
from stepdig.pipeline import Compiled, compile_workflow

BYTES_OF_A_THOUSAND = 900_000
ARN = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/stepdig-prod-warehouse-nightly-default:12345"


def _compiled(dig: str) -> Compiled:
    return compile_workflow(
        {"nightly.dig": dig.encode()}.get,
        "nightly.dig",
        display=lambda path: f"workflows/warehouse/{path}",
        project="warehouse",
        workflow="nightly",
        jobs=None,
    )


def _tasks(count: int) -> str:
    return "".join(f"+task_{number}:\n  sh>: ./load.sh table_{number}\n" for number in range(count))


@pytest.mark.parametrize(
    ("around", "count"),
    [("", 1000), ("_error: {echo>: bad}\n", 1000), ("_retry: 1\n", 700)],  # a group's new try is as many events again
    ids=["plain", "error", "retry"],
)
def test_a_thousand_commands_have_room(around: str, count: int) -> None:
    """As a file, and with ARNs in the place of names, as Step Functions counts it."""
    text = _compiled(f"timezone: Asia/Tokyo\n{around}{_tasks(count)}").definition_text

    assert len(text.encode()) < BYTES_OF_A_THOUSAND
    assert len(text.replace("${JobDefault}", ARN).encode()) < 1_048_576


@pytest.mark.parametrize("rows", [1, 15, 90])
def test_a_table_is_one_transition_and_the_rest_of_the_run_six(rows: int) -> None:
    """The states that only failures pass cost nothing."""
    names = [f"table_{number}" for number in range(rows)]
    each = "_parallel: {limit: 8}\n  _do:\n    +load: {sh>: ./load.sh, _retry: 2}\n"
    loop = f"+sync:\n  for_each>: {{t: {json.dumps(names)}}}\n  {each}"
    dig = f"_error: {{sh>: ./tell.sh}}\n{loop}+verify: {{sh>: ./verify.sh}}\n"
    made = _compiled(dig)
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))

    class Fine:
        async def run(self, _request: TaskRequest) -> TaskOutcome:
            return TaskOutcome(0)

    async def go() -> int:
        functions = {"FailRunFunction": Functions()["fail_run"]}
        services = Integrations(tasks=Fine(), functions=functions)
        async with Engine(integrations=services, clock=VirtualClock()) as engine:
            execution = await engine.start(definition, {}, "x", "p-w").wait()
            assert execution.status == "SUCCEEDED"
            return execution.transitions

    assert asyncio.run(go()) - rows <= 6
