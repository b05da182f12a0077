"""The container's program as a real process: archive in, output through, outputs left, signals passed on."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipapp
import zipfile
from pathlib import Path

import pytest
from runner_bundles import PREFIX, bundle, find_python, task

from stepdig.runner.storage import FolderStorage

SOURCE = Path(__file__).resolve().parents[2] / "src"
KEY = "archives/0123.zip"
STOPPED = "exit code {}: this container was told to stop (SIGTERM), and the command with it\n"


@pytest.fixture
def bucket(tmp_path):
    return FolderStorage(tmp_path / "bucket")


def archive(tasks, files=()):
    """Return a project's zip with its bundle; a file's content may come with its permission bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(".stepdig/wf.json", json.dumps(bundle(tasks)))
        for name, content in dict(files).items():
            item = zipfile.ZipInfo(name)
            item.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            opened.writestr(item, content)
    return buffer.getvalue()


def environ(bucket_folder, key="+t", **more):
    run = {"prefix": PREFIX, "archive": KEY, "params": {"p": "given"}, "loop": {}}
    run["session_time"] = "2026-11-20T00:00:00+09:00"
    return {
        "PATH": os.environ["PATH"],
        "STEPDIG_TASK": f"wf {key}",
        "STEPDIG_RUN": json.dumps(run),
        "STEPDIG_BUCKET": f"file://{bucket_folder}",
        **more,
    }


def start(bucket_folder, *, python=(sys.executable, "-m", "stepdig.runner"), **more):
    env = environ(bucket_folder, **more)
    if python[0] == sys.executable:
        env["PYTHONPATH"] = str(SOURCE)
    return subprocess.Popen(python, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(bucket_folder, **more):
    with start(bucket_folder, **more) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_task_runs_in_the_project_and_its_code_is_the_containers(bucket, tmp_path):
    command = {"sh>": './run.sh "$p" $session_date; cat sub/data.txt; exit 7'}
    files = {"run.sh": '#!/bin/sh\necho "ran $1 $2"\n', "sub/data.txt": "data\n"}
    bucket.put(KEY, archive({"+t": task(command)}, files))
    code, out, err = run(tmp_path / "bucket")
    assert (code, out) == (7, "ran given 2026-11-20\ndata\n")
    assert err == "Command failed with code 7 (runtime)\n", "the last line of the log says why"


def test_what_a_task_stores_the_next_one_reads(bucket, tmp_path):
    tasks = {
        "+t": task({"py>": "m.f"}, fetch=["k"]),
        "+u": task({"sh>": "echo $k ${k}"}, layers=[["stores", [{"task": "+t", "shared": 0, "when": "all"}]]]),
    }
    bucket.put(
        KEY, archive(tasks, {"m.py": "import digdag\ndef f(): digdag.env.store(k=digdag.env.params['p'] + '!')\n"})
    )
    assert run(tmp_path / "bucket") == (0, "", "")
    assert json.loads(bucket.get(f"{PREFIX}/+t/stores.json")) == {"k": "given!"}
    assert run(tmp_path / "bucket", key="+u") == (0, "given! given!\n", "")


def test_a_template_that_cannot_be_evaluated_leaves_its_error_where_the_machine_reads_it(bucket, tmp_path):
    bucket.put(KEY, archive({"+t": task({"py>": "m.f", "x": "${nope}"})}))
    code, _, err = run(tmp_path / "bucket")
    message = "Failed to evaluate a variable ${nope} (ReferenceError: nope is not defined) (config)"
    assert (code, err) == (1, message + "\n")
    assert json.loads(bucket.get(f"{PREFIX}/+t/error.json")) == {"message": message, "stacktrace": ""}


def test_output_comes_line_by_line_and_a_stop_reaches_the_whole_group(bucket, tmp_path):
    """SIGTERM to the container: the shell and its child get it, may tidy up, and their code is the container's."""
    command = "trap 'echo tidied; exit 5' TERM; sleep 600 & echo started; wait"
    bucket.put(KEY, archive({"+t": task({"sh>": command})}))
    with start(tmp_path / "bucket") as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "tidied\n")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("kill -9 $$$$", 137, "killed; in a container mostly for want of memory"),
        ("kill -11 $$$$", 139, "crashed (SIGSEGV)"),
        ("exec no-such-program 2>&1", 127, "a command was not found"),
        ("true; ./data.txt 2>&1", 126, "the command is there but cannot be executed"),
    ],
)
def test_the_last_line_of_the_log_says_what_the_code_means(bucket, tmp_path, command, code, words):
    bucket.put(KEY, archive({"+t": task({"sh>": command})}, {"data.txt": "data\n"}))
    returned, _, err = run(tmp_path / "bucket")
    assert (returned, err) == (code, f"Command failed with code {code} (runtime)\nexit code {code}: {words}\n")


