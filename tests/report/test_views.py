"""What a person and what a tool sees of the same two nights, to the letter."""

from __future__ import annotations

import io
import json
from datetime import UTC

import pytest
from nights import BUNDLE, DEFINITION, START, History, bad_night, good_night
from rich.console import Console

from stepdig.report.clean import clean
from stepdig.report.jsonl import JsonLines
from stepdig.report.layout import entries
from stepdig.report.plain import PlainLines
from stepdig.report.reasons import reason
from stepdig.report.track import Tracker
from stepdig.report.tree import Tree, fit
from stepdig.report.view import Run, ended

RUN = Run(
    "wf", "wf.dig", "2026-11-20T00:00:00+09:00", "20261119T150000Z-1", ".stepdig/runs/p-wf/x-1", "stepdig run wf.dig"
)
ITEMS = "+wf+sync^sub+for-0=t=1=order_it"


def explain(row):
    return reason(row.error, row.cause, "no such column (ValueError)")


def shown(make_view, night):
    out = io.StringIO()
    tracker = Tracker(DEFINITION, BUNDLE)
    view = make_view(out)
    view.start(RUN, tracker)
    night(History(tracker, view))
    view.tick()
    view.end(ended(tracker, 12.34))
    return out.getvalue()


def terminal(width=80, height=24):
    def make(out):
        console = Console(file=out, force_terminal=True, color_system=None, width=width, height=height, highlight=False)
        return Tree(console, explain, clock=lambda: START.timestamp() + 5)

    return make


def test_plain_lines_of_a_good_night():
    assert (
        shown(lambda out: PlainLines(out, explain, UTC), good_night)
        == """\
wf.dig, session 2026-11-20T00:00:00+09:00
03:00:00 running       +prep
03:00:00               +prep | 12 tables
03:00:00 success       +prep  0.40 s
03:00:00 running       +sync
03:00:00 running       +sync users +load
03:00:01 running       +sync order_items +load
03:00:01               +sync order_items +load | cannot connect
03:00:01 retry waiting +sync order_items +load  exit code 1: no such column (ValueError)
03:00:01 success       +sync users +load  0.90 s
03:00:02 running       +sync order_items +load  try 2
03:00:02 success       +sync order_items +load  1.20 s
03:00:02 running       +verify
03:00:03 running       +verify +count
03:00:03 success       +verify +count  0.40 s
03:00:03 running       +tell
03:00:03               +tell | all
03:00:03               +tell | done
03:00:03 success       +tell  0.10 s
kept in .stepdig/runs/p-wf/x-1
SUCCEEDED  5 tasks · 6 tries · 12.3 s · 9 billed transitions
"""
    )


def test_plain_lines_of_a_bad_night():
    assert (
        shown(lambda out: PlainLines(out, explain, UTC), bad_night).partition("error")[2]
        == f"""\
         +sync order_items +load  exit code 137 (killed; in a container mostly for want of memory): no such column \
(ValueError)
03:00:02 group error   +sync
03:00:03 group error   +wf

+sync order_items +load  (0.80 s, 2 tries)
  wf.dig:12 {ITEMS}+load
  exit code 137 (killed; in a container mostly for want of memory): no such column (ValueError)
  | Traceback: no such column

Once that is put right: stepdig run wf.dig
kept in .stepdig/runs/p-wf/x-1
FAILED  3 tasks · 4 tries · 12.3 s · 8 billed transitions
"""
    )


def test_json_lines_keep_their_contract():
    lines = [json.loads(line) for line in shown(JsonLines, bad_night).splitlines()]
    assert lines[0] | {"time": ""} == {
        "time": "",
        "event": "start",
        "workflow": "wf",
        "source": "wf.dig",
        "session_time": "2026-11-20T00:00:00+09:00",
        "execution": "20261119T150000Z-1",
        "directory": ".stepdig/runs/p-wf/x-1",
    }
    assert lines[1] == {"time": "2026-11-20T03:00:00.100Z", "event": "task", "task": "+wf", "state": "running"}
    assert {"event": "output", "task": f"{ITEMS}+load", "stream": "stderr", "text": "Traceback: no such column"} in [
        {key: value for key, value in line.items() if key != "time"} for line in lines
    ]
    (failed,) = (line for line in lines if line["event"] == "task" and line["state"] == "error")
    assert failed == {
        "time": "2026-11-20T03:00:02.400Z",
        "event": "task",
        "task": f"{ITEMS}+load",
        "state": "error",
        "source": "wf.dig:12",
        "label": "order_items",
        "try": 2,
        "seconds": 0.8,
        "error": "States.TaskFailed",
        "cause": failed["cause"],
        "exit_code": 137,
    }
    assert lines[-1] == {
        "time": "2026-11-20T03:00:03.500Z",
        "event": "end",
        "status": "FAILED",
        "error": "TaskFailed",
        "cause": "1 of 2 failed",
        "failed": [f"{ITEMS}+load"],
        "tasks": 3,
        "tries": 4,
        "transitions": 8,
        "seconds": 12.34,
        "output": None,
    }


