"""`sla:` of a workflow: by when it should have ended, and what happens when it has not.

https://docs.digdag.io/scheduling_workflow.html#setting-an-alert-if-a-workflow-doesn-t-finish-within-expected-time
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stepdig import limits
from stepdig.language.directives import shown, switch
from stepdig.language.model import Sla, Task
from stepdig.problem import Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar

_KNOWN = ("time", "duration", "alert", "fail")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")
_ANY_SECONDS = 60  # after a mistake, so that the tasks below are looked at, too
_LONG = re.compile(r"(\d{1,7}):([0-5]\d)(?::([0-5]\d))?")


def sla(node: Mapping | None, task: Callable[[Mapping], Task], problems: Problems) -> Sla | None:
    """Return `sla:` as written, None without one; `task` reads the tasks below it. Mistakes are noted, all of them."""
    if node is None:
        return None
    meant = False
    for key, _ in node:
        text = str(key.value)
        if text not in _KNOWN and not text.startswith("+"):
            near = did_you_mean(text, _KNOWN)
            meant = meant or "'time'" in near or "'duration'" in near
            hint = near or f"there are {', '.join(_KNOWN)}, and tasks, whose names begin with +"
            problems.add(key.at, "SD304", f"unknown key '{text}' in sla", hint, key.length)
    found = [(key, value) for key, value in node if key.value in ("time", "duration")]
    if len(found) > 1 or not (found or meant):
        at, length = (found[1][0].at, found[1][0].length) if found else (node.at, _first(node))
        text = "an sla has one of 'time' and 'duration'" if found else "an sla needs to say by when"
        problems.add(at, "SD305", text, "such as time: 07:30, or duration: 01:30:00", length)
    seconds = [_seconds(str(key.value), value, problems) for key, value in found]
    alert, fail = (_switch(node, name, problems) for name in ("alert", "fail"))
    children = tuple((name, body) for name, body in node if str(name.value).startswith("+"))
    body = task(Mapping(node.at, children)) if children else None
    clock = bool(found) and str(found[0][0].value) == "time"
    limit = _ANY_SECONDS if not seconds or seconds[0] is None else seconds[0]
    return Sla(node.at, limit, clock, alert, fail, body)


def _first(node: Mapping) -> int:
    return node.entries[0][0].length if node.entries else 2


def _seconds(name: str, node: Node, problems: Problems) -> int | None:
    """Return a time of day as seconds after midnight, or how long a run may take."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    match = (_CLOCK if name == "time" else _LONG).fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = (hours * 60 + minutes) * 60 + seconds
    wrong = hours > 23 if name == "time" else not 0 < total <= limits.WAIT_SECONDS
    if match is None or wrong:
        form = "HH:MM or HH:MM:SS" + (", a time of day" if name == "time" else ", and longer than nothing")
        hint = "an sla holds no ${...}" if "${" in text else "such as 07:30"
        problems.add(node.at, "SD305", f"'{name}' of sla must be {form}, not {shown(node)}", hint, node.length)
        return None
    return total


def _switch(node: Mapping, name: str, problems: Problems) -> bool:
    value = node.get(name)
    return value is not None and switch(name, value, problems)
