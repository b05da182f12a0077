"""Whole runs of commands: subtasks, values of sh>, Ruby, Embulk, secrets."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stepdig.cli import main
from stepdig.iam import used
from stepdig.local.secrets import LocalSecrets
from stepdig.pipeline import compile_workflow

Go = Callable[..., object]


def test_subtasks_store_for_the_tasks_after(run):
    """Their values reach states of the machine and commands alike."""
    done = run(
        """
        +add: {py>: m.f}
        +read:
          if>: ${rows > 1}
          _do: {sh>: "echo ${rows} $name"}
        """,
        m__py="""
        import digdag
        def f():
            digdag.env.add_subtask(g, n=2)
            digdag.env.add_subtask({"sh>": "echo in a shell ${rows}"})
        def g(n): digdag.env.store(rows=n, name="users")
        """,
    )
    assert (done.code, done.output) == (0, ["in a shell 2", "2 users"])


def test_a_failing_subtask_fails_its_task_and_the_handler_sees_its_message(run):
    done = run(
        """
        +add:
          py>: m.f
          _error: {echo>: "seen: ${error.message}"}
        """,
        m__py="import digdag\ndef f(): digdag.env.add_subtask({'+a': {'fail>': 'no more rows'}})\n",
    )
    assert done.code == 1
    assert done.output[0] == "+w+add^sub+subtask0+a failed"
    assert done.output[-1] == "seen: no more rows"


def test_a_task_with_subtasks_is_tried_again_with_all_of_them(run):
    done = run(
        """
        +add: {py>: m.f, _retry: 1}
        """,
        m__py="""
        import digdag
        def f(): digdag.env.add_subtask({"sh>": "echo x >> tried; test $(wc -l < tried) -ge 2"})
        """,
    )
    assert (done.code, done.tries("+add")) == (0, 2)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_what_a_subtask_leaves_behind_ends_with_its_task(run, tmp_path):
    """The process of subtasks and its commands are of one group."""
    done = run(
        """
        +a: {py>: m.f}
        """,
        m__py="""
        import digdag
        def f(): digdag.env.add_subtask({"sh>": "sleep 1000 & echo $! > pid"})
        """,
    )
    pid = int((tmp_path / "pid").read_text())
    assert done.code == 0
    with contextlib.suppress(FileNotFoundError):  # dead, but perhaps nobody has reaped it
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_values_of_a_shell_command_reach_later_tasks(run):
    done = run(
        """
        +count:
          sh>: |
            echo "rows=3" >> "$STEPDIG_OUTPUT"
            printf 'note<<END\\none\\n two=2\\nEND\\nother=x\\n' >> "$STEPDIG_OUTPUT"
          store: [rows, note]
        +if: {if>: "${rows == 3}", _do: {echo>: "${rows + 1} ${note.length}"}}
        +sh: {sh>: 'echo "$note" "[$other]"'}
        """
    )
    assert (done.code, done.output) == (0, ["31 10", "one", " two=2 []"])


def test_values_of_commands_in_a_loop_are_seen_by_the_next_iteration(run):
    done = run(
        """
        +l:
          loop>: 3
          _do:
            +count: {sh>: 'echo "n=$(( ${typeof n == "undefined" ? 0 : n} + 10 ))" > "$STEPDIG_OUTPUT"', store: [n]}
        +show: {echo>: "${n}"}
        """
    )
    assert (done.code, done.output) == (0, ["30"])


def test_a_value_that_was_not_written_fails_the_task_with_what_was(run):
    done = run(
        """
        +count:
          sh>: echo "row=3" > "$STEPDIG_OUTPUT"
          store: [rows]
          _error: {echo>: "${error.message}"}
        """
    )
    assert done.code == 1
    assert done.output[-1] == "store: 'rows' was not written to $STEPDIG_OUTPUT; it wrote row (config)"


def test_a_store_that_is_no_list_is_a_parameter(run):
    assert run("+a: {sh>: 'echo $store', store: tokyo}\n").output == ["tokyo"]


@pytest.mark.skipif(shutil.which("ruby") is None, reason="no Ruby here; apt-get install -y ruby")
def test_ruby_stores_for_the_machine(run):
    done = run(
        """
        _export:
          rb: {require: tasks/sales}
        +count: {rb>: Sales.count, shop: tokyo}
        +each:
          for_each>: {t: "${tables}"}
          _do: {echo>: "${t}"}
        """,
        tasks_in_sales__rb="""
        class Sales
          def count(shop:) Digdag.env.store(tables: [shop, "osaka"]) end
        end
        """,
    )
    assert (done.code, done.output) == (0, ["tokyo", "osaka"])


def test_embulk_is_run_with_the_evaluated_file(run, tmp_path, monkeypatch):
    stub = tmp_path / "bin" / "embulk"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\necho "$1"; cat "$2"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    LocalSecrets(tmp_path).put("db.password", 'se"cret')
    done = run(
        """
        +l:
          for_each>: {t: [users, orders]}
          _do: {embulk>: load.yml, limit: 3}
        """,
        load__yml="in: {table: ${t}, limit: ${limit}, password: ${secret:db.password}}\n",
    )
    lines = [f'in: {{table: {name}, limit: 3, password: "se\\"cret"}}' for name in ("users", "orders")]
    assert (done.code, done.output) == (0, ["run", lines[0], "run", lines[1]])


SECRETS = """
_export: {environment: dev, password: "${secret:${environment}.password}"}
+sh: {sh>: 'echo "${secret:dev.password} $A"', _env: {A: "<${password}>"}}
+py: {py>: m.f, _secrets: {pw: dev.password}}
+echo: {echo>: "${password} ${secret:dev.password}"}
"""
READS = "import digdag\ndef f(): print(digdag.env.secrets)\n"


def test_secrets_of_this_machine_reach_the_commands_that_name_them(run, tmp_path, monkeypatch):
    """From a file, else from a variable, which commands themselves do not see."""
    monkeypatch.setenv("STEPDIG_SECRET_DEV_PASSWORD", "from a variable")
    wanted = ["%s <%s>", "{'pw': '%s'}", "${secret:dev.password} ${secret:dev.password}"]
    done = run(SECRETS + "+env: {sh>: 'env | grep -c ^STEPDIG_SECRET || true'}\n", m__py=READS)
    assert done.output == [line.replace("%s", "from a variable") for line in wanted] + ["0"]
    LocalSecrets(tmp_path).put("dev.password", "from a file\n")
    done = run(SECRETS, m__py=READS)
    assert done.output == [line.replace("%s", "from a file") for line in wanted]


def test_each_row_of_a_table_list_may_name_a_secret_of_its_own(run, tmp_path):
    """Known when compiling, however many: a task gets those of its list, in each iteration its own is read."""
    for name in ("shop", "crm"):
        LocalSecrets(tmp_path).put(f"dev.{name}.password", f"of {name}")
    done = run(
        """
        _export: {environment: dev}
        +l:
          for_each>: {t: [{table: users, db: shop}, {table: calls, db: crm}]}
          _do: {sh>: "echo ${t.table} ${secret:${environment}.${t.db}.password}"}
        +unknown:
          for_each>: {t: {file: no.json}}
          _do: {echo>: x}
          _disable: true
        """
    )
    assert (done.code, done.output) == (0, ["users of shop", "calls of crm"])


def test_a_missing_secret_fails_the_task_before_its_command_starts(run):
    done = run("+a: {sh>: 'touch ran; echo ${secret:no.such}', _error: {echo>: 'seen: ${error.message}'}}\n")
    message = "Secret not found for key: 'no.such' (secret not found)"
    assert (done.code, done.output[0]) == (1, message)
    assert not Path("ran").exists()


def test_a_missing_secret_is_told_with_the_command_that_keeps_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("w.dig").write_text("+a: {sh>: 'echo ${secret:db.password}'}\n")
    assert main(["run", "w.dig", "--plain"]) == 1
    assert "keep it with: stepdig secrets --local --set db.password\n" in capsys.readouterr().out


def test_no_file_of_a_run_holds_a_secret(run, tmp_path, monkeypatch):
    """Definition, bundle, events, outputs, logs, files of tasks: none, unless a command prints it."""
    stub = tmp_path / "bin" / "embulk"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\ngrep -c sesame $2\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    LocalSecrets(tmp_path).put("dev.password", "sesame-open-up")
    more = """
