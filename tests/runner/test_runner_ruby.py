"""rb>: what a Ruby method is given, stores, adds and says, with a real Ruby."""

import json
import shutil

import pytest
from runner_bundles import CONTEXT, PREFIX, at, bundle, host, run_prepared, task

from stepdig.runner import commands
from stepdig.runner.storage import FolderStorage

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="no Ruby here; apt-get install -y ruby")

CODE = """
def top(a) puts "top #{a}" end
class C
  def initialize(start = 1) @start = start end
  def inst(a, b = "dflt", *rest, key: 1, need:) puts [@start, a, b, key, need].inspect end
  def all(session_date:, **rest) puts session_date, rest.key?(:timezone), rest[:o].inspect, rest["rb>".to_sym] end
  def self.klass(a:) puts "klass #{a}" end
  def stores
    Digdag.env.store(s1: 1)
    Digdag.env.store({"s1" => 2, "s2" => {k: [Digdag.env.params["o"], nil]}}, s3: "é")
    Digdag.env.set_state(x: 1)
  end
  def bad_store() Digdag.env.store(when: Time.now) end
  def nan() Digdag.env.store(n: Float::NAN) end
  def boom() raise "boom" end
  def leave(code:) exit(code) end
  def give_up() abort("no rows today") end
  def gone() exit!(3) end
  def private_one() end
  private :private_one
end
module M
  class Inner
    def self.run() puts "M::Inner" end
  end
  def self.fn(a) puts "fn #{a}" end
end
"""


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "bucket")


@pytest.fixture
def ran(tmp_path, storage):
    """Return a function that runs an `rb>` with the code above; what `finish` says, stdout, stderr."""
    machine = host(tmp_path)
    (machine.project_dir / "tasks").mkdir()
    (machine.project_dir / "tasks" / "code.rb").write_text(CODE, encoding="utf-8")

    def run(command, *, scopes=None, fetch=(), source="", **local):
        if source:
            (machine.project_dir / "tasks" / "more.rb").write_text(source)
        layers = [["export", key] for key in scopes or {}]
        local = {"rb>": command, **({} if scopes else {"require": "tasks/more" if source else "tasks/code"}), **local}
        one = bundle({"+t": task(local, layers=layers, fetch=fetch)}, scopes=scopes)
        return run_prepared(commands.prepare(at(one), machine, storage, CONTEXT), storage)

    return run


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("C.inst", '[7, 2, "dflt", 1, "n"]'),
        ("::C.inst", '[7, 2, "dflt", 1, "n"]'),
        ("C.klass", "klass 2"),
        ("M::Inner.run", "M::Inner"),
        ("M.fn", "fn 2"),
        ("top", "top 2"),
        ("C.all", "2026-11-20\ntrue\n{:k=>{:x=>1}}\nC.all"),
    ],
)
def test_arguments_are_parameters_also_keywords(ran, command, out):
    """Methods with keyword arguments fail in Digdag on Ruby 3, and so does the project that `digdag init -t ruby` makes."""
    finished, said, _ = ran(command, a=2, need="n", start=7, o={"k": {"x": 1}})
    assert (finished.exit_code, said.replace("k: {x: 1}", ":k=>{:x=>1}")) == (0, f"{out}\n")


def test_what_is_stored_is_left_for_later_tasks(ran, storage):
    finished, _, _ = ran("C.stores", o={"x": 1}, fetch=("s1",))
    stored = {"s1": 2, "s2": {"k": [{"x": 1}, None]}, "s3": "é"}
    assert finished == commands.Finished(0, "", stored)
    assert json.loads(storage.get(f"{PREFIX}/+t/stores.json")) == {"s1": 2}


def test_a_failure_has_digdags_message_and_the_project_s_lines(ran, storage):
    finished, _, err = ran("C.boom")
    head, _, rest = finished.message.partition("\n\tfrom ")
    assert head == "Ruby command failed with code 1: boom (RuntimeError)"
    assert rest.endswith(" (runtime)")
    assert "tasks/code.rb:15:in" in rest
    assert "rb_call" not in finished.message
    assert "boom (RuntimeError)" in err
    assert json.loads(storage.get(f"{PREFIX}/+t/error.json"))["stacktrace"].count("tasks/code.rb") == 1


