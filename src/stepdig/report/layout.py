"""Rows of tasks -> the lines of a tree that fits a screen: what runs or failed always shows, the rest where room is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from stepdig.report import names
from stepdig.report.rows import ACTIVE, BLOCKED, FAILURES, Row
from stepdig.report.track import Tracker
from stepdig.report.view import tally

FOLD = 20  # a loop of more iterations shows only those that run or failed
FAILED_SHOWN, RUNNING_SHOWN = 10, 100  # of a folded loop
NEEDED, ENDED, WAITING, NESTED = range(4)  # what is left out first stands last


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: `depth` counts from 0; `row` gives state, times and last line; `text` stands where a last line would."""

    row: Row
    depth: int
    name: str
    text: str
    rank: int


def entries(tracker: Tracker, height: int) -> tuple[list[Entry], int]:
    """Return the lines of the tree that fit, and how many did not."""
    roots = [row for row in tracker.rows.values() if row.parent is None]
    walk = _Walk()
    found = [entry for row in roots for entry in walk.lines(row, 0, "")]
    if len(found) + (walk.left_out > 0) <= height:
        return found, walk.left_out
    room = max(height - 1, 1)  # a line says how many are missing
    kept: set[int] = set()
    for rank in (NEEDED, ENDED, WAITING, NESTED):
        these = [number for number, entry in enumerate(found) if entry.rank == rank]
        kept.update(these[-(room - len(kept)) :] if rank in (ENDED, NESTED) else these[: room - len(kept)])
        if len(kept) >= room:
            break
    return [found[number] for number in sorted(kept)], len(found) - len(kept) + walk.left_out


class _Walk:
    """One way through the rows; `left_out` counts running iterations that no screen has room for."""

    def __init__(self) -> None:
        self.left_out = 0

    def lines(self, row: Row, depth: int, before: str) -> Iterator[Entry]:
        """Yield the lines of a row and what is inside; `before` is the iteration whose only task the row is."""
        name = f"{before} {names.short(row.name)}" if before else row.label or names.short(row.name)
        inside = row.group.rows if row.group else []
        if names.is_iteration(row.name) and len(inside) == 1:
            yield from self.lines(inside[0], depth, name)
            return
        loop = next((child for child in inside if child.name == f"{row.name}^sub"), None)
        iterations = loop.group.rows if loop is not None and loop.group is not None else []
        looping = bool(iterations) and names.is_iteration(iterations[0].name)
        yield Entry(row, depth, name, tally(loop) if looping and loop is not None else row.line, _rank(row, depth))
        for child in inside:
            if child is loop:
                for iteration in self._folded(child) if looping and len(iterations) > FOLD else iterations:
                    yield from self.lines(iteration, depth + 1, "")
            else:
                yield from self.lines(child, depth + 1, "")

    def _folded(self, loop: Row) -> list[Row]:
        """Return what shows of a loop of many iterations: those that failed and those that run."""
        if loop.group is None:
            return []
        failed: list[Row] = []
        if loop.failed_inside:
            failed = list(islice((row for row in loop.group.rows if row.state in FAILURES), FAILED_SHOWN))
        self.left_out += max(0, len(loop.group.active) - RUNNING_SHOWN)
        return [*failed, *islice(loop.group.active.values(), RUNNING_SHOWN)]


def _rank(row: Row, depth: int) -> int:
    if row.state in ACTIVE or row.state in FAILURES or depth == 0:
        return NEEDED
    if row.state == BLOCKED:
        return WAITING
    return ENDED if depth == 1 else NESTED
