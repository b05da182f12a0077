"""Columns that no row of a known list has are told; whoever asks for them, or may add them, is let pass."""

from __future__ import annotations

import json

import pytest

from stepdig.language.job import named
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound

ROWS = [{"table": "users", "db": "shop", "tags": ["a"]}, {"table": "orders", "where": "paid"}]
FILES = {
    "rows.json": json.dumps(ROWS).encode(),
    "rows.csv": b"table,db\nusers,shop\n",
    "pairs.yml": b"- [a, b]\n- {table: x}\n",
    "sub/load.dig": b"+run:\n  sh>: load ${t.tabel} ${t.db}\n",
    "load.yml": b"in: {type: file, path: '${t.tabel}'}\n",
    "tasks.py": b"def main():\n    pass\n",
}


def problems(text: str) -> list[str]:
    """Return the problems of a workflow, as place, code, text and hint."""
    files = {**FILES, "w.dig": text.encode()}
    try:
        compile_workflow(
            files.get,
            "w.dig",
            display=lambda it: it,
            project="p",
            workflow="w",
            jobs=named(("default",)),
            files=lambda: (),
        )
    except ProblemsFound as found:
        return [f"{it.at} {it.code} {it.text} | {it.hint}" for it in found.problems]
    return []


def loop(template: str, rows: str = "{file: rows.json}", operator: str = "sh") -> str:
    return f"+l:\n  for_each>:\n    t: {rows}\n  _do:\n    +x:\n      {operator}>: >-\n        {template}\n"


@pytest.mark.parametrize("operator", ["sh", "echo"])
@pytest.mark.parametrize(
    ("template", "rows", "said"),
    [
        ("${t.tabel}", "{file: rows.json}", "w.dig:7:11 SD780 no row of 't' has the column 'tabel' | "),
        ("a ${t.tabel}", "{file: rows.csv}", "w.dig:7:13 SD780 no row of 't' has the column 'tabel' | "),
        ("${t['tabel'] + 1}", "[{table: users}]", "w.dig:7:11 SD780 no row of 't' has the column 'tabel' | did you"),
        ("${t.name}", "[users, orders]", "w.dig:7:11 SD780 the rows of 't' are texts, which have no columns such as 'name' | "),
        ("${t.tabel == 'a' ? 1 : 2}", "{file: rows.json}", "w.dig:7:11 SD780 no row of 't' has the column 'tabel' | did you"),
        ("${'a' + [t.tabel].join()}", "{file: rows.json}", "w.dig:7:18 SD780 no row of 't' has the column 'tabel' | did you"),
        ("${t.tabel.trim()}", "{file: rows.json}", "w.dig:7:11 SD780 no row of 't' has the column 'tabel' | did you"),
        ("${typeof t.tabel.y}", "{file: rows.json}", "w.dig:7:18 SD780 no row of 't' has the column 'tabel' | did you"),
    ],
)  # fmt: skip
def test_a_column_that_no_row_has_is_told_with_those_there_are(
    operator: str, template: str, rows: str, said: str
) -> None:
    found = problems(loop(template, rows, operator))

    assert [it[: len(said)] for it in found] == [said]


@pytest.mark.parametrize("operator", ["sh", "echo"])
@pytest.mark.parametrize(
    "template",
    [
        "${t.table} ${t.db} ${t.where} ${t.tags.length} ${JSON.stringify(t)} ${t.length} ${t.toString()}",
        "${t.x || ''} ${(t.x || t.y || {}).z}",
        "${typeof t.x} ${typeof t.x === 'undefined' ? 'd' : t.x}",
        "${t.x ? t.x : 1} ${!t.x} ${!(t.x || t.y)} ${Boolean(t.x)}",
        "${t.x && t.x.length} ${t.x == null ? 1 : t.x} ${t.x !== undefined} ${'' == t.x}",
        "${'x' in t ? t.x : 1}",
        "${s.x}",
        "${t.group} ${t.x} ${t['share']}",
    ],
)
def test_who_asks_whether_a_column_is_there_and_an_optional_column_are_let_pass(operator: str, template: str) -> None:
    if operator == "echo" and ("in t" in template or "s.x" in template or "toString" in template):
        operator = "sh"  # states do not evaluate these
    assert problems(loop(template, operator=operator)) == []


@pytest.mark.parametrize(
    "text",
    [
        "_export: {t: {x: 1}}\n" + loop("${t.x}"),
        loop("${t.x}").replace("_do:\n", "_do:\n    _export: {t: {x: 1}}\n"),
        loop("${t.x}").replace("+x:\n", "+x:\n      t: {x: 1}\n"),
        loop("${t.x}").replace("    +x:\n", "    +p:\n      py>: tasks.main\n    +x:\n"),
        "+p:\n  py>: tasks.main\n+l:\n  for_each>: {t: '${stored}'}\n  _do:\n    sh>: load ${t.x}\n",
        loop("${t.x}", rows="{file: pairs.yml}").replace("{file: pairs.yml}", "[[a, b], {table: x}]"),
        "+l:\n  for_each>: {t: {file: rows.json}}\n  _do:\n    +e:\n      embulk>: load.yml\n",
        "_export: {path: '${t.x}'}\n" + loop("${path}"),
    ],
)
def test_what_else_may_add_the_column_is_let_pass(text: str) -> None:
    assert problems(text) == []


def test_a_called_file_is_told_where_it_is_wrong() -> None:
    text = "+l:\n  for_each>: {t: {file: rows.json}}\n  _do:\n    call>: sub/load\n"
    assert [it.partition(" | ")[0] for it in problems(text)] == [
        "sub/load.dig:2:15 SD780 no row of 't' has the column 'tabel'"
    ]


def test_the_inner_loop_hides_the_variable_of_the_outer() -> None:
    inner = "+i:\n          for_each>: {t: [{tabel: a}]}\n          _do:\n            sh>: load ${t.tabel} ${t.table}\n"
    text = loop("").partition("    +x:")[0] + "    +g:\n        " + inner
    assert [it.partition(" | ")[0] for it in problems(text)] == [
        "w.dig:9:36 SD780 no row of 't' has the column 'table'"
    ]
