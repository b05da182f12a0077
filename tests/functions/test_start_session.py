"""start_session: which sessions start, on moto's Step Functions and EventBridge Scheduler; each once, whatever comes twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from stepdig.language.schedules import schedule
from stepdig.local.functions import Modules
from stepdig.problem import Problems
from stepdig.source import tree

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")
get_backend = pytest.importorskip("moto.backends").get_backend

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "start_session"
ROLE = "arn:aws:iam::123456789012:role/r"


def made(text: str) -> dict[str, Any]:
    problems = Problems()
    found = schedule(tree.load(text, "w.dig", lambda _: None, problems), problems)  # type: ignore[arg-type]
    assert problems.found == []
    assert found is not None
    return found


def _naive(at: str) -> datetime:
    """Return a time as moto keeps it: of UTC, without saying so."""
    return datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None)


class Account:
    """moto's account with one workflow's machine and schedule; `fire` is what the Scheduler does."""

    def __init__(self, text: str, zone: str, changed: str):
        self.stepfunctions = boto3.client("stepfunctions")
        definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}})
        made_of = {"name": "shop-prod-shop-nightly", "definition": definition, "roleArn": ROLE}
        self.machine = self.stepfunctions.create_state_machine(**made_of)["stateMachineArn"]
        self.schedule, self.zone = made(text), zone
        self._one_at_a_time()
        self.modules = Modules(FOLDER)
        self.run, self.firing = self.modules.load("start").run, self.modules.load("firing").firing
        self.changed = datetime.fromisoformat(changed)
        self.aws = self.modules.load("runtime").aws()
        self.logged: list[dict[str, Any]] = []
        self.counted: dict[str, int] = {}

    def fire(self, at: str, now: str | None = None, **event: Any) -> dict[str, Any]:
        time = datetime.fromisoformat(at).astimezone(UTC)
        given = {
            "machine": self.machine,
            "workflow": "shop-nightly",
            "timezone": self.zone,
            "schedule": self.schedule,
            "scheduled_time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "schedule_arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/g/nightly",
            **event,
        }
        aws = SimpleNamespace(
            executions=self.aws.executions,
            changed=lambda _: self.changed,
            log=lambda text, **known: self.logged.append({"text": text, **known}),
            count=lambda metric, _, number: self.counted.update({metric: self.counted.get(metric, 0) + number}),
        )
        at_work = datetime.fromisoformat(now or at).astimezone(UTC)
        known = {it.name for it in self.executions()}
        try:
            return self.run(self.firing(given), aws, at_work)
        finally:
            for it in self.executions():
                it.start_date = it.start_date if it.name in known else _naive(at_work.isoformat())

    def ran(self) -> dict[str, dict[str, Any]]:
        """Return the inputs of all executions, by name, in order of their start."""
        return {it.name: json.loads(it.execution_input) for it in self.executions()}

    def start(self, name: str, at: str = "2026-01-01T00:00Z") -> None:
        self.stepfunctions.start_execution(stateMachineArn=self.machine, name=name, input="{}")
        self.executions()[-1].start_date = _naive(at)

    def end(self, name: str, at: str) -> None:
        found = next(it for it in self.executions() if it.name == name)
        found.stop()
        found.stop_date = _naive(at)

    def executions(self) -> list[Any]:
        """Return moto's own executions: their times are those of the story, not of the test."""
        return self._own().executions

    def _own(self) -> Any:
        return get_backend("stepfunctions")["123456789012"]["eu-west-1"].describe_state_machine(self.machine)

    def _one_at_a_time(self) -> None:
        """Let moto take a name once, as Step Functions does: it looks, and adds only then."""
        own, lock = self._own(), Lock()
        begin = own.start_execution

        def start(**given: Any) -> Any:
            with lock:
                return begin(**given)

        own.start_execution = start


