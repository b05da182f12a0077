"""P2, P3, P5, P22, P23: what travels to a task, between tasks, and out of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pains_bucket import bucket_of_a_role
from pains_project import ROOT, Project

OVERRIDE_CHARS = 8192


def test_p02_configuration_never_reaches_the_override(project: Project) -> None:
    """WealthNavi: included configuration went to the container as environment variables, and broke RunTask's 8,192 characters.

    Here it is ten times as long, the command longer than an override by itself, and rows that only the run knows are too:
    every task is given less than half of what RunTask takes, and reads all of it.
    """
    settings = {f"key_{number:03}": f"value {number} " * 20 for number in range(400)}
    assert len(json.dumps(settings)) > 10 * OVERRIDE_CHARS
    script = "# " + "a long script " * 700
    project.write(
        {
            "config/prod.dig": json.dumps(settings),
            "rows.py": """
                import digdag
                def make():
                    digdag.env.store({"rows": [{"n": number, "text": "x" * 9000} for number in range(3)]})
            """,
            "night.dig": f"""
                _export:
                  !include : 'config/${{env}}.dig'
                +long:
                  sh>: |
                    {script}
                    echo "$key_399"
                +make: {{py>: rows.make}}
                +each:
                  for_each>: {{row: "${{rows}}"}}
                  _do:
                    +read: {{sh>: 'printf "%s %s\\n" "${{row.n}}" "${{row.text}}" | wc -c'}}
            """,
        }
    )
    run = project.run("night.dig", "--env", "prod")
    assert run.code == 0, run.text
    assert run.lines[0].strip() == settings["key_399"].strip()
    assert [int(line) for line in run.lines[1:]] == [9003] * 3
    sizes = [len(text) for text in project.overrides(run)]
    assert len(sizes) == 5
    assert max(sizes) < OVERRIDE_CHARS / 2


def test_p03_a_task_that_outlives_every_credential_keeps_its_output(tmp_path: Path) -> None:
    """WealthNavi: a task that ran for more than the ten minutes of a pre-signed URL lost what it had made.

    While this task's command runs, the credentials that it began with run out: S3 refuses them from then on. The runner asks for
    those of the task's role again, as any program in ECS does, and its output arrives. Nothing that it was given is a URL.
    """
    with bucket_of_a_role() as role:
        role.put(
            "archives/0123.zip", role.archive("import digdag\ndef long(): digdag.env.store(rows=42)\n", role.expire)
        )
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "src"),
            "STEPDIG_TASK": "wf +t",
            "STEPDIG_RUN": json.dumps(
                {
                    "prefix": "runs/wf/1",
                    "archive": "archives/0123.zip",
                    "params": {},
                    "loop": {},
                    "session_time": "2026-11-20T00:00:00+09:00",
                }
            ),
            **role.environ,
        }
        done = subprocess.run(
            [sys.executable, "-m", "stepdig.runner"],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(role.objects["runs/wf/1/+t/output.json"])["store_params"] == {"rows": 42}
        assert role.handed_out >= 2, "the credentials of the beginning would not have done"
        assert role.refused == 0
    assert "http" not in environ["STEPDIG_RUN"] + environ["STEPDIG_TASK"]


def test_p22_an_optional_where_just_works(project: Project) -> None:
    """Vega: `where` of the table list is optional, but Embulk rejects an empty string, so every table got `where: 1 = 1`.

    One row here has a condition, one has none. The Embulk of this test rejects what the real one does: a `where` that is an
    empty text. A row without gives a key without a value, which YAML reads as no condition.
    """
    embulk = """
        #!/usr/bin/env python3
        import sys
        text = open(sys.argv[-1]).read()
        where = [line.partition(":")[2].strip() for line in text.splitlines() if line.strip().startswith("where")]
        if where and where[0] in ("''", '""'):
            sys.exit("Embulk: where must not be empty")
        table = [line.partition(":")[2].strip() for line in text.splitlines() if line.strip().startswith("table")]
        print(*table, "where", *where)
    """
    project.write(
        {
            "workflows/hoge/sync.dig": """
                +sync:
                  for_each>: {t: {file: source_table/hoge.json}}
                  _do:
                    +load: {embulk>: hoge.yml, ecs: {job: embulk}}
            """,
            "workflows/hoge/source_table/hoge.json": '[{"table": "users"}, {"table": "orders", "where": "id > 7"}]',
            "workflows/hoge/hoge.yml": "in:\n  type: mysql\n  table: ${t.table}\n  where: ${t.where}\nout: {type: stdout}\n",
            "jobs/embulk/bin/embulk": embulk.lstrip("\n"),
        }
    )
    program = project.folder / "jobs/embulk/bin/embulk"
    program.chmod(0o755)
    run = project.run("workflows/hoge/sync.dig")
    assert run.code == 0, run.text
    assert [line.rstrip() for line in run.lines] == ["users where", "orders where id > 7"]


@pytest.mark.parametrize("machine", ["America/New_York", "UTC", ""])
def test_p23_the_zone_of_the_workflow_reaches_each_task(project: Project, machine: str) -> None:
    """Vega: a container with the wrong `TZ` shifted every timestamp in the warehouse.

    Whatever the machine's own zone is, a task's is the workflow's, for commands, Python and Ruby alike; a task may ask
    for another one.
    """
    project.write(
        {
            "zone.dig": """
                timezone: Asia/Tokyo
                +shell: {sh>: 'date -d @0 +%H:%M'}
                +python: {py>: zone.tell}
                +other: {sh>: 'date -d @0 +%H:%M', _env: {TZ: Europe/London}}
            """,
            "zone.py": "import time\ndef tell(): print(time.strftime('%H:%M', time.localtime(0)))\n",
        }
    )
    run = project.run("zone.dig", **({"TZ": machine} if machine else {}))
    assert run.code == 0, run.text
    assert run.lines == ["09:00", "09:00", "01:00"]
