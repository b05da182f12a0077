"""Declared inputs, `only`, sizes and the names of project and workflow in whole runs: states and commands agree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from stepdig.local.engine import Engine
from stepdig.local.integrations import Integrations
from stepdig.pipeline import compile_workflow

DECLARED = """
params:
  n: {type: integer, default: 2}
  env: {values: [dev, prod], default: dev}
  since: {type: date, default: "${session_date}"}
  tables: {type: list, default: [users]}
  options: {type: object, default: {keep: 3, name: "${env}_x"}}
  note: {type: string, required: false}
+t: {OPERATOR}
"""
SHOWN = "${n + 1} ${env} ${since} ${tables.length} ${options.keep} ${options.name} <${note}>"

GIVEN = {
    "defaults": ([], "3 dev 2026-11-20 1 3 dev_x <>"),
    "texts of -p become the declared types": (
        ["-p", "n=41", "-p", "env=prod", "-p", "since=2026-01-31", "-p", "tables=a, b"], "42 prod 2026-01-31 2 3 prod_x <>",
    ),
    "JSON of -p": (["-p", 'tables=["a","b","c"]', "-p", 'options={"keep": 9}'], "3 dev 2026-11-20 3 9 dev_x <>"),
    "dots of -p nest, objects merge": (["-p", "options.name=mine", "-p", "note=hi"], "3 dev 2026-11-20 1 3 mine <hi>"),
}  # fmt: skip


@pytest.mark.parametrize("operator", ["echo>: 'x=TEXT'", "sh>: 'echo \"x=TEXT\"'"])
@pytest.mark.parametrize("case", GIVEN)
def test_given_values_and_defaults(run: Callable[..., Any], case: str, operator: str) -> None:
    """A state of the machine and a command see the same values, with their declared types."""
    arguments, expected = GIVEN[case]

    done = run(DECLARED.replace("OPERATOR", operator.replace("TEXT", SHOWN)), *arguments)

    assert done.code == 0
    assert f"x={expected}" in done.output


@pytest.mark.parametrize("operator", ["echo>: 'x=${x}'", "sh>: 'echo \"x=$x\"'"])
@pytest.mark.parametrize(
    ("dig", "arguments", "expected"),
    [
        ("params: {x: top}\n+t: {op}", [], "top"),
        ("params: {x: top}\n+t: {op}", ["-p", "x=given"], "given"),
        ("params: {x: top}\n+t:\n  _export: {x: own}\n  op_", ["-p", "x=given"], "own"),
        ("params: {x: top}\n+s: {py>: s.store}\n+t: {op}", ["-p", "x=given"], "stored"),
        ("params: {x: top}\n+c: {call>: c}", [], "top"),
        ("+c: {call>: c}", [], "called"),
        ("+c: {call>: c}", ["-p", "x=given"], "given"),
        ("+c:\n  _export: {x: exported}\n  call>: c", ["-p", "x=given"], "exported"),
        ("params: {x: '${workflow_name}', workflow_name: mine}\n+t: {op}", [], "mine"),
    ],
)
def test_defaults_are_the_weakest(
    run: Callable[..., Any], dig: str, arguments: list[str], expected: str, operator: str
) -> None:
    """Given values beat defaults, everything of the workflow beats both, a called file's defaults are the weakest."""
    text = dig.replace("op_", operator).replace("{op}", "{" + operator + "}")
    files = {
        "s__py": "import digdag\ndef store():\n    digdag.env.store({'x': 'stored'})\n",
        "c__dig": f"params: {{x: called}}\n+t: {{{operator}}}\n",
    }

    done = run(text, *arguments, **files)

    assert f"x={expected}" in done.output