@pytest.fixture
def account(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with moto.mock_aws():
        yield lambda text, zone="UTC", changed="2016-01-01T00:00Z": Account(text, zone, changed)


def test_what_a_session_is_given(account):
    it = account("daily>: 07:00:00", "Asia/Tokyo")
    it.start("20260128T150000Z-1")
    answer = it.fire("2026-01-30T07:00+09:00")

    assert answer == {"started": ["20260129T150000Z-1"], "skipped": [], "missed": 0}
    given = it.ran()["20260129T150000Z-1"]
    assert UUID(given.pop("session_uuid")).version == 5
    assert given == {
        "session_time": "2026-01-30T00:00:00+09:00",
        "last_session_time": "2026-01-29T00:00:00+09:00",
        "next_session_time": "2026-01-31T00:00:00+09:00",
        "last_executed_session_time": "2026-01-29T00:00:00+09:00",
        "attempt_id": 1,
    }


def test_the_first_session_of_all_has_none_before_it(account):
    it = account("daily>: 07:00:00")
    assert it.fire("2026-01-30T07:00Z")["started"] == ["20260130T000000Z-1"]
    assert "last_executed_session_time" not in it.ran()["20260130T000000Z-1"]


@pytest.mark.parametrize("at", ["2026-01-30T06:59Z", "2026-01-30T07:01Z", "2026-01-30T19:00Z"])
def test_a_firing_too_many_starts_nothing(account, at):
    it = account("daily>: 07:00:00")
    assert it.fire(at) == {"started": [], "skipped": [], "missed": 0}
    assert it.ran() == {}
    assert [line["text"] for line in it.logged] == ["no session is due"]


@pytest.mark.parametrize("second", ["00", "43"])
def test_seconds_of_the_scheduled_time_mean_nothing(account, second):
    assert account("daily>: 07:00:00").fire(f"2026-01-30T07:00:{second}Z")["started"] == ["20260130T000000Z-1"]


def test_a_session_due_within_a_minute_starts_at_its_end(account):
    it = account("daily>: 07:00:30")
    assert it.fire("2026-01-30T07:00:43Z")["started"] == []
    assert it.fire("2026-01-30T07:01Z")["started"] == ["20260130T000000Z-1"]


def test_a_delivery_that_comes_twice_changes_nothing(account):
    it = account("daily>: 07:00:00")
    it.fire("2026-01-30T07:00Z")
    before = it.ran()
    again = it.fire("2026-01-30T07:00Z", "2026-01-30T07:03Z")  # Step Functions answers as it did the first time
    assert again["started"] == []
    assert it.counted == {"SessionsStarted": 1}
    it.end("20260130T000000Z-1", "2026-01-30T08:00Z")
    assert it.fire("2026-01-30T07:00Z", "2026-01-30T19:00Z")["started"] == []
    assert it.ran() == before
    assert it.logged[-1]["text"] == "session was started before"


def test_deliveries_at_the_same_time_start_each_session_once(account):
    it = account("daily>: 07:00:00")
    it.start("20260127T000000Z-1", "2026-01-27T07:00Z")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: it.fire("2026-01-30T07:00Z"), range(8)))
    names = [f"202601{day}T000000Z-1" for day in (27, 28, 29, 30)]
    assert sorted(it.name for it in it.executions()) == names
    assert {name for answer in answers for name in answer["started"]} == set(names[1:])


