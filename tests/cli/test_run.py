"""`stepdig run` as a person starts it: a process of its own, real commands, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HELLO = """\
timezone: Asia/Tokyo
_export:
  name: world
+hello:
  echo>: Hello ${name}, ${session_date}
+each:
  for_each>:
    fruit: [apple, orange]
  _do:
    +eat:
      sh>: echo "eating ${fruit}"
+bye:
  sh>: echo "bye ${who}"
"""
BROKEN = """\
+each:
  for_each>:
    fruit: [apple, orange, cherry]
  _parallel: true
  _do:
    +eat:
      sh>: echo "eating ${fruit}"; test "${fruit}" != orange || exit 3
+never:
  echo>: never
"""
SLEEPY = """\
+both:
  _parallel: true
  +a:
    sh>: echo $$ $PPID; trap 'echo bye; exit 1' TERM; echo ready; while :; do sleep 0.05; done
  +b:
    sh>: echo ready; exec sleep 600
+never:
  echo>: never
"""


@pytest.fixture
def project(tmp_path):
    """Return a function that writes files into a plain Digdag project folder and returns the folder."""
    folder = tmp_path / "shop"

    def write(**files):
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.dig").write_text(text)
        return folder

    return write


def start(folder, *words, **more):
    environ = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    return subprocess.Popen(
        [sys.executable, "-m", "stepdig", "run", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ | {"PYTHONIOENCODING": "utf-8"},
        **more,
    )


def run(folder, *words):
    process = start(folder, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def events(out):
    return [json.loads(line) for line in out.splitlines()]


def test_a_plain_digdag_folder_runs_without_set_up(project):
    folder = project(hello=HELLO)
    code, out, err = run(folder, "hello.dig", "--session", "2026-11-20", "-p", "who=all")
    assert (code, err) == (0, "")
    out = re.sub(r"\d\d:\d\d:\d\d ", "TIME ", re.sub(r"\d+\.\d\d s", "N s", out))
    assert (
        out
        == """\
