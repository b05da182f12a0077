"""`timezone:` as Java's ZoneId takes it: an IANA name, `Z`, an offset, or an offset behind UTC, GMT or UT.

https://docs.oracle.com/javase/8/docs/api/java/time/ZoneId.html#of-java.lang.String-
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from stepdig.problem import did_you_mean

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([-+])(\d{1,2}|\d\d:?\d\d|\d\d:\d\d:\d\d|\d{6})")
_UTC = {"Z": "UTC", "UT": "UTC"}
_SHORT = {"JST": "Asia/Tokyo", "PST": "America/Los_Angeles", "CST": "America/Chicago", "IST": "Asia/Kolkata"}
_MOST_SECONDS = 18 * 3600


def canonical(text: str) -> str | None:
    """Return the IANA name, or an offset as `+09:00` (`+09:00:30` where there are seconds); None for an unknown zone."""
    offset = _OFFSET.fullmatch(text)
    if offset is None:
        name = _UTC.get(text, text)
        return name if name in _names() else None
    digits = offset[2].replace(":", "").zfill(2).ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > _MOST_SECONDS:
        return None
    if total == 0:
        return "UTC"
    return f"{offset[1]}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def suggestion(text: str) -> str:
    """Return a hint for an unknown zone: names are as in the IANA database, case and all."""
    hours = re.fullmatch(r"\+?(\d{1,2})(?::?(\d\d))?", text)
    offset = canonical(f"+{int(hours[1]):02}:{hours[2] or '00'}") if hours else None
    if offset:
        return f"did you mean '{offset}'?"
    exact = {name.lower(): name for name in _names()}.get(text.lower()) or _SHORT.get(text.upper())
    if exact:
        return f"did you mean '{exact}'?"
    last = {name.rpartition("/")[2].lower(): name for name in sorted(_names(), reverse=True)}
    city = last.get(text.rpartition("/")[2].replace(" ", "_").lower())
    return f"did you mean '{city}'?" if city else did_you_mean(text, _names()) or "such as Asia/Tokyo, UTC or +09:00"


def _names() -> frozenset[str]:
    # tzdata's own list: the same on every machine, and quicker than opening the zone.
    home = import_module("tzdata").__path__[0]
    return frozenset(Path(home, "zones").read_text(encoding="utf-8").split())
