"""`stepdig schema` prints the schema, or writes it beside the settings an editor needs."""

from __future__ import annotations

import json

from stepdig import schema
from stepdig.cli import main
from stepdig.commands.schema import FILE, JOB_FILE, settings


def test_it_prints_the_schema(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.document()


def test_it_prints_the_schema_of_jobs(capsys):
    assert main(["schema", "--job"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.job_document()


def test_it_writes_what_vs_code_needs_and_again_only_the_schema(tmp_path, capsys):
    assert main(["schema", "--vscode", str(tmp_path)]) == 0
    first = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / ".vscode").iterdir()) == [
        "extensions.json",
        "settings.json",
        "stepdig-job.schema.json",
        "stepdig.schema.json",
    ]
    named = json.loads((tmp_path / ".vscode/settings.json").read_text())["yaml.schemas"]
    assert all((tmp_path / path).is_file() for path in named)
    assert len(first.splitlines()) == 4

    (tmp_path / ".vscode/stepdig.schema.json").write_text("old")
    assert main(["schema", "--vscode", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "".join(f"{tmp_path}/{name}\n" for name in (FILE, JOB_FILE))
    assert (tmp_path / ".vscode/stepdig.schema.json").read_text() == schema.text()


def test_settings_of_others_are_left_alone_and_told_what_to_add(tmp_path, capsys):
    (tmp_path / ".vscode").mkdir()
    mine = '{\n  // mine\n  "editor.tabSize": 2\n}\n'
    (tmp_path / ".vscode/settings.json").write_text(mine)
    assert main(["schema", "--vscode", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert (tmp_path / ".vscode/settings.json").read_text() == mine
    assert "settings.json is there already. Put into it:\n" + settings()[".vscode/settings.json"] in out


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["schema", "--vscode", str(tmp_path / "taken")]) == 1
    assert "SD005 cannot be written" in capsys.readouterr().err
