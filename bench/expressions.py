"""Expressions: translating 3,000 of those people wrote, as one process does, without its start."""

from __future__ import annotations

import ast
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import ROOT, Figure, at_most

TESTS = ROOT / "tests/unit/expressions"
COUNT = 3_000
RUNS = 5


def figures(folder: Path) -> Iterator[Figure]:
    """Measure the translation, against the time Python needs to parse as many expressions of its own."""
    del folder
    sys.path.insert(0, str(TESTS))
    from environments import Names

    from stepdig.expressions import translate, zones
    from stepdig.expressions.errors import ExpressionError

    real = json.loads((TESTS / "real.json").read_text(encoding="utf-8"))
    sources = (real * 2)[:COUNT]
    zone = translate.Zone(zones.offsets("America/Los_Angeles"))
    names = Names(zone, "America/Los_Angeles")

    def translated() -> None:
        for source in sources:
            try:
                translate.text("${" + source + "}", names, zone)
            except ExpressionError:  # six are no JavaScript
                continue

    def parsed() -> None:
        for number in range(COUNT):
            ast.parse(f"f(a.b[{number}].c + 'text', x.y if z else 'other')", mode="eval")

    seconds = _median(translated)
    yield at_most(f"{COUNT:,} expressions translated", seconds, 2, "s")
    note = f" ({seconds * 1000:.0f} ms)"
    yield at_most("the same, as a ratio", seconds / _median(parsed), 20, "times Python's `ast.parse` of as many", note)


def _median(work: Callable[[], None]) -> float:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    once()
    return statistics.median(once() for _ in range(RUNS))
