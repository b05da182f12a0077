"""Elements of lists that only the run knows, too long for a container's override: commands find them in S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PY = """
import digdag
def store(n, size):
    digdag.env.store({"rows": [{"id": f"r{i}", "text": "x" * size} for i in range(n)]})
"""


def test_a_long_element_reaches_the_command_whole(run: Callable[..., Any]) -> None:
    found = run(
        """
        +list:
          py>: m.store
          n: 3
          size: 5000
        +each:
          for_each>: {row: "${rows}", kind: [a, b]}
          _parallel: true
          _do:
            +show:
              sh>: echo ${row.id} ${kind} $(printf %s "${row.text}" | wc -c)
        """,
        m__py=PY,
    )

    assert found.code == 0
    lines = sorted(found.output)
    assert lines == [f"r{n} {kind} 5000" for n in range(3) for kind in "ab"]


def test_lists_in_lists_and_lists_in_turn(run: Callable[..., Any]) -> None:
    found = run(
        """
        +list:
          py>: m.store
          n: 2
          size: 3000
        +outer:
          for_each>: {a: "${rows}"}
          _do:
            +inner:
              for_each>: {b: "${rows}"}
              _parallel: true
              _do:
                +show:
                  sh>: echo ${a.id} ${b.id} $(printf %s "${a.text}${b.text}" | wc -c)
        """,
        m__py=PY,
    )

    assert found.code == 0
    assert sorted(found.output) == [f"r{a} r{b} 6000" for a in range(2) for b in range(2)]


def test_a_list_too_long_for_a_state_fails_with_our_words(run: Callable[..., Any]) -> None:
    found = run(
        """
        +list:
          py>: m.store
          n: 1700
          size: 10
        +each:
          for_each>: {row: "${rows}"}
          _parallel: true
          _do:
            +show:
              sh>: echo ${row.id}
        """,
        m__py=PY,
    )

    assert found.code == 1
    assert "the list of +each is too long" in str(found.events)


def test_a_list_that_the_run_makes_inside_a_list_that_the_file_names(run: Callable[..., Any]) -> None:
    found = run(
        """
        +list:
          py>: m.store
          n: 2
          size: 3000
        +outer:
          for_each>: {t: {file: tables.csv}}
          _parallel: true
          _do:
            +inner:
              for_each>: {row: "${rows}"}
              _parallel: true
              _do:
                +show:
                  sh>: echo ${t.table} ${row.id} $(printf %s "${row.text}" | wc -c)
        """,
        m__py=PY,
        tables__csv="table,where\nusers,x\norders,y\n",
    )

    assert found.code == 0
    assert sorted(found.output) == [f"{t} r{n} 3000" for t in ("orders", "users") for n in range(2)]
