"""A night from end to end: the schedule of a compiled workflow fires, start_session starts it, the engine runs it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stepdig.language.recurrence import expression
from stepdig.local.engine import Engine
from stepdig.local.functions import Modules
from stepdig.local.integrations import Integrations
from stepdig.pipeline import compile_workflow

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "start_session"
WORKFLOW = b"""
timezone: America/New_York
schedule: {daily>: '07:00:00'}
+say:
  echo>: "${session_date}, before ${last_session_time}, after ${next_session_date}, ran [${last_executed_session_date}]"
"""


class Machine:
    """Executions that run on the engine as they start."""

    def __init__(self, definition: dict[str, Any]):
        self._definition = definition
        self.said: dict[str, str] = {}

    def exists(self, session: datetime) -> bool:
        return self._name(session) in self.said

    def latest(self) -> list[Any]:
        return []

    def start(self, session: datetime, given: dict[str, Any]) -> bool:
        name = self._name(session)
        if name in self.said:
            return False

        async def go() -> str:
            async with Engine(integrations=Integrations()) as engine:
                execution = await engine.start(self._definition, given, name, "shop-nightly").wait()
                assert execution.status == "SUCCEEDED"
                return json.dumps(execution.events)

        events = asyncio.run(go())
        self.said[name] = next(part for part in events.split('\\"') if ", before " in part)
        return True

    @staticmethod
    def _name(session: datetime) -> str:
        return session.strftime("%Y%m%dT%H%M%SZ-1")


def test_three_nights_over_a_change_of_clocks() -> None:
    made = compile_workflow(
        lambda _: WORKFLOW, "nightly.dig", display=str, project="shop", workflow="nightly", jobs=None
    )
    bundle: Any = made.bundle
    told = expression(bundle["schedule"], bundle["timezone"], [(at, offset) for at, offset in bundle["offsets"]])
    assert (told.expression, told.timezone) == ("cron(0 11,12 * * ? *)", "UTC")
    modules, machine = Modules(FOLDER), Machine(made.definition)
    firing, run = modules.load("firing").firing, modules.load("start").run
    aws = SimpleNamespace(executions=lambda *_: machine, log=lambda *_, **__: None, count=lambda *_: None)

    started = {}
    for day in range(3):
        for hour in (11, 12):
            at = datetime.fromisoformat("2026-03-07T00:00Z") + timedelta(days=day, hours=hour)
            event = {
                "machine": "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-prod-shop-nightly:live",
                "workflow": "shop-nightly",
                "timezone": bundle["timezone"],
                "schedule": json.loads(json.dumps(bundle["schedule"])),
                "scheduled_time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            }
            for name in run(firing(event), aws, at)["started"]:
                started[f"{at:%m-%d %H:%M}"] = machine.said[name]

    assert started == {
        "03-07 12:00": "2026-03-07, before 2026-03-06T00:00:00-05:00, after 2026-03-08, ran []",
        "03-08 12:00": "2026-03-08, before 2026-03-07T00:00:00-05:00, after 2026-03-09, ran [2026-03-07]",
        "03-09 11:00": "2026-03-09, before 2026-03-08T00:00:00-05:00, after 2026-03-10, ran [2026-03-08]",
    }
