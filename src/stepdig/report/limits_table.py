"""What runs of a workflow may need of AWS's limits, as a table for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from stepdig.bounds.shapes import Row

COLUMNS = 100
HEAD = ("limit", "worst case", "AWS allows", "left")
_WIDTHS = (48, 18, 14, 6)
_INDENT = "    "


def table(workflow: str, rows: Iterable[Row]) -> str:
    """Return the table of one workflow, a line feed at its end: a line of numbers each, below it where they come from."""
    lines = [workflow, _line(HEAD)]
    for row in rows:
        worst = "no bound" if row.worst is None else f"{row.worst:,} {row.unit}"
        lines.append(_line((row.limit, worst, f"{row.most:,}", _left(row))))
        lines += wrap(_from(row), COLUMNS, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return "\n".join(lines) + "\n"


def _from(row: Row) -> str:
    """Return where the worst case comes from, in words."""
    return ": ".join(part for part in (row.where, row.why) if part)


def _left(row: Row) -> str:
    """Return the headroom, rounded down; "slow" where AWS delays what is over the limit."""
    if row.headroom is None:
        return "?"
    if row.headroom < 0:
        return "slow" if row.soft else "none"
    return f"{int(row.headroom * 100)} %"


def _line(cells: tuple[str, ...]) -> str:
    """Return one line: the name to the left, numbers to the right."""
    name, *numbers = cells
    if len(name) > _WIDTHS[0]:
        name = name[: _WIDTHS[0] - 1] + "…"
    shown = "  ".join(it.rjust(width) for it, width in zip(numbers, _WIDTHS[1:], strict=True))
    return f"{name.ljust(_WIDTHS[0])}  {shown}"
