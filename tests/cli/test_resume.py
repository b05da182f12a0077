"""Runs that go on, as a person starts them: killed ones, those still running, words that were meant otherwise."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from stepdig.cli import main

SLOW = """\
+a:
  sh>: echo a >> ran
+list:
  for_each>: {t: [x, y]}
  _parallel: true
  _do:
    sh>: echo $t >> ran; test -e go || { test $t = x || { echo ready; exec sleep 600; }; }
+b:
  sh>: echo b >> ran
"""
FAILING = "+a:\n  sh>: echo a >> ran\n+b:\n  sh>: echo b >> ran; test -e ok\n"


@pytest.fixture
def folder(tmp_path):
    """Return a project's folder."""
    made = tmp_path / "shop"
    made.mkdir()
    return made


def stepdig(folder, *words):
    """Start a run; its end is waited for by `communicate`."""
    command = [sys.executable, "-m", "stepdig", "run", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(folder, *words):
    """Run to the end; return exit code, stdout, stderr."""
    process = stepdig(folder, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def ran(folder):
    """Return what ran since this was asked last."""
    path = folder / "ran"
    words = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(words)


@pytest.mark.parametrize("changed", [False, True])
def test_a_killed_run_goes_on(folder, changed):
    """What had ended before kill -9 does not run again; while it runs nobody else goes on with it."""
    (folder / "w.dig").write_text(SLOW)
    process = stepdig(folder, "w.dig", "--json", "--session", "2026-11-20")
    started = json.loads(process.stdout.readline())
    done = {"x": False, "y": False}
    while not all(done.values()):
        event = json.loads(process.stdout.readline())
        done["x"] |= event["event"] == "task" and "=0=x" in event["task"] and event["state"] == "success"
        done["y"] |= event.get("text") == "ready"

    code, _, said = ended(folder, "w.dig", "--resume")
    assert (code, said) == (2, f"stepdig run: --resume: {started['execution']} is running\n")

    process.kill()
    process.communicate(timeout=30)
    assert ran(folder) == ["a", "x", "y"]
    (folder / "go").touch()
    (folder / "w.dig").write_text(SLOW + ("+c: {echo>: c}\n" if changed else ""))
    code, out, said = ended(folder, "w.dig", "--resume", "--plain")
    assert code == 0, out + said
    # The machine noted no failure of an item when it was killed: a redrive goes on with the list where it was.
    assert ran(folder) == ["b", "y"]
    assert ("goes on" in said) is not changed


RESUMED = """
+one: {sh>: 'echo one >> ran; test -e ok'}
+two: {sh>: echo two >> ran}
+list:
  for_each>: {t: [x, y]}
  _parallel: true
  _do:
    +do: {sh>: 'echo ${t} >> ran; test ${t} = x || test -e go || kill -9 $(cat pid)'}
+three: {sh>: echo three >> ran}
"""


def test_a_run_that_is_killed_while_it_goes_on_goes_on_again(folder):
    """It stands where it came to, not where it first failed."""
    (folder / "w.dig").write_text(RESUMED)
    assert ended(folder, "w.dig", "--plain")[0] == 1
    assert ran(folder) == ["one"]

    (folder / "ok").touch()
    killed = f"echo $$ > pid; exec {sys.executable} -m stepdig run w.dig --resume --plain"
    assert subprocess.run(["sh", "-c", killed], cwd=folder, capture_output=True, check=False).returncode == -9
    before = ran(folder)
    assert before in (["one", "two", "x", "y"], ["one", "two", "y"])

    (folder / "go").touch()
    code, out, _ = ended(folder, "w.dig", "--resume", "--plain")
    assert (code, sorted({*before, *(now := ran(folder))})) == (0, ["one", "three", "two", "x", "y"])
    assert {"one", "two"}.isdisjoint(now)
    assert "running       +list y +do  try 2" in out
    assert out.count("success       +list y +do") == 1


def test_a_run_whose_folder_cannot_be_written_stops_and_goes_on_once_it_can(folder):
    """As on a full disk: no task begins that nobody would know of, and no traceback."""
    noise = "+noise: {sh>: 'echo noise >> ran; test -e ok || yes a line of some length | head -n 20000'}\n"
    (folder / "w.dig").write_text(f"+first: {{sh>: echo first >> ran}}\n{noise}+last: {{sh>: echo last >> ran}}\n")
    limited = f"ulimit -f 100; exec {sys.executable} -m stepdig run w.dig --plain"  # a file may have 51,200 bytes
    done = subprocess.run(["sh", "-c", limited], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "the run's folder cannot be written: File too large; the run is being stopped\n" in done.stdout
    assert "To run it again: stepdig run w.dig --resume" in done.stdout
    assert ran(folder) == ["first", "noise"]

    (folder / "ok").touch()
    code, out, said = ended(folder, "w.dig", "--resume", "--plain")
    assert (code, ran(folder)) == (0, ["last", "noise"]), out + said


@pytest.mark.parametrize("content", [None, "", "[]", '{"half'])
@pytest.mark.parametrize(
    "file", ["start", "definition", "bundle", "parts", "checkpoint", "status", "history"], ids=lambda it: it
)
def test_a_folder_that_lost_a_file_goes_on_or_says_so(folder, file, content, monkeypatch, capsys):
    """A machine that lost its power leaves empty files: no traceback, nothing done that is not told."""
    monkeypatch.chdir(folder)
    (folder / "w.dig").write_text(FAILING)
    assert main(["run", "w.dig", "--plain"]) == 1
    path = next(folder.glob(f".stepdig/runs/*/*/{file}.json*"))
    path.unlink() if content is None else path.write_text(content)
    (folder / "ok").touch()
    ran(folder)
    capsys.readouterr()

    code = main(["run", "w.dig", "--resume", "--plain"])
    shown = capsys.readouterr()
    if file in ("start", "definition"):
        assert (code, ran(folder)) == (2, [])
        assert "no failed run is kept here" in shown.err
        again = main(["run", "w.dig", "--resume", path.parent.name])
        words = capsys.readouterr().err
        assert (again, "is damaged" in words or "no run" in words) == (2, True)
    else:
        assert code == 0, shown
        assert ran(folder) == (["a", "b"] if file == "history" else ["b"])


def test_what_a_task_stores_and_cannot_be_written_fails_it_in_words(folder):
    (folder / "m.py").write_text("import digdag\ndef f(): digdag.env.store(x=1)\n")
    spoilt = "cd .stepdig/runs/*/* && rm -rf s3 && touch s3"  # its folder for outputs is a file
    (folder / "w.dig").write_text(f"+a: {{sh>: '{spoilt}'}}\n+b: {{py>: m.f}}\n+c: {{sh>: echo c >> ran}}\n")
    code, out, said = ended(folder, "w.dig", "--plain")
    assert (code, said, ran(folder)) == (1, "", [])
    assert "+b | the files of this task cannot be written: " in out


def test_a_run_that_was_stopped_goes_on(folder):
    (folder / "w.dig").write_text(FAILING.replace("test -e ok", "test -e ok || { kill -TERM $(cat pid); sleep 600; }"))
    process = subprocess.Popen(
        ["sh", "-c", f"echo $$ > pid; exec {sys.executable} -m stepdig run w.dig --plain"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, ran(folder)) == (130, ["a", "b"])
    again = next(line for line in out.splitlines() if "--resume" in line).partition("stepdig run ")[2].split()

    (folder / "ok").touch()
    assert (ended(folder, *again)[0], ran(folder)) == (0, ["b"])


def test_which_run_goes_on(folder):
    """The last that failed and whose session has not succeeded since; a name or a session says which."""
    (folder / "w.dig").write_text(FAILING)
    for day in ("18", "19"):
        assert ended(folder, "w.dig", "--session", f"2026-11-{day}")[0] == 1
    (folder / "ok").touch()
    assert ended(folder, "w.dig", "--session", "2026-11-19")[0] == 0
    assert ended(folder, "w.dig", "--session", "2026-11-20")[0] == 0
    ran(folder)

    code, _, said = ended(folder, "w.dig", "--resume", "20261119T000000Z-2")
    assert (code, said) == (
        2,
        "stepdig run: --resume: 20261119T000000Z-2 has succeeded: there is nothing left to run\n",
    )
    code, _, said = ended(folder, "w.dig", "--resume", "--session", "2026-11-19")
    assert (code, "of the session 2026-11-19T00:00:00+00:00" in said) == (2, True)
    assert (ended(folder, "w.dig", "--resume", "nope")[2]) == "stepdig run: --resume: no run nope is kept here\n"

    code, _, said = ended(folder, "w.dig", "--resume")
    assert (code, ran(folder), said) == (0, ["b"], "stepdig run: 20261118T000000Z-1 goes on\n")
    assert ended(folder, "w.dig", "--resume")[0] == 2


def test_the_workflow_before_resume(folder):
    """`--resume w.dig` takes the file for a run's name; the message says how it is written."""
    (folder / "w.dig").write_text(FAILING)

    code, _, said = ended(folder, "--resume", "w.dig")

    assert (code, said.splitlines()[-1].endswith("write stepdig run w.dig --resume")) == (2, True)


def test_parameters_are_taken_over(folder):
    """Those of the failed run, declared ones with their types; others make another execution of the session."""
    (folder / "w.dig").write_text(
        "params: {n: {type: integer}, to: {default: x}}\n+a: {sh>: 'echo a >> ran'}\n+b: {sh>: 'echo $n-$to; test $to = y'}\n"
    )
    assert ended(folder, "w.dig", "-p", "n=3", "--session", "2026-11-20")[0] == 1

    code, out, said = ended(folder, "w.dig", "--resume", "-p", "n=3", "--plain")
    assert (code, "3-x" in out, "goes on" in said) == (1, True, True)
    code, out, said = ended(folder, "w.dig", "--resume", "-p", "to=y", "--plain")
    assert (code, "3-y" in out, said) == (0, True, "stepdig run: done in 20261120T000000Z-1, not run again: +a\n")
    assert ran(folder) == ["a"]


def test_parts_of_several_runs_of_a_session(folder):
    """What any run of the session did counts, unless a later one failed at it."""
    (folder / "w.dig").write_text(FAILING + "+c:\n  sh>: echo c >> ran\n")
    (folder / "ok").touch()
    session = ["--session", "2026-11-20"]
    assert (ended(folder, "w.dig", *session)[0], ran(folder)) == (0, ["a", "b", "c"])
    assert (ended(folder, "w.dig", *session, "--end", "+b")[0], ran(folder)) == (0, ["a"])
    assert (ended(folder, "w.dig", *session, "-s", "+c")[0], ran(folder)) == (0, ["c"])
    (folder / "ok").unlink()
    assert (ended(folder, "w.dig", *session, "+b")[0], ran(folder)) == (1, ["b"])
    (folder / "ok").touch()
    code, _, said = ended(folder, "w.dig", *session, "-g", "+c")
    assert (code, ran(folder)) == (0, ["b", "c"])
    assert said == "stepdig run: done in the session 2026-11-20T00:00:00+00:00 before, not run again: +a\n"
    _, _, said = ended(folder, "w.dig", "--session", "2026-11-21", "-g", "+c")
    assert "no earlier run of the session 2026-11-21T00:00:00+00:00" in said
