"""What a run tells of each task while others fail beside it: one way through the states, and the end that it really had."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepdig.cli import main

PY = "import digdag\ndef names(): digdag.env.store(xs=['p', 'q'])\ndef fail(t=''): raise ValueError(t)\n"
BEGINS = {"blocked", "success", "error", "group_error", "ignored", "canceled"}  # a redrive, a group's new try
FOLLOWS = {
    **{state: {"running"} for state in BEGINS},
    "running": {"success", "error", "group_error", "ignored", "canceled", "retry_waiting"},
    "retry_waiting": {"running", "error"},
}


def wrong_ways(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return what no task can do: tasks with the state before and after."""
    now: dict[str, str] = {}
    found = []
    for event in events:
        if event["event"] == "task":
            name = event["task"] + event.get("execution", "")
            before, after = now.get(name, "blocked"), event["state"]
            if after not in FOLLOWS[before]:
                found.append((name, before, after))
            now[name] = after
    return found + [(name, state, "") for name, state in now.items() if state in {"running", "retry_waiting"}]


@pytest.mark.parametrize("task", ["py>: m.fail", "sh>: exit 3", "sh>: exit 3\n              _retry: 1"])
@pytest.mark.parametrize("items", ["[a, b, c, d, e, f]", '"${xs}"', "{file: many.csv}"])
def test_items_of_a_parallel_list_fail_each_for_itself(run: Callable[..., Any], task: str, items: str) -> None:
    done = run(
        f"""
        +list:
          py>: m.names
        +each:
          for_each>: {{t: {items}}}
          _parallel: true
          _do:
            +load:
              {task}
            +after:
              echo>: never
        """,
        m__py=PY,
        many__csv="table\n" + "".join(f"t{number}\n" for number in range(44)),
    )

    assert done.code == 1
    assert wrong_ways(done.events) == []
    loads = [state for name, state in done.states.items() if name.endswith("+load")]
    assert (len(loads), set(loads)) == ({"[": 6, '"': 2, "{": 44}[items[0]], {"error"})
    assert not any(name.endswith("+after") for name in done.states)


def test_a_group_that_runs_again_inside_an_item_leaves_other_items_alone(run: Callable[..., Any]) -> None:
    done = run(
        """
        +each:
          for_each>: {t: [a, b]}
          _parallel: true
          _do:
            +again:
              _retry: 1
              +all:
                for_each>: {u: [x, y]}
                _do:
                  +load:
                    sh>: 'echo ${t}${u}; exit 3'
        """
    )

    assert done.code == 1
    assert wrong_ways(done.events) == []
    assert sorted(done.output) == ["ax", "ax", "bx", "bx"]
    told = [event["state"] for event in done.events if event["event"] == "task" and event["task"] == "+w+each"]
    assert told == ["running", "group_error"]


def commands() -> st.SearchStrategy[dict[str, Any]]:
    """Return commands that end in different ways, soon or later, with what may follow."""
    shells = st.sampled_from(["exit 0", "exit 3", "sleep 0.03", "sleep 0.03; exit 4"])
    more: list[dict[str, Any]] = [
        {},
        {},
        {},
        {"_retry": 1},
        {"_ignore_failure": True},
        {"_error": {"echo>": "handled"}},
    ]
    return st.tuples(shells, st.sampled_from(more)).map(lambda it: {"sh>": it[0], **it[1]})


def groups(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return groups, lists and branches of some tasks."""
    tasks = st.lists(inner, min_size=1, max_size=3).map(lambda it: {f"+t{n}": task for n, task in enumerate(it)})
    around: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
        lambda do: do,
        lambda do: {"_parallel": True, **do},
        lambda do: {"_parallel": {"limit": 2}, "_retry": 1, **do},
        lambda do: {"_error": {"echo>": "handled"}, **do},
        lambda do: {"for_each>": {"v": ["a", "b"]}, "_do": do},
        lambda do: {"for_each>": {"v": ["a", "b", "c"]}, "_parallel": True, "_do": do},
        lambda do: {"for_each>": {"v": "${xs}"}, "_parallel": True, "_do": do},
        lambda do: {"loop>": 2, "_do": do},
        lambda do: {"if>": True, "_do": do},
    ]
    return st.tuples(st.sampled_from(around), tasks).map(lambda it: it[0](it[1]))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.recursive(commands(), groups, max_leaves=6), min_size=1, max_size=2))
def test_every_task_goes_one_way_and_ends_as_its_command_did(tasks: list[dict[str, Any]]) -> None:
    dig = {"+list": {"py>": "m.names"}, **{f"+g{number}": task for number, task in enumerate(tasks)}}
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()) as out:
        Path("w.dig").write_text(json.dumps(dig), encoding="utf-8")
        Path("m.py").write_text(PY, encoding="utf-8")
        code = main(["run", "w.dig", "--json"])
    events = [json.loads(line) for line in out.getvalue().splitlines()]

    assert wrong_ways(events) == []
    last = {event["task"]: event for event in events if event["event"] == "task"}
    for event in last.values():
        if event["state"] in {"error", "ignored"}:
            assert event.get("exit_code", 3) in {3, 4}, event
    assert (code == 0) == (last["+w"]["state"] == "success") == (events[-1]["status"] == "SUCCEEDED")
    assert {name for name, event in last.items() if event["state"] == "error"} >= set(events[-1]["failed"])
