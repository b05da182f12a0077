"""P1, P7, P8, P28: many tasks at once."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pains_project import Project

TABLES = [f"t{number:02}" for number in range(12)]
MEET = """
    import socket, sys
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as all_others:
        sys.exit(0 if all_others.recv(2) == b"go" else 1)
"""
SYNC = """
    timezone: Asia/Tokyo
    +sync:
      for_each>: {t: {file: tables.json}}
      _parallel: %s
      _do:
        +load: {sh>: '%s', _timeout: 30s}
"""


@contextmanager
def meeting(count: int) -> Iterator[int]:
    """Give the port of a meeting that nobody leaves before `count` are there."""
    with socket.create_server(("127.0.0.1", 0), backlog=count) as server:

        def hold() -> None:
            there: list[socket.socket] = []
            try:
                while len(there) < count:
                    there.append(server.accept()[0])
                for one in there:
                    one.sendall(b"go")
            except OSError:
                pass  # too few came, and the test is over
            finally:
                for one in there:
                    one.close()

        thread = threading.Thread(target=hold)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _peak(run_: list[dict[str, str]]) -> int:
    """Return how many commands ran at the same time at most."""
    running = peak = 0
    for event in run_:
        if event["event"] == "task" and event["task"].endswith("+load"):
            running += {"running": 1, "success": -1}[event["state"]]
            peak = max(peak, running)
    return peak


def test_p01_parallel_work_scales(project: Project) -> None:
    """WealthNavi, Vega: one server runs everything; parallel work slows all of it down, so Vega switched it off.

    Twelve loads wait for each other here: they end only if all of them run at the same time, each in a process (a container)
    of its own. A number after `_parallel` caps them.
    """
    project.write(
        {"sync.dig": SYNC % ("true", "python3 meet.py $port"), "meet.py": MEET, "tables.json": json.dumps(TABLES)}
    )
    with meeting(len(TABLES)) as port:
        run = project.run("sync.dig", "-p", f"port={port}")
    assert (run.code, _peak(run.told)) == (0, 12), run.text
    assert (
        len({it["execution"] if "execution" in it else it["task"] for it in run.told if "+load" in it.get("task", "")})
        == 12
    )
    assert len(project.overrides(run)) == 12, "a container for each table"

    project.write({"sync.dig": SYNC % ("{limit: 3}", "true")})
    capped = project.run("sync.dig")
    assert (capped.code, _peak(capped.told)) == (0, 3)


def test_p07_no_engine_evaluates_javascript(project: Project) -> None:
    """WealthNavi: which JavaScript engine Digdag was given decided how fast a highly parallel workflow was.

    Expressions in JavaScript and moment, in 64 iterations, with nothing on PATH that could evaluate them: the machine computes
    them itself, by JSONata that was compiled before, and no process is started.
    """
    project.write(
        {
            "wide.dig": """
                timezone: Asia/Tokyo
                +days:
                  for_range>: {from: 0, to: 64, step: 1}
                  _parallel: true
                  _do:
                    +even:
                      if>: ${range.from % 2 == 0}
                      _do:
                        +say: {echo>: "${moment(session_time).add(range.from, 'days').format('YYYY/MM/DD')}"}
            """
        }
    )
    run = project.run("wide.dig", PATH="/nowhere")
    assert run.code == 0, run.text
    days = [datetime(2026, 11, 20) + timedelta(days=number) for number in range(0, 64, 2)]
    assert sorted(run.lines) == [f"{day:%Y/%m/%d}" for day in days]
    assert not [it for it in project.history(run) if it["type"] == "TaskScheduled"]
    text = (project.folder / run.start["directory"] / "definition.json").read_text()
    assert "moment(" not in text.replace("wide.dig", "")


def test_p08_no_server_and_no_limit_that_comes_by_surprise(project: Project) -> None:
    """Lancers, WealthNavi: the server's CPU was high, and runs ended with "Failed to add subtasks because of task limit".

    A list of 1,500 rows, over Digdag's 1,000 tasks, runs. What AWS would not take is refused before anything runs, with the
    arithmetic, and `check --explain` tells how far each workflow is from each limit.
    """
    rows = [{"table": f"t{number}"} for number in range(1500)]
    say = "+all: {for_each>: {t: {file: rows.json}}, _parallel: true, _do: {+say: {echo>: '${t.table}'}}}\n"
    project.write({"many.dig": say, "rows.json": json.dumps(rows)})
    run = project.run("many.dig")
    assert run.code == 0
    assert sorted(run.lines) == sorted(it["table"] for it in rows)

    explained = project.stepdig("check", "--explain", "--json", "many.dig")
    limits = {it["limit"]: it for it in explained.told if it["event"] == "limit"}
    assert limits
    assert all(it["worst"] <= it["most"] for it in limits.values())

    project.write({"again.dig": "_retry: 2000\n+load: {sh>: ./load.sh}\n"})
    refused = project.stepdig("check", "again.dig")
    assert refused.code == 1
    assert "again.dig:1:1: SD503 the run may need" in refused.text
    assert "AWS allows 25,000" in refused.text


def test_p28_start_up_is_measured_and_small_tables_share_a_container(project: Project) -> None:
    """CrowdWorks: a batch of one minute takes two or three on Fargate, and nobody saw where the time went.

    A history as AWS has it tells when ECS was asked for each container and when its command began: `stepdig usage` shows it.
    And eight small tables load in one container, which pays for its start-up once.
    """
    project.write(
        {
            "small.dig": "+load: {py>: small.load}\n",
            "small.py": """
                import digdag

                def load():
                    for number in range(8):
                        digdag.env.add_subtask(one, table=f"t{number}")

                def one(table):
                    print("loaded", table)
            """,
        }
    )
    run = project.run("small.dig")
    assert run.code == 0, run.text
    assert sorted(run.lines) == sorted(f"loaded t{number}" for number in range(8))
    assert len(project.overrides(run)) == 1

    told = project.stepdig(
        "usage", "-", given=json.dumps({"events": [_as_on_fargate(it) for it in project.history(run)]})
    )
    assert told.code == 0, told.text
    header, row, *_ = told.text.splitlines()
    assert header.split() == ["task", "containers", "size", "start-up", "ran"]
    assert row.split("  ")[0] == "+load"
    assert "1 min 10 s" in row, "from RunTask to the command"
    assert "2 min 05 s" in row, "from the pull of the image to the end, which is billed"


def _as_on_fargate(event: dict[str, object]) -> dict[str, object]:
    """Return an event with what ECS adds to the task on Fargate."""
    details = event.get("taskSucceededEventDetails")
    if not isinstance(details, dict):
        return event
    at = 1_795_100_000_000
    times = {"CreatedAt": at, "PullStartedAt": at + 25_000, "StartedAt": at + 70_000, "StoppedAt": at + 150_000}
    fargate = {"Cpu": "1024", "Memory": "2048", "CapacityProviderName": "FARGATE", **times}
    output = json.dumps({**json.loads(details["output"]), **fargate})
    return {**event, "taskSucceededEventDetails": {**details, "output": output}}


def test_a_meeting_waits_for_all(project: Project) -> None:
    """The meeting of P1 does hold: of two that are awaited, one alone runs into its `_timeout`."""
    project.write({"one.dig": "+load: {sh>: 'python3 meet.py $port', _timeout: 1s}\n", "meet.py": MEET})
    with meeting(2) as port:
        assert project.run("one.dig", "-p", f"port={port}").code == 1