@pytest.mark.parametrize(
    ("text", "zone", "at", "session"),
    [
        # 00:00 and ten hours, as they pass: 11:00 of a day that lost an hour, 09:00 of one that has one more
        ("daily>: 10:00:00", "America/Los_Angeles", "2016-03-13T11:00-07:00", "2016-03-13T00:00:00-08:00"),
        ("daily>: 10:00:00", "America/Los_Angeles", "2016-11-06T09:00-08:00", "2016-11-06T00:00:00-07:00"),
        ("daily>: 10:00:00", "America/Los_Angeles", "2016-03-14T10:00-07:00", "2016-03-14T00:00:00-07:00"),
        ("weekly>: Sun,15:00:00", "America/Los_Angeles", "2016-03-13T16:00-07:00", "2016-03-13T00:00:00-08:00"),
        ("cron>: 30 1 * * *", "America/Los_Angeles", "2016-11-06T01:30-07:00", "2016-11-06T01:30:00-07:00"),
        ("cron>: 30 1 * * *", "America/Los_Angeles", "2016-11-06T01:30-08:00", "2016-11-06T01:30:00-08:00"),
        ("cron>: 0 0 L * *", "Europe/London", "2028-02-29T00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("{cron>: 0 9 13 * Fri, delay: 90}", "UTC", "2026-02-13T09:02+00:00", "2026-02-13T09:00:00+00:00"),
        ("seconds_interval>: 90", "UTC", "2026-01-30T00:02+00:00", "2026-01-30T00:01:30+00:00"),
        ("hourly>: 30:00", "+05:30", "2026-01-30T07:30+05:30", "2026-01-30T07:00:00+05:30"),
    ],
)
def test_zones_and_kinds(account, text, zone, at, session):
    it = account(text, zone)
    assert len(it.fire(at)["started"]) == 1
    assert [given["session_time"] for given in it.ran().values()] == [session]


def test_both_sessions_of_an_hour_that_comes_twice_run(account):
    it = account("cron>: 30 1 * * *", "America/Los_Angeles")
    for at in ("2016-11-05T01:30-07:00", "2016-11-06T01:30-07:00", "2016-11-06T01:30-08:00"):
        it.fire(at)
    given = it.ran()["20161106T093000Z-1"]
    assert list(it.ran()) == ["20161105T083000Z-1", "20161106T083000Z-1", "20161106T093000Z-1"]
    assert given["last_executed_session_time"] == given["last_session_time"] == "2016-11-06T01:30:00-07:00"


def test_nothing_fires_where_the_clock_leaps(account):
    it = account("cron>: 30 2 * * *", "America/Los_Angeles")
    assert not any(it.fire(f"2016-03-13T{hour}:30-07:00")["started"] for hour in ("01", "02", "03"))


def test_start_and_end_are_days_of_the_zone(account):
    it = account("{daily>: 07:00:00, start: 2026-02-01, end: 2026-02-02}", "Asia/Tokyo")
    found = [it.fire(f"2026-{day}T07:00+09:00")["started"] for day in ("01-31", "02-01", "02-02", "02-03")]
    assert found == [[], ["20260131T150000Z-1"], ["20260201T150000Z-1"], []]


def test_after_an_outage_all_that_was_missed_starts_oldest_first(account):
    it = account("daily>: 07:00:00")
    it.fire("2026-01-20T07:00Z")
    it.end("20260120T000000Z-1", "2026-01-20T09:00Z")
    answer = it.fire("2026-01-24T07:00Z")

    assert answer["started"] == [f"202601{day}T000000Z-1" for day in (21, 22, 23, 24)]
    executed = [given.get("last_executed_session_time", "")[:10] for given in it.ran().values()]
    assert executed == ["", "2026-01-20", "2026-01-21", "2026-01-22", "2026-01-23"]
    assert it.counted == {"SessionsStarted": 5}


@pytest.mark.parametrize(
    ("option", "days", "missed"),
    [("catch_up: last", (23, 24), 0), ("catch_up: none", (24,), 0), ("catch_up_limit: 2", (22, 23, 24), 1)],
)
def test_how_an_outage_is_made_up_for(account, option, days, missed):
    it = account(f"{{daily>: 07:00:00, {option}}}")
    it.start("20260120T000000Z-1")
    answer = it.fire("2026-01-24T07:00Z")
    assert answer["started"] == [f"202601{day}T000000Z-1" for day in days]
    assert (answer["missed"], it.counted.get("SessionsMissed", 0)) == (missed, missed)


def test_a_very_long_outage_starts_a_day_of_hours(account):
    it = account("minutes_interval>: 1")
    it.start("20260101T000000Z-1")
    answer = it.fire("2026-01-24T07:00Z")
    assert (len(answer["started"]), answer["missed"]) == (25, 23 * 1440 + 7 * 60 - 1 - 24)
    assert answer["started"][0] == "20260124T063600Z-1"


def test_what_came_before_the_schedule_was_changed_is_not_missed(account):
    """Hourly since yesterday noon, before that daily; or paused until then."""
    it = account("hourly>: 30:00", changed="2026-01-24T04:30Z")
    it.start("20260120T000000Z-1")
    assert it.fire("2026-01-24T07:30Z")["started"] == [f"20260124T0{hour}0000Z-1" for hour in (5, 6, 7)]


def test_a_session_due_after_the_change_counts_though_it_is_of_before(account):
    it = account("hourly>: 30:00", changed="2026-01-24T04:29Z")
    it.start("20260120T000000Z-1")
    assert len(it.fire("2026-01-24T07:30Z")["started"]) == 4


def test_without_its_schedule_nothing_is_caught_up(account):
    it = account("daily>: 07:00:00")
    it.start("20260120T000000Z-1")
    assert it.fire("2026-01-24T07:00Z", schedule_arn=None)["started"] == ["20260124T000000Z-1"]


def test_catching_up_ends_at_the_schedules_first_day(account):
    it = account("{daily>: 07:00:00, start: 2026-01-23}")
    it.start("20260120T000000Z-1")
    assert it.fire("2026-01-24T07:00Z")["started"] == ["20260123T000000Z-1", "20260124T000000Z-1"]


def test_a_late_session_is_skipped(account):
    it = account("{daily>: 07:00:00, skip_delayed_by: 1h}")
    it.start("20260122T000000Z-1")
    answer = it.fire("2026-01-24T07:00Z", now="2026-01-24T08:00Z")
    assert answer["started"] == ["20260124T000000Z-1"]
    assert answer["skipped"] == [
        {"session": "2026-01-23T00:00:00+00:00", "reason": "skip_delayed_by: it was due 1 day, 1:00:00 ago"}
    ]
    late = it.fire("2026-01-25T07:00Z", now="2026-01-25T08:00:01Z")
    assert (late["started"], len(late["skipped"])) == ([], 1)
    assert it.counted == {"SessionsStarted": 1, "SessionsSkipped": 2}


def test_overtime(account):
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    assert it.fire("2026-01-20T07:00Z")["started"] == ["20260120T000000Z-1"]
    answer = it.fire("2026-01-21T07:00Z")
    assert answer["skipped"] == [
        {"session": "2026-01-21T00:00:00+00:00", "reason": "skip_on_overtime: 20260120T000000Z-1 is running"}
    ]
    it.end("20260120T000000Z-1", "2026-01-21T09:00Z")
    assert it.fire("2026-01-22T07:00Z")["started"] == ["20260122T000000Z-1"]


def test_after_an_outage_the_oldest_session_runs_and_the_others_are_overtime(account):
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    it.start("20260120T000000Z-1", "2026-01-20T07:00Z")
    it.end("20260120T000000Z-1", "2026-01-20T08:00Z")
    answer = it.fire("2026-01-23T07:00Z")
    assert answer["started"] == ["20260121T000000Z-1"]
    assert [it["session"][8:10] for it in answer["skipped"]] == ["22", "23"]


def test_a_session_does_not_hinder_its_own_second_delivery(account):
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    it.fire("2026-01-20T07:00Z")
    assert it.fire("2026-01-20T07:00Z")["skipped"] == []
    assert len(it.ran()) == 1


def test_overtime_knows_what_it_has_just_started_though_step_functions_does_not_list_it_yet(account):
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    it.start("20260120T000000Z-1", "2026-01-20T07:00Z")
    it.end("20260120T000000Z-1", "2026-01-20T08:00Z")
    executions = it.aws.executions

    def behind(machine: str, unqualified: str) -> Any:
        found = executions(machine, unqualified)
        found.running = list
        return found

    it.aws = SimpleNamespace(executions=behind)
    assert it.fire("2026-01-23T07:00Z")["started"] == ["20260121T000000Z-1"]


def test_the_first_day_of_a_schedule_knows_what_ran_before(account):
    it = account("{daily>: 07:00:00, start: 2026-01-20}")
    it.start("20260119T000000Z-1")
    it.fire("2026-01-20T07:00Z")
    assert it.ran()["20260120T000000Z-1"]["last_executed_session_time"] == "2026-01-19T00:00:00+00:00"


def test_overtime_counts_runs_that_somebody_started_by_hand(account):
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    it.start("by-hand")
    assert it.fire("2026-01-20T07:00Z")["skipped"][0]["reason"] == "skip_on_overtime: by-hand is running"


def test_a_session_skipped_for_overtime_is_not_missed_later(account):
    """The 21st and 22nd came while the 20th ran, the 23rd was lost."""
    it = account("{daily>: 07:00:00, skip_on_overtime: true}")
    for day in (20, 21, 22):
        it.fire(f"2026-01-{day}T07:00Z")
    it.end("20260120T000000Z-1", "2026-01-22T10:00Z")
    assert it.fire("2026-01-24T07:00Z")["started"] == ["20260123T000000Z-1"]


def test_names_that_are_no_sessions_are_passed_over(account):
    it = account("daily>: 07:00:00")
    for name in ("by-hand", "20269999T000000Z-1", "20260125T000000Z-1", "20260122T000000Z-2", "20260123T000000Z-1-x"):
        it.start(name)
    assert it.fire("2026-01-24T07:00Z")["started"] == ["20260123T000000Z-1", "20260124T000000Z-1"]
    assert it.ran()["20260123T000000Z-1"]["last_executed_session_time"] == "2026-01-22T00:00:00+00:00"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"machine": None}, "the event has no 'machine'"),
        ({"machine": "arn:aws:lambda:x"}, "no ARN of a state machine"),
        ({"schedule": {}}, "neither 'cron' nor 'seconds'"),
        ({"timezone": "Mars/Base"}, "no such time zone: Mars/Base"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "Invalid isoformat"),
        ({"scheduled_time": "2026-01-30T07:00:00"}, "has no zone"),
    ],
)
def test_an_event_that_is_none_of_ours_is_refused(account, event, said):
    it = account("daily>: 07:00:00")
    with pytest.raises(Exception, match=said) as raised:
        it.fire("2026-01-30T07:00Z", **event)
    assert type(raised.value).__name__ == "BadEvent"
    assert it.ran() == {}


def test_what_aws_refuses_is_raised(account):
    it = account("daily>: 07:00:00")
    with pytest.raises(Exception, match="StateMachineDoesNotExist"):
        it.fire("2026-01-30T07:00Z", machine=it.machine + "x")