@pytest.mark.parametrize(
    ("command", "local", "said"),
    [
        ("C.klass", {}, "Method 'C.klass' requires parameter 'a' but not set (ArgumentError)"),
        ("C.inst", {"a": 1}, "Method 'C#inst' requires parameter 'need' but not set (ArgumentError)"),
        ("Nope.run", {}, "uninitialized constant Nope (NameError)"),
        ("C.nope", {}, "undefined method `nope' for class"),
        ("C.private_one", {}, "undefined method `private_one' for class"),
        ("C.klass", {"require": "tasks/nowhere", "a": 1}, "cannot load such file -- tasks/nowhere (LoadError)"),
        ("C.bad_store", {}, "Digdag.env.store: 'when' cannot be written as JSON: Time is not JSON (ArgumentError)"),
        ("C.nan", {}, "Digdag.env.store: 'n' cannot be written as JSON: "),
        ("C.leave", {"code": 0}, "The method left the process with code 0; return instead (runtime)"),
        ("C.give_up", {}, "no rows today (runtime)"),
    ],
)
def test_what_cannot_be_called_is_said(ran, command, local, said):
    finished, _, _ = ran(command, **local)
    assert finished.exit_code == 1
    words = finished.message.replace("'nope'", "`nope'").replace("'private_one'", "`private_one'")
    assert words.startswith(f"Ruby command failed with code 1: {said}")


@pytest.mark.parametrize(("local", "code"), [({"command": "C.leave", "code": 4}, 4), ({"command": "C.gone"}, 3)])
def test_the_code_of_the_process_is_told(ran, local, code):
    finished, _, _ = ran(**local)
    assert (finished.exit_code, finished.message.startswith(f"Ruby command failed with code {code}")) == (code, True)


def test_require_and_ruby_come_from_an_export_too(ran):
    options = {"require": "tasks/code", "ruby": ["ruby", "-W0"]}
    assert ran("top", scopes={"r": {"rb": options}}, a=1)[1] == "top 1\n"


def test_environment_is_the_jobs_with_env_and_without_parameters(ran):
    source = "def f() puts [ENV['A'], ENV['p']].inspect end"
    assert ran("f", source=source, p="2", _env={"A": "1"})[1] == '["1", nil]\n'


def test_a_script_writes_the_protocol_s_output_itself(ran):
    script = "require 'json'\nputs ARGV.size\nFile.write(ARGV[1], JSON.generate('store_params' => {'k' => 5}))\n"
    finished, out, _ = ran(None, script=script)
    assert (finished.outputs, out) == ({"k": 5}, "2\n")


def test_subtasks_of_each_form(ran):
    source = """
class W
  def f
    Digdag.env.export(e: "exported")
    Digdag.env.store(mark: "m")
    Digdag.env.add_subtask(W, :g, n: 1, text: "${nope}")
    Digdag.env.add_subtask(W, :g, {n: 2})
    Digdag.env.add_subtask(:W, :k)
    Digdag.env.add_subtask(:top, n: 3)
    Digdag.env.add_subtask({"echo>" => "${e} ${mark} ${last}"})
    Digdag.env.add_subtask('+in' => {'sh>' => 'echo ${e}'})
  end
  def g(n:, e:, text: nil)
    puts "g #{n} #{e} #{text}"
    Digdag.env.store(last: n)
  end
  def self.k(mark) puts "k #{mark}" end
end
def top(n) puts "top #{n}" end
"""
    finished, out, _ = ran("W.f", source=source)
    assert finished == commands.Finished(0, "", {"mark": "m", "last": 2})
    assert out.splitlines() == ["g 1 exported ${nope}", "g 2 exported ", "k m", "top 3", "exported m 2", "exported"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("W, :nope", "Class W does not have method :nope"),
        (":Nowhere, :f", "Could not find class named Nowhere"),
        ("W, 'a.b'", "add_subtask needs a Hash"),
        ("W, :f, a: Object", "Parameters must be serializable using JSON: Class is not JSON"),
    ],
)
def test_subtasks_that_cannot_run_are_refused_when_added(ran, arguments, said):
    finished, _, _ = ran("W.f", source=f"class W\n  def f() Digdag.env.add_subtask({arguments}) end\nend\n")
    assert finished.message.startswith(f"Ruby command failed with code 1: {said}")
