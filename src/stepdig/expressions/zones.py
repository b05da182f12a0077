"""A `timezone:` -> the rows of its offsets. Only the compiler calls this: images may have no zone data."""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

from stepdig.expressions.jsvalues import Js

_SECOND = timedelta(seconds=1)
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?\Z")
_FIRST, _LAST = 1970, 2037

Rows = List[List[Optional[int]]]


def offsets(name: str) -> Rows:
    """Return rows `[utc seconds of the transition, offset seconds from then on]`, the first with null.

    Takes what Java's ZoneId takes: IANA names, `Z`, `UTC`, `+09:00`, `UTC+9`. Raise ValueError for anything else.
    A zone whose offset has not changed since 2000 has a single row.
    """
    return [list(row) for row in _rows(name)]


def is_fixed(rows: Js) -> bool:
    """Tell whether rows are of a zone with one offset."""
    return len(rows) == 1


def table(rows: Js, first_year: int = _FIRST, last_year: int = _LAST) -> List[Dict[str, int]]:
    """Return the rows `{u, l, d}` that translated expressions look up in `<run>.tz`; empty for a fixed zone.

    `u` is the transition in UTC milliseconds, `l` the wall clock from which it counts, `d` the change of the offset.
    Transitions before the first year are summed up in the first row; those after the last are left out.
    """
    since = datetime(first_year, 1, 1, tzinfo=timezone.utc).timestamp()
    until = datetime(last_year + 1, 1, 1, tzinfo=timezone.utc).timestamp()
    if is_fixed(rows):
        return []
    base = [offset for at, offset in rows if at is None or at < since][-1]
    result = [{"u": -1_000_000_000_000_000, "l": -1_000_000_000_000_000, "d": base * 1000}]
    before = base
    for at, offset in rows:
        if at is not None and since <= at < until:
            result.append({"u": at * 1000, "l": (at + max(before, offset)) * 1000, "d": (offset - before) * 1000})
            before = offset
    return result


@lru_cache(maxsize=64)
def _rows(name: str) -> Tuple[Tuple[Optional[int], int], ...]:
    fixed = _fixed_offset(name)
    if fixed is not None:
        return ((None, fixed),)
    zone = _zone(name)
    found = tuple(_transitions(zone))
    changes_lately = any(at >= datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp() for at, _ in found)
    if not changes_lately:
        return ((None, _offset(zone, datetime(2010, 1, 1, tzinfo=timezone.utc))),)
    return ((None, _offset(zone, datetime(_FIRST, 1, 1, tzinfo=timezone.utc))), *found)


def _fixed_offset(name: str) -> Optional[int]:
    if name in ("Z", "UTC", "GMT", "UT", "Etc/UTC", "Etc/GMT"):
        return 0
    match = _OFFSET.match(name)
    if match is None:
        return None
    sign, hours, minutes, seconds = match.groups()
    total = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    if total > 18 * 3600:
        raise ValueError(f"the offset '{name}' is beyond 18 hours")
    return -total if sign == "-" else total


def _zone(name: str) -> Js:
    from zoneinfo import ZoneInfo  # Python 3.9, and only the compiler needs it

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, no such name, a directory
        raise ValueError(f"'{name}' is not a time zone") from None


def _offset(zone: Js, at: datetime) -> int:
    return int(at.astimezone(zone).utcoffset().total_seconds())  # type: ignore[union-attr]  # an aware time has one


def _transitions(zone: Js) -> List[Tuple[int, int]]:
    """Return `(utc seconds, offset from then on)` by looking at every week and closing in on each change."""
    found: List[Tuple[int, int]] = []
    low = datetime(_FIRST, 1, 1, tzinfo=timezone.utc)
    end = datetime(_LAST + 1, 1, 1, tzinfo=timezone.utc)
    before = _offset(zone, low)
    while low < end:
        high = low + timedelta(days=7)
        while _offset(zone, high) != before:
            at = _change(zone, low, high, before)
            before = _offset(zone, at)
            found.append((int(at.timestamp()), before))
            low = at
        low = high
    return found


def _change(zone: Js, low: datetime, high: datetime, before: int) -> datetime:
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle == low:
            break
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
