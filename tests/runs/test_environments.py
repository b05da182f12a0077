"""One build, settings by environment: whole runs for each of them, commands as real processes."""

from __future__ import annotations

import json

import pytest

from stepdig.cli import main

MAIN = """
    timezone: Asia/Tokyo
    _export:
      greeting: hello
      region: none
      !include : "config/${env}.dig"
      url: "https://${host}/${env}"
      deep: {inner: {!include : "config/${env}.dig"}}
    !include : "dig/sample.dig"
"""
SAMPLE = """
    +say: {echo>: "${greeting} ${url} ${db.user} ${same} ${env} ${region}"}
    +command: {sh>: 'echo "$greeting $url ${db.user} $same $env $region ${db.pool + 1}"'}
    +check:
      if>: ${env == 'prod'}
      _do:
        +yes: {echo>: production}
      _else_do:
        +no: {echo>: development}
    +each:
      for_each>: {t: "${tables}"}
      _do:
        +state: {echo>: "state ${t} ${db.user}"}
        +command: {sh>: "echo command ${t} ${db.user}"}
    +nearer:
      _export: {host: other}
      +state: {echo>: "state ${url}"}
      +command: {sh>: "echo command ${url}"}
    +deep: {echo>: "state ${deep.inner.host}"}
    +deeper: {sh>: "echo command ${deep.inner.host}"}
    +called:
      call>: sub/called.dig
"""
CALLED = """
    _export:
      !include : "${env}.dig"
    +state: {echo>: "state ${inner} ${host}"}
    +command: {sh>: "echo command ${inner} ${host}"}
"""
DEV = "host: localhost\ndb: {user: me, pool: 1}\ntables: [users]\nsame: 7\n"
PROD = "host: db.example.com\ndb: {user: app, pool: 10}\ntables: [users, orders]\nsame: 7\nregion: tokyo\n"
FILES = {
    "dig_in_sample__dig": SAMPLE,
    "config_in_dev__dig": DEV,
    "config_in_prod__dig": PROD,
    "sub_in_called__dig": CALLED,
    "sub_in_dev__dig": "inner: d\n",
    "sub_in_prod__dig": "inner: p\n",
}
EXPECTED = {
    "dev": [
        "hello https://localhost/dev me 7 dev none", "hello https://localhost/dev me 7 dev none 2", "development",
        "state users me", "command users me", "state https://other/dev", "command https://other/dev",
        "state localhost", "command localhost",
        "state d localhost", "command d localhost",
    ],
    "prod": [
        "hello https://db.example.com/prod app 7 prod tokyo", "hello https://db.example.com/prod app 7 prod tokyo 11",
        "production", "state users app", "command users app", "state orders app", "command orders app",
        "state https://other/prod", "command https://other/prod",
        "state db.example.com", "command db.example.com", "state p db.example.com", "command p db.example.com",
    ],
}  # fmt: skip


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_states_and_commands_have_the_values_of_the_environment(run, environment):
    done = run(MAIN, "--env", environment, **FILES)
    assert done.code == 0
    assert done.output == EXPECTED[environment]


def test_a_laptop_is_dev_and_a_parameter_names_another(run):
    assert run(MAIN, **FILES).output == EXPECTED["dev"]
    assert run(MAIN, "-p", "env=prod", **FILES).output == EXPECTED["prod"]


def test_the_only_environment_needs_no_name_and_several_do(run, tmp_path, capsys):
    one = {"+a": {"echo>": "${x}"}, "_export": None}
    dig = f'_export:\n  !include : "c/${{env}}.dig"\n+a: {json.dumps(one["+a"])}\n'
    assert run(dig, c_in_stg__dig="x: staged\n").output == ["staged"]
    assert run(dig, c_in_prod__dig="x: produced\n").code == 2
    assert main(["run", "w.dig", "--plain"]) == 2
    assert "--env prod|stg" in capsys.readouterr().err
    assert main(["run", "w.dig", "--env", "prd"]) == 2
    assert "env must be one of prod, stg, not \"prd\" (did you mean 'prod'?)" in capsys.readouterr().err


def test_secrets_are_found_in_the_files_of_every_environment(run):
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    files = {f"config_in_{name}__dig": f"{name}: {name}\nkey: {key}\n" for name in ("dev", "prod")}
    dig = '_export:\n  !include : "config/${env}.dig"\n+a: {echo>: hi}\n'
    problems = [event for event in run(dig, **files).events if event["event"] == "problem"]
    assert [(it["path"], it["line"], it["code"]) for it in problems] == [
        ("config/dev.dig", 2, "SD410"),
        ("config/prod.dig", 2, "SD410"),
    ]


def test_help_names_the_environments(run, capsys):
    run(MAIN, **FILES)
    assert main(["run", "w.dig", "--help"]) == 0
    assert "env  one of dev, prod" in capsys.readouterr().out


