"""Runs recorded on the real Digdag 0.10, run again here: exit code, output, states of tasks.

A recording is covered when the language of this release can express it; where we differ on purpose, DIFFERENCES names the
row of docs/differences.md, and a difference that is none any more fails the test, so that the list stays true.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepdig.cli import main

HERE = Path(__file__).parent
RECORDINGS: list[dict[str, Any]] = json.loads((HERE / "recordings.json").read_text(encoding="utf-8"))
RECORDED_SERVER = "127.0.0.1:18991"
PAGE = (HERE.parents[1] / "docs/differences.md").read_text(encoding="utf-8")

# name -> the row of docs/differences.md, by words of its first cell
DIFFERENCES = {
    "check_cmd": "`check` lists",
    "check_cmd_broken": "`check` lists",
    "dry_run": "`--dry-run` and `--end`",
    "end_option": "`--dry-run` and `--end`",
    "undefined_var": "`_error` does not run after a template error",
    "template_error_in_if": "`_error` does not run after a template error",
    "undefined_field": "a field of an undefined field",
    "tmpl_param_mutation": "an assignment inside `${...}`",
    "export_vs_p": "the order of keys",
    "foreach_order_types": "a `null` parameter",
    "null_param_breaks_sh": "a `null` parameter",
    "null_store_breaks_later_sh": "a `null` parameter",
    "null_p_param_file": "a `null` parameter",
    "foreach_star": "`*` in the first characters",
    "py_kwargs_all": "there is no `project_name`",
    "error_task_and_group": "`error.stacktrace`",
    "require_fails": "a failing `require>`",
    "error_two_parallel_failures": "the message of several failures",
    "retry_group_store": "the exit code of `run`",
    "sh_shell_option": "`$0` of a command",
    "path_param_breaks_sh": "`$0` of a command",
    "sh_cwd_files": "a script without the right to execute",
    "sh_missing_shell": "the output of a failing `py>`",
    "sh_stderr_stdout": "an output without a line end",
    "other_workflow_yaml_broken": "one broken `.dig`",
    "export_operator_key": "an `_export` key that ends in `>`",
    "py_exit_code": "the output of a failing `py>`",
    "py_exit_zero": "the output of a failing `py>`",
    "py_file_in_subdir": "",  # prints the name of the project's folder, another one here
    "loop_export_is_lazy": "an export that only an inner task can evaluate",
    "py_add_subtask": "`add_subtask` makes tasks",  # output and exit code are as recorded
    "py_subtask_parallel": "`add_subtask` makes tasks",  # output and exit code are as recorded
    "py_add_subtask_dict": "`add_subtask` makes tasks",  # output and exit code are as recorded
    "py_export_scope": "`add_subtask` makes tasks",  # output and exit code are as recorded
    "foreach_1001_items": "1,000 tasks an attempt",
    "store_with_template_text": "values from stores and `-p`",
    "store_with_bad_template_text": "values from stores and `-p`",
    "p_with_template_text": "values from stores and `-p`",
    "store_with_dollar": "values from stores and `-p`",
    "disable": "a task that does nothing",
    "if_false_no_else": "a task that does nothing",
}


def _events(
    record: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[dict[str, Any]]]:
    """Run a recording's workflow in `folder` and return exit code and events."""
    for name, content in {record["workflow"] or "main.dig": record["dig"], **record["files"]}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    if record["command"] == "check":
        code = main(["check", "--json"])
        return code, [{"event": "output", "text": line} for line in capsys.readouterr().out.splitlines()]
    arguments = ["run", record["workflow"], "--json", *_ours(record["args"])]
    arguments += ["--session", record["session"]] if record["session"] else []
    for pair in record["params"]:
        arguments += ["-p", pair]
    arguments += ["-P", "p.yml"] if "p.yml" in record["files"] else []
    code = main(arguments)
    lines = capsys.readouterr().out.splitlines()
    return code, [json.loads(line) for line in lines if line.startswith("{")]


def _ours(args: list[str]) -> list[str]:
    """Return the arguments of a recorded run without settings of Digdag's server."""
    return args[: args.index("-X")] if "-X" in args else args


def _difference(record: dict[str, Any], code: int, events: list[dict[str, Any]]) -> str:
    """Return in words what is not as recorded; "" when all is.

    A mistake that Digdag meets in the middle of a run is found here before anything runs: that counts as equal when the
    recorded run failed.
    """
    if (code == 0) != (record["exit_code"] == 0):
        return f"exit code {code}, recorded {record['exit_code']}"
    if any(event["event"] == "problem" for event in events):
        return ""
    output = [line for event in events if event["event"] == "output" for line in event["text"].split("\n")]
    wanted = record["stdout"]
    if record["concurrent"]:
        output, wanted = sorted(output), sorted(wanted)
    if output != wanted:
        return f"output {output}, recorded {wanted}"
    states = {event["task"]: event["state"] for event in events if event["event"] == "task"}
    recorded = {task["name"]: task["state"] for task in record["tasks"]}
    for name, state in recorded.items():
        if state in {"success", "error", "group_error"} and states.get(name) != state:
            return f"{name} is {states.get(name)}, recorded {state}"
    return ""


def _served(record: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a recording with the address of the HTTP server it was recorded with replaced by one that is there."""
    text = json.dumps(record)
    if RECORDED_SERVER not in text:
        return record
    server = request.getfixturevalue("http_server")
    served: dict[str, Any] = json.loads(text.replace(RECORDED_SERVER, f"127.0.0.1:{server.port}"))
    return served


@pytest.mark.parametrize("record", RECORDINGS, ids=lambda record: record["name"])
def test_recorded_run(
    record: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    """Each recorded run of Digdag comes out the same, or its difference is listed."""
    record = _served(record, request)
    monkeypatch.chdir(tmp_path)
    code, events = _events(record, tmp_path, capsys)

    difference = _difference(record, code, events)

    if record["name"] in DIFFERENCES:
        assert difference, "no longer different: take it off the list"
    else:
        assert not difference


def test_differences_are_documented() -> None:
    """Each deliberate difference is a row of docs/differences.md."""
    rows = [re.split(r"\s*\|\s*", line)[1] for line in PAGE.splitlines() if line.startswith("|")]
    for name, words in DIFFERENCES.items():
        assert not words or any(row.startswith(words) for row in rows), f"{name}: {words}"
