"""A workflow's timezone as the variable TZ of a process takes it."""

from __future__ import annotations

import re

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?\Z")


def posix(timezone: str) -> str:
    """Return the TZ of a timezone: an IANA name as it is, an offset in POSIX's form, whose sign counts the other way.

    `+09:00` is `<+0900>-09:00`: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html
    """
    if timezone == "Z":
        return "UTC"
    found = _OFFSET.match(timezone)
    if found is None:
        return timezone
    sign, hours, minutes, seconds = found.groups()
    behind = "-" if sign == "+" else "+"
    clock = f"{int(hours):02}:{minutes or '00'}" + (f":{seconds}" if seconds else "")
    return f"<{sign}{int(hours):02}{minutes or '00'}>{behind}{clock}"