def test_what_does_not_end_in_the_grace_period_is_killed(bucket, tmp_path):
    command = "trap '' TERM; echo started; while :; do read x < /dev/zero; done"
    bucket.put(KEY, archive({"+t": task({"sh>": command})}))
    with start(tmp_path / "bucket", STEPDIG_GRACE_SECONDS="0.2") as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (137, f"Command failed with code 137 (runtime)\n{STOPPED.format(137)}")


def test_a_stop_while_the_command_starts_is_not_lost(tmp_path):
    """The signal arrives before the group is known: heard, kept, and passed on once the command is there."""
    script = """
import os, signal, sys
from pathlib import Path
from stepdig.runner import commands, container
stop = container.Stop(60)
stop.listen()
stop.starts()
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(128 - container.execute(commands.Prepared(["sleep", "600"], dict(os.environ), Path("/")), stop))
"""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", script], env=env, timeout=60, check=False)
    assert done.returncode == 128 + signal.SIGTERM


def test_nothing_of_the_command_stays_behind(bucket, tmp_path):
    """A child in the background would hold our pipe open: reading it to its end shows that it is gone."""
    bucket.put(KEY, archive({"+t": task({"sh>": "sleep 600 & echo done"})}))
    assert run(tmp_path / "bucket") == (0, "done\n", "")


# What the command leaves running: it says so once the command itself has ended, which its end of the pipe tells.
LEFT = "mkfifo p; (cat < p; echo sent) & exec 9> p; echo done; exit 3"


def test_what_the_command_leaves_running_lingers_and_a_stop_ends_that(bucket, tmp_path):
    bucket.put(KEY, archive({"+t": task({"sh>": LEFT})}))
    with start(tmp_path / "bucket", STEPDIG_LINGER_SECONDS="600") as process:
        assert [process.stdout.readline(), process.stdout.readline()] == ["done\n", "sent\n"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (3, "", "Command failed with code 3 (runtime)\n")


def test_what_lingers_is_killed_when_its_time_is_over(bucket, tmp_path):
    bucket.put(KEY, archive({"+t": task({"sh>": "sleep 600 & echo done"})}))
    assert run(tmp_path / "bucket", STEPDIG_LINGER_SECONDS="0.2") == (0, "done\n", "")


def test_the_command_does_not_see_what_is_meant_for_the_runner(bucket, tmp_path):
    bucket.put(KEY, archive({"+t": task({"sh>": "env | grep -c ^STEPDIG_ || true"})}))
    assert run(tmp_path / "bucket")[1] == "0\n"


def test_secrets_come_from_the_task_definition_and_reach_the_task_that_names_them(bucket, tmp_path):
    named = {**task({"sh>": 'echo "${secret:db.pw}"; env | grep -c ^STEPDIG_'}), "secrets": ["db.pw"]}
    code = "import digdag\ndef f(): digdag.env.add_subtask({'sh>': 'echo ${secret:db.pw}'})\n"
    adding = {**task({"py>": "m.f", "_secrets": {"pw": "db.pw"}}), "secrets": ["db.pw"]}
    bucket.put(
        KEY, archive({"+t": named, "+u": task({"sh>": "env | grep -c ^STEPDIG_"}), "+v": adding}, {"m.py": code})
    )
    given = {"STEPDIG_SECRET_DB_PW": "sesame"}
    assert run(tmp_path / "bucket", **given)[1] == "sesame\n0\n"
    assert run(tmp_path / "bucket", key="+u", **given)[1] == "0\n"
    assert run(tmp_path / "bucket", key="+v", **given)[:2] == (0, "sesame\n")
    code, _, err = run(tmp_path / "bucket")
    assert (code, err) == (1, "Secret not found for key: 'db.pw' (secret not found)\n")


def test_a_stop_reaches_the_subtasks(bucket, tmp_path):
    """The runner hands the signal on to the process of subtasks and its commands, and tells what became of them."""
    code = "import digdag\ndef f(): digdag.env.add_subtask({'sh>': 'echo here; sleep 600'})\n"
    bucket.put(KEY, archive({"+t": task({"py>": "m.f"})}, {"m.py": code}))
    with start(tmp_path / "bucket") as process:
        assert process.stdout.readline() == "here\n"
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + signal.SIGTERM, "")
    assert err == f"The process that runs the subtasks ended with code 143 (runtime)\n{STOPPED.format(143)}"