+embulk: {embulk>: {in: {password: "${secret:dev.password}"}}}
+long: {sh>: "grep -c sesame $0; : ${password} LONG"}
+sub: {py>: m.g, _secrets: {pw: dev.password}}
"""
    code = """
    import digdag
    def f(): len(digdag.env.secrets["pw"])
    def g(): digdag.env.add_subtask({"embulk>": {"password": "${secret:pw}"}, "_secrets": {"pw": "dev.password"}})
    """
    more = more.replace("LONG", "x" * 130_000)  # longer than an argument may be, so it is a file
    done = run(SECRETS.replace('echo "', 'true "') + more, m__py=code)
    assert (done.code, done.output[-3:]) == (0, ["1", "1", "1"])
    told = [path for path in (tmp_path / ".stepdig" / "runs").rglob("*") if path.is_file()]
    assert told
    assert [path for path in told if b"sesame-open-up" in path.read_bytes()] == []
    assert "sesame" not in str(done.events)


def test_secrets_are_set_listed_and_deleted_without_telling_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.pem").write_text("-----\nkey\n-----\n")
    assert main(["secrets", "--local", "--set", "a.b=open=sesame", "pem=@key.pem"]) == 0
    assert main(["secrets", "--local"]) == 0
    assert main(["secrets", "--local", "--delete", "a.b"]) == 0
    said = capsys.readouterr()
    assert said.out == "Secret 'a.b' set\nSecret 'pem' set\na.b\npem\nSecret 'a.b' deleted\n"
    kept = tmp_path / ".stepdig" / "secrets" / "pem"
    assert (kept.stat().st_mode & 0o777, kept.read_text()) == (0o600, "-----\nkey\n-----\n")
    assert LocalSecrets(tmp_path).get("a.b") is None


@pytest.mark.parametrize("word", ["x=-", "x"])
def test_a_secret_may_come_from_standard_input(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("sesame\nrest"))
    assert main(["secrets", "--local", "--set", word]) == 0
    assert LocalSecrets(tmp_path).get("x") == "sesame"


def test_the_secrets_of_a_repository_are_those_of_all_its_projects(tmp_path, monkeypatch):
    (tmp_path / "workflows" / "shop").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "workflows" / "shop")
    assert main(["secrets", "--local", "--set", "x=1"]) == 0
    assert (tmp_path / ".stepdig" / "secrets" / "x").read_text() == "1"


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".stepdig").write_text("a file in the way")
    assert main(["secrets", "--local", "--set", "x=sesame"]) == 1
    err = capsys.readouterr().err
    assert "SD005" in err
    assert "sesame" not in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--local", "--set", "a b=sesame"], 2, "'a b' is no key"),
        (["--local", "--set", "../x=sesame"], 2, "'../x' is no key"),
        (["--local", "--set", "x=@nowhere"], 1, "cannot be read: no such file"),
        (["--local", "--set", "x=@binary"], 1, "SD909"),
        (["--local", "--delete", "x"], 1, "there is no secret 'x'"),
        (["--local", "--dir", "nowhere"], 1, "no such file or folder"),
        ([], 2, "add --local"),
    ],
)
def test_what_is_wrong_with_secrets_is_said_without_them(tmp_path, monkeypatch, capsys, words, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    assert main(["secrets", *words]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "sesame" not in err
    assert not (tmp_path / ".stepdig").exists()


def test_env_of_groups_holds_templates_and_secrets(run, tmp_path):
    """Evaluated as a task's own, which is stronger; an inner group's is stronger than an outer one's."""
    LocalSecrets(tmp_path).put("db.password", "sesame")
    done = run(
        """
        _export: {name: users}
        +g:
          _env: {A: "outer ${name}", B: outer, PW: "${secret:db.password}"}
          +h:
            _env: {B: "inner ${session_date}"}
            +sh: {sh>: 'echo "$A|$B|$C|$PW"', _env: {C: own}}
            +py: {py>: m.f, _env: {A: own}}
            +sub: {py>: m.g}
        """,
        m__py="""
        import digdag, os
        def f(): print("|".join(os.environ.get(name, "-") for name in "ABC"))
        def g(): digdag.env.add_subtask(f)
        """,
    )
    inner = "inner 2026-11-20"
    assert (done.code, done.output) == (
        0,
        [f"outer users|{inner}|own|sesame", f"own|{inner}|-", f"outer users|{inner}|-"],
    )


