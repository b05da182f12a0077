"""`sla:`: what happens beside the tasks when they take too long, and that nothing does when they do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stepdig.local import jsonata
from stepdig.pipeline import compile_workflow

# The tasks wait for what the sla's own task does: only a run that is late can end.
LATE = """
    sla:
      duration: 00:00:01
      alert: true
      {fail}
      +tell: {{sh>: 'echo late $who; touch told'}}
    _export: {{who: ops}}
    +slow: {{sh>: 'until [ -e told ]; do sleep 0.05; done'}}
    +after: {{echo>: done}}
    _error:
      +never: {{echo>: failed}}
"""


def test_a_run_that_is_late_tells_and_goes_on(run: Callable[..., Any]) -> None:
    done = run(LATE.format(fail=""))

    messages = [str(event) for event in done.events if event["event"] == "message"]
    assert done.code == 0
    assert "late ops" in done.output
    assert done.states["^sla+tell"] == done.states["+after"] == "success"
    assert len(messages) == 1
    assert "SLA violation: not done after 00:00:01: +w of" in messages[0]


def test_a_late_run_may_fail_at_its_end(run: Callable[..., Any]) -> None:
    """As in Digdag: its tasks run to the end first, and `_error` is not for it."""
    done = run(LATE.format(fail="fail: true"))

    assert (done.code, done.end["cause"]) == (1, "SLA violation: not done after 00:00:01")
    assert done.states["+after"] == "success"
    assert "failed" not in done.output


def test_what_fails_beside_leaves_the_tasks_alone(run: Callable[..., Any]) -> None:
    done = run(LATE.replace("touch told", "touch told; exit 3").format(fail=""))

    assert done.code == 0
    assert done.states["^sla+tell"] == "error"
    assert done.states["+after"] == "success"


def test_in_time_nothing_happens(run: Callable[..., Any]) -> None:
    """Stores and lists work inside as they do without an sla, and the wait ends with the tasks."""
    tasks = "import digdag\n\ndef store():\n    digdag.env.store({'rows': 3, 'names': ['a', 'b']})\n"
    dig = """
        sla: {duration: 10:00:00, alert: true, fail: true}
        +store: {py>: tasks.store}
        +each:
          for_each>: {n: "${names}"}
          _parallel: true
          _do: {echo>: "${n} ${rows}"}
        +last: {sh>: 'echo $rows'}
    """

    done = run(dig, tasks__py=tasks)

    assert (done.code, sorted(done.output)) == (0, ["3", "a 3", "b 3"])


def test_a_failure_keeps_its_name_and_goes_on_after_a_redrive(run: Callable[..., Any], tmp_path: Path) -> None:
    dig = """
        sla: {duration: 10:00:00, alert: true}
        +first: {sh>: 'echo ran >> first'}
        +second: {sh>: '[ -e mended ]'}
        _error:
          +tell: {echo>: "bad ${error.message}"}
    """

    failed = run(dig)
    (tmp_path / "mended").touch()
    done = run(dig, "--resume", "20261120T000000Z-1")

    assert (failed.code, failed.end["error"]) == (1, "States.TaskFailed")
    assert done.code == 0
    assert (tmp_path / "first").read_text() == "ran\n"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "-03:30"])
@pytest.mark.parametrize("clock", ["00:00", "02:30", "07:30:15", "23:59"])
def test_a_time_of_day_is_the_next_one_after_the_start(zone: str, clock: str) -> None:
    """Over both clock changes of a year, held against Python's own arithmetic of local times."""
    dig = f"timezone: {zone}\nsla: {{time: '{clock}', fail: true}}\n+a: {{echo>: a}}\n"
    made = compile_workflow({"w.dig": dig.encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=None)
    states: Any = made.definition["States"]
    condition = states["+w sla kept?"]["Choices"][0]["Condition"][2:-2].strip()
    end = condition.removeprefix("$millis()>=")
    run = _run_object(states, "2026-01-01T00:00:00.000Z")
    where = ZoneInfo(zone) if zone[0] != "-" else datetime.strptime("-0330", "%z").tzinfo
    assert where is not None
    at = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
    while at.year == 2026:
        context = {"Execution": {"StartTime": at.isoformat().replace("+00:00", "Z"), "Input": {}}}
        found = jsonata.evaluate(end, jsonata.Variables(None, {"run": run, "states": {"context": context}}))
        assert datetime.fromtimestamp(float(found) / 1000, UTC) == _next(at, time.fromisoformat(clock), where)
        at += timedelta(hours=17, minutes=13)


def _next(start: datetime, clock: time, zone: Any) -> datetime:
    """Return the first such time of day after a start; one that a change of clocks skips comes an hour later."""
    day = start.astimezone(zone).date()
    for shift in (0, 1):
        local = datetime.combine(day + timedelta(days=shift), clock, zone)
        if local.replace(tzinfo=None) > start.astimezone(zone).replace(tzinfo=None):
            return local.astimezone(UTC)
    raise AssertionError


def _run_object(states: Any, start: str) -> Any:
    code = states["start session"]["Assign"]["run"][2:-2].strip()
    context = {"Execution": {"StartTime": start, "Input": {}, "Name": "n"}}
    return jsonata.evaluate(code, jsonata.Variables(None, {"states": {"context": context}}))
