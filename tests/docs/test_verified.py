"""docs/verified.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall((ROOT / "docs" / "verified.md").read_text())
    assert len(named) > 30
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not (ROOT / path).is_file() or f"def {test}(" not in (ROOT / path).read_text()
    ]
    assert not missing


def test_every_row_says_how_it_was_checked() -> None:
    rows = [line for line in (ROOT / "docs" / "verified.md").read_text().splitlines() if line.startswith("| ")]
    told = [line for line in rows if not line.startswith("| what stepdig leans on")]
    assert told
    assert not [line for line in told if not line.split("|")[2].strip()]
