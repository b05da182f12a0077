"""A container that never started, or that Spot took, is not the user's failure: it starts again, and `_retry` stays as it was.

The launcher ends each try of a task as told; the clock jumps over waits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from stepdig.language.job import Capacity, Job
from stepdig.local.clock import VirtualClock
from stepdig.local.engine import Engine
from stepdig.local.errors import StateError
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.ecs import TaskOutcome, TaskRequest
from stepdig.local.substitutions import substitute
from stepdig.pipeline import compile_workflow

OK = TaskOutcome(0)
USER = TaskOutcome(3)
PULL = TaskOutcome(None, "TaskFailedToStart", "CannotPullContainerError: retried 5 time(s): i/o timeout")
ENI = TaskOutcome(None, "TaskFailedToStart", "Timeout waiting for network interface provisioning to complete.")
NO_IMAGE = TaskOutcome(None, "TaskFailedToStart", "CannotPullContainerError: load:9 not found: manifest unknown")
TAKEN = TaskOutcome(143, "SpotInterruption", "Your Spot Task was interrupted.")


@dataclass
class Launcher:
    """Ends the tries of each task as told, then well; keeps what was asked for."""

    ends: dict[str, list[TaskOutcome | StateError]]
    tries: list[str] = field(default_factory=list)

    async def run(self, request: TaskRequest) -> TaskOutcome:
        environment = request.container_overrides["Environment"]
        loop = json.loads(environment["STEPDIG_RUN"]).get("loop", {})
        name = " ".join([environment["STEPDIG_TASK"].partition(" ")[2], *map(str, loop.values())])
        self.tries.append(name)
        left = self.ends.get(name, [])
        end = left.pop(0) if left else OK
        if isinstance(end, StateError):
            raise end
        return end


@dataclass(frozen=True)
class Night:
    """Executions of one workflow, redriven until it succeeds: their status, error and cause, and the tries of each."""

    ends: Sequence[tuple[str, str | None, str | None]]
    tries: Sequence[list[str]]
    providers: Sequence[str]
    seconds: float

    @property
    def status(self) -> str:
        return self.ends[0][0]


def _task(name: str) -> str:
    """Return the task that a keyword means: `g__a_users` is `+g+a users`."""
    return f"{'' if name[0] == '^' else '+'}{name.replace('__', '+').replace('_', ' ')}"


def night(
    dig: str, capacity: Capacity = "on_demand", redrives: int = 0, **ends: Sequence[TaskOutcome | StateError]
) -> Night:
    """Run a workflow whose tasks end as told; `a_users` are the ends of `+a users`."""
    jobs = {"default": Job("default", capacity=capacity)}
    made = compile_workflow({"w.dig": dig.encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=jobs)
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))
    launcher = Launcher({_task(name): list(it) for name, it in ends.items()})
    functions = {"FailRunFunction": Functions()["fail_run"]}
    providers: list[str] = []

    class Asked:
        """Notes the provider of each launch."""

        def on_event(self, _execution: object, event: dict[str, Any]) -> None:
            if event["type"] == "TaskScheduled" and event["taskScheduledEventDetails"]["resource"] == "runTask.sync":
                given = json.loads(event["taskScheduledEventDetails"]["parameters"])
                strategy = given.get("CapacityProviderStrategy")
                assert not (strategy and "LaunchType" in given), "ECS takes one of the two"
                providers.append(strategy[0]["CapacityProvider"] if strategy else given["LaunchType"])

        def on_output(self, *_told: object) -> None:
            """Nobody listens."""

    async def go() -> Night:
        told, tries, clock = [], [], VirtualClock()
        services = Integrations(tasks=launcher, functions=functions)
        async with Engine(integrations=services, clock=clock, listener=Asked()) as engine:
            begun = clock.now()
            execution = await engine.start(definition, {}, "x", "p-w").wait()
            for left in range(redrives, -1, -1):
                told.append((execution.status, execution.error, execution.cause))
                tries.append(launcher.tries[sum(map(len, tries)) :])
                if execution.status == "SUCCEEDED" or not left:
                    break
                execution = await (await engine.redrive(execution)).wait()
            return Night(told, tries, providers, clock.now() - begun)

    return asyncio.run(go())


SYNC = """
+sync:
  for_each>: {t: [users, orders]}
  _parallel: true
  _do:
    +load: {sh>: ./load.sh, _retry: 1}
