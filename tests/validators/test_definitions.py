"""Every definition that this repository compiles, through every validator there is, without a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asl_checks import findings, lint_findings

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("statemachines/*.asl.json"), *ROOT.glob("tests/golden/**/*.asl.json")])
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]


@pytest.fixture(scope="module")
def definitions() -> dict[str, dict[str, Any]]:
    return {name: json.loads((ROOT / name).read_text(encoding="utf-8")) for name in NAMES}


@pytest.fixture(scope="module")
def linted(definitions: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return lint_findings(definitions)


@pytest.fixture(scope="module")
def noded(definitions: dict[str, dict[str, Any]], ask_node: Any) -> dict[str, list[str]]:
    return ask_node(definitions)


def test_there_are_definitions_to_check() -> None:
    assert [name for name in NAMES if name.startswith("statemachines/")]
    assert [name for name in NAMES if name.startswith("tests/golden/")]


@pytest.mark.parametrize("name", NAMES)
def test_graph_variables_expressions_arguments_and_errors_are_sound(
    name: str, definitions: dict[str, dict[str, Any]]
) -> None:
    assert findings(definitions[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_agrees(name: str, linted: dict[str, list[str]]) -> None:
    assert linted[name] == []


@pytest.mark.parametrize("name", NAMES)
def test_asl_validator_and_the_language_service_agree(name: str, noded: dict[str, list[str]]) -> None:
    assert noded[name] == []
