"""`require>` among state machines: how it waits for what others started, what a redrive does, on a clock of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.execution import Execution, machine_arn
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.substitutions import substitute
from stepdig.pipeline import Compiled, compile_workflow

SESSION = "2026-11-20T00:00:00+00:00"
DAY = 86_400
WAITING = {"w": {"Type": "Wait", "Seconds": "{% $number($states.input.params.seconds) %}", "End": True}}
FAILS_ONCE = {
    "w": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.attempt_id > 1 %}", "Next": "good"}],
        "Default": "bad",
    },
    "good": {"Type": "Succeed"},
    "bad": {"Type": "Fail"},
}


@dataclass(frozen=True)
class Night:
    """The executions of the workflow, and those it required by name."""

    runs: list[Execution]
    required: dict[str, Execution]


class _Heard:
    def __init__(self) -> None:
        self.found: dict[str, Execution] = {}

    def on_event(self, execution: Execution, _event: object) -> None:
        """Hear an event."""
        if execution.machine == "other":
            self.found[execution.name] = execution

    def on_output(self, *_: object) -> None:
        """Hear a line."""


def compiled(dig: str) -> Compiled:
    """Compile a workflow that may require `other`."""
    files = {"w.dig": dig.encode(), "other.dig": b"+x: {echo>: hello}\n"}
    return compile_workflow(files.get, "w.dig", display=str, project="p", workflow="w", jobs=None)


def night(
    made: Compiled,
    other: Mapping[str, Any],
    params: Mapping[str, Any],
    more: Callable[[Engine, Execution], Any] | None = None,
) -> Night:
    """Run a compiled workflow, and what is to follow, while `other` has the given states."""
    values = {name: name for name in made.substitutions} | {"StateMachineOther": machine_arn("other")}
    definition = json.loads(substitute(made.definition_text, values))
    machine = {"QueryLanguage": "JSONata", "StartAt": "w", "States": other}

    async def go() -> Night:
        heard = _Heard()
        services = Integrations(functions={"FailRunFunction": Functions()["fail_run"]})
        async with Engine(
            machines={"other": machine}, integrations=services, clock=VirtualClock(), listener=heard
        ) as engine:
            given = {"session_time": SESSION, "params": dict(params)}
            runs = [await engine.start(definition, given, "x", "p-w").wait()]
            if more is not None:
                runs.append(await more(engine, runs[0]))
            return Night(runs, heard.found)

    return asyncio.run(go())


async def redriven(engine: Engine, execution: Execution) -> Execution:
    """Redrive an execution to its end."""
    return await (await engine.redrive(execution)).wait()


def waiting(others: int) -> str:
    """Return a workflow in which one of two waits for what the other started, with more that may have to."""
    tasks = "".join(f"+t{n}: {{require>: other}}\n" for n in range(others))
    return (
        f"+beside:\n  _parallel: true\n  +a: {{require>: other}}\n  +b: {{require>: other, params: {{x: 1}}}}\n{tasks}"
    )


@pytest.mark.parametrize(("others", "growth"), [(0, 1.125), (18, 1.35), (34, 2.0)])
def test_waiting_for_what_somebody_else_started(others: int, growth: float) -> None:
    """It ends a part of the time later at most, and within the events that `check --explain` tells."""
    made = compiled(waiting(others))
    assert f".pause*{growth})" in made.definition_text

    done = night(made, WAITING, {"seconds": 2.9 * DAY})

    run, other = done.runs[0], done.required["20261120T000000Z-1"]
    assert (run.status, list(done.required)) == ("SUCCEEDED", ["20261120T000000Z-1"])
    assert run.stopped is not None
    assert other.stopped is not None
    assert run.stopped - other.stopped <= (growth - 1) * 1.2 * 2.9 * DAY
    (row,) = [it for it in made.bounds() if it.limit == "events of the run"]
    assert len(run.events) <= (row.worst or 0)


@pytest.mark.parametrize("others", [0, 18, 34])
def test_waiting_ends_after_three_days(others: int) -> None:
    """Not before, and says so."""
    done = night(compiled(waiting(others)), WAITING, {"seconds": 30 * DAY})

    run = done.runs[0]
    assert run.status == "FAILED"
    assert "Waited too long. Dependent workflow failed: other, 20261120T000000Z-1" in str(run.events)


@pytest.mark.parametrize(
    "more", ["", "  _error: {echo>: '${error.message}'}\n", "  _retry: 0\n"], ids=["", "error", "0"]
)
@pytest.mark.parametrize("around", ["", "_parallel: true\n"], ids=["alone", "beside"])
def test_a_redrive_runs_what_failed_under_the_next_name(more: str, around: str) -> None:
    """The session's second attempt, in the same execution of the caller."""
    done = night(compiled(f"{around}+a:\n  require>: other\n{more}+b: {{echo>: done}}\n"), FAILS_ONCE, {}, redriven)

    assert done.runs[-1].status == "SUCCEEDED"
    assert [(it.name, it.status) for it in done.required.values()] == [
        ("20261120T000000Z-1", "FAILED"),
        ("20261120T000000Z-2", "SUCCEEDED"),
    ]


def test_a_redrive_of_a_list_runs_only_what_failed() -> None:
    """Sessions that succeeded are not run again."""
    other = {
        **FAILS_ONCE,
        "w": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $states.input.attempt_id>1 or $contains($states.input.session_time,'-19') %}",
                    "Next": "good",
                }
            ],
            "Default": "bad",
        },
    }
    dig = """
+days:
  for_each>: {day: [0, 1, 2]}
  _parallel: true
  _do:
    require>: other
    session_time: ${moment(session_time).subtract(day, 'days').format()}
"""

    done = night(compiled(dig), other, {}, redriven)

    assert done.runs[-1].status == "SUCCEEDED"
    assert sorted(done.required) == [
        "20261118T000000Z-1",
        "20261118T000000Z-2",
        "20261119T000000Z-1",
        "20261120T000000Z-1",
        "20261120T000000Z-2",
    ]


@pytest.mark.parametrize(
    ("rerun", "statuses", "attempts"),
    [("none", ["FAILED", "FAILED"], 1), ("failed", ["FAILED", "SUCCEEDED"], 2), ("all", ["FAILED", "SUCCEEDED"], 2)],
)
def test_what_another_run_left(rerun: str, statuses: list[str], attempts: int) -> None:
    """A second run for the same session takes the failure for its own, or runs it again."""
    made = compiled(f"+a: {{require>: other, rerun_on: {rerun}}}\n")

    async def second(engine: Engine, first: Execution) -> Execution:
        return await engine.start(first.definition, first.input, "y", "p-w").wait()

    done = night(made, FAILS_ONCE, {}, second)

    assert [it.status for it in done.runs] == statuses
    assert len(done.required) == attempts