@pytest.mark.parametrize("operator", ["echo>: 'x=${workflow_name}'", "sh>: 'echo \"x=$workflow_name\"'"])
@pytest.mark.parametrize(
    ("dig", "arguments", "expected"),
    [
        ("+t: {op}", [], "w"),
        ("+t: {op}", ["-p", "workflow_name=given"], "given"),
        ("_export: {workflow_name: exported}\n+t: {op}", ["-p", "workflow_name=given"], "exported"),
        ("+s: {py>: s.store}\n+t: {op}", [], "stored"),
    ],
)
def test_names_of_ours_are_weaker_than_the_users(
    run: Callable[..., Any], dig: str, arguments: list[str], expected: str, operator: str
) -> None:
    """A Digdag file with a parameter of that name runs unchanged."""
    store = "import digdag\ndef store():\n    digdag.env.store({'workflow_name': 'stored'})\n"

    done = run(dig.replace("{op}", "{" + operator + "}"), *arguments, s__py=store)

    assert f"x={expected}" in done.output


TYPED = """
params:
  since: {type: date, default: 2026-11-20}
  note: {required: false}
  n: 1.5
  flag: false
  l: [3, 1, 2]
  o: {type: object, default: {a: {b: 1}}}
+t: {OPERATOR: "x=TEXT"}
"""
READ = [
    "${since == '2026-11-20'} ${since > '2026-01-01'} ${since.substring(0,4)} ${since + 'x'} ${since.length} ${typeof since}",
    "${moment(since).add(1,'days').format('YYYY-MM-DD')}",
    "${note === null} <${note}> ${typeof n} ${n * 2} ${flag ? 'y' : 'n'}",
    "${l.length} ${l[0] + l[1]} ${l.slice().sort().join('-')} ${o.a.b + 1} <${o.x}> ${typeof o.a.zz}",
]


@pytest.mark.parametrize(
    "arguments", [[], ["-p", "since=2026-01-31", "-p", "n=1", "-p", "flag=true", "-p", "l=5,6", "-p", "o.a.b=7"]]
)
@pytest.mark.parametrize("text", READ)
def test_states_and_commands_read_the_same_types(run: Callable[..., Any], text: str, arguments: list[str]) -> None:
    """What the translation knows of a declared type is what the runner has."""
    dig = TYPED.replace("TEXT", text)

    echoed = run(dig.replace("OPERATOR", "echo>"), *arguments)
    printed = run(dig.replace("OPERATOR", "sh>").replace('"x=', "\"echo 'x=").replace('"}\n', "'\"}\n"), *arguments)

    assert (echoed.code, printed.code) == (0, 0)
    assert echoed.output == printed.output


SHOP = '[{"table": "users", "kind": "a"}, {"table": "orders", "kind": "b"}, {"table": "items", "kind": "c"}]'
LOOPS = {
    "one after another": "+l:\n  for_each>: {t: {file: shop.json}}\n  _do: {DO}",
    "in parallel": "+l:\n  for_each>: {t: {file: shop.json}}\n  _parallel: true\n  _do: {DO}",
    "child executions": "+l:\n  for_each>: {t: {file: shop.json}}\n  _parallel: {limit: 50}\n  _do: {DO}",
    "in a circle": "+l:\n  for_each>: {t: {file: shop.json}}\n  _do:\n    +s: {py>: s.store}\n    +x: {DO}",
    "inside another list": (
        "+o:\n  for_each>: {r: [1, 2]}\n  _parallel: {limit: 50}\n  _do:\n    +l:\n      for_each>: {t: {file: shop.json}}\n"
        "      _do: {DO}"
    ),
    "an inline list beside params:": "params: {}\n+l:\n  for_each>: {t: [{table: users}, {table: orders}]}\n  _do: {DO}",
}
STORE = "import digdag\ndef store():\n    digdag.env.store({'rows': 1})\n"


@pytest.mark.parametrize("operator", ["echo>: 'x=${t.table}'", "sh>: 'echo x=${t.table}'"])
@pytest.mark.parametrize("case", LOOPS)
def test_only_some_rows(run: Callable[..., Any], case: str, operator: str) -> None:
    """Whatever kind of loop it becomes, only the rows that are named run, with their own names and columns."""
    done = run(LOOPS[case].replace("DO", operator), "-p", "only=orders", shop__json=SHOP, s__py=STORE)

    assert done.code == 0
    assert {line for line in done.output if line.startswith("x=")} == {"x=orders"}
    assert not [name for name in done.states if "users" in name]