"""


@pytest.mark.parametrize("end", [PULL, ENI])
def test_a_container_that_never_started_starts_again_after_a_while(end: TaskOutcome) -> None:
    done = night("+a: {sh>: ./a.sh}\n+b: {sh>: ./b.sh}\n", a=[end, end])

    assert (done.status, done.tries) == ("SUCCEEDED", [["+a", "+a", "+a", "+b"]])
    assert done.seconds > 1


@pytest.mark.parametrize("retry", ["", ", _retry: 5"])
def test_what_no_waiting_mends_fails_after_few_tries(retry: str) -> None:
    done = night(f"+a: {{sh>: ./a.sh{retry}}}\n", a=[NO_IMAGE] * 9)

    assert done.tries == [["+a"] * 3]
    assert done.seconds < 60
    assert done.ends[0][:2] == ("FAILED", "States.TaskFailed")
    assert "manifest unknown" in str(done.ends[0][2])


def test_a_users_failure_is_final_without_retry() -> None:
    done = night("+a: {sh>: ./a.sh}\n", a=[PULL, USER])

    assert done.tries == [["+a", "+a"]]
    assert '"ExitCode":3' in str(done.ends[0][2]).replace(" ", "")


def test_a_launch_that_never_works_fails_under_its_own_name_and_a_redrive_begins_anew() -> None:
    done = night("+a: {sh>: ./a.sh}\n+b: {sh>: ./b.sh}\n", redrives=1, b=[ENI] * 15)

    assert [end[:2] for end in done.ends] == [("FAILED", "States.TaskFailed"), ("SUCCEEDED", None)]
    assert "network interface" in str(done.ends[0][2])
    assert done.tries == [["+a", *["+b"] * 13], ["+b"] * 3], "what was done does not run again"
    assert done.seconds > 500, "a lack of capacity may last a while"


def test_items_of_a_list_start_again_each_by_itself() -> None:
    done = night(SYNC, sync__load_users=[PULL, PULL, PULL])

    assert done.status == "SUCCEEDED"
    assert sorted(done.tries[0]) == ["+sync+load orders", *["+sync+load users"] * 4]


def test_a_redrive_runs_the_failed_items_alone() -> None:
    done = night(SYNC, redrives=1, sync__load_users=[NO_IMAGE] * 4)

    assert [end[0] for end in done.ends] == ["FAILED", "SUCCEEDED"]
    assert "users" in str(done.ends[0][2])
    assert set(done.tries[1]) == {"+sync+load users"}


def test_handlers_and_groups_see_a_failure_only_when_nothing_helps() -> None:
    """`_error` and a group's `_retry` are the user's: launches that come right in the end never reach them."""
    dig = """
+g:
  _retry: 1
  +a: {sh>: ./a.sh}
  +b: {sh>: ./b.sh}
_error:
  +tell: {sh>: ./tell.sh}
