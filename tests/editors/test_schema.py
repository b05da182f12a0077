"""The JSON Schema for editors: accepts what compiles, sees mistakes where it can, is what the repository holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, ValidationError

from stepdig import schema
from stepdig.language import keys, parse
from stepdig.language.job import named
from stepdig.operators import TABLE
from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain
from stepdig.source.tree import load

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft7Validator(schema.document())
GOLDEN = sorted((ROOT / "tests/golden").glob("*/*.dig"))
OURS = [*(ROOT / "workflows").glob("*/*.dig"), *(ROOT / "src/stepdig/skeleton").rglob("*.dig")]
RECORDINGS = json.loads((ROOT / "tests/digdag/recordings.json").read_text())

# What no schema can tell: it knows neither other files nor other places of the file, no expressions and no time zones.
ONLY_THE_COMPILER = {
    *(
        "SD225",
        "SD229",
        "SD232",
        "SD253",
        "SD301",
        "SD406",
        "SD410",
        "SD412",
        "SD442",
        "SD453",
        "SD471",
        "SD481",
        "SD483",
    ),
    *("SD487", "SD490", "SD491", "SD906", "SD907"),
}
# What it sees in at least one of its forms.
SEEN = {
    *(
        "SD208",
        "SD213",
        "SD221",
        "SD222",
        "SD223",
        "SD224",
        "SD226",
        "SD227",
        "SD251",
        "SD254",
        "SD401",
        "SD402",
        "SD404",
    ),
    *(
        "SD407",
        "SD411",
        "SD413",
        "SD419",
        "SD415",
        "SD431",
        "SD451",
        "SD464",
        "SD482",
        "SD484",
        "SD485",
        "SD486",
        "SD488",
    ),
    *("SD489", "SD493", "SD495", "SD905"),
}


def _tree(text: str, path: Path) -> Mapping | None:
    def read(name: str) -> bytes | None:
        file = path.parent / name
        return file.read_bytes() if file.is_file() else None

    return load(text, path.name, read, Problems())


def _said(tree: Mapping | None) -> list[str]:
    return [f"{'/'.join(map(str, it.absolute_path))}: {it.message}" for it in VALIDATOR.iter_errors(plain(tree))]


def test_the_schema_is_one():
    Draft7Validator.check_schema(schema.document())


def test_the_committed_schema_is_what_the_declarations_make():
    assert (ROOT / ".vscode/stepdig.schema.json").read_text() == schema.text(), "run `stepdig schema --vscode .`"
    assert (ROOT / ".vscode/stepdig-job.schema.json").read_text() == schema.job_text(), (
        "run `stepdig schema --vscode .`"
    )


@pytest.mark.parametrize(
    "path", [it for it in GOLDEN if it.with_suffix(".asl.json").exists()] + OURS, ids=lambda path: path.stem
)
def test_what_compiles_is_not_underlined(path):
    assert _said(_tree(path.read_text(), path)) == []


@pytest.mark.parametrize("case", RECORDINGS, ids=lambda case: case["name"])
def test_workflows_of_recordings_are_not_underlined(case):
    """Each recorded workflow that compiles here is right in an editor, its included files put in."""
    files = {"main.dig": case["dig"], **case["files"]}

    def read(name: str) -> bytes | None:
        return files[name].encode() if name in files else None

    try:
        compile_workflow(read, "main.dig", display=str, project="recorded", workflow="main", jobs=named(("default",)))
    except ProblemsFound:
        return
    tree = load(case["dig"], "main.dig", read, Problems())
    assert _said(tree) == []


def _lines(tree: Mapping, error: ValidationError) -> Iterator[int]:
    """Yield the lines where an error of the schema stands: of the key and of its value."""
    node: Node = tree
    key: Scalar | None = None
    for step in error.absolute_path:
        if isinstance(node, Mapping):
            key, node = next((key, value) for key, value in node if str(key.value) == step)
        else:
            assert isinstance(node, Sequence)
            assert isinstance(step, int)
            node = node.items[step]
    yield node.at.line
    if key is not None:
        yield key.at.line
    if error.validator == "additionalProperties" and isinstance(node, Mapping):
        yield from (key.at.line for key, _ in node if f"'{key.value}'" in error.message)
    if error.validator is None and isinstance(
        node, Mapping
    ):  # a key that is refused; jsonschema leaves it out of the path
        yield from (key.at.line for key, value in node if plain(value) == error.instance)


def test_mistakes_are_underlined_where_a_schema_can_see_them():
    """At the line where the compiler notes a mistake of these codes the schema has an error too, or never has one."""
    seen: set[str] = set()
    for path in GOLDEN:
        expected = path.with_suffix(".problems.txt")
        tree = _tree(path.read_text(), path) if expected.exists() else None
        if tree is None:
            continue
        lines = {line for error in VALIDATOR.iter_errors(plain(tree)) for line in _lines(tree, error)}
        text = expected.read_text()
        for line, code in re.findall(rf"^{re.escape(path.name)}:(\d+):\d+: (SD\d+)", text, re.MULTILINE):
            if int(line) in lines:
                seen.add(code)

    assert seen >= SEEN
    assert not seen & ONLY_THE_COMPILER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+a: {shh>: x}", "there is no such operator"),
        ("+a: {td>: x}", "td> is not here"),
        ("+a: {sh>: x, py>: t.f}", "a task has one operator"),
        ("+a: {sh>: x, +b: {echo>: y}}", "no tasks below it"),
        ("+a: {+b c: {echo>: y}}", "a task's name"),
        ("+a: {loop>: 3}", "'_do' is a required property"),
        ("+a: {parallel: true}", "'parallel' does not match"),
        ("+a: {echo>: x}\n_background: true", "'_background' does not match"),
        ("+a: {echo>: x, _retry: {limt: 3}}", "'limt' was unexpected"),
        ("+a: {if>: true, _do: [1]}", "is not of type 'object'"),
        ("+a: {param_get>: , x: [1]}", "is not of type"),
        ("schedule: {dayly>: 07:00:00}\n+a: {echo>: x}", "'dayly>' was unexpected"),
        ("params: {days: {typ: integer}}\n+a: {echo>: x}", "'typ' was unexpected"),
    ],
)
def test_a_mistake_is_underlined(text, said):
    errors = list(VALIDATOR.iter_errors(plain(_tree(text, ROOT / "x.dig"))))
    words = [it.message for it in errors] + [str(around) for it in errors if isinstance(around := _around(it), dict)]
    assert any(said in it for it in words), words


def _around(error: ValidationError) -> object:
    """Return the schema that holds the failing one: where `false` is refused the words stand around it."""
    found: object = VALIDATOR.schema
    for step in list(error.absolute_schema_path)[: -1 if error.validator is None else -2]:
        found = found[step]  # type: ignore[index]
        if isinstance(found, dict) and "$ref" in found:
            found = VALIDATOR.schema["definitions"][found["$ref"].rpartition("/")[2]]
    return found


def test_part_of_a_workflow_may_hold_anything():
    """A file for `!include` has no task and is not underlined."""
    assert _said(_tree("mysql: {host: db}\nsh>: x\n", ROOT / "x.dig")) == []


def test_the_keys_of_parse_are_declared():
    """The compiler and the declarations agree which keys there are."""
    assert {it.name for it in (*keys.TOP, *keys.TOP_IDLE)} == {*parse.TOP_KEYS, "_env", "_timeout", "params"}
    assert {it.name for it in (*keys.GROUP, *keys.GROUP_IDLE)} == set(parse.GROUP_KEYS)
    for name, bodies in parse.BODIES.items():
        if name in TABLE:
            assert set(bodies) <= {it.name for it in TABLE[name].options}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_declaration_has_help_of_one_line(name):
    it = TABLE[name]
    for option in it.options:
        assert option.help, option.name
        assert "\n" not in option.help
        assert not option.help.endswith("."), option.name
    assert len({option.name for option in it.options}) == len(it.options)
