"""Commands: what sh> and py> start, see, leave and say, with real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runner_bundles import CONTEXT, PREFIX, at, bundle, find_python, host, run_prepared, task

from stepdig.runner import commands, programs
from stepdig.runner.storage import FolderStorage

EXAMPLES = """
import digdag, json, os, sys
def show(session_date, extra="dflt", *, kw=1, **rest):
    print(session_date, extra, kw, sorted(n for n in rest if "session_" not in n))
def plain(a, b="dflt"): print(repr(a), repr(b))
def need(zz): print(zz)
def store():
    digdag.env.store({"s1": 1}); digdag.env.store({"s1": 2, "s2": {"k": [digdag.env.params["o"], None]}}, s3="é")
    digdag.env.export(e=1)
def stored_then_failed(): digdag.env.store(lost=1); raise ValueError('boom "q" 1')
def not_json(): digdag.env.store({"when": object()})
def not_a_number(): digdag.env.store({"n": float("nan")})
def leave(code): sys.exit(code)
def gone(): os._exit(3)
def signalled(): os.kill(os.getpid(), 9)
def inner_import(): import no_such_module_of_mine
def where(): print(os.getcwd() in sys.path, __name__, sys.path[0] == os.path.dirname(sys.argv[0]))
class C:
    def __init__(self, a="A"): self.a = a
    def run(self): print("C.run", self.a)
    def m(self, b): print("C.m", self.a, b)
class D:
    def run(self, **kw): print("D.run", kw["_command"], kw["_type"], kw["py>"])
