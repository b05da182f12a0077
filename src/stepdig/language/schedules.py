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

from stepdig.language import cron, directives
from stepdig.language.cron import FORMS
from stepdig.language.days import has_sessions, length
from stepdig.problem import Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar

_DATE = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_OPTIONS = ("at", "delay", "skip_on_overtime", "skip_delayed_by", "start", "end", "catch_up", "catch_up_limit")
CATCH_UP = ("all", "last", "none")
CATCH_UP_MOST = 100  # sessions after one outage
LEAST_SECONDS = 60  # between two sessions, https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_DELAY_MOST = 366 * 86_400
_TIMED = ("hourly>", "daily>", "weekly>", "monthly>")


def schedule(node: Mapping | None, problems: Problems) -> dict[str, object] | None:
    """Return when the sessions of a workflow are; None without `schedule:` and after mistakes, all of which are noted."""
    if node is None:
        return None
    before = len(problems)
    kinds = _kinds(node, problems)
    found: dict[str, object] = {}
    for key in kinds:
        found = _when(key, node, problems) or found
    kind = str(kinds[0].value) if kinds else ""
    found |= _limits(node, problems)
    if len(problems) == before:
        value = _value(kind, node)
        _check(found, value if value is not None else node, problems)
    found |= _options(node, kind, problems)
    return found if len(problems) == before else None


def _kinds(node: Mapping, problems: Problems) -> list[Scalar]:
    """Return the keys that say when, noting unknown ones, and that not just one says when."""
    known = (*FORMS, *_OPTIONS)
    kinds = [key for key, _ in node if str(key.value) in FORMS]
    meant = False
    for key, _ in node:
        text = str(key.value)
        if text not in known:
            near = did_you_mean(text, known)
            meant = meant or text.endswith(">") or any(f"'{it}'" in near for it in FORMS)
            hint = near or f"there are {', '.join(FORMS)}"
            problems.add(key.at, "SD302", f"unknown key '{text}' in a schedule", hint, key.length)
    for key in kinds[1:]:
        text = f"a workflow has one schedule, and this one has '{kinds[0].value}'"
        problems.add(key.at, "SD302", text, "for a second one write a file that calls this one", key.length)
    if not kinds and not meant:
        length = node.entries[0][0].length if node.entries else 2
        hint = f"such as daily>: 07:00:00; there are {', '.join(FORMS)}"
        problems.add(node.at, "SD302", "a schedule needs to say when", hint, length)
    return kinds


def _value(kind: str, node: Mapping) -> Node | None:
    """Return the value of the key that says when; that of `at` may stand in its place."""
    value = node.get(kind)
    return (node.get("at") or value) if value is None or (isinstance(value, Scalar) and value.value is None) else value


def _when(key: Scalar, node: Mapping, problems: Problems) -> dict[str, object] | None:
    """Return what a key says of when sessions are; None after noting what is wrong with its value, at that part of it."""
    kind = str(key.value)
    value = _value(kind, node)
    text = _text(value)
    made = cron.fields(kind, text)
    if made is not None:
        return made
    if not isinstance(value, Scalar) or not text or "${" in text:
        at = key if value is None or not text else value
        problems.add(at.at, "SD303", f"{kind} needs {FORMS[kind]}", _hint(value), at.length)
        return None
    wrong = cron.wrong(kind, text)
    blanks = len(value.text) - len(value.text.lstrip())
    problems.add(value.position(wrong.start + blanks), "SD303", wrong.text, wrong.hint, wrong.length)
    return None


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
        text = f"'delay' is for cron> and intervals; the time of {kind} is its delay"
        _mistake(given["delay"], problems, text, "leave it out")
    elif "delay" in given:
        found["delay"] = _whole(given["delay"], "delay", 0, _DELAY_MOST, problems)
    if "skip_on_overtime" in given and directives.switch("skip_on_overtime", given["skip_on_overtime"], problems):
        found["skip_on_overtime"] = True
    if "skip_delayed_by" in given:
        seconds = directives.duration(_text(given["skip_delayed_by"]))
        found["skip_delayed_by"] = seconds
        if seconds is None:
            digits = _text(given["skip_delayed_by"])
            hint = f"with its unit: {digits}h, {digits}m or {digits}s" if digits.isdigit() else ""
            _mistake(given["skip_delayed_by"], problems, "'skip_delayed_by' needs a duration, as in 1h or 30m", hint)
    if "catch_up" in given and _text(given["catch_up"]) not in CATCH_UP:
        hint = did_you_mean(_text(given["catch_up"]), CATCH_UP)
        _mistake(given["catch_up"], problems, f"'catch_up' is one of {', '.join(CATCH_UP)}", hint)
    elif "catch_up" in given and _text(given["catch_up"]) != CATCH_UP[0]:
        found["catch_up"] = _text(given["catch_up"])
    if "catch_up_limit" in given:
        found["catch_up_limit"] = _whole(given["catch_up_limit"], "catch_up_limit", 1, CATCH_UP_MOST, problems)
    return found


def _mistake(node: Node, problems: Problems, text: str, hint: str = "") -> None:
    problems.add(node.at, "SD303", text, _hint(node) or hint, node.length)


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


def _limits(node: Mapping, problems: Problems) -> dict[str, object]:
    """Return the first and last day of a schedule, those that it has."""
    found = {name: day for name in ("start", "end") if (day := _day(node, name, problems))}
    last = node.get("end")
    if last is not None and found.get("start", "") > found.get("end", "~"):
        text = f"the schedule ends before it starts, on {found['start']}"
        problems.add(last.at, "SD303", text, "", last.length)
    return dict(found)


def _day(node: Mapping, name: str, problems: Problems) -> str:
    """Return a day of a schedule, "" when there is none."""
    value = node.get(name)
    if value is None:
        return ""
    text = _text(value)
    found = _DATE.fullmatch(text)
    if not found or int(found[3]) > length(int(found[1]), int(found[2])):
        other = re.fullmatch(r"([12]\d{3})[/.]?(\d{1,2})[/.]?(\d{1,2})", text)
        hint = f"did you mean {other[1]}-{int(other[2]):02}-{int(other[3]):02}?" if other else ""
        known = "there is no such day" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else hint
        _mistake(value, problems, f"'{name}' needs a day, as in 2026-01-31", known)
        return ""
    return text