def test_which_secrets_a_job_must_be_given_is_known_when_compiling():
    dig = b"""
_export: {environment: dev, password: "${secret:${environment}.password}", unused: "${secret:unused}"}
_env: {X: "${secret:group}"}
+a: {sh>: 'x ${secret:alias} ${wrapped}', _export: {wrapped: "<${password}>"}, _secrets: {alias: real}}
+b: {py>: m.f, _secrets: {a: {b: true}, c: other}, ecs: {job: load}}
+c: {embulk>: load.yml}
+d: {echo>: "${secret:literal}"}
+e: {sh>: 'x', p: "${password}"}
"""
    files = {"w.dig": dig, "load.yml": b"in: {password: ${secret:embulk.password}}\n"}
    compiled = compile_workflow(files.get, "w.dig", display=str, project="p", workflow="w", jobs=None)
    tasks = {key: task.get("secrets") for key, task in compiled.bundle["tasks"].items()}
    assert tasks == {
        "+a": ["dev.password", "group", "real"],
        "+b": ["a.b", "group", "other"],
        "+c": ["embulk.password", "group"],
        "+e": ["group"],
    }
    assert {job: it.keys for job, it in used(compiled.bundle).items()} == {
        "default": ("dev.password", "embulk.password", "group", "real"),
        "load": ("a.b", "group", "other"),
    }
    assert "secret:" not in compiled.definition_text.replace("secret:literal", "")