def test_the_tree_a_good_night_leaves():
    assert shown(terminal(), good_night).rpartition("\x1b[2K")[2].splitlines() == [
        "✓ +wf  session 2026-11-20T00:00:00+09:00                                 3.60 s",
        "  ✓ +prep  12 tables                                                     0.40 s",
        "  ✓ +sync  2 done                                                        2.00 s",
        "    ✓ users +load                                                        0.90 s",
        "    ✓ order_items +load  try 2  cannot connect                           1.20 s",
        "  ✓ +verify                                                              0.70 s",
        "    ✓ +count                                                             0.40 s",
        "  ✓ +tell  done                                                          0.10 s",
        "",
        "kept in .stepdig/runs/p-wf/x-1",
        "SUCCEEDED  5 tasks · 6 tries · 12.3 s · 9 billed transitions",
    ]


def test_lines_of_tasks_outside_loops_stand_above_the_tree():
    text = shown(terminal(), good_night)
    assert "+wf+prep\n  12 tables\n" in text
    assert "+wf+tell\n  all\n  done\n" in text
    assert "\n  cannot connect\n" not in text


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_of_the_tree_is_wider_than_the_terminal(width):
    tracker = Tracker(DEFINITION, BUNDLE)
    out = io.StringIO()
    view = terminal(width)(out)
    view.start(RUN, tracker)
    history = History(tracker, view)
    started = history.event("MapStateStarted", history.enter("Map", "+sync", 0))
    entered = history.enter("Task", "+sync+load", history.event("MapIterationStarted", started), {"t": "注文"})
    history.launch(entered)
    history.print(entered, "注文を読み込んでいます " * 20)
    lines = [line.plain for line in view._draw(24).renderables]
    assert max(map(len, (line.encode("euc_jp", "replace") for line in lines))) <= width
    assert lines[3].startswith("    ⠋ 注文" if width > 20 else "    ⠋ 注")


@pytest.mark.parametrize("height", [4, 10, 23])
def test_the_tree_fits_the_screen_and_shows_what_runs_or_failed(height):
    rows = [{"table": f"t{number}"} for number in range(200)]
    bundle = {"loops": {"+sync": {**BUNDLE["loops"]["+sync"]}}, "tasks": {}}
    bundle["loops"]["+sync"]["variables"] = [{"name": "t", "input": "t", "rows": rows, "label": "table"}]
    tracker = Tracker(DEFINITION, bundle)
    history = History(tracker)
    started = history.event("MapStateStarted", history.enter("Map", "+sync", 0))
    for number in range(100):
        given = {"t": f"t{number}"}
        entered = history.enter("Task", "+sync+load", history.event("MapIterationStarted", started), given)
        at = history.launch(entered)
        if number >= 98:
            continue
        if number == 50:
            at = history.exit("Task", "+sync+load", history.fail(history.launch(history.fail(at))))
            history.step("Pass", "+sync item failed", at, given)
        else:
            history.exit("Task", "+sync+load", history.event("TaskSucceeded", at))
    lines, missing = entries(tracker, height)
    names = [entry.name for entry in lines]
    assert len(lines) + (missing > 0) <= height
    if height >= 10:
        assert names == ["+wf", "+prep", "+sync", "t50 +load", "t98 +load", "t99 +load", "+verify", "+tell"]
        assert lines[2].text == "97 done, 2 running, 1 failed"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07text", "red text"),
        ("10%\r20%\r30%\r", "30%"),
        ("a\tb\x00\x08c", "a       bc"),
        ("日本", "日本"),
        ("a\u202eb\u2066c", "abc"),
    ],
)
def test_a_line_of_output_cannot_change_the_terminal(text, line):
    assert clean(text) == line


def test_wide_characters_are_cut_by_columns():
    assert fit("日本語テキスト", 8) == "日本語…"
    assert fit("日本", 4) == "日本"
    assert fit("text", 0) == ""
