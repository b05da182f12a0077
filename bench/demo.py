"""The demo, the second time: its job's environment and the shop are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from figures import ROOT, STEPDIG, Figure, at_most, median, use

NIGHT = [STEPDIG, "run", "workflows/nightly_sync/nightly_sync.dig", "--session", "2026-11-20"]


def figures(_folder: Path) -> Iterator[Figure]:
    """Measure a good night and a failing one, in the repository itself."""
    yield at_most("make demo, again", median(lambda: use(NIGHT, ROOT), 3).seconds, 20, "s")
    failing = use([*NIGHT, "-p", "break=orders"], ROOT, expected=1)
    yield at_most("a failing night", failing.seconds, 20, "s")