"""


@pytest.fixture
def machine(tmp_path):
    one = host(tmp_path, python=(sys.executable,))
    (one.project_dir / "m.py").write_text(EXAMPLES)
    package = one.project_dir / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "mod.py").write_text("import missing_dependency\ndef f(): pass\n")
    return one


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "bucket")


def prepared(machine, storage, local, *, scopes=None, params=None, timezone="Asia/Tokyo", **more):
    layers = [["export", key] for key in scopes or {}]
    one = bundle({"+t": task(local, layers=layers, **more)}, scopes=scopes, timezone=timezone)
    return commands.prepare(at(one, params=params), machine, storage, CONTEXT)


def ran(machine, storage, local, **more):
    """Run a task as a container would; return what `finish` says, with stdout and stderr."""
    return run_prepared(prepared(machine, storage, local, **more), storage)


class TestSh:
    def test_parameters_are_variables_as_digdag_makes_them(self, machine, storage):
        local = {
            "sh>": 'echo "$text|$number|$whole|$yes|$list|$map|$empty|$none|$_command"; env | grep -c ^my-key= || true'
        }
        export = {"text": "ä b", "number": 1.5, "whole": 100.0, "yes": True, "list": [1, "é"], "map": {"k": None}}
        export.update({"empty": "", "none": None, "my-key": "x", "1st": "x"})
        finished, out, _ = ran(machine, storage, local, scopes={"r": export})
        assert finished == commands.Finished(0)
        assert out.splitlines() == [f'ä b|1.5|100.0|true|[1,"é"]|{{"k":null}}|||{local["sh>"]}', "0"]

    def test_parameters_beat_even_path_and_home(self, machine, storage):
        _, out, _ = ran(machine, storage, {"sh>": 'echo "$PATH $HOME"'}, scopes={"r": {"PATH": "/p", "HOME": "/h"}})
        assert out == "/p /h\n"

    def test_env_beats_parameters_and_is_made_of_scalars(self, machine, storage):
        """The recorded run `sh_env_directive`."""
        local = {"sh>": 'echo "A=$A B=$B C=$C"', "_env": {"A": "x ${n}", "B": 5, "C": True}, "A": "param"}
        _, out, _ = ran(machine, storage, local, params={"n": "1"})
        assert out == "A=x 1 B=5 C=true\n"

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"A": [1]}, "Expected string type for key 'A' but got [1] (array) (config)"),
            ({"A": None}, "Parameter 'A' is required but null (config)"),
            ("A=1", "Expected object type for key '_env' but got \"A=1\" (string) (config)"),
        ],
    )
    def test_env_of_another_kind_fails_in_digdags_words(self, machine, storage, value, message):
        with pytest.raises(commands.TaskError) as error:
            prepared(machine, storage, {"sh>": "true", "_env": value})
        assert str(error.value) == message

    @pytest.mark.parametrize(
        ("environ", "export", "timezone", "seen"),
        [
            ({}, {}, "Asia/Tokyo", "Asia/Tokyo"),
            ({}, {}, "+09:00", "<+0900>-09:00"),
            ({}, {}, "-03:30", "<-0330>+03:30"),
            ({}, {}, "Z", "UTC"),
            ({"TZ": "America/Lima"}, {}, "Asia/Tokyo", "America/Lima"),
            ({"TZ": "America/Lima"}, {"TZ": "UTC"}, "Asia/Tokyo", "UTC"),
        ],
    )
    def test_tz_is_the_workflows_zone_unless_the_job_or_the_workflow_says_otherwise(
        self, tmp_path, storage, environ, export, timezone, seen
    ):
        machine = host(tmp_path, {"PATH": os.environ["PATH"], **environ})
        finished, out, _ = ran(machine, storage, {"sh>": 'echo "$TZ"'}, scopes={"r": export}, timezone=timezone)
        assert (finished.exit_code, out) == (0, f"{seen}\n")

    def test_an_offset_gives_commands_that_offset(self, machine, storage):
        _, out, _ = ran(machine, storage, {"sh>": "date -d @0 +%H:%M%z"}, timezone="+09:30")
        assert out == "09:30+0930\n"

    @pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("kill -9 $$$$", 137), ("/no/such/program", 127)])
    def test_a_failure_is_told_by_its_code(self, machine, storage, command, code):
        finished, _, _ = ran(machine, storage, {"sh>": command})
        assert finished == commands.Finished(code, f"Command failed with code {code} (runtime)")

    def test_a_command_of_several_lines_runs_without_stopping_at_the_first_failure(self, machine, storage):
        finished, out, _ = ran(machine, storage, {"sh>": "echo a\nfalse\necho b\n"})
        assert (finished.exit_code, out) == (0, "a\nb\n")

    def test_shells_of_ones_own(self, machine, storage):
        """The recorded run `sh_shell_option`: a task's own, an export's namespace, Python."""
        assert ran(machine, storage, {"sh>": "[[ a == a ]] && echo yes", "shell": ["bash"]})[1] == "yes\n"
        assert ran(machine, storage, {"sh>": "print('py', __name__)", "shell": [sys.executable]})[1] == "py __main__\n"
        traced = ran(machine, storage, {"sh>": "echo c"}, scopes={"r": {"sh": {"shell": ["/bin/sh", "-ex"]}}})
        assert traced[1:] == ("c\n", "+ echo c\n")

    def test_a_program_without_c_option_is_given_a_file(self, machine, storage):
        one = prepared(machine, storage, {"sh>": "hello\n", "shell": ["cat"]})
        assert Path(one.argv[-1]).parent == machine.work_dir
        assert ran(machine, storage, {"sh>": "hello\n", "shell": ["cat"]})[1] == "hello\n"

    def test_a_command_longer_than_an_argument_may_be_runs_all_the_same(self, machine, storage):
        command = "\n".join(["x=1"] * 50_000) + "\necho done"
        assert ran(machine, storage, {"sh>": command})[1] == "done\n"

    def test_no_file_is_written_for_a_plain_command(self, machine, storage):
        assert ran(machine, storage, {"sh>": "true"})[0].exit_code == 0
        assert not machine.work_dir.exists()
        assert storage.list("runs/") == []

    def test_the_folder_is_the_project_or_that_of_the_called_file(self, machine, storage):
        (machine.project_dir / "sub").mkdir()
        assert ran(machine, storage, {"sh>": "pwd; echo $_workdir"})[1] == f"{machine.project_dir}\n\n"
        one = ran(machine, storage, {"sh>": "pwd; echo $_workdir"}, directory="sub")
        assert one[1] == f"{machine.project_dir}/sub\nsub\n"

    @pytest.mark.parametrize(
        ("local", "message"),
        [
            ({"sh>": None}, "Parameter '_command' is required but not set (config)"),
            ({"sh>": [1]}, "Expected string type for key '_command' but got [1] (array) (config)"),
            ({"sh>": "x", "shell": "bash"}, "Expected array type for key 'shell' but got \"bash\" (string) (config)"),
            ({"sh>": "${x}"}, "Failed to evaluate a variable ${x} (ReferenceError: x is not defined) (config)"),
        ],
    )
    def test_mistakes_are_told_in_digdags_words(self, machine, storage, local, message):
        with pytest.raises(commands.TaskError) as error:
            prepared(machine, storage, local)
        assert str(error.value) == message

    def test_outputs_of_earlier_tasks_that_cannot_be_read_fail_the_task(self, machine, storage):
        storage.put(f"{PREFIX}/+before/output.json", b"no JSON")
        tasks = {"+before": task({"py>": "m.f"}), "+t": task({"sh>": "x"}, layers=[["stores", [{"task": "+before"}]]])}
        with pytest.raises(commands.TaskError) as error:
            commands.prepare(at(bundle(tasks)), machine, storage, CONTEXT)
        assert str(error.value) == (
            f"{PREFIX}/+before/output.json is not what a task leaves: a JSON object with store_params (runtime)"
        )

    def test_a_variable_larger_than_the_system_takes_is_named(self, machine, storage):
        one = prepared(machine, storage, {"sh>": "true"}, scopes={"r": {"small": "x", "rows": ["x" * 140_000]}})
        with pytest.raises(OSError, match="Argument list too long") as error:
            subprocess.run(one.argv, env=one.env, cwd=one.cwd, check=False)
        assert "Argument list too long: the largest variable, 'rows', has 140,004 bytes" in programs.cannot_run(
            one, error.value
        )

    def test_a_program_that_is_not_there_is_told_in_digdags_words(self, machine, storage):
        one = prepared(machine, storage, {"sh>": "x", "shell": ["/no/such/sh"]})
        with pytest.raises(FileNotFoundError) as error:
            subprocess.run(one.argv, cwd=one.cwd, check=False)
        expected = f'Cannot run program "/no/such/sh" (in directory "{one.cwd}"): No such file or directory (runtime)'
        assert programs.cannot_run(one, error.value) == expected


class TestPy:
    def test_arguments_are_parameters_by_name(self, machine, storage):
        finished, out, _ = ran(machine, storage, {"py>": "m.plain", "a": [1, {"k": None}]})
        assert (finished.exit_code, out) == (0, "[1, {'k': None}] 'dflt'\n")

    def test_keywords_take_every_parameter_and_built_in(self, machine, storage):
        """The recorded run `py_kwargs_all`: the operator's own keys are among them."""
        _, out, _ = ran(machine, storage, {"py>": "m.show", "z": 1, "kw": 5})
        ours = ["project_name", "workflow_name"]
        names = sorted(["_command", "_type", "attempt_id", "project_id", "py>", "task_name", "timezone", "z", *ours])
        assert out == f"2026-11-20 dflt 5 {names}\n"

    @pytest.mark.parametrize(
        ("command", "out"),
        [("m.C", "C.run A"), ("m.C.m", "C.m A 2"), ("m.D", "D.run m.D py m.D"), ("m.where", "True m False")],
    )
    def test_functions_classes_and_methods(self, machine, storage, command, out):
        assert ran(machine, storage, {"py>": command, "b": 2})[1] == f"{out}\n"

    def test_what_is_stored_is_left_for_later_tasks(self, machine, storage):
        finished, _, _ = ran(machine, storage, {"py>": "m.store", "o": {"x": 1}}, fetch=("s1", "s9"))
        stored = {"s1": 2, "s2": {"k": [{"x": 1}, None]}, "s3": "é"}
        assert finished == commands.Finished(0, "", stored)
        left = json.loads(storage.get(f"{PREFIX}/+t/output.json"))
        assert left == {"subtask_config": {}, "export_params": {"e": 1}, "store_params": stored}
        assert json.loads(storage.get(f"{PREFIX}/+t/stores.json")) == {"s1": 2}

    def test_a_failure_has_digdags_message_the_traceback_and_no_stores(self, machine, storage):
        finished, _, err = ran(machine, storage, {"py>": "m.stored_then_failed"})
        head, *rest = finished.message.split("\n\tfrom ")
        assert head == 'Python command failed with code 1\nError messages from python: boom "q" 1 (ValueError)'
        assert rest[0] == "Traceback (most recent call last):\n"
        assert rest[-1] == 'ValueError: boom "q" 1\n (runtime)'
        assert "py_call" not in finished.message, "frames of the runner tell a user nothing"
        assert err.splitlines()[-1] == 'ValueError: boom "q" 1'
        output = json.loads(storage.get(f"{PREFIX}/+t/output.json"))
        assert (output["store_params"], output["error"]["class"]) == ({}, "ValueError")
        error = json.loads(storage.get(f"{PREFIX}/+t/error.json"))
        assert error["message"] == finished.message
        assert error["stacktrace"].startswith("Traceback (most recent call last):\n")

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("f", "Empty module name (ValueError)"),
            ("m.nope", "Module 'm' has no attribute 'nope' (AttributeError)"),
            ("m.need", "Method 'need' requires parameter 'zz' but not set (TypeError)"),
            ("m.C.m", "Method 'C.m' requires parameter 'b' but not set (TypeError)"),
            ("nowhere.f", "No module named 'nowhere' (ModuleNotFoundError)"),
            ("pkg.nowhere.f", "Module 'pkg' has no attribute 'nowhere' (AttributeError)"),
            ("pkg.mod.f", "No module named 'missing_dependency' (ModuleNotFoundError)"),
            ("m.inner_import", "No module named 'no_such_module_of_mine' (ModuleNotFoundError)"),
        ],
    )
    def test_what_cannot_be_called_is_said(self, machine, storage, command, said):
        finished, _, _ = ran(machine, storage, {"py>": command})
        assert finished.exit_code == 1
        assert finished.message.splitlines()[1] == f"Error messages from python: {said}"

    @pytest.mark.parametrize(
        ("code", "left", "said"),
        [
            (7, 7, "sys.exit(7) ended the process at m.py:{line}"),
            (0, 1, "sys.exit(0) ended the process at m.py:{line}; return instead: what was stored would be lost"),
            (None, 1, "sys.exit() ended the process at m.py:{line}; return instead: what was stored would be lost"),
            (256, 1, "sys.exit(256) ended the process at m.py:{line}"),
            (-1, 255, "sys.exit(-1) ended the process at m.py:{line}"),
            ("no rows today", 1, "no rows today"),
            ("", 1, "sys.exit('') ended the process"),
        ],
    )
    def test_leaving_by_exit_is_a_failure_with_its_words_or_its_place(self, machine, storage, code, left, said):
        """Also with code 0, as in the recorded runs `py_exit_code` and `py_exit_zero`; no traceback, like Python."""
        finished, _, err = ran(machine, storage, {"py>": "m.leave", "code": code})
        line = next(n for n, text in enumerate(EXAMPLES.splitlines(), 1) if text.startswith("def leave"))
        words = said.format(line=line)
        assert finished.exit_code == left
        assert (
            finished.message == f"Python command failed with code {left}\nError messages from python: {words} (runtime)"
        )
        assert err == (f"{words}\n" if code != "" else "\n")

    @pytest.mark.parametrize(("command", "code"), [("m.gone", 3), ("m.signalled", 137)])
    def test_a_process_that_ends_without_a_word_is_told_by_its_code(self, machine, storage, command, code):
        finished, _, _ = ran(machine, storage, {"py>": command})
        assert finished == commands.Finished(code, f"Python command failed with code {code} (runtime)")

    @pytest.mark.parametrize(("command", "name"), [("m.not_json", "when"), ("m.not_a_number", "n")])
    def test_what_is_not_json_is_told_by_its_name(self, machine, storage, command, name):
        finished, _, _ = ran(machine, storage, {"py>": command})
        assert f"digdag.env.store: '{name}' cannot be written as JSON: " in finished.message

    def test_stores_that_the_machine_cannot_hold_fail_the_task(self, machine, storage):
        (machine.project_dir / "big.py").write_text("import digdag\ndef f(): digdag.env.store(big='x' * 300_000)\n")
        finished, _, _ = ran(machine, storage, {"py>": "big.f"}, fetch=("big",))
        assert (finished.exit_code, finished.message[:4]) == (1, "big:")
        assert json.loads(storage.get(f"{PREFIX}/+t/output.json"))["store_params"] == {}

    def test_environment_is_the_jobs_with_env_and_without_parameters(self, machine, storage):
        (machine.project_dir / "e.py").write_text(
            "import os\ndef f(): print(os.environ.get('A'), os.environ.get('p'))\n"
        )
        assert ran(machine, storage, {"py>": "e.f", "_env": {"A": "1"}, "p": "2"})[1] == "1 None\n"

    def test_python_option_is_a_program_or_a_list(self, machine, storage):
        assert prepared(machine, storage, {"py>": "m.C", "python": "/x/python"}).argv[0] == "/x/python"
        options = ["/usr/bin/env", "python3", "-O"]
        assert prepared(machine, storage, {"py>": "m.C"}, scopes={"r": {"py": {"python": options}}}).argv[:3] == options
        with pytest.raises(commands.TaskError, match="Expected string or array type for key 'python'"):
            prepared(machine, storage, {"py>": "m.C", "python": {"x": 1}})

    def test_a_script_writes_the_protocols_output_itself(self, machine, storage):
        """The recorded run `py_script_output`, and that no output is a failure."""
        script = (
            "import json, sys\nprint(len(sys.argv))\njson.dump({'store_params': {'k': 5}}, open(sys.argv[2], 'w'))\n"
        )
        finished, out, _ = ran(machine, storage, {"py>": None, "script": script})
        assert (finished.outputs, out) == ({"k": 5}, "3\n")
        finished, _, _ = ran(machine, storage, {"py>": None, "script": "print(1)"})
        assert finished == commands.Finished(1, "output.json does not exist or is no JSON object (runtime)")

    def test_output_is_seen_line_by_line_while_it_runs(self, machine, storage):
        (machine.project_dir / "s.py").write_text(
            "import sys\ndef f():\n  print('one')\n  sys.stdin.read()\n  print('two')\n"
        )
        one = prepared(machine, storage, {"py>": "s.f"})
        with subprocess.Popen(one.argv, env=one.env, cwd=one.cwd, stdin=-1, stdout=-1, text=True) as process:
            assert process.stdout.readline() == "one\n", "printed while the function still waits for its input"
            process.stdin.close()
            assert process.stdout.read() == "two\n"

    def test_modules_of_the_runner_are_not_in_the_way_of_the_projects(self, machine, storage):
        for name in ("outputs", "loops", "commands", "shapes"):
            (machine.project_dir / f"{name}.py").write_text(f"def f(): print('{name} of the project')\n")
            assert ran(machine, storage, {"py>": f"{name}.f"})[1] == f"{name} of the project\n"

    @pytest.mark.parametrize("version", ["3.8", "3.9", "3.13"])
    def test_py_runs_in_other_pythons(self, machine, storage, version):
        local = {"py>": "m.store", "o": 1, "python": find_python(version)}
        assert ran(machine, storage, local)[0].outputs["s1"] == 2