"""
    fine = night(dig, g__b=[ENI, PULL])
    failed = night(dig, g__b=[USER, USER])

    assert fine.tries == [["+g+a", "+g+b", "+g+b", "+g+b"]]
    assert [name for name in failed.tries[0] if name != "^error+tell"] == ["+g+a", "+g+b", "+g+a", "+g+b"]
    assert failed.tries[0][-1].endswith("+tell")


def test_branches_start_again_each_by_itself() -> None:
    done = night("_parallel: true\n+a: {sh>: ./a.sh}\n+b: {sh>: ./b.sh}\n", a=[ENI], b=[ENI, ENI])

    assert done.status == "SUCCEEDED"
    assert sorted(done.tries[0]) == ["+a", "+a", "+b", "+b", "+b"]


def test_spot_that_takes_a_task_gives_it_another_and_then_one_on_demand() -> None:
    done = night("+a: {sh>: ./a.sh}\n", "spot_then_on_demand", a=[TAKEN, TAKEN])

    assert (done.status, list(done.providers)) == ("SUCCEEDED", ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"])


def test_spot_alone_stays_on_spot() -> None:
    done = night("+a: {sh>: ./a.sh}\n", "spot", a=[TAKEN] * 19)

    assert (done.status, set(done.providers)) == ("FAILED", {"FARGATE_SPOT"})
    assert len(done.providers) == 13


REFUSED = StateError("ECS.ThrottlingException", "Rate exceeded")
FULL = StateError("AmazonECS.Unknown", '{"Failures":[{"Reason":"Capacity is unavailable at this time."}]}')
LATE = StateError("States.Timeout", None)
DENIED = StateError("ECS.AccessDeniedException", "not authorized to perform: ecs:RunTask")


def test_what_run_task_refuses_counts_like_a_container_that_did_not_start() -> None:
    done = night("+a: {sh>: ./a.sh, _retry: 1}\n", a=[REFUSED, FULL, ENI, REFUSED, USER, REFUSED])
    denied = night("+a: {sh>: ./a.sh, _retry: 5}\n", a=[DENIED] * 9)

    assert (done.status, len(done.tries[0])) == ("SUCCEEDED", 7)
    assert (denied.ends[0][:2], len(denied.tries[0])) == (("FAILED", "ECS.AccessDeniedException"), 3)


def test_spot_without_capacity_leads_to_one_on_demand() -> None:
    done = night("+a: {sh>: ./a.sh}\n", "spot_then_on_demand", a=[FULL, TAKEN])

    assert (done.status, list(done.providers)) == ("SUCCEEDED", ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"])


def test_each_task_and_each_round_of_a_loop_begins_on_spot() -> None:
    """Counts are of one task at one time: not of another, nor of an earlier round of a loop."""
    dig = "+l: {loop>: 2, _do: {+p: {sh>: ./p.sh}}}\n+b: {sh>: ./b.sh}\n"
    spots = ["FARGATE_SPOT"] * 2
    done = night(dig, "spot_then_on_demand", **{"l__p_0": [TAKEN] * 2, "l__p_1": [TAKEN] * 2, "b": [TAKEN]})

    assert (done.status, list(done.providers)) == ("SUCCEEDED", [*spots, "FARGATE", *spots, "FARGATE", *spots])


def test_waits_between_launches_grow_and_those_of_retry_are_the_users() -> None:
    launches = night("+a: {sh>: ./a.sh}\n", a=[ENI] * 5)
    users = night("+a: {sh>: ./a.sh, _retry: {limit: 3, interval: 10, interval_type: exponential}}\n", a=[USER] * 3)

    assert 0.5 * (5 + 10 + 20 + 40 + 80) <= launches.seconds <= 5 + 10 + 20 + 40 + 80 + 5
    assert round(users.seconds) == 10 + 20 + 40


def test_a_time_out_is_the_users_failure() -> None:
    """A try that takes too long counts against `_retry`, and each has the whole time; launches before it do not."""
    done = night("+a: {sh>: ./a.sh, _timeout: 60, _retry: 1}\n", a=[ENI, LATE, LATE])

    assert (done.status, done.ends[0][1], len(done.tries[0])) == ("FAILED", "States.Timeout", 3)


def test_what_a_handler_runs_starts_again_too_and_changes_no_failure() -> None:
    dig = "_error:\n  +tell: {sh>: ./tell.sh}\n+a: {sh>: ./a.sh}\n"
    launcher_names = {"^error__tell": [ENI, ENI]}
    done = night(dig, a=[USER], **launcher_names)

    assert [it for it in done.tries[0] if "tell" in it] == [done.tries[0][-1]] * 3
    assert '"ExitCode":3' in str(done.ends[0][2]).replace(" ", "")


def test_a_redrive_after_a_handler_leads_back_to_the_task_that_never_started() -> None:
    dig = "_error: {echo>: bad}\n+a: {sh>: ./a.sh}\n+b: {sh>: ./b.sh}\n+c: {sh>: ./c.sh}\n"
    done = night(dig, redrives=1, b=[ENI] * 14)

    assert [end[0] for end in done.ends] == ["FAILED", "SUCCEEDED"]
    assert done.tries == [["+a", *["+b"] * 13], ["+b", "+b", "+c"]]


def test_one_after_another_a_redrive_restarts_the_item_that_failed_there() -> None:
    dig = "+l:\n  for_each>: {t: [x, y, z]}\n  _do:\n    +p: {sh>: ./p.sh}\n    +q: {sh>: ./q.sh}\n"
    done = night(dig, redrives=1, **{"l__q_y": [USER]})

    assert [end[0] for end in done.ends] == ["FAILED", "SUCCEEDED"]
    assert done.tries == [["+l+p x", "+l+q x", "+l+p y", "+l+q y"], ["+l+q y", "+l+p z", "+l+q z"]]


def test_a_thousand_tasks_share_launches() -> None:
    """The history has no room for a dozen tries of each of them, but for hundreds in all."""
    dig = "".join(f"+t{number}: {{sh>: ./t.sh}}\n" for number in range(1000))
    some = night(dig, **{f"t{number}": [ENI] * 4 for number in range(0, 1000, 20)})

    assert (some.status, len(some.tries[0])) == ("SUCCEEDED", 1200)


@pytest.mark.parametrize("capacity", ["on_demand", "spot", "spot_then_on_demand"])
def test_the_users_retry_counts_the_users_failures_alone(capacity: Capacity) -> None:
    """Two failures of the command and two of Spot's, mixed: `_retry: 2` allows it; a third one of the command's is too many."""
    dig = "+a: {sh>: ./a.sh, _retry: 2}\n"

    fine = night(dig, capacity, a=[USER, TAKEN, USER, TAKEN])
    failed = night(dig, capacity, a=[TAKEN, USER, TAKEN, USER, USER, OK])

    assert (fine.status, len(fine.tries[0])) == ("SUCCEEDED", 5)
    assert (failed.status, len(failed.tries[0])) == ("FAILED", 5)


def test_a_new_try_of_the_group_gives_its_tasks_all_their_tries_again() -> None:
    dig = "+g:\n  _retry: 1\n  +a: {sh>: ./a.sh, _retry: 1}\n"

    done = night(dig, "spot", g__a=[USER, USER, USER])

    assert (done.status, len(done.tries[0])) == ("SUCCEEDED", 4)


def test_success_passes_none_of_it() -> None:
    """One billed transition a table, a handful for the run."""
    dig = SYNC.replace("[users, orders]", str([f"t{number}" for number in range(30)]))
    done = night(dig)

    assert len(done.providers) == 30
