"""`schedule:` of a workflow -> when its sessions are, as fields of cron, checked.

See https://docs.digdag.io/scheduling_workflow.html; all but intervals of seconds is cron in Digdag, too: `daily>` is `0 0 * * *`
in the workflow's zone, and its time a delay from then on. The dialect is cron4j's: a day must fit all five fields, `L` is
the last day of a month, `|` parts alternatives (http://www.sauronsoftware.it/projects/cron4j/manual.php#p02).

The result is JSON, for the bundle: `{"cron": [[minutes, hours, days, months, weekdays], ...], "delay": seconds, "start", "end"}`,
or `{"seconds": 90, ...}`, and the options that are given: `"skip_on_overtime": true`, `"skip_delayed_by": seconds`,
`"catch_up": "last"`, `"catch_up_limit": 5`. A day 32 is the last one of the month; Sunday is 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stepdig.language import directives
from stepdig.language.days import LAST_DAY, has_sessions, length
from stepdig.problem import Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_TIME = {"hourly>": r"(\d+):(\d+)", "daily>": r"(\d+):(\d+):(\d+)"}
_DATE = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_OPTIONS = ("at", "delay", "skip_on_overtime", "skip_delayed_by", "start", "end", "catch_up", "catch_up_limit")
CATCH_UP = ("all", "last", "none")
CATCH_UP_MOST = 100  # sessions after one outage
LEAST_SECONDS = 60  # between two sessions, https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_DELAY_MOST = 366 * 86_400
_TIMED = ("hourly>", "daily>", "weekly>", "monthly>")
_FORMS = {
    "hourly>": "MM:SS, as in 30:00",
    "daily>": "HH:MM:SS, as in 07:00:00",
    "weekly>": "a day and a time, as in Mon,07:00:00",
    "monthly>": "a day and a time, as in 1,07:00:00",
    "minutes_interval>": "a number of minutes, as in 30",
    "seconds_interval>": "a number of seconds, as in 90",
    "cron>": "five fields, as in 42 4 1 * *",
}


def schedule(node: Mapping | None, problems: Problems) -> dict[str, object] | None:
    """Return when the sessions of a workflow are; None without `schedule:`, and after a mistake, which is noted."""
    if node is None:
        return None
    known = (*_FORMS, *_OPTIONS)
    kinds = [key for key, _ in node if str(key.value).endswith(">")]
    for key, _ in node:
        if str(key.value) not in known:
            hint = did_you_mean(str(key.value), known) or f"there are {', '.join(_FORMS)}"
            problems.add(key.at, "SD302", f"unknown key '{key.value}' in a schedule", hint, key.length)
    if len(kinds) != 1:
        text = "a workflow has one schedule" if kinds else "a schedule needs to say when"
        at, length = (kinds[1].at, kinds[1].length) if kinds else (node.at, 1)
        problems.add(at, "SD302", text, f"one of {', '.join(_FORMS)}", length)
        return None
    kind = str(kinds[0].value)
    if kind not in _FORMS:
        return None
    value = node.get(kind)
    if value is None or (isinstance(value, Scalar) and value.value is None):
        value = node.get("at") or value
    made = _KINDS[kind](_text(value))
    if made is None:
        at, length = (value.at, value.length) if value is not None else (node.at, 1)
        problems.add(at, "SD303", f"{kind} needs {_FORMS[kind]}", _hint(value), length)
        return None
    limits = {name: _limit(node, name, problems) for name in ("start", "end")}
    if limits["start"] > limits["end"] > "":
        problems.add(node.at, "SD303", "the schedule ends before it starts")
        return None
    found = {**made, **_options(node, kind, problems), **{name: day for name, day in limits.items() if day}}
    _check(found, value if value is not None else node, problems)
    return found


def _check(schedule: dict[str, object], value: Node, problems: Problems) -> None:
    """Note a schedule that the Scheduler cannot follow, or that never starts anything."""
    if "seconds" in schedule and int(str(schedule["seconds"])) < LEAST_SECONDS:
        text = f"{schedule['seconds']} s between sessions; EventBridge Scheduler fires once a minute at most"
        hint = f"seconds_interval>: {LEAST_SECONDS} or more, or one session with a loop inside"
        problems.add(value.at, "SD680", text, hint, value.length)
    elif not has_sessions(schedule):
        limited = "start" in schedule and "end" in schedule
        hint = "no day from start to end fits it" if limited else "no month has that day"
        problems.add(value.at, "SD681", "the schedule never starts a session", hint, value.length)


def _options(node: Mapping, kind: str, problems: Problems) -> dict[str, object]:
    """Return the options that say other than what goes without saying."""
    found: dict[str, object] = {}
    given = {name: value for name in _OPTIONS if (value := node.get(name)) is not None}
    if "delay" in given and kind in _TIMED:
        _mistake(given["delay"], problems, f"'delay' is for cron> and intervals; the time of {kind} is its delay")
    elif "delay" in given:
        found["delay"] = _whole(given["delay"], "delay", 0, _DELAY_MOST, problems)
    if "skip_on_overtime" in given and directives.switch("skip_on_overtime", given["skip_on_overtime"], problems):
        found["skip_on_overtime"] = True
    if "skip_delayed_by" in given:
        seconds = directives.duration(_text(given["skip_delayed_by"]))
        found["skip_delayed_by"] = seconds
        if seconds is None:
            _mistake(given["skip_delayed_by"], problems, "'skip_delayed_by' needs a duration, as in 1h or 30m")
    if "catch_up" in given and _text(given["catch_up"]) not in CATCH_UP:
        _mistake(given["catch_up"], problems, f"'catch_up' is one of {', '.join(CATCH_UP)}")
    elif "catch_up" in given and _text(given["catch_up"]) != CATCH_UP[0]:
        found["catch_up"] = _text(given["catch_up"])
    if "catch_up_limit" in given:
        found["catch_up_limit"] = _whole(given["catch_up_limit"], "catch_up_limit", 1, CATCH_UP_MOST, problems)
    return found


def _mistake(node: Node, problems: Problems, text: str) -> None:
    problems.add(node.at, "SD303", text, _hint(node), node.length)


def _whole(node: Node, name: str, least: int, most: int, problems: Problems) -> int:
    """Return a whole number of an option; the least one after noting a mistake."""
    number = directives.integer(node)
    if number is None or not least <= number <= most:
        _mistake(node, problems, f"'{name}' needs a number from {least} to {most:,}")
        return least
    return number


def _text(node: Node | None) -> str:
    return node.text.strip() if isinstance(node, Scalar) else ""


def _hint(node: Node | None) -> str:
    if "${" in _text(node):
        return "a schedule holds no ${...}: it is read before anything runs"
    return ""


def _limit(node: Mapping, name: str, problems: Problems) -> str:
    """Return the first or last day of a schedule, "" when there is none."""
    value = node.get(name)
    if value is None:
        return ""
    found = _DATE.fullmatch(_text(value))
    if not found or int(found[3]) > length(int(found[1]), int(found[2])):
        problems.add(value.at, "SD303", f"'{name}' needs a day, as in 2026-01-31", "", value.length)
        return ""
    return _text(value)


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
