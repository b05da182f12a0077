"""Subtasks: what code adds to its task runs after it, in the same container, as tasks of a .dig file would."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bundles import CONTEXT, PREFIX, at, bundle, host, run_prepared, task

from stepdig.runner import commands, subtasks
from stepdig.runner.storage import FolderStorage

HEAD = "import digdag\nenv = digdag.env\n"


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "bucket")


@pytest.fixture
def go(tmp_path, storage):
    """Return a function that runs `py>: m.f` of some code; what `finish` says, stdout, stderr."""
    machine = host(tmp_path, python=(sys.executable,))

    def run(code, local=None, *, scopes=None, **more):
        (machine.project_dir / "m.py").write_text(HEAD + code)
        layers = [["export", key] for key in scopes or {}]
        one = bundle({"+t": task({"py>": "m.f", **(local or {})}, layers=layers, **more)}, scopes=scopes)
        return run_prepared(commands.prepare(at(one), machine, storage, CONTEXT), storage)

    return run


def test_functions_run_in_order_and_see_what_was_stored_before_them(go, storage):
    finished, out, _ = go(
        """
def f():
    print("f")
    env.store(mark="m", o={"a": 1})
    env.add_subtask(g, n=1)
    env.add_subtask(g, n=2)
def g(n, mark, o, last=0):
    print("g", n, mark, o, last)
    env.store(last=n, o={str(n): n})
"""
    )
    assert out.splitlines() == ["f", "g 1 m {'a': 1} 0", "g 2 m {'a': 1, '1': 1} 1"]
    stored = {"mark": "m", "o": {"a": 1, "1": 1, "2": 2}, "last": 2}
    assert finished == commands.Finished(0, "", stored)
    assert json.loads(storage.get(f"{PREFIX}/+t/output.json"))["store_params"] == stored


def test_arguments_of_functions_are_data_and_texts_of_configs_are_templates(go):
    _, out, _ = go(
        """
def f():
    env.add_subtask(g, text="${nope} $$ ${1+1}")
    env.add_subtask({"py>": "m.g", "text": "${x + 1} ${task_name}"})
def g(text): print(text)
""",
        scopes={"r": {"x": 1}},
    )
    assert out.splitlines() == ["${nope} $$ ${1+1}", "2 +wf+t^sub+subtask1"]


def test_exports_reach_the_subtasks_and_nobody_else(go):
    finished, out, _ = go(
        """
def f():
    env.export({"e": "exported", "x": "stronger"})
    env.add_subtask({"echo>": "${e} ${x}", "_export": {"e": "own"}})
    env.add_subtask({"+in": {"sh>": "echo $e ${x} $local"}})
""",
        {"local": "is not inherited"},
        scopes={"r": {"x": "weaker"}},
    )
    assert (finished.outputs, out.splitlines()) == ({}, ["own stronger", "exported stronger"])


@pytest.mark.parametrize(
    ("added", "called"),
    [("C.m", "C.m 1"), ("C().m", "C.m 1"), ("C", "C.run"), ("g", "g 1"), ("C.static", "static")],
)
def test_methods_keep_their_class(go, added, called):
    """On Python 3 Digdag's own runner forgets the class, and its documented example fails."""
    _, out, _ = go(
        f"""
def f(): env.add_subtask({added}, a=1)
def g(a): print("g", a)
class C:
    def run(self): print("C.run")
    def m(self, a): print("C.m", a)
    @staticmethod
    def static(): print("static")
"""
    )
    assert out == f"{called}\n"


@pytest.mark.parametrize("added", ["lambda: 1", "print.__call__", "3", "'m.g'"])
def test_what_is_no_function_of_a_module_is_refused(go, added):
    finished, _, _ = go(f"def f(): env.add_subtask({added})\n")
    assert "digdag.env.add_subtask needs a function, class or method of a module, not" in finished.message


def test_arguments_must_be_json(go):
    finished, _, _ = go("def f(): env.add_subtask(f, a=object())\n")
    assert "Parameters must be serializable using JSON: Object of type object" in finished.message


def test_side_by_side_all_run_at_once_and_later_ones_win(go, tmp_path):
    """Each waits for a file of the other: one after the other they would wait for ever."""
    finished, _, _ = go(
        """
import os, time
def f():
    env.subtask_config["_parallel"] = True
    for i in range(2): env.add_subtask(g, i=i)
def g(i):
    open("here%d" % i, "w").close()
    while not os.path.exists("here%d" % (1 - i)): time.sleep(0.01)
    if i == 0:
        while not os.path.exists("done1"): time.sleep(0.01)
    env.store(last=i)
    open("done%d" % i, "w").close()
"""
    )
    assert finished == commands.Finished(0, "", {"last": 1})


