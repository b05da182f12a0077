"""Located nodes -> the workflow as written, by the rules Digdag applies when it loads a file."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.language import parse
from stepdig.language.model import Parallel, Retry
from stepdig.problem import Position, Problems
from stepdig.source import tree

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/data/digdag-recordings.json"


def load(text, name="main", **options):
    problems = Problems()
    node = tree.load(text, "main.dig", lambda _: None, problems)
    assert node is not None
    return parse.workflow(node, name, "main.dig", problems, **options), problems


def told(text, **options):
    _, problems = load(text, **options)
    return [f"{it} | {it.hint}" if it.hint else str(it) for it in sorted(problems)]


def root(text):
    found, problems = load(text)
    assert not problems.found
    return found.root


def task(text):
    """The one task of `+t:` with these lines as its body."""
    return root("+t:\n" + "".join(f"  {line}\n" for line in text.splitlines())).children[0]


def test_a_workflow_is_a_group_with_the_name_of_its_file():
    found, problems = load("timezone: Asia/Tokyo\n_export: {a: 1}\n+a:\n  echo>: hi\n+b: {}\n", "nightly")
    assert not problems.found
    assert (found.name, found.path, found.timezone) == ("nightly", "main.dig", "Asia/Tokyo")
    assert (found.root.name, found.root.operator, found.root.at) == ("+nightly", None, Position("main.dig", 1, 1))
    assert tree.plain(found.root.export) == {"a": 1}
    assert [child.name for child in found.root.children] == ["+a", "+b"]
    assert found.schedule is None


def test_an_operator_task():
    found = task("sh>: ./run.sh\njob: load\n_env: {A: b}\n_export: {x: 1}\n_retry: 2\n_background: true\n_foo: 1")
    assert (found.name, found.operator, found.argument.value) == ("+t", "sh", "./run.sh")
    assert (found.at, found.operator_at) == (Position("main.dig", 1, 1), Position("main.dig", 2, 3))
    assert list(found.options) == ["job", "_env", "_foo"]
    assert tree.plain(found.export) == {"x": 1}
    assert found.retry == Retry(2, 0, None, False, Position("main.dig", 6, 11))
    assert found.background
    assert found.children == ()


@pytest.mark.parametrize("body", ["echo>:", "_type: echo", "_type: echo\n_command:", "_type: echo\n_command: null"])
def test_an_operator_without_an_argument(body):
    found = task(body)
    assert (found.operator, found.argument) == ("echo", None)


def test_type_and_command_are_an_operator():
    found = task("_type: echo\n_command: hi\nx: 1")
    assert (found.operator, found.argument.value, list(found.options)) == ("echo", "hi", ["x"])
    assert found.operator_at == Position("main.dig", 2, 10)


def test_a_list_of_mappings_is_merged_in_order():
    found = task("- echo>: x\n- _export: {a: 1}\n- {echo>: y, z: 1}")
    assert (found.operator, found.argument.value, list(found.options)) == ("echo", "y", ["z"])
    assert tree.plain(found.export) == {"a": 1}


@pytest.mark.parametrize("value", ["true", '"true"', "True", "1"])
def test_a_disabled_task_is_an_empty_group_whatever_it_holds(value):
    found = task(f"_disable: {value}\necho>: x\nsh>: y\n_background: true\n+c: nonsense")
    assert (found.operator, found.children, found.background, dict(found.options)) == (None, (), False, {})


@pytest.mark.parametrize("value", ["false", '"false"', '""', "0", ""])
def test_a_task_that_is_not_disabled(value):
    assert task(f"_disable: {value}\necho>: x").operator == "echo"
    assert len(task(f"_disable: {value}\n+a: {{}}").children) == 1


def test_bodies_of_control_operators_are_tasks_named_sub():
    found = task("if>: true\n_do:\n  echo>: a\n_else_do:\n  +b: {}\n_error:\n  echo>: c")
    assert list(found.bodies) == ["_do", "_else_do"]
    assert (found.bodies["_do"].name, found.bodies["_do"].operator) == ("^sub", "echo")
    assert [child.name for child in found.bodies["_else_do"].children] == ["+b"]
    assert found.bodies["_do"].at == Position("main.dig", 3, 3)
    assert (found.error.name, found.error.operator) == ("^error", "echo")
    assert dict(found.options) == {}


@pytest.mark.parametrize("operator", ["loop", "for_each", "for_range"])
def test_a_loop_has_a_body_and_its_own_parallel(operator):
    found = task(f"{operator}>: 3\n_parallel: {{limit: 2}}\n_do:\n  echo>: a\n_else_do: kept")
    assert list(found.bodies) == ["_do"]
    assert found.parallel == Parallel(2, Position("main.dig", 3, 14))
    assert list(found.options) == ["_else_do"]


def test_do_and_parallel_of_other_operators_are_mere_options():
    found = task("sh>: x\n_do: text\n_parallel: ${x}")
    assert (list(found.options), found.parallel, dict(found.bodies)) == (["_do", "_parallel"], None, {})


def test_an_empty_error_body_is_none():
    assert task("echo>: x\n_error: {}").error is None


def test_body_parses_what_an_operator_generates():
    problems = Problems()
    node = tree.load("+a:\n  echo>: x\n", "x.dig", lambda _: None, problems)
    assert [child.name for child in parse.body(node, "^sub", problems).children] == ["+a"]
    assert parse.body(node.get("+a"), "+a", problems).operator == "echo"
    assert not problems.found


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("true", None),
        ('"true"', None),
        ("{limit: 3}", 3),
        ('{limit: "3"}', 3),
        ("{limit: 0}", None),
        ("{limit: -1}", None),
    ],
)
def test_parallel_of_a_group(value, limit):
    assert task(f"_parallel: {value}\n+a: {{}}").parallel == Parallel(limit, Position("main.dig", 2, 14))


@pytest.mark.parametrize("value", ["false", '"false"', ""])
def test_no_parallel(value):
    assert task(f"_parallel: {value}\n+a: {{}}").parallel is None


RETRIES = {
    "3": (3, 0, None, False),
    '"3"': (3, 0, None, False),
    "2.7": (2, 0, None, False),
    "{limit: 3}": (3, 0, None, False),
    "{limit: 3, interval: 10}": (3, 10, None, False),
    '{limit: "3", interval: "10", max_interval: 60, interval_type: exponential}': (3, 10, 60, True),
    "{limit: 3, interval_type: Constant}": (3, 0, None, False),
    "{limit: 3, interval: null}": (3, 0, None, False),
}


@pytest.mark.parametrize(("value", "expected"), RETRIES.items())
def test_retry(value, expected):
    for found in (task(f"_retry: {value}\nsh>: x"), task(f"_retry: {value}\n+a: {{}}")):
        assert found.retry == Retry(*expected, Position("main.dig", 2, 11))


@pytest.mark.parametrize("value", ["0", "-1", '"0"', "{limit: 0}", "{limit: -5, interval: 3}"])
def test_no_retry(value):
    assert task(f"_retry: {value}\nsh>: x").retry is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"), ("UTC", "UTC"), ("Z", "UTC"), ("GMT", "GMT"), ("Etc/GMT+9", "Etc/GMT+9"),
        ("+09:00", "+09:00"), ("-3", "-03:00"), ('"+0930"', "+09:30"), ("+09:30:15", "+09:30:15"), ("GMT+9", "+09:00"),
        ("UTC-08:00", "-08:00"), ("+00:00", "UTC"), ("America/New_York", "America/New_York"),
    ],
)  # fmt: skip
def test_timezones(written, kept):
    text = f'timezone: "{written}"\n+t: {{}}\n' if '"' not in written else f"timezone: {written}\n+t: {{}}\n"
    found, problems = load(text)
    assert not problems.found
    assert found.timezone == kept


PROBLEMS = {
    # the top of a file
    "foo: 1\n_eror: {}\n+a: {}\n": [
        "main.dig:1:1: SD201 unknown key 'foo' at the top of a workflow"
        " | parameters go below '_export:', tasks begin with '+'",
        "main.dig:2:1: SD201 unknown key '_eror' at the top of a workflow | did you mean '_error'?",
    ],
    "echo>: x\n_after: []\n_background: true\n+1: {}\n": [
        "main.dig:1:1: SD201 unknown key 'echo>' at the top of a workflow"
        " | put it into a task: '+name:' and, indented below it, 'echo>'",
        "main.dig:2:1: SD201 unknown key '_after' at the top of a workflow | put it into a task or group",
        "main.dig:3:1: SD201 unknown key '_background' at the top of a workflow | put it into a task or group",
        "main.dig:4:1: SD201 unknown key '1' at the top of a workflow"
        ' | write "+1" in quotes: without them it is the number 1',
    ],
    "timezone: asia/tokyo\n": ["main.dig:1:11: SD214 unknown timezone \"asia/tokyo\" | did you mean 'Asia/Tokyo'?"],
    "timezone: JST\n": ["main.dig:1:11: SD214 unknown timezone \"JST\" | did you mean 'Asia/Tokyo'?"],
    "timezone: Tokyo\n": ["main.dig:1:11: SD214 unknown timezone \"Tokyo\" | did you mean 'Asia/Tokyo'?"],
    "timezone: Asia/Tokio\n": ["main.dig:1:11: SD214 unknown timezone \"Asia/Tokio\" | did you mean 'Asia/Tokyo'?"],
    "timezone: +19:00\n": ['main.dig:1:11: SD214 unknown timezone "+19:00" | such as Asia/Tokyo, UTC or +09:00'],
    "timezone: 9\n": ["main.dig:1:11: SD214 unknown timezone 9 | did you mean '+09:00'?"],
    "schedule: daily\nsla: 1\n": [
        "main.dig:1:1: SD213 'schedule' must be a mapping, not \"daily\""
        " | such as schedule: {daily>: 07:00:00}, or cron>: 42 4 1 * * below it",
        "main.dig:2:1: SD213 'sla' must be a mapping, not 1 | such as sla: {time: 07:30}",
    ],
    # groups and tasks
    "+g:\n  parallel: true\n  message: x\n  _foo: 1\n  _env: x\n  +1: {}\n": [
        "main.dig:2:3: SD202 unknown key 'parallel' in '+g', which is a group: it has no operator"
        " | did you mean '_parallel'?",
        "main.dig:3:3: SD202 unknown key 'message' in '+g', which is a group: it has no operator"
        " | an operator ends in '>': 'message>'",
        "main.dig:4:3: SD202 unknown key '_foo' in '+g', which is a group: it has no operator",
        "main.dig:5:3: SD213 '_env' must be a mapping, not \"x\" | such as _env: {NAME: value}",
        "main.dig:6:3: SD202 unknown key '1' in '+g', which is a group: it has no operator"
        ' | write "+1" in quotes: without them it is the number 1',
    ],
    "+t:\n  echo>: x\n  sh>: y\n  _type: py\n": [
        "main.dig:3:3: SD203 '+t' has two operators, 'echo>' and 'sh>' | make them two tasks",
        "main.dig:4:3: SD203 '+t' has two operators, 'echo>' and '_type' | make them two tasks",
    ],
    "+t:\n  +c: {}\n  echo>: x\n": [
        "main.dig:2:3: SD204 '+t' has the operator 'echo>' and a task below it, '+c'"
        " | put 'echo>' into a task of its own, and '+t' is a group"
    ],
    "+t:\n+u: hello\n+v: [x, {}]\n+w: 1\n": [
        "main.dig:1:1: SD205 '+t' is empty | write an operator below it, such as 'echo>: hello'; {} is an empty group",
        "main.dig:2:5: SD205 '+u' must be a mapping, not \"hello\" | write an operator below it, such as 'echo>: hello'",
        "main.dig:3:6: SD205 an item of '+v' must be a mapping, not \"x\" | such as - echo>: hello",
        "main.dig:4:5: SD205 '+w' must be a mapping, not 1 | write an operator below it, such as 'echo>: hello'",
    ],
    "+a b: {}\n+a/b: {}\n+日: {}\n+x^y: {}\n+g:\n  +x^y: {}\n  +a+b: {}\n": [
        "main.dig:1:1: SD206 the task name '+a b' holds a blank | such as +a_b; "
        "use letters, digits and - _ = [ ] { } % & @ ` , .",
        "main.dig:2:1: SD206 the task name '+a/b' holds '/' | such as +a_b; use letters, digits and - _ = [ ] { } % & @ ` , .",
        "main.dig:3:1: SD206 the task name '+日' holds '日' | use letters, digits and - _ = [ ] { } % & @ ` , .",
        "main.dig:4:1: SD206 the task name '+x^y' holds '^' | that is kept for the names of generated tasks",
        "main.dig:7:3: SD206 the task name '+a+b' holds '+' | such as +a_b; use letters, digits and - _ = [ ] { } % & @ ` , .",
    ],
    f"+{'a' * 255}: {{}}\n": [f"main.dig:1:1: SD206 the task name '+{'a' * 36}...' is longer than 255 characters"],
    "+t:\n  _disable: yes\n  echo>: x\n+u:\n  _background: ${x}\n  echo>: x\n+v:\n  _disable: [1]\n  +a: {}\n": [
        "main.dig:2:13: SD208 '_disable' must be true or false, not \"yes\" | write true",
        "main.dig:5:16: SD208 '_background' must be true or false, not \"${x}\" | '${...}' is not evaluated here",
        "main.dig:8:13: SD208 '_disable' must be true or false, not a list",
    ],
    # _parallel and _background
    "_parallel: ${x}\n+g:\n  _parallel: {}\n+h:\n  _parallel: {limit: x, limt: 1}\n": [
        "main.dig:1:12: SD208 '_parallel' must be true or false, not \"${x}\" | '${...}' is not evaluated here",
        "main.dig:3:14: SD209 '_parallel' as a mapping needs 'limit' | write _parallel: {limit: 4}, or true",
        "main.dig:5:22: SD209 'limit' must be an integer, not \"x\"",
        "main.dig:5:25: SD212 unknown key 'limt' in '_parallel' | did you mean 'limit'?",
    ],
    "_parallel: true\n+a:\n  _background: true\n  echo>: x\n+b:\n  _background: false\n": [
        "main.dig:3:3: SD210 '_background' in a group that runs all its tasks at the same time"
        " | remove it, or the group's _parallel"
    ],
    # _retry
    "+a:\n  sh>: x\n  _retry: true\n+b:\n  sh>: x\n  _retry: x\n+c:\n  sh>: x\n  _retry: [1]\n+d:\n  sh>: x\n  _retry:\n": [
        "main.dig:3:11: SD211 '_retry' must be an integer, not true"
        " | write a number, or {limit: 3, interval: 10, interval_type: exponential}",
        "main.dig:6:11: SD211 '_retry' must be an integer, not \"x\""
        " | write a number, or {limit: 3, interval: 10, interval_type: exponential}",
        "main.dig:9:11: SD211 '_retry' must be an integer, not a list"
        " | write a number, or {limit: 3, interval: 10, interval_type: exponential}",
        "main.dig:12:10: SD211 '_retry' must be an integer, not empty"
        " | write a number, or {limit: 3, interval: 10, interval_type: exponential}",
    ],
    "_retry: {interval: 1}\n+a:\n  _retry: {limit: 1, interval: -1, max_interval: x, interval_type: exponentail, foo: 1}\n": [
        "main.dig:1:9: SD211 '_retry' as a mapping needs 'limit'"
        " | write a number, or {limit: 3, interval: 10, interval_type: exponential}",
        "main.dig:3:32: SD211 'interval' must be an integer of 0 or more, not -1",
        "main.dig:3:50: SD211 'max_interval' must be an integer of 0 or more, not \"x\"",
        "main.dig:3:68: SD211 unknown interval_type \"exponentail\" | did you mean 'exponential'?",
        "main.dig:3:81: SD212 unknown key 'foo' in '_retry' | known: limit, interval, max_interval, interval_type",
    ],
    "_retry: ${n}\n+a:\n  sh>: x\n  _retry: ${n}\n+b:\n  sh>: x\n  _retry: {limit: '${n}', interval: '${m}'}\n": [
        "main.dig:1:9: SD211 '${...}' in the '_retry' of a group is not evaluated: Digdag would not retry"
        " | write the number",
    ],
    # mappings
    "_export: [1]\n_error: text\n+a:\n  _export:\n  echo>: x\n  _env: [A]\n  _error: [{echo>: x}]\n": [
        "main.dig:1:1: SD213 '_export' must be a mapping, not a list | such as _export: {name: value}",
        "main.dig:2:1: SD213 '_error' must be a mapping, not \"text\" | write tasks below it",
        "main.dig:4:3: SD213 '_export' must be a mapping, not empty | such as _export: {name: value}",
        "main.dig:6:3: SD213 '_env' must be a mapping, not a list | such as _env: {NAME: value}",
        "main.dig:7:3: SD213 '_error' must be a mapping, not a list | give each item a name of its own: '+first: ...'",
    ],
    "+a:\n  if>: true\n  _do: [{echo>: x}]\n  _else_do: hello\n+b:\n  loop>: 1\n  _do:\n": [
        "main.dig:3:3: SD213 '_do' must be a mapping, not a list | give each item a name of its own: '+first: ...'",
        "main.dig:4:3: SD213 '_else_do' must be a mapping, not \"hello\" | write tasks below it",
        "main.dig:7:3: SD213 '_do' must be a mapping, not empty | write tasks below it",
    ],
    # mistakes inside of bodies
    "+a:\n  if>: true\n  _do:\n    message: x\n  _error:\n    +b:\n      echo>: x\n      sh>: y\n": [
        "main.dig:4:5: SD202 unknown key 'message' in '_do', which is a group: it has no operator"
        " | an operator ends in '>': 'message>'",
        "main.dig:8:7: SD203 '+b' has two operators, 'echo>' and 'sh>' | make them two tasks",
    ],
    # _type
    "+a:\n  _type: 1\n+b:\n  _type: x${y}\n": [
        "main.dig:2:3: SD215 '_type' must be the name of an operator, not 1",
        "main.dig:4:10: SD901 '${...}' in '_type' is not supported yet | write the operator",
    ],
}


@pytest.mark.parametrize(("text", "expected"), PROBLEMS.items(), ids=[repr(text)[:40] for text in PROBLEMS])
def test_every_mistake_is_told_with_its_place(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1abc", "main.dig:1:1: SD207 the workflow name '1abc' begins with a digit | rename the file"),
        ("-a", "main.dig:1:1: SD207 the workflow name '-a' begins with '-' | rename the file"),
        ("a.dig", "main.dig:1:1: SD207 the workflow name 'a.dig' ends in .dig | rename the file"),
        ("", "main.dig:1:1: SD207 the workflow has no name | its name is the file's without .dig"),
        (
            "a" * 256,
            f"main.dig:1:1: SD207 the workflow name '{'a' * 37}...' is longer than 255 characters | rename the file",
        ),
    ],
)
def test_names_of_workflows(name, expected):
    assert told("+t: {}\n", name=name) == [expected]


def test_a_called_file_is_not_asked_for_name_timezone_schedule_and_sla():
    found, problems = load("timezone: Nowhere\nschedule: x\nsla: y\n+t: {}\n", "1", called=True)
    assert not problems.found
    assert (found.root.name, found.timezone) == ("+1", "UTC")


def test_a_group_may_hold_an_included_workflow_with_its_timezone():
    assert not told("+g:\n  timezone: Nowhere\n  schedule: 1\n  sla: 2\n  +t: {}\n")


def test_templates_of_directives_are_kept_for_the_run():
    found = task("loop>: 1\n_parallel: ${x}\n_retry: {limit: '${n}'}\n_do: {}")
    assert (found.parallel.switch.value, found.retry.limit.value) == ("${x}", "${n}")
    assert task("loop>: 1\n_parallel: {limit: '${x}'}\n_do: {}").parallel.limit.value == "${x}"


def test_directives_of_every_task_are_no_options():
    found, _ = load("+a:\n  echo>: x\n  _check: {}\n  _timeout: 1m\n  _ignore_failure: true\n")
    (only,) = found.root.children
    assert (dict(only.options), only.check, only.timeout, only.ignore_failure) == ({}, None, 60, True)


def test_a_wrong_body_still_counts_as_there():
    """So that no later stage asks for the `_do` that is there, only wrong."""
    found, _ = load("+a:\n  loop>: 3\n  _do: text\n")
    assert found.root.children[0].bodies["_do"].children == ()


KEYS = st.sampled_from(
    ["+a", "+b", "+a b", "echo>", "sh>", "loop>", "if>", "_do", "_else_do", "_error", "_export", "_env", "_retry", "_parallel",
     "_background", "_disable", "_type", "_command", "_after", "_check", "timezone", "schedule", "x", "_x", "1"]
)  # fmt: skip
VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 3, 1.5, "x", "true", "${x}", "Asia/Tokyo"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_nodes_give_a_workflow_and_problems(written):
    found, problems = load(json.dumps(written))
    assert found.root.name == "+main"
    assert all(it.at.path == "main.dig" and it.length >= 1 for it in problems)


# Recorded runs that fail in Digdag only when the task starts, and here when compiling: earlier, for the same mistake.
EARLIER_THAN_DIGDAG = {"if_do_list", "if_do_string", "foreach_parallel_string"}


def recordings():
    return json.loads(RECORDINGS.read_text()) if RECORDINGS.is_file() else []


@pytest.mark.skipif(not RECORDINGS.is_file(), reason="needs the recorded runs of Digdag, ../shared/data")
@pytest.mark.parametrize("run", recordings(), ids=lambda run: run["name"])
def test_a_recorded_project_loads_here_when_it_loaded_in_digdag(run):
    """Digdag loads every .dig at the top of the project before it runs one."""
    files = {name: text for name, text in run["files"].items() if name.endswith(".dig") and "/" not in name}
    problems = Problems()
    for name, text in {"main.dig": run["dig"], **files}.items():
        contents = {path: content.encode() for path, content in run["files"].items()}
        node = tree.load(text, name, contents.get, problems)
        if node is not None:
            parse.workflow(node, name.removesuffix(".dig"), name, problems)
    wrong = sorted(str(it) for it in problems if it.code < "SD9")
    failed_at_load = run["exit_code"] != 0 and not run["tasks"]
    assert bool(wrong) == (failed_at_load or run["name"] in EARLIER_THAN_DIGDAG), wrong


def test_every_code_of_tree_and_parse_has_a_section_in_the_docs():
    home = Path(__file__).resolve().parents[2]
    sources = [path.read_text() for path in (home / "src/stepdig").rglob("*.py")]
    used = {code for text in sources for code in re.findall(r'"(SD(?:1\d\d|2\d\d|90[1-4]))"', text)}
    documented = set(re.findall(r"^## (SD\d{3})$", (home / "docs/errors.md").read_text(), re.M))
    assert len(used) > 30
    assert used <= documented
