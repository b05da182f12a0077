from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stepdig import DOCUMENTATION, __version__
from stepdig.cli import VERBS, main

BAD = {
    "workflows/shop/daily.dig": "fine\nwrong wright\n",
    "workflows/shop/weekly.dig": "wrong 日本 x\nneeds list.json\n",
    "workflows/users/daily.dig": "fine\n",
}
GOOD = {
    "workflows/shop/daily.dig": "fine\n",
    "workflows/users/daily.dig": "needs list.json\n",
    "workflows/users/list.json": "",
}


@pytest.fixture
def stepdig(capsys):
    """Return a function that runs a command line in process and gives exit code, stdout and stderr."""

    def run(*words):
        code = main(words)
        return code, *capsys.readouterr()

    return run


def test_version_and_help_need_no_verb(stepdig):
    assert stepdig("--version") == (0, f"stepdig {__version__}\n", "")
    code, out, _ = stepdig("--help")
    assert code == 0
    lines = out.splitlines()
    assert all(
        f"  {verb} {help_}" in (" ".join(["", "", *line.split()]) for line in lines) for verb, help_ in VERBS.items()
    )


@pytest.mark.parametrize(("words", "said"), [((), "usage: stepdig COMMAND"), (("chek",), "(did you mean 'check'?)")])
def test_a_wrong_command_line_is_usage(stepdig, words, said):
    code, out, err = stepdig(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_wrong_option_is_usage(stepdig, stub_compiler):
    code, out, err = stepdig("check", "--jsn")
    assert (code, out) == (2, "")
    assert "unrecognized arguments: --jsn" in err


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_says_what_it_does(stepdig, stub_compiler, verb):
    code, out, _ = stepdig(verb, "--help")
    assert code == 0
    assert out.startswith(f"usage: stepdig {verb} ")


def test_check_is_one_line_when_all_is_well(stepdig, repository):
    repository(GOOD)
    assert stepdig("check") == (0, "2 workflows, no problems\n", "")


def test_check_shows_all_problems_of_all_files_sorted(stepdig, repository):
    repository(BAD)
    assert stepdig("check") == (
        1,
        """\
workflows/shop/daily.dig:2:7: SD401 unknown word 'wright'
   2 | wrong wright
             ^^^^^^  did you mean 'right'?
workflows/shop/weekly.dig:1:7: SD401 unknown word '日本 x'
   1 | wrong 日本 x
             ^^^^^^  did you mean 'right'?
workflows/shop/weekly.dig:2:7: SD402 no such file: list.json
   2 | needs list.json
             ^^^^^^^^^
3 problems in 2 files
""",
        "",
    )


def test_paths_are_those_the_user_would_type(stepdig, repository, monkeypatch):
    root = repository(BAD)
    monkeypatch.chdir(root / "workflows/users")
    assert stepdig("check", "../shop/daily.dig")[1].startswith(
        "../shop/daily.dig:2:7: SD401 unknown word 'wright'\n   2 | "
    )


def test_check_as_json_is_one_object_a_line(stepdig, repository):
    repository(BAD)
    code, out, _ = stepdig("check", "--json", "workflows/shop/daily.dig")
    problem = {"event": "problem", "path": "workflows/shop/daily.dig", "line": 2, "column": 7, "code": "SD401"}
    assert (code, json.loads(out)) == (1, problem | {"text": "unknown word 'wright'", "hint": "did you mean 'right'?"})
    code, out, _ = stepdig("check", "--json", "workflows/users")
    assert (code, json.loads(out)) == (0, {"event": "end", "workflows": 1, "problems": 0})


def test_a_long_or_binary_line_does_not_flood_or_change_the_terminal(stepdig, repository):
    repository(
        {"a.dig": "\x1b[2J" * 900 + "\n" + "wrong " + "x" * 5000 + "\n", "b.dig": b"\x00\x1b\xff\nwrong \x1b[31m\n"}
    )
    code, out, _ = stepdig("check")
    assert code == 1
    assert "\x1b" not in out
    assert "   2 | …wrong xxx" in out or "   2 | wrong xxx" in out
    assert max(map(len, out.splitlines()[1:3])) < 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_a_problem(stepdig, repository):
    root = repository({"main.dig": "fine\n"})
    (root / "main.dig").chmod(0)
    assert stepdig("check")[:2] == (1, "main.dig:1:1: SD002 cannot be read: permission denied\n1 problem in 1 file\n")


def test_a_link_out_of_the_project_is_a_problem_at_the_link(stepdig, repository):
    root = repository({"p/main.dig": "needs out\n", "secret": "x"})
    (root / "p/out").symlink_to(root / "secret")
    said = "p/out:1:1: SD002 cannot be read: the link leads out of the project folder\n"
    assert stepdig("check", "p")[1].startswith(said)


def test_nobody_listening_is_no_traceback(repository):
    repository({"main.dig": "fine\n"})
    command = f"{sys.executable} -m stepdig --help | true; {sys.executable} -m stepdig check nowhere 2>&1 | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def definitions(root):
    return {path.name: path.read_text() for path in (root / "statemachines").glob("*.asl.json")}


def test_build_writes_what_changed_and_says_so(stepdig, repository):
    root = repository(GOOD)
    assert stepdig("build") == (
        0,
        """\
new       statemachines/iam.md
new       statemachines/shop-daily.asl.json
new       statemachines/template.yaml
new       statemachines/users-daily.asl.json
2 state machines, 0 up to date
""",
        "",
    )
    assert definitions(root) == {
        "shop-daily.asl.json": '{"Comment": "workflows/shop/daily.dig - generated by stepdig, do not edit", "Text": 5}\n',
        "users-daily.asl.json": '{"Comment": "workflows/users/daily.dig - generated by stepdig, do not edit", "Text": 16}\n',
    }
    assert stepdig("build") == (0, "2 state machines, 2 up to date\n", "")


def test_build_is_the_same_wherever_it_is_typed(stepdig, repository, monkeypatch):
    root = repository(GOOD)
    stepdig("build")
    before = definitions(root)
    for place in ("workflows", "workflows/users", "/"):
        monkeypatch.chdir(root / place if place != "/" else "/")
        assert stepdig("build", *([str(root)] if place == "/" else []))[:2] == (0, "2 state machines, 2 up to date\n")
    assert definitions(root) == before


def test_build_writes_nothing_when_anything_is_wrong(stepdig, repository):
    root = repository(GOOD)
    stepdig("build")
    before = definitions(root)
    repository({"workflows/shop/daily.dig": "fine but longer\n", "workflows/users/daily.dig": "wrong x\n"})
    code, out, err = stepdig("build")
    assert (code, out) == (1, "")
    assert err.endswith("1 problem in 1 file\n")
    assert definitions(root) == before


def test_build_removes_only_definitions_it_wrote(stepdig, repository):
    root = repository(
        GOOD | {"statemachines/own.asl.json": '{"Comment": "by hand"}', "statemachines/x.asl.json": "<<<"}
    )
    stepdig("build")
    (root / "workflows/shop/daily.dig").unlink()
    others = "changed   statemachines/iam.md\n", "changed   statemachines/template.yaml\n"
    told = others[0] + "removed   statemachines/shop-daily.asl.json\n" + others[1]
    assert stepdig("build")[1] == told + "1 state machine, 1 up to date\n"
    (root / "workflows/users/daily.dig").unlink()
    told = "".join(others) + "removed   statemachines/users-daily.asl.json\n"
    assert stepdig("build")[1] == told + "0 state machines, 0 up to date\n"
    assert set(definitions(root)) == {"own.asl.json", "x.asl.json"}


def test_build_check_changes_nothing_and_says_what_is_to_do(stepdig, repository):
    root = repository(GOOD)
    stepdig("build")
    assert stepdig("build", "--check") == (0, "2 state machines, 2 up to date\n", "")
    repository({"workflows/shop/daily.dig": "fine but longer\n", "workflows/shop/new.dig": ""})
    (root / "workflows/users/daily.dig").unlink()
    before = definitions(root)
    assert stepdig("build", "--check") == (
        1,
        """\
stale     statemachines/iam.md
stale     statemachines/shop-daily.asl.json
missing   statemachines/shop-new.asl.json
stale     statemachines/template.yaml
left over statemachines/users-daily.asl.json
2 state machines, 0 up to date; `stepdig build` brings them up to date
""",
        "",
    )
    assert definitions(root) == before


def test_build_leaves_nothing_half_done_when_a_file_cannot_be_written(stepdig, repository):
    root = repository(GOOD | {"statemachines/users-daily.asl.json/in_the_way": ""})
    code, _, err = stepdig("build")
    assert code == 1
    assert "SD005 cannot be written" in err
    assert not [path.name for path in (root / "statemachines").iterdir() if path.name.startswith(".")]


REPOSITORY = Path(__file__).resolve().parents[2]


def shipped_functions() -> set[str]:
    """Return the files of functions/ that git carries, but for the mark of an empty folder."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "functions"]
    listed = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    return {name for name in listed if (REPOSITORY / name).is_file()} - {"functions/.keep"}


def test_init_lays_out_a_folder_that_checks_and_says_what_comes_next(stepdig, repository):
    root = repository({})
    code, out, _ = stepdig("init", "my-batch")
    assert code == 0
    assert "\nNext:\n  cd my-batch\n  stepdig run workflows/hello/hello.dig\n  stepdig check\n" in out
    assert out.endswith("\n  stepdig build\n  sam build && sam deploy --guided\n")
    laid = {path.relative_to(root / "my-batch").as_posix() for path in (root / "my-batch").rglob("*") if path.is_file()}
    functions = {path for path in laid if path.startswith("functions/")}
    assert functions == shipped_functions()
    assert laid - functions == {
        ".gitignore",
        ".vscode/extensions.json",
        ".vscode/settings.json",
        ".vscode/stepdig-job.schema.json",
        ".vscode/stepdig.schema.json",
        "README.md",
        "jobs/default/Dockerfile",
        "jobs/default/job.yml",
        "jobs/default/requirements.txt",
        "samconfig.toml",
        "template.yaml",
        "workflows/hello/hello.dig",
        "workflows/hello/tables.json",
        "workflows/hello/tasks.py",
    }
    assert all(f"my-batch/{path}\n" in out for path in laid)


def test_init_goes_into_a_folder_in_use_only_where_nothing_is_in_the_way(stepdig, repository):
    root = repository({"mine.txt": "x", "README.md": "mine"})
    code, out, err = stepdig("init", ".")
    assert (code, out) == (1, "")
    assert err == "README.md:1:1: SD006 is there already; nothing was written\n1 problem in 1 file\n"
    assert sorted(path.name for path in root.iterdir()) == ["README.md", "mine.txt"]
    (root / "README.md").unlink()
    code, out, _ = stepdig("init", ".")
    assert code == 0
    assert "  cd " not in out


def test_init_lays_beside_workflows_what_deploys_them(stepdig, repository):
    root = repository({"workflows/shop/daily.dig": "+a:\n  echo>: hi\n", "README.md": "mine"})
    code, out, _ = stepdig("init", ".")
    assert code == 0
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {"workflows/shop/daily.dig", "README.md", "template.yaml", "samconfig.toml"} | shipped_functions()
    assert (root / "template.yaml").read_bytes() == (REPOSITORY / "template.yaml").read_bytes()
    assert "sam build && sam deploy --guided" in out
    assert f"To deploy ({DOCUMENTATION}/deploy.md):" in out
    assert stepdig("init", ".")[:2] == (0, "nothing to do: all is as in this version\n")


def test_who_has_the_wheel_alone_is_led_to_pages_that_there_are():
    """The wheel holds no docs/: what init prints and lays names the address that the package gives."""
    package = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert package["urls"]["Documentation"] == DOCUMENTATION
    assert package["version"] == __version__
    assert (REPOSITORY / "docs/deploy.md").is_file()
    for laid in ("samconfig.toml", "template.yaml", "src/stepdig/skeleton/README.md"):
        assert "https://github.com/stepdig/stepdig" in (REPOSITORY / laid).read_text()


def test_init_brings_functions_up_to_date_and_leaves_the_users_files_alone(stepdig, repository):
    root = repository({"workflows/shop/daily.dig": "+a:\n  echo>: hi\n", "template.yaml": "mine"})
    stepdig("init", ".")
    (root / "functions/fail_run/app.py").write_text("old")
    (root / "functions/fail_run/gone.py").write_text("of an older version")
    (root / "functions/own").mkdir()
    (root / "functions/own/app.py").write_text("mine")
    (root / "samconfig.toml").write_text("mine")
    code, out, _ = stepdig("init", ".")
    assert code == 0
    assert out.startswith("functions/fail_run/app.py\nfunctions/fail_run/gone.py removed\n")
    assert (root / "functions/fail_run/app.py").read_bytes() == (REPOSITORY / "functions/fail_run/app.py").read_bytes()
    assert not (root / "functions/fail_run/gone.py").exists()
    for mine in ("template.yaml", "samconfig.toml", "functions/own/app.py"):
        assert (root / mine).read_text() == "mine"


def test_init_refuses_a_file_where_a_folder_must_be(stepdig, repository):
    repository({"taken": "", "other/jobs": ""})
    assert stepdig("init", "taken")[2].startswith("taken:1:1: SD006 is there already")
    assert stepdig("init", "other")[2].startswith("other/jobs")


BAD_JOB = "cpus: 256\nmemory: 1 GB\n"


@pytest.mark.parametrize("verb", ["check", "build"])
def test_mistakes_of_a_job_are_told_once_beside_those_of_workflows(repository, capsys, verb):
    repository({
        "workflows/shop/a.dig": "right\n",
        "workflows/shop/b.dig": "wrong turn\n",
        "jobs/load/job.yml": BAD_JOB,
        "jobs/.cache/job.yml": BAD_JOB,
    })  # fmt: skip
    assert main([verb]) == 1
    told = [line for line in "".join(capsys.readouterr()).splitlines() if ": SD" in line]
    assert told == [
        "jobs/load/job.yml:1:1: SD611 unknown key 'cpus' in 'job.yml'",
        "workflows/shop/b.dig:1:7: SD401 unknown word 'turn'",
    ]


def test_a_job_alone_can_be_wrong_and_is_named_as_the_user_would_type_it(repository, capsys, monkeypatch):
    root = repository({"workflows/shop/a.dig": "right\n", "jobs/load/job.yml": BAD_JOB})
    monkeypatch.chdir(root / "jobs")
    assert main(["check", ".."]) == 1
    assert "load/job.yml:1:1: SD611" in capsys.readouterr().out