def test_a_limit_of_one_runs_them_one_by_one(go):
    _, out, _ = go(
        """
def f():
    env.subtask_config["_parallel"] = {"limit": 1}
    for i in range(3): env.add_subtask({"sh>": "echo begin%d; echo end%d" % (i, i)})
"""
    )
    assert out.split() == ["begin0", "end0", "begin1", "end1", "begin2", "end2"]


def test_the_first_failure_stops_the_rest_and_fails_the_task_with_digdags_message(go, storage):
    finished, out, err = go(
        """
def f():
    env.store(lost=1)
    env.add_subtask({"+a": {"sh>": "exit 7"}, "+b": {"echo>": "never"}})
    env.add_subtask(f)
"""
    )
    assert finished == commands.Finished(7, "Command failed with code 7 (runtime)")
    assert (out, err) == ("", "+wf+t^sub+subtask0+a failed\n")
    output = json.loads(storage.get(f"{PREFIX}/+t/output.json"))
    assert (output["store_params"], output["error"]["message"]) == ({}, "Command failed with code 7 (runtime)")


def test_a_failing_function_tells_its_own_traceback(go, storage):
    finished, _, _ = go("def f(): env.add_subtask(g)\ndef g(): raise ValueError('boom')\n")
    assert finished.message.startswith(
        "Python command failed with code 1\nError messages from python: boom (ValueError)\n\tfrom Traceback"
    )
    error = json.loads(storage.get(f"{PREFIX}/+t/error.json"))
    assert error["stacktrace"].endswith("ValueError: boom\n")


def test_failures_side_by_side_are_all_told(go):
    finished, out, _ = go(
        """
def f():
    env.subtask_config["_parallel"] = True
    for i in (0, 3, 4): env.add_subtask({"sh>": "exit %d" % i})
    env.add_subtask({"echo>": "runs all the same"})
"""
    )
    assert out == "runs all the same\n"
    assert finished.message == (
        "2 failed: +wf+t^sub+subtask1: Command failed with code 3 (runtime), "
        "+wf+t^sub+subtask2: Command failed with code 4 (runtime)"
    )


def test_subtasks_add_subtasks(go):
    finished, out, _ = go(
        """
def f(): env.add_subtask(g, depth=2)
def g(depth, task_name):
    print(task_name)
    env.store({"d%d" % depth: depth})
    if depth: env.add_subtask(g, depth=depth - 1)
    env.add_subtask({"echo>": "${d%d}" % depth})
"""
    )
    first = "+wf+t^sub+subtask0"
    assert out.splitlines() == [first, f"{first}^sub+subtask0", f"{first}^sub+subtask0^sub+subtask0", "0", "1", "2"]
    assert finished.outputs == {"d2": 2, "d1": 1, "d0": 0}


def test_control_operators_run_their_bodies(go):
    _, out, _ = go(
        """
def f():
    env.store(items=["a", "b"])
    env.add_subtask({"loop>": 2, "_do": {"echo>": "${i} ${task_name}"}})
    env.add_subtask({"for_each>": {"x": "${items}", "y": [1]}, "_do": {"+k": {"echo>": "${x}${y} ${task_name}"}}})
    env.add_subtask({"for_range>": {"from": 0, "to": 5, "step": 3}, "_do": {"echo>": "${range.from}-${range.to}"}})
    env.add_subtask({"if>": "${items.length > 5}", "_do": {"fail>": "no"}, "_else_do": {"echo>": "else"}})
    env.add_subtask({"if>": "false", "_do": {"fail>": "no"}})
    env.add_subtask({"_type": "echo", "_command": "typed"})
"""
    )
    sub = "+wf+t^sub+subtask"
    assert out.splitlines() == [
        f"0 {sub}0^sub+loop-0",
        f"1 {sub}0^sub+loop-1",
        f"a1 {sub}1^sub+for-0=x=0=a&1=y=0=1+k",
        f"b1 {sub}1^sub+for-0=x=1=b&1=y=0=1+k",
        "0-3",
        "3-5",
        "else",
        "typed",
    ]


def test_retry_and_error_of_subtasks(go):
    finished, out, _ = go(
        """
def f():
    env.add_subtask({"sh>": "echo x >> n; [ $(wc -l < n) -ge 3 ] && echo done", "_retry": 2})
    env.add_subtask({"+a": {"fail>": "boom"}, "_error": {"echo>": "seen: ${error.message} ${task_name}"}})
"""
    )
    assert out.splitlines() == ["done", "seen: boom +wf+t^sub+subtask1^error"]
    assert finished == commands.Finished(1, "boom")


