"""A redrive restarts what failed, and nothing else: each failing end of a compiled workflow, task by task."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from stepdig.local.engine import Engine
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.substitutions import substitute
from stepdig.pipeline import compile_workflow

ENDED = "Essential container in task exited"


class Launcher:
    """Tasks that fail as often as told, by the name of the task, with what the loop gave it."""

    def __init__(self, failing: Mapping[str, int]) -> None:
        self.failing = dict(failing)
        self.ran: list[str] = []

    async def run(self, request: TaskRequest) -> TaskOutcome:
        """Note the task and end as told."""
        environment = request.container_overrides["Environment"]
        loop = json.loads(environment["STEPDIG_RUN"]).get("loop", {})
        name = " ".join([environment["STEPDIG_TASK"].partition(" ")[2], *map(str, loop.values())])
        self.ran.append(name)
        left = self.failing.get(name, 0)
        self.failing[name] = left - 1
        return TaskOutcome(1 if left > 0 else 0, "EssentialContainerExited", ENDED)


def _runs(
    dig: str, failing: Mapping[str, int], given: Mapping[str, object] | None = None
) -> list[tuple[str, list[str]]]:
    """Run and redrive until the execution succeeds; return status and tasks run of each."""
    text = dig.encode()
    made = compile_workflow(lambda _: text, "w.dig", display=str, project="p", workflow="w", jobs=None)
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))
    shipped = Functions()
    functions = {"FailRunFunction": shipped["fail_run"], "NotifySlackFunction": shipped["notify_slack"]}
    launcher = Launcher(failing)

    async def go() -> list[tuple[str, list[str]]]:
        found: list[tuple[str, list[str]]] = []
        async with Engine(integrations=Integrations(tasks=launcher, functions=functions)) as engine:
            execution = await engine.start(definition, {"params": dict(given or {})}, "x", "p-w").wait()
            for _ in range(4):
                found.append((execution.status, launcher.ran[sum(len(ran) for _, ran in found) :]))
                if execution.status == "SUCCEEDED":
                    break
                execution = await (await engine.redrive(execution)).wait()
        return found

    return asyncio.run(go())


CASES: dict[str, tuple[str, dict[str, int], list[tuple[str, list[str]]]]] = {
    "a task": (
        "+a: {sh>: a}\n+b: {sh>: b}\n+c: {sh>: c}\n",
        {"+b": 1},
        [("FAILED", ["+a", "+b"]), ("SUCCEEDED", ["+b", "+c"])],
    ),
    "a _check, not the task before it": (
        "+a: {sh>: a, _check: {+c: {sh>: c}}}\n+b: {sh>: b}\n",
        {"+a^check+c": 1},
        [("FAILED", ["+a", "+a^check+c"]), ("SUCCEEDED", ["+a^check+c", "+b"])],
    ),
    "what comes after an ignored failure": (
        "+g: {_ignore_failure: true, +a: {sh>: a}, +never: {sh>: n}}\n+b: {sh>: b}\n+c: {sh>: c}\n",
        {"+g+a": 9, "+b": 1},
        [("FAILED", ["+g+a", "+b"]), ("SUCCEEDED", ["+b", "+c"])],
    ),
    "a task that others wait for": (
        "+g: {_parallel: true, +a: {sh>: a}, +b: {_after: [+a], sh>: b}, +c: {sh>: c}}\n",
        {"+g+a": 1},
        [("FAILED", ["+g+a", "+g+c"]), ("SUCCEEDED", ["+g+a", "+g+b"])],
    ),
    "a group with a time limit": (
        "+g: {_timeout: 1h, +a: {sh>: a}, +b: {sh>: b, _timeout: 1m}}\n",
        {"+g+b": 1},
        [("FAILED", ["+g+a", "+g+b"]), ("SUCCEEDED", ["+g+b"])],
    ),
    "a task under the top's _error": (
        "_error: {echo>: E}\n+a: {sh>: a}\n+b: {sh>: b}\n",
        {"+b": 1},
        [("FAILED", ["+a", "+b"]), ("SUCCEEDED", ["+b"])],
    ),
    "a group with _error": (
        "+g:\n  _error: {sh>: h}\n  +a: {sh>: a}\n  +b: {sh>: b}\n+c: {sh>: c}\n",
        {"+g+b": 2},
        [("FAILED", ["+g+a", "+g+b", "+g^error"]), ("FAILED", ["+g+b", "+g^error"]), ("SUCCEEDED", ["+g+b", "+c"])],
    ),
    "a group with _retry has all its tries again": (
        "+g:\n  _retry: 1\n  +a: {sh>: a}\n",
        {"+g+a": 3},
        [("FAILED", ["+g+a", "+g+a"]), ("SUCCEEDED", ["+g+a", "+g+a"])],
    ),
    "the failed items of a parallel list": (
        "+l:\n  for_each>: {t: [x, y, z]}\n  _parallel: {limit: 1}\n  _do: {sh>: t}\n+c: {sh>: c}\n",
        {"+l^sub y": 2, "+l^sub z": 1},
        [
            ("FAILED", ["+l^sub x", "+l^sub y", "+l^sub z"]),
            ("FAILED", ["+l^sub y", "+l^sub z"]),
            ("SUCCEEDED", ["+l^sub y", "+c"]),
        ],
    ),
    "the failed items under the top's _error": (
        "_error: {echo>: E}\n+l:\n  loop>: 3\n  _parallel: {limit: 1}\n  _do: {sh>: t}\n+c: {sh>: c}\n",
        {"+l^sub 1": 1},
        [("FAILED", ["+l^sub 0", "+l^sub 1", "+l^sub 2"]), ("SUCCEEDED", ["+l^sub 1", "+c"])],
    ),
    "the failed branches": (
        "+g:\n  _parallel: true\n  +a: {sh>: a}\n  +b:\n    +x: {sh>: x}\n    +y: {sh>: y}\n+c: {sh>: c}\n",
        {"+g+b+y": 1},
        [("FAILED", ["+g+a", "+g+b+x", "+g+b+y"]), ("SUCCEEDED", ["+g+b+x", "+g+b+y", "+c"])],
    ),
    "the failed branches under a limit": (
        "_parallel: {limit: 1}\n+a: {sh>: a}\n+b: {sh>: b}\n",
        {"+b": 1},
        [("FAILED", ["+a", "+b #"]), ("SUCCEEDED", ["+b #"])],
    ),
    "the iteration of a sequential loop": (
        "+l:\n  loop>: 3\n  _do: {sh>: t}\n",
        {"+l^sub 1": 1},
        [("FAILED", ["+l^sub 0", "+l^sub 1"]), ("SUCCEEDED", ["+l^sub 1", "+l^sub 2"])],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_redrive(case: str) -> None:
    """What had succeeded does not run again."""
    dig, failing, expected = CASES[case]
    if case.endswith("limit"):
        expected = [(status, [name.removesuffix(" #") for name in ran]) for status, ran in expected]

    found = _runs(dig, failing)

    assert [(status, sorted(ran)) for status, ran in found] == [(status, sorted(ran)) for status, ran in expected]


@pytest.mark.parametrize("parallel", ["true", "{limit: 50}"])
def test_a_narrowed_list_stays_narrowed(parallel: str) -> None:
    """A redrive runs the rows that failed of those that were asked for."""
    dig = f"""
params:
+l:
  for_each>: {{t: [a, b, c, d]}}
  _parallel: {parallel}
  _do: {{sh>: work}}
"""

    found = _runs(dig, {"+l^sub b": 1}, {"only": ["b", "d"]})

    assert [(status, sorted(ran)) for status, ran in found] == [
        ("FAILED", ["+l^sub b", "+l^sub d"]),
        ("SUCCEEDED", ["+l^sub b"]),
    ]
