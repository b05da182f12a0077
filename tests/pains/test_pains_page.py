"""docs/pains.md and the tests of this folder are in step: every pain has a row and a test, and the row names it."""

from __future__ import annotations

import re
from pathlib import Path

from pains_project import ROOT

PAINS = [f"P{number}" for number in range(1, 31)]


def _tests() -> dict[str, str]:
    """Return the test of each pain by its number; two of one pain would be a mistake."""
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    names = [name for text in texts for name in re.findall(r"^def (test_p[0-9]{2}_\w+)", text, re.MULTILINE)]
    found = {f"P{int(name[6:8])}": name for name in names}
    assert len(found) == len(names)
    return found


def test_every_pain_has_a_row_and_a_test() -> None:
    page = (ROOT / "docs/pains.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line.startswith("| P")
    ]
    tests = _tests()

    assert [row[0] for row in rows] == PAINS
    assert sorted(tests, key=lambda it: int(it[1:])) == PAINS
    assert {row[0]: row[4].strip("`") for row in rows} == tests
    assert all(len(row) == 6 and all(row) for row in rows)