def test_shell_commands_return_values(go):
    finished, out, _ = go(
        """
def f():
    env.add_subtask({"sh>": "echo n=3 > $STEPDIG_OUTPUT", "store": ["n"]})
    env.add_subtask({"echo>": "${n}"})
"""
    )
    assert (finished.outputs, out) == ({"n": "3"}, "3\n")


def test_check_and_ignore_failure_of_subtasks(go):
    finished, out, err = go(
        """
def f():
    env.add_subtask({"+a": {"sh>": "exit 3"}, "_ignore_failure": True})
    env.add_subtask({"py>": "m.g", "_retry": 1, "_check": {"if>": "${n < 2}", "_do": {"fail>": "too few"}}})
    env.add_subtask({"echo>": "${n}"})
def g():
    with open("n", "a") as file:
        file.write("x")
        env.store(n=file.tell())
"""
    )
    assert (finished.exit_code, out) == (0, "2\n")
    assert err == "+wf+t^sub+subtask0+a failed: Command failed with code 3 (runtime)\n"


TREES = st.recursive(
    st.fixed_dictionaries(
        {"sh>": st.just(""), "x": st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=2)}
    ),
    lambda inner: st.dictionaries(st.sampled_from(["+a", "+b", "+c"]), inner, max_size=3),
    max_leaves=8,
)


@given(TREES, st.sampled_from([True, {"limit": 1}, {"limit": 2}]))
def test_what_is_stored_is_the_same_side_by_side_as_one_after_another(tree, parallel):
    """Later ones win, in the order written, whatever ends last."""

    class Fake(subtasks.Runner):
        def _command(self, name, asked, context):
            return {"store_params": asked.local["x"]}

    def beside(config):
        if "sh>" in config:
            return config
        return {**{name: beside(it) for name, it in config.items()}, "_parallel": parallel}

    def leaves(config):
        return [config["x"]] if "sh>" in config else [leaf for it in config.values() for leaf in leaves(it)]

    wanted = {}
    for leaf in leaves(tree):
        wanted.update(leaf)
    for config in (tree, beside(tree)):
        job = {
            "added": {"subtask_config": {"+s": config}},
            "layers": [],
            "built_ins": {"task_name": "+t"},
            "options": {},
        }
        job.update({"timezone": "UTC", "offsets": [[None, 0]], "directory": "", "env": []})
        assert Fake(job, {}).run() == wanted


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"call>": "x.dig"}', "call> does not work in a subtask: subtasks run inside the container of the task"),
        ('{"_type": "mail", "body": "x"}', "mail> does not work in a subtask"),
        ('{"+a": {"sh>": "x", "_after": "+b"}}', "'_after' does not work in a subtask"),
        ('{"+a": {"sh>": "x"}, "parallel": True}', "+wf+t^sub+subtask0 contains invalid keys: ['parallel'] (config)"),
        ('{"sh>": "${nope}"}', "Failed to evaluate a variable ${nope} (ReferenceError: nope is not defined) (config)"),
        ('{"sh>": "x", "shell": ["/no/such"]}', 'Cannot run program "/no/such"'),
        ('{"sh>": "x", "_retry": "often"}', "Expected integer (int) type for key '_retry' but got \"often\" (config)"),
        ('{"loop>": "x", "_do": {}}', "Expected integer (int) type for key '_command' but got \"x\" (config)"),
        ('{"+a": 1}', "+wf+t^sub+subtask0+a must be an object (config)"),
    ],
)
def test_what_cannot_run_says_why(go, config, said):
    finished, _, _ = go(f"def f(): env.add_subtask({config})\n")
    assert finished.exit_code == 1
    assert finished.message.startswith(said)


def test_a_project_cannot_stand_in_the_way_of_the_runner(go, tmp_path):
    (tmp_path / "project" / "json.py").write_text("raise SystemExit('the json of the project')\n")
    (tmp_path / "project" / "stepdig.py").write_text("raise SystemExit('the stepdig of the project')\n")
    finished, out, _ = go("def f(): env.add_subtask({'echo>': 'fine'})\n")
    assert (finished.exit_code, out) == (0, "fine\n")


def test_a_called_file_s_folder_is_the_subtasks_folder(go, tmp_path):
    (tmp_path / "project" / "sub").mkdir()
    (tmp_path / "project" / "sub" / "m.py").write_text(HEAD + "def f(): env.add_subtask({'sh>': 'basename $PWD'})\n")
    assert go("", directory="sub")[1] == "sub\n"
