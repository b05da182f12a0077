"""examples/analytics-platform: files handed on by the workspace, two environments, a program that is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from example_project import Example

WORKFLOW = "workflows/analytics/workflow.dig"
OVERRIDE_CHARS = 8192  # of RunTask; ours take at most half


@pytest.fixture
def platform(example: Callable[..., Example]) -> Example:
    """Return a copy of the example with 128 customers in its workspace."""
    copied = example("analytics-platform")
    incoming = copied.folder / ".stepdig/workspace/incoming"
    incoming.mkdir(parents=True)
    made = subprocess.run([sys.executable, "customers.py", "128"], cwd=copied.folder, capture_output=True, check=True)
    (incoming / "customers.csv").write_bytes(made.stdout)
    return copied


def _asked(platform: Example) -> list[str]:
    """Return the overrides of all containers of the one run, those of the loop's items too."""
    histories = platform.folder.glob(".stepdig/runs/*/*/*.jsonl")
    events = [json.loads(line) for it in histories for line in it.read_text(encoding="utf-8").splitlines()]
    tasks = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    asked = [json.loads(task["parameters"]) for task in tasks]
    return [json.dumps(each["Overrides"], separators=(",", ":")) for each in asked if "Overrides" in each]


@pytest.mark.parametrize(("env", "parts"), [("dev", 4), ("prod", 64)])
def test_a_night(platform: Example, env: str, parts: int) -> None:
    done = platform.stepdig("run", WORKFLOW, "--env", env, "--session", "2026-11-21", "--plain")

    assert done.code == 0, done.text
    assert f"128 customers in {parts} files" in done.text
    assert "192 variables of tables, 3 plans" in done.text
    assert "outlook.plans: 3 rows" in done.text
    assert not list(platform.folder.glob(".stepdig/workspace/sessions/*"))
    overrides = _asked(platform)
    assert len(overrides) == parts + 5
    assert max(map(len, overrides)) < OVERRIDE_CHARS / 2


def test_the_configuration_itself_would_not_fit(platform: Example) -> None:
    lines = (platform.folder / "workflows/analytics/config/prod.dig").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#")]

    assert len(pairs) == 200
    assert len(json.dumps([{"name": name, "value": value} for name, value in pairs])) > OVERRIDE_CHARS


def test_a_program_that_is_missing_and_the_rest_of_the_night(platform: Example) -> None:
    program = platform.folder / "jobs/warehouse/bin/embulk"
    away = program.rename(program.with_name("away"))
    failed = platform.stepdig("run", WORKFLOW, "--session", "2026-11-21", "--plain")

    assert failed.code == 1
    assert 'Cannot run program "embulk"' in failed.text
    assert "--resume" in failed.text

    away.rename(program)
    resumed = platform.stepdig("run", WORKFLOW, "--resume", "--plain")
    assert resumed.code == 0, resumed.text
    assert "outlook.plans: 3 rows" in resumed.text
    assert "128 customers" not in resumed.text, "what was done is not done again"


def _simulation(platform: Example, part: int) -> int | None:
    """Return the process that simulates a part, while there is one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if "task.task.simulate" not in words or not (process / "cwd").resolve().is_relative_to(platform.folder):
                continue
            given = json.loads(Path(words[words.index("task.task.simulate") + 1]).read_bytes())
        except (OSError, ValueError, IndexError):  # it has ended, or is about to begin
            continue
        if int(given["params"]["part"]) == part:
            return int(process.name)
    return None


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the process in Linux's /proc")
def test_a_killed_simulation_and_the_rest_of_the_night(platform: Example) -> None:
    """The night of the README whose last part is killed: the others end, the resumed run simulates that one alone."""
    argv = [sys.executable, "-m", "stepdig", "run", WORKFLOW, "--session", "2026-11-25", "--plain"]
    with subprocess.Popen(
        argv, cwd=platform.folder, env=platform.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as night:
        while night.poll() is None and (found := _simulation(platform, 3)) is None:
            pass
        assert found is not None, "the night ended before its last part was found"
        os.kill(found, signal.SIGKILL)
        told = night.communicate()[0]

    assert night.returncode == 1
    assert "exit code 137 (killed; in a container mostly for want of memory)" in told
    assert [told.count(f"success       +simulate {part}-{part + 1} +part") for part in range(4)] == [1, 1, 1, 0]
    assert "FAILED  5 tasks" in told
    there = sorted(it.name for it in platform.folder.glob(".stepdig/workspace/sessions/*/outlook-*.csv"))
    assert there == ["outlook-00.csv", "outlook-01.csv", "outlook-02.csv"], "what the others wrote is not lost"

    resumed = platform.stepdig("run", WORKFLOW, "--resume", "--plain")
    assert resumed.code == 0, resumed.text
    assert [resumed.text.count(f"running       +simulate {part}-{part + 1} +part") for part in range(4)] == [0, 0, 0, 1]
    assert "+simulate 3-4 +part  try 2" in resumed.text
    assert "3 plans, 128 customers" in resumed.text
    assert "9 tasks · 10 tries" in resumed.text


def test_the_unit_tests_of_its_tasks(platform: Example) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        argv, cwd=platform.folder / "workflows/analytics", capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
