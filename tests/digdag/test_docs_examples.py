"""The examples of Digdag's own documentation, typed in: each compiles, or is refused for the reasons its second line names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from stepdig import schema
from stepdig.language.job import named
from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound
from stepdig.source.nodes import plain
from stepdig.source.tree import load

FOLDER = Path(__file__).parent / "docs_examples"
EXAMPLES = [path for path in sorted(FOLDER.glob("*.dig")) if "# expect:" in path.read_text()]
VALIDATOR = Draft7Validator(schema.document())


def _read(path: str) -> bytes | None:
    file = FOLDER / path
    return file.read_bytes() if file.is_file() else None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_the_documentation_means_what_is_expected(path):
    expected = path.read_text().split("\n")[1].removeprefix("# expect: ")
    found = "compiles"
    try:
        compile_workflow(_read, path.name, display=str, project="docs", workflow=path.stem, jobs=named(("default",)))
    except ProblemsFound as wrong:
        found = " ".join(sorted({it.code for it in wrong.problems}))
    assert found == expected


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_editor_underlines_only_what_is_refused(path):
    tree = load(path.read_bytes(), path.name, _read, Problems())
    errors = [it.message for it in VALIDATOR.iter_errors(plain(tree))]
    assert not errors or "# expect: SD" in path.read_text(), errors


def test_the_examples_are_many():
    assert len(EXAMPLES) > 45
    assert all(re.match(r"# https://docs\.digdag\.io/\S+\n# expect: ", path.read_text()) for path in EXAMPLES)