@pytest.mark.parametrize(
    ("more", "content", "said"),
    [
        ({"STEPDIG_TASK": ""}, None, "the environment has no STEPDIG_TASK"),
        ({"STEPDIG_GRACE_SECONDS": "soon"}, None, "STEPDIG_GRACE_SECONDS is no number of seconds: soon"),
        ({"STEPDIG_LINGER_SECONDS": "long"}, None, "STEPDIG_LINGER_SECONDS is no number of seconds: long"),
        ({}, None, "the project archive archives/0123.zip is not in file://"),
        ({"STEPDIG_RUN": "{}"}, None, "the run object names no project archive"),
        ({}, b"no zip", "the project archive is not a zip"),
        ({"key": "+gone"}, archive({}), "workflow wf of the project archive has no task +gone"),
        ({"STEPDIG_TASK": "other +t"}, archive({}), "the project archive holds no .stepdig/other.json"),
    ],
)
def test_a_container_started_wrongly_says_what_is_missing(bucket, tmp_path, more, content, said):
    if content is not None:
        bucket.put(KEY, content)
    code, _, err = run(tmp_path / "bucket", **more)
    assert code == 126
    assert err.startswith(f"stepdig: {said}")
    assert "Traceback" not in err


def test_runner_and_expressions_alone_run_from_a_zip_on_python_3_8(bucket, tmp_path):
    """Images carry these two packages and nothing else of ours, on Pythons as old as 3.8, without site-packages."""
    python = find_python("3.8")
    carried = tmp_path / "runner.pyz"
    folder = tmp_path / "carried"
    for package in ("runner", "expressions"):
        shutil.copytree(
            SOURCE / "stepdig" / package, folder / "stepdig" / package, ignore=shutil.ignore_patterns("*.pyc")
        )
    shutil.copy(SOURCE / "stepdig/__init__.py", folder / "stepdig")
    (folder / "__main__.py").write_text("import runpy\nrunpy.run_module('stepdig.runner', run_name='__main__')\n")
    zipapp.create_archive(folder, carried)
    code = (
        "import digdag, sys\ndef f(d): digdag.env.store(v=sys.version_info[:2]); digdag.env.add_subtask({'echo>': d})\n"
    )
    files = {"m.py": code}
    local = {
        "py>": "m.f",
        "d": "${moment(session_time).add(-1, 'days').format('YYYY-MM-DD')} ${[3,1].sort().join('-')}",
    }
    bucket.put(KEY, archive({"+t": task(local)}, files))

    assert run(tmp_path / "bucket", python=(python, "-I", str(carried))) == (0, "2026-11-19 1-3\n", "")
    assert json.loads(bucket.get(f"{PREFIX}/+t/output.json"))["store_params"] == {"v": [3, 8]}


def test_secrets_in_files_are_there_for_their_user_while_the_command_runs(bucket, tmp_path):
    command = 'cat "$KEY_PATH"; stat -c %a "$KEY_PATH"; echo "$KEY_PATH"; env | grep -c ^STEPDIG_FILE; true'
    bucket.put(KEY, archive({"+t": task({"sh>": command})}))
    code, out, _ = run(tmp_path / "bucket", STEPDIG_FILE_KEY_PATH='{"key": 1}\n')
    content, mode, path, others = out.splitlines()
    assert (code, content, mode, others) == (0, '{"key": 1}', "600", "0")
    assert not Path(path).exists()


def test_the_workspace_is_what_a_command_sees_of_our_variables(bucket, tmp_path):
    bucket.put(KEY, archive({"+t": task({"sh>": "env | grep ^STEPDIG_"})}))
    assert run(tmp_path / "bucket", STEPDIG_WORKSPACE="/workspace")[1] == "STEPDIG_WORKSPACE=/workspace\n"


def test_files_of_state_are_found_again_and_a_failure_leaves_the_kept_one_alone(bucket, tmp_path):
    """The first run finds what the project has, or nothing; one that fails changes nothing."""
    counting = {
        **task({"sh>": 'cat diff.yml seen/all.txt; echo "$p" >> diff.yml; mkdir -p seen; echo x >> seen/all.txt'})
    }
    failing = task({"sh>": "echo broken > diff.yml; exit 3"})
    for one in (counting, failing):
        one["state"] = ["diff.yml", "seen/all.txt"]
    bucket.put(KEY, archive({"+t": counting}, {"diff.yml": "first\n"}))
    assert run(tmp_path / "bucket")[:2] == (0, "first\n")
    assert bucket.get("state/shop-wf/+t/diff.yml") == b"first\ngiven\n"
    bucket.put(KEY, archive({"+t": failing}))
    assert run(tmp_path / "bucket")[0] == 3
    bucket.put(KEY, archive({"+t": counting}))
    assert run(tmp_path / "bucket")[:2] == (0, "first\ngiven\nx\n")


def test_a_task_that_adds_subtasks_keeps_its_files_when_they_have_ended(bucket, tmp_path):
    code = """
import digdag
def f():
    open("seen.txt", "a").write("f")
    digdag.env.add_subtask(g)
def g():
    open("seen.txt", "a").write("g")
"""
    one = {**task({"py>": "m.f"}), "state": ["seen.txt"]}
    bucket.put(KEY, archive({"+t": one}, {"m.py": code}))
    assert run(tmp_path / "bucket")[0] == 0
    assert bucket.get("state/shop-wf/+t/seen.txt") == b"fg"