hello.dig, session 2026-11-20T00:00:00+09:00
TIME running       +hello
TIME               +hello | Hello world, 2026-11-20
TIME success       +hello  N s
TIME running       +each
TIME running       +each apple +eat
TIME               +each apple +eat | eating apple
TIME success       +each apple +eat  N s
TIME running       +each orange +eat
TIME               +each orange +eat | eating orange
TIME success       +each orange +eat  N s
TIME running       +bye
TIME               +bye | bye all
TIME success       +bye  N s
kept in .stepdig/runs/shop-hello/20261119T150000Z-1
SUCCEEDED  4 tasks · N s · 6 billed transitions
"""
    )
    kept = folder / ".stepdig/runs/shop-hello/20261119T150000Z-1"
    assert json.loads((kept / "status.json").read_text())["transitions"] == 6
    assert (kept / "logs/+bye.log").read_text() == "bye all\n"


def test_each_run_of_a_session_is_an_attempt_of_its_own(project):
    folder = project(wf="+a:\n  echo>: ${session_time}\n")
    for number in (1, 2):
        assert f"/20261120T000000Z-{number}\n" in run(folder, "wf.dig", "--session", "2026-11-20")[1]
    assert "session 2026-11-20T00:00:00+00:00" in run(folder, "wf.dig", "--session", "last")[1]


def test_a_failed_list_names_the_item_the_reason_and_the_next_step(project):
    folder = project(wf=BROKEN)
    code, out, _ = run(folder, "wf.dig", "--session", "2026-11-20 12:00:00", "-p", "a=b c")
    assert code == 1
    assert "+each orange +eat  (" in out
    assert "\n  wf.dig:6 +wf+each^sub+for-0=fruit=1=orange+eat\n  exit code 3\n  | eating orange\n" in out
    assert "stepdig run wf.dig --resume 20261120T120000Z-1\n" in out
    assert "never" not in out
    log = re.search(r"  (\.stepdig/\S+\.log)\n", out)
    assert log is not None
    assert (folder / log[1]).read_text() == "eating orange\n"


def test_paths_of_a_failure_are_those_the_user_would_type(tmp_path):
    folder = tmp_path / "workflows/shop"
    folder.mkdir(parents=True)
    (folder / "wf.dig").write_text("+a:\n  sh>: echo why >&2; exit 9\n")
    for place, path in (
        (folder, "wf.dig"),
        (tmp_path, "workflows/shop/wf.dig"),
        (tmp_path / "workflows", "shop/wf.dig"),
    ):
        code, out, _ = run(place, path)
        assert code == 1
        assert f"\n  {path}:1 +wf+a\n  exit code 9\n  | why\n" in out
        log = re.search(r"  (\S+\.log)\n", out)
        assert (place / log[1]).read_text() == "why\n"
        kept = re.search(r"kept in (\S+)\n", out)
        assert (place / kept[1] / "status.json").exists()


def test_json_tells_tools_everything(project):
    folder = project(wf=BROKEN)
    code, out, _ = run(folder, "wf.dig", "--json", "--session", "2026-11-20")
    told = events(out)
    assert code == 1
    assert {event["event"] for event in told} == {"start", "task", "output", "end"}
    orange = "+wf+each^sub+for-0=fruit=1=orange+eat"
    assert [event["state"] for event in told if event.get("task") == orange and "state" in event] == [
        "running",
        "error",
    ]
    assert [event["text"] for event in told if event.get("task") == orange and "text" in event] == ["eating orange"]
    last = {event["task"]: event["state"] for event in told if event["event"] == "task"}
    assert last["+wf+each"] == last["+wf"] == "group_error"
    assert "+wf+never" not in last
    end = told[-1]
    assert (end["status"], end["failed"], end["tasks"], end["tries"]) == ("FAILED", [orange], 3, 3)
    status = json.loads((folder / told[0]["directory"] / "status.json").read_text())
    assert (end["transitions"], end["error"], end["cause"]) == (status["transitions"], status["error"], status["cause"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_run_and_all_its_processes(project, number):
    folder = project(wf=SLEEPY)
    process = start(folder, "wf.dig", "--json", process_group=0)
    told, ready = [], 0
    while ready < 2:
        told.append(json.loads(process.stdout.readline()))
        ready += told[-1].get("text") == "ready"
    shells = [int(pid) for event in told if event.get("text", "")[:1].isdigit() for pid in event["text"].split()[:1]]
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    told += events(out)
    assert process.returncode == 130
    assert told[-1]["status"] == "ABORTED"
    last = {event["task"]: event["state"] for event in told if event["event"] == "task"}
    assert last["+wf+both+a"] == last["+wf+both+b"] == last["+wf"] == "canceled"
    assert "bye" in [event.get("text") for event in told]
    for pid in shells:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's /dev/full stands for a full disk")
@pytest.mark.parametrize("form", ["--plain", "--json"])
def test_a_report_that_cannot_be_written_ends_no_run(project, form):
    folder = project(wf="+a: {sh>: echo a}\n+b: {sh>: touch b.ran}\n")
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m stepdig run wf.dig {form} > /dev/full"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("stepdig run: no more can be shown: No space left on device; the run goes on")
    assert done.stderr.count("\n") == 1
    assert (folder / "b.ran").exists()


def test_a_second_ctrl_c_does_not_wait(project):
    folder = project(wf="+a:\n  sh>: trap '' TERM INT; echo ready; while :; do sleep 0.05; done\n")
    process = start(folder, "wf.dig", "--json", process_group=0)
    while json.loads(process.stdout.readline()).get("text") != "ready":
        pass
    process.send_signal(signal.SIGINT)
    while json.loads(process.stdout.readline())["event"] != "note":
        pass
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=8)  # less than the grace of ten seconds
    assert (process.returncode, events(out)[-1]["status"]) == (130, "ABORTED")


def test_problems_are_said_before_anything_runs(project):
    folder = project(wf="+a:\n  shh>: true\n", other="+a: [\n")
    code, out, err = run(folder, "wf.dig")
    assert (code, out) == (1, "")
    assert err.startswith("wf.dig:2:3: SD")
    code, out, _ = run(folder, "wf.dig", "--json")
    (problem,) = events(out)
    assert (code, problem["event"], problem["line"]) == (1, "problem", 2)
    assert not (folder / ".stepdig").exists()


def test_a_wrong_session_or_parameter_is_usage(project):
    folder = project(wf="+a:\n  echo>: a\n")
    code, out, err = run(folder, "wf.dig", "--session", "tomorrow")
    assert (code, out) == (2, "")
    assert "'tomorrow' is no session time; give hourly, daily, last" in err
    assert run(folder, "wf.dig", "-p", "a")[0] == 2
    assert not (folder / ".stepdig").exists()


def test_a_folder_of_several_workflows_is_no_workflow(project):
    folder = project(one="+a:\n  echo>: a\n", two="+a:\n  echo>: a\n")
    code, _, err = run(folder, ".")
    assert code == 1
    assert "SD008 several workflows are here" in err
    assert "name one: one.dig, two.dig" in err


def test_a_missing_package_is_one_line_with_the_command(project):
    folder = project(wf="+a:\n  echo>: a\n")
    code = "import sys; sys.modules['jsonata'] = None; from stepdig.cli import main; sys.exit(main(['run', 'wf.dig']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "stepdig run needs jsonata-python: pip install 'stepdig[local]'\n")


def test_nobody_reading_does_not_stop_the_run(project):
    folder = project(wf="+a:\n  sh>: echo one; echo two\n+b:\n  sh>: touch done\n")
    process = start(folder, "wf.dig")
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert (folder / "done").exists()


def test_the_skeleton_of_init_runs_as_it_is(tmp_path):
    stepdig = [sys.executable, "-m", "stepdig"]
    subprocess.run([*stepdig, "init", "batch"], cwd=tmp_path, check=True, capture_output=True)
    for words in (["check"], ["build"], ["build", "--check"]):
        subprocess.run([*stepdig, *words], cwd=tmp_path / "batch", check=True, capture_output=True)
    code, out, _ = run(tmp_path / "batch", "workflows/hello/hello.dig", "--session", "2026-11-20")
    assert code == 0
    assert "+greet | Hello! This session is 2026-11-20." in out
    assert "+sync orders +copy | copying orders to raw_orders" in out
    assert "+bye | 3 tables copied." in out
