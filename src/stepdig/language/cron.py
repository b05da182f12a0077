"""Values of `schedule:` -> fields of cron, and which part of a wrong value is wrong.

The dialect is cron4j's: a day must fit all five fields, `L` is the last day of a month, `|` parts alternatives
(http://www.sauronsoftware.it/projects/cron4j/manual.php#p02). All but intervals of seconds is cron in Digdag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepdig.language.days import LAST_DAY

FORMS = {
    "hourly>": "MM:SS, as in 30:00",
    "daily>": "HH:MM:SS, as in 07:00:00",
    "weekly>": "a day and a time, as in Mon,07:00:00",
    "monthly>": "a day and a time, as in 1,07:00:00",
    "minutes_interval>": "a number of minutes, as in 30",
    "seconds_interval>": "a number of seconds, as in 90",
    "cron>": "five fields, as in 42 4 1 * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_SUCH_AS = (
    "0 to 59; also a list 0,30, a range 0-29, a step */10",
    "0 to 23; also a list 9,18, a range 9-17, a step */6",
    "1 to 31, L for the last; also a list 1,15, a range 1-10",
    "1 to 12, or jan to dec; also a list 1,7, a range 4-9",
    "Mon, or 1; Sun is 0 or 7; also a list Mon,Thu, a range Mon-Fri",
)
_TIME = {"hourly>": r"(\d+):(\d+)", "daily>": r"(\d+):(\d+):(\d+)"}
_NICKNAMES = {
    "@hourly": "hourly>: 00:00",
    "@daily": "daily>: 00:00:00",
    "@midnight": "daily>: 00:00:00",
    "@weekly": "weekly>: Sun,00:00:00",
    "@monthly": "monthly>: 1,00:00:00",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """The part of a value that is wrong: its first character and length, what to say of it, what to write."""

    start: int
    length: int
    text: str
    hint: str


def fields(kind: str, text: str) -> dict[str, object] | None:
    """Return when sessions are, as the bundle has it: fields of cron with a delay, or seconds; None for no such value."""
    return _KINDS[kind](text)


def wrong(kind: str, text: str) -> Wrong:
    """Return what is wrong with a value that `fields` does not take."""
    if kind == "cron>":
        return _wrong_cron(text)
    day, comma, time = text.partition(",")
    if comma and kind in ("weekly>", "monthly>"):
        number = 4 if kind == "weekly>" else 2
        single = kind == "weekly>" or day.isdigit()
        if not (single and _field(day.strip(), number)):
            return Wrong(0, len(day), f"'{day}' is no {_FIELDS[number]}", _nearest_day(day, kind))
        said = "there is no blank behind the comma" if kind == "monthly>" and time != time.strip() else ""
        return Wrong(len(day) + 1, len(time), f"'{time.strip()}' is no time", said or _nearest_time(time, "daily>"))
    return Wrong(0, len(text), f"{kind} needs {FORMS[kind]}", _nearest_time(text, kind))


def _wrong_cron(text: str) -> Wrong:
    if text.lower() in _NICKNAMES:
        return Wrong(0, len(text), f"cron> has no '{text}'", f"write {_NICKNAMES[text.lower()]} in its place")
    for start, part in _parts(text, "|"):
        found = list(_words(part, start))
        if len(found) != len(_FIELDS):
            said = f"cron> needs five fields, as in 42 4 1 * *, and this has {len(found)}"
            hint = "minute, hour, day, month, day of the week" + ("; no seconds, no year" if len(found) > 5 else "")
            return Wrong(start + len(part) - len(part.lstrip()), max(1, len(part.strip())), said, hint)
        for number, (at, word) in enumerate(found):
            if not _field(word, number):
                return Wrong(at, len(word), f"'{word}' is no {_FIELDS[number]} of cron>", _SUCH_AS[number])
    return Wrong(0, len(text), f"cron> needs {FORMS['cron>']}", "")


def _parts(text: str, sign: str) -> Iterator[tuple[int, str]]:
    start = 0
    for part in text.split(sign):
        yield start, part
        start += len(part) + len(sign)


def _words(text: str, start: int) -> Iterator[tuple[int, str]]:
    for found in re.finditer(r"\S+", text):
        yield start + found.start(), found[0]


def _nearest_day(day: str, kind: str) -> str:
    if kind == "weekly>":
        short = day.strip()[:3].lower()
        return f"did you mean {short.capitalize()}?" if short in _DAYS else "Mon, or 1; Mon-Fri for several"
    return "1 to 31; for the last day cron>: 0 7 L * *"


def _nearest_time(text: str, kind: str) -> str:
    """Return a hint for a time in another form: `7:00`, `7`, `7am`; "" where there is nothing to say."""
    text = text.strip()
    found = re.fullmatch(r"(\d{1,2})(?::(\d\d))?(?::\d\d)?\s*(am|pm)?", text, re.IGNORECASE)
    if kind == "minutes_interval>" and (number := re.match(r"\d+", text)):
        return f"did you mean {number[0]}?" if int(number[0]) else "1 or more"
    if kind == "hourly>":
        return (
            f"did you mean {int(found[1]):02}:00?" if found and not found[2] else "minutes and seconds after each hour"
        )
    if kind != "daily>" or found is None:
        return "HH:MM:SS, as in 07:00:00" if kind == "daily>" else ""
    hour = int(found[1]) + (12 if (found[3] or "").lower() == "pm" and int(found[1]) < 12 else 0)
    return f"did you mean {hour:02}:{found[2] or '00'}:00?"


def _cron(*fields: list[int], delay: int = 0) -> dict[str, object]:
    return {"cron": [list(fields)], "delay": delay}


def _every(field: int) -> list[int]:
    first, last = _RANGES[field]
    return list(range(first, min(last, 6) + 1 if field == 4 else last + 1))


def _hourly(text: str) -> dict[str, object] | None:
    found = re.fullmatch(_TIME["hourly>"], text)
    delay = int(found[1]) * 60 + int(found[2]) if found else 0
    return _cron([0], *map(_every, range(1, 5)), delay=delay) if found else None


def _daily(text: str) -> dict[str, object] | None:
    found = re.fullmatch(_TIME["daily>"], text)
    return _cron([0], [0], *map(_every, range(2, 5)), delay=_seconds(found)) if found else None


def _weekly(text: str) -> dict[str, object] | None:
    day, _, time = text.partition(",")
    found, days = re.fullmatch(_TIME["daily>"], time.strip()), _field(day.strip(), 4)
    return _cron([0], [0], _every(2), _every(3), days, delay=_seconds(found)) if found and days else None


def _monthly(text: str) -> dict[str, object] | None:
    day, _, time = text.partition(",")
    found = re.fullmatch(_TIME["daily>"], time)
    days = _field(day, 2) if day.isascii() and day.isdigit() else None
    return _cron([0], [0], days, _every(3), _every(4), delay=_seconds(found)) if found and days else None


def _minutes(text: str) -> dict[str, object] | None:
    minutes = _field(f"*/{text}", 0) if text.isascii() and text.isdigit() else None
    return _cron(minutes, *map(_every, range(1, 5))) if minutes else None


def _by_seconds(text: str) -> dict[str, object] | None:
    whole = text.isascii() and text.isdigit() and 0 < len(text) < 9 and int(text) > 0
    return {"seconds": int(text), "delay": 0} if whole else None


def _by_cron(text: str) -> dict[str, object] | None:
    alternatives = [_fields(part.split()) for part in text.split("|")]
    return None if None in alternatives else {"cron": alternatives, "delay": 0}


def _fields(parts: list[str]) -> list[list[int]] | None:
    """Return the values of five fields of cron; None when they are no such."""
    found = [_field(part, number) for number, part in enumerate(parts[:5])] if len(parts) == 5 else []
    return [it for it in found if it] if found and all(found) else None


def _field(text: str, field: int) -> list[int] | None:
    """Return the values that a field of cron names, in order: lists, ranges (also round the end), steps, names."""
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdigit() and 0 < len(step) < 5 and int(step)):
            return None
        found = _span(span, field)
        if found is None:
            return None
        values.update(found[:: int(step) if slash else 1])
    return sorted({0 if field == 4 and value == 7 else value for value in values})


def _span(text: str, field: int) -> list[int] | None:
    if text == "*":
        return _every(field)
    low, dash, high = text.partition("-")
    first, last = _value(low, field), _value(high if dash else low, field)
    if first is None or last is None:
        return None
    if first <= last:
        return list(range(first, last + 1))
    lowest, highest = _RANGES[field]
    return [*range(first, highest + 1), *range(lowest, last + 1)]


def _value(text: str, field: int) -> int | None:
    names = {
        2: {"l": LAST_DAY},
        3: dict(zip(_MONTHS, range(1, 13), strict=True)),
        4: {n: i for i, n in enumerate(_DAYS)},
    }
    named = names.get(field, {}).get(text.lower())
    if named is not None:
        return named
    low, high = _RANGES[field]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 and low <= int(text) <= high else None


def _seconds(found: re.Match[str] | None) -> int:
    """Return hours, minutes and seconds as seconds."""
    hours, minutes, seconds = map(int, found.groups()) if found else (0, 0, 0)
    return (hours * 60 + minutes) * 60 + seconds


_KINDS: dict[str, Callable[[str], dict[str, object] | None]] = {
    "hourly>": _hourly,
    "daily>": _daily,
    "weekly>": _weekly,
    "monthly>": _monthly,
    "minutes_interval>": _minutes,
    "seconds_interval>": _by_seconds,
    "cron>": _by_cron,
}