def test_a_required_workflow_runs_in_the_same_environment(run):
    dig = "+first:\n  require>: other\n+then: {echo>: then}\n"
    other = '_export:\n  !include : "config/${env}.dig"\n+a: {sh>: "echo ${host}"}\n'
    done = run(dig, "--env", "prod", other__dig=other, config_in_dev__dig=DEV, config_in_prod__dig=PROD)
    assert done.code == 0
    assert done.output == ["db.example.com", "then"]


def test_declared_parameters_stand_beside_the_environment(run):
    dig = """
        params:
          days: {type: integer, default: 1}
        _export:
          !include : "config/${env}.dig"
          window: ${days * factor}
        +a: {echo>: "${window} ${env}"}
        +b: {sh>: "echo ${window} ${env}"}
    """
    done = run(
        dig, "--env", "prod", "-p", "days=3", config_in_prod__dig="factor: 10\n", config_in_dev__dig="factor: 1\n"
    )
    assert done.output == ["30 prod", "30 prod"]


def test_a_run_that_goes_on_stays_in_its_environment(run, tmp_path, capsys):
    dig = '_export:\n  !include : "config/${env}.dig"\n+a: {sh>: "[ -e ready ] && echo ${host}"}\n'
    failed = run(dig, "--env", "prod", config_in_dev__dig=DEV, config_in_prod__dig=PROD)
    assert failed.code == 1
    (tmp_path / "ready").touch()
    assert main(["run", "w.dig", "--resume", "--plain"]) == 0
    assert "| db.example.com" in capsys.readouterr().out


def test_what_would_run_is_shown_as_it_is_in_the_environment(run, capsys):
    run(MAIN, "--env", "prod", **FILES)
    assert main(["run", "w.dig", "--env", "prod", "--dry-run"]) == 0
    assert "+command  sh> echo" in (shown := capsys.readouterr().out)
    assert "hello https://db.example.com/prod app 7 prod tokyo" in shown


def test_lists_of_environments_are_one_list_of_which_the_run_has_some(run):
    """Rows in common, a name that stands for different rows, a product, iterations that store: each in its order."""
    dig = """
        _export:
          !include : "config/${env}.dig"
        +names:
          for_each>: {t: "${tables}"}
          _do: {sh>: "echo names ${t}"}
        +rows:
          for_each>: {t: {file: "tables/${env}.json"}}
          _do: {sh>: "echo rows ${t.table} ${t.into}"}
        +both:
          for_each>: {t: "${tables}", n: [1, 2]}
          _do: {echo>: "both ${t} ${n}"}
        +storing:
          for_each>: {t: {file: "tables/${env}.json"}}
          _do:
            +keep: {py>: tasks.keep, x: "${t.into}"}
            +say: {echo>: "storing ${t.table} ${kept}"}
        +together:
          _parallel: true
          for_each>: {t: "${rows}"}
          _do: {echo>: "${t.name}"}
    """
    files = {
        "config_in_dev__dig": "tables: [orders, items]\nrows: []\n",
        "config_in_prod__dig": "tables: [users, orders, items]\nrows: [{name: a}, {name: b}]\n",
        "tables_in_dev__json": '[{"table": "users", "into": "d"}]',
        "tables_in_prod__json": '[{"table": "users", "into": "p"}, {"table": "orders", "into": "q"}]',
        "tasks__py": "import digdag\ndef keep(x):\n    digdag.env.store({'kept': x})\n",
    }
    dev = run(dig, "--env", "dev", **files)
    assert dev.code == 0
    assert dev.output == [
        "names orders", "names items", "rows users d",
        "both orders 1", "both orders 2", "both items 1", "both items 2", "storing users d",
    ]  # fmt: skip
    prod = run(dig, "--env", "prod", **files).output
    assert prod[:5] == ["names users", "names orders", "names items", "rows users p", "rows orders q"]
    assert prod[5:11] == [f"both {table} {number}" for table in ("users", "orders", "items") for number in (1, 2)]
    assert prod[11:13] == ["storing users p", "storing orders q"]
    assert sorted(prod[13:]) == ["a", "b"]


def test_lists_in_different_orders_run_in_the_order_of_each(run):
    dig = '_export:\n  !include : "c/${env}.dig"\n+a:\n  for_each>: {t: "${l}"}\n  _do: {echo>: "${t}"}\n'
    files = {"c_in_dev__dig": "l: [a, b, c]\n", "c_in_prod__dig": "l: [c, a, a]\n"}
    assert run(dig, "--env", "dev", **files).output == ["a", "b", "c"]
    assert run(dig, "--env", "prod", **files).output == ["c", "a", "a"]


def test_digdag_is_told_that_it_cannot(run, capsys):
    run(MAIN, **FILES)
    assert main(["check", "--digdag", "w.dig"]) == 1
    said = capsys.readouterr()
    assert "w.dig:4:3: SD239 not on Digdag: an include of ${env}" in said.out + said.err
