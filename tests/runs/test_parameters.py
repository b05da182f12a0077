"""Parameters mean the same in a state of the machine (`echo>`) and in a command (`sh>`), whatever layer they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

STORE = """
import digdag
def store(**given):
    digdag.env.store(given.get("what", {"x": "stored"}))
"""

LAYERS = {
    "-p is weakest": ("+t: {op}", ["-p", "x=cli"], "cli"),
    "an export beats -p": ("_export: {x: top}\n+t: {op}", ["-p", "x=cli"], "top"),
    "the nearest export wins": ("_export: {x: top}\n+g:\n  _export: {x: group}\n  +t: {op}", [], "group"),
    "the task's own export": ("_export: {x: top}\n+t:\n  _export: {x: own}\n  {op_}", [], "own"),
    "a store beats the export of its scope": ("_export: {x: top}\n+s: {py>: s.store}\n+t: {op}", [], "stored"),
    "an inner export beats an outer store": (
        "+s: {py>: s.store}\n+g:\n  _export: {x: group}\n  +t: {op}", [], "group",
    ),
    "a store inside a group beats the group's export": (
        "+g:\n  _export: {x: group}\n  +s: {py>: s.store}\n  +t: {op}", [], "stored",
    ),
    "a store inside a group is seen after it": ("+g:\n  +s: {py>: s.store}\n+t: {op}", [], "stored"),
    "exports are lazy": ("_export: {y: in, x: '${y}'}\n+g:\n  _export: {y: out}\n  +t: {op}", [], "out"),
    "dots of -p nest": ("+t: {op}", ["-p", "x.y=1"], '{"y":"1"}'),
    "a loop variable beats the export of _do": (
        "+l:\n  for_each>: {x: [item]}\n  _do:\n    _export: {x: mine}\n    +t: {op}", [], "item",
    ),
    "an optional column": ("+l:\n  for_each>: {t: [{a: 1}]}\n  _do:\n    _export: {x: '[${t.where}]'}\n    +t: {op}", [], "[]"),
    "session variables": ("_export: {x: '${session_date_compact}'}\n+t: {op}", [], "20261120"),
}  # fmt: skip


@pytest.mark.parametrize("operator", ["echo>: 'x=${x}'", "sh>: 'echo \"x=${x}\"'", "sh>: 'echo \"x=$x\"'"])
@pytest.mark.parametrize("case", LAYERS)
def test_layers(run: Callable[..., Any], case: str, operator: str) -> None:
    """Each rule of precedence holds in the machine and in the command alike."""
    dig, arguments, expected = LAYERS[case]
    text = dig.replace("{op_}", operator).replace("{op}", "{" + operator + "}")
    if case == "dots of -p nest" and "${x}" in operator and operator.startswith("sh"):
        pytest.skip("the shell takes the quotes of the JSON text")

    done = run(text, *arguments, s__py=STORE)

    assert done.code == 0
    assert f"x={expected}" in done.output


def test_stores_of_parallel_tasks_merge_in_the_order_written(run: Callable[..., Any]) -> None:
    """The later declared task wins, whatever ended last, and objects merge."""
    dig = """
        +g:
          _parallel: true
          +a: {py>: s.store, what: {k: a, o: {a: 1}}}
          +b: {py>: s.store, what: {k: b, o: {b: 2}}}
        +e: {echo>: "${k} ${o.a} ${o.b}"}
        +s: {sh>: 'echo "sh $k ${o.a} ${o.b}"'}
    """

    done = run(dig, s__py=STORE)

    assert done.output == ["b 1 2", "sh b 1 2"]


def test_sequential_iterations_see_earlier_stores(run: Callable[..., Any]) -> None:
    """An iteration builds on what the one before stored, in commands and in the machine."""
    grow = """
        import digdag
        def grow(i):
            digdag.env.store({"total": digdag.env.params.get("total", "") + str(i)})
    """
    dig = """
        +l:
          loop>: 3
          _do:
            +a: {py>: s.grow}
            +e: {echo>: "${total}"}
        +end: {sh>: "echo end $total"}
    """

    done = run(dig, s__py=grow)

    assert done.output == ["0", "01", "012", "end 012"]


def test_the_workflows_zone_reaches_commands(run: Callable[..., Any]) -> None:
    """`TZ` is the workflow's timezone unless the task sets it."""
    dig = """
        timezone: Asia/Tokyo
        +a: {sh>: "echo $TZ"}
        +b: {sh>: "echo $TZ", _env: {TZ: UTC}}
    """

    assert run(dig).output == ["Asia/Tokyo", "UTC"]