def test_only_by_list(run: Callable[..., Any]) -> None:
    """With several lists, `only.NAME` narrows one of them."""
    dig = """
        +a: {for_each>: {t: {file: shop.json}}, _do: {echo>: 'a=${t.table}'}}
        +b: {for_each>: {t: {file: shop.json}, k: [x, y]}, _do: {echo>: 'b=${t.table}${k}'}}
    """

    done = run(dig, "-p", "only.a=users", "-p", "only.t=items", shop__json=SHOP)

    assert [line for line in done.output if "=" in line] == ["a=users", "b=itemsx", "b=itemsy"]


def test_only_belongs_to_digdag_elsewhere(run: Callable[..., Any]) -> None:
    """In a workflow of Digdag, and in one that declares it, `only` is a parameter like any other."""
    plain = "+l: {for_each>: {t: [users, orders]}, _do: {echo>: 'x=${t} ${only}'}}"
    declared = "params: {only: ''}\n+l: {for_each>: {t: {file: shop.json}}, _do: {echo>: 'x=${t.table} ${only}'}}"

    assert run(plain, "-p", "only=users").output == ["x=users users", "x=orders users"]
    assert len(run(declared, "-p", "only=users", shop__json=SHOP).output) == 3


def _execution(text: str, given: object) -> tuple[str, str]:
    """Return how an execution of the machine ends that something else than our command line started."""
    made = compile_workflow(
        {"w.dig": text.encode(), "shop.json": SHOP.encode()}.get,
        "w.dig",
        display=str,
        project="p",
        workflow="w",
        jobs=None,
    )

    async def go() -> tuple[str, str]:
        async with Engine(integrations=Integrations()) as engine:
            execution = await engine.start(json.loads(made.definition_text), given, "night-1", "p-w").wait()
            return execution.status, execution.cause or ""

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n": 3, "region": "jp"}, ""),
        ({"n": "3", "region": "jp", "only": ["users"]}, ""),
        ({"n": "three", "region": "jp"}, "n must be a whole number, not three"),
        ({"region": "eu"}, "region must be one of jp, us, not eu"),
        ({"region": "jp", "nn": 1}, "there is no parameter nn (known: n, region)"),
        ({}, "region must be given"),
        ({"region": "jp", "only": "usres"}, "there is no usres in +l (users, orders, items)"),
    ],
)
def test_the_machine_refuses_by_itself(params: object, words: str) -> None:
    """An execution started with wrong parameters fails in its first state and says why."""
    dig = """
params: {n: 1, region: {values: [jp, us]}}
+t: {echo>: '${n + 1}'}
+l: {for_each>: {t: {file: shop.json}}, _do: {echo>: '${t}'}}
"""

    status, cause = _execution(dig, {"params": params})

    assert (status == "FAILED") == bool(words)
    assert words in cause


def test_sizes_mean_nothing_on_a_laptop(run: Callable[..., Any]) -> None:
    """Sizes are checked and computed, also those of rows without one; the command runs as ever."""
    dig = """
        +l:
          for_each>: {t: [{table: users, memory: 2 GB}, {table: orders}]}
          _do: {sh>: 'echo ${t.table}', ecs: {memory: '${t.memory}', cpu: 1024}}
    """

    assert run(dig).output == ["users", "orders"]


def test_a_size_that_the_run_gives_is_checked(run: Callable[..., Any]) -> None:
    """A wrong size fails its task with words of ours, which _error hears."""
    dig = """
        +t:
          sh>: echo hi
          ecs: {memory: '${size}'}
          _error: {echo>: 'heard ${error.message}'}
    """

    done = run(dig, "-p", "size=big")

    assert done.code == 1
    assert any(
        "heard" in line and "the memory of +t must be a size such as 2048 or 2 GB" in line for line in done.output
    )
