"""Why a run failed, for a person: each failed task with its place, its reason in plain words and its last lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stepdig.report.clean import clean
from stepdig.report.hints import hints
from stepdig.report.names import execution_of
from stepdig.report.reasons import reason
from stepdig.report.rows import Row
from stepdig.report.track import Tracker
from stepdig.report.view import duration, spoken

SHOWN = 5  # failures told in full; of the others the names
NAMED = 40
REASON_CHARS = 600
Line = tuple[str, str]  # a style (`bad`, `dim`, `name`, "") and the text


def lines(tracker: Tracker, explain: Callable[[Row], str], base: Path) -> Iterator[Line]:
    """Yield what a person reads after a run that did not succeed.

    `explain` gives a row's reason; `base` is the folder that sources are relative to.
    """
    failures = tracker.tasks.failures()
    for row in failures[:SHOWN]:
        tries = f", {row.tries} tries" if row.tries > 1 else ""
        took = duration(row.ended - row.started) if row.ended is not None and row.started is not None else ""
        yield "bad", f"{spoken(row)}  ({took}{tries})" if took else spoken(row)
        source = [os.path.relpath(base / row.source)] if row.source else []
        yield "dim", f"  {' '.join([*source, execution_of(row.name)[0]])}"
        why = _cut(explain(row))
        for number, text in enumerate(why.split("\n")):
            yield "", f"  {text}" if number == 0 else f"    {text}"
        for text in hints(row, why, base):
            yield "", f"  {text}"
        for text in row.tail or ():
            yield "dim", f"  | {_cut(clean(text))}"
        if row.log:
            yield "dim", f"  {row.log}"
        yield "", ""
    yield from _others([spoken(row) for row in failures[SHOWN:]])
    if not failures and tracker.status in ("FAILED", "TIMED_OUT"):
        yield "bad", reason(tracker.error, tracker.cause)
        yield "", ""


def _others(names: Sequence[str]) -> Iterator[Line]:
    if names:
        yield "bad", f"and {len(names):,} more:"
        for name in names[:NAMED]:
            yield "", f"  {name}"
        if len(names) > NAMED:
            yield "dim", f"  ... {len(names) - NAMED:,} more"
        yield "", ""


def _cut(text: str) -> str:
    return text if len(text) <= REASON_CHARS else text[: REASON_CHARS - 4] + " ..."
