"""What translations of real and of hard expressions weigh: Step Functions bounds evaluation, and people read definitions."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from environments import Names

from stepdig.expressions import translate, zones
from stepdig.expressions.errors import ExpressionError
from stepdig.local import jsonata

HERE = Path(__file__).parent
ZONE = "America/Los_Angeles"  # the longest code: its offset is a table
FILES = ("real.json", "nasty.json", "hard.json")
DEPTH = 60  # AWS was seen to overflow at 200


@pytest.fixture(scope="module")
def codes() -> dict[str, list[str]]:
    zone = translate.Zone(zones.offsets(ZONE))
    found: dict[str, list[str]] = {}
    for name in FILES:
        for source in json.loads((HERE / name).read_text(encoding="utf-8")):
            try:
                done = translate.text("${" + source + "}", Names(zone, ZONE), zone)
            except ExpressionError:
                continue
            found.setdefault(name, []).append(done.code)
    return found


def test_the_median_is_below_250_characters(codes: dict[str, list[str]]) -> None:
    assert statistics.median(map(len, codes["real.json"])) < 250
    assert statistics.median(len(code) for name in FILES for code in codes[name]) < 250


def test_none_is_over_8_kilobytes(codes: dict[str, list[str]]) -> None:
    assert max(len(code.encode()) for name in FILES for code in codes[name]) <= 8192


def test_none_is_60_deep(codes: dict[str, list[str]]) -> None:
    deepest = max(_depth(jsonata.compiled(code).ast) for name in FILES for code in codes[name])
    assert deepest < DEPTH


@pytest.mark.parametrize(
    "source",
    [
        "n" + "+n" * 95,
        "s" + "+'a'+s" * 45,
        "n" + "*n" * 95,
        "a" + "&&b" * 45,
        "a" + "||b" * 45,
        "n==1?2:" * 45 + "3",
        "(n*" * 45 + "n" + ")" * 45,
        "[" * 45 + "n" + "]" * 45,
    ],
)
def test_what_would_be_deeper_is_refused(source: str) -> None:
    """However it is built: the machine would fail at night."""
    zone = translate.Zone(zones.offsets("UTC"))
    refused, code = "", "1"
    try:
        code = translate.text("${" + source + "}", Names(zone, "UTC"), zone).code
    except ExpressionError as error:
        refused = error.message

    assert "deep" in refused or _depth(jsonata.compiled(code).ast) < DEPTH


def _depth(node: Any) -> int:
    """Return how deep a syntax tree of jsonata-python is."""
    if isinstance(node, list | tuple):
        return max(map(_depth, node), default=0)
    if not hasattr(node, "type"):
        return 0
    inner = (part for name, part in vars(node).items() if name not in {"_outer_instance", "ancestor", "seeking_parent"})
    return 1 + max(map(_depth, inner), default=0)
