"""The values of `_retry`, `_parallel` and the switches, each as Digdag reads it: node -> what `model` keeps."""

from __future__ import annotations

import json
import re
from typing import TypeGuard

from stepdig import limits
from stepdig.language.model import After, Number, Parallel, Retry
from stepdig.problem import Position, Problems, did_you_mean
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain

_INTEGER = re.compile(r"\s*[-+]?[0-9]{1,18}\s*")
_TEMPLATE = "${"
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_RETRY_KEYS = ("limit", "interval", "max_interval", "interval_type")


def switch(name: str, node: Node, problems: Problems) -> bool:
    """Return a boolean as Digdag's `get(key, boolean)` takes it: `true`, "true", 1; a mistake counts as false."""
    value = node.value if isinstance(node, Scalar) else ()
    if value is None:
        return False
    if isinstance(value, bool | int):
        return bool(value)
    word = value.strip() if isinstance(value, str) else None
    if word in ("true", "True"):
        return True
    if word not in ("false", "False", ""):
        hint = "'${...}' is not evaluated here" if isinstance(value, str) and _TEMPLATE in value else _meant(word)
        _add(problems, node, "SD208", f"'{name}' must be true or false, not {shown(node)}", hint)
    return False


def _meant(word: str | None) -> str:
    """Return a hint for a word that is not quite true or false: in YAML as Digdag reads it, `yes` is a text."""
    known = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    small = (word or "").lower()
    return f"write {known[small]}" if small in known else did_you_mean(small, ("true", "false"))


def parallel(node: Node, at_run_time: bool, problems: Problems) -> Parallel | None:
    """Return `_parallel`; `at_run_time`: it belongs to a loop, where Digdag evaluates it when the loop runs."""
    if not isinstance(node, Mapping):
        if at_run_time and isinstance(node, Scalar) and is_template(node):
            return Parallel(None, node.at, switch=node)
        number = node.value if isinstance(node, Scalar) and not isinstance(node.value, bool) else None
        if isinstance(number, int) and number > 1:
            text = f"'_parallel: {number}' would run all at the same time, as in Digdag"
            _add(problems, node, "SD209", text, f"write _parallel: {{limit: {number}}}, or true")
            return Parallel(number, node.at)
        return Parallel(None, node.at) if switch("_parallel", node, problems) else None
    _unknown_keys(node, "_parallel", ("limit",), problems)
    given = node.get("limit")
    if given is None:
        problems.add(node.at, "SD209", "'_parallel' as a mapping needs 'limit'", "write _parallel: {limit: 4}, or true")
        return None
    if at_run_time and isinstance(given, Scalar) and is_template(given):
        return Parallel(given, node.at)
    limit = integer(given)
    if limit is None:
        _add(problems, given, "SD209", f"'limit' must be an integer, not {shown(given)}", "")
        return None
    return Parallel(limit if limit > 0 else None, node.at)  # 0 is no limit, as in Digdag


def retry(node: Node, group: bool, problems: Problems) -> Retry | None:
    """Return `_retry`, or None for no retry: 0, less, or a mistake.

    A number, a number as text, or a mapping of limit, interval, max_interval (seconds) and interval_type:
    digdag-plugin-utils/src/main/java/io/digdag/util/RetryControl.java. A group's is never evaluated.
    """
    tries, seconds = limits.RETRY_MAX_ATTEMPTS, limits.RETRY_MAX_DELAY_SECONDS
    if not isinstance(node, Mapping):
        limit = None if _evaluated(node, group, problems) else _number("_retry", node, problems, None, tries, _FORMS)
        return Retry(limit, 0, None, False, node.at) if _some(limit) else None
    _unknown_keys(node, "_retry", _RETRY_KEYS, problems)
    values = {str(key.value): value for key, value in node if not _is_null(value)}
    evaluated = [_evaluated(value, group, problems) for value in values.values()]
    if any(evaluated):
        return None
    if "limit" not in values:
        problems.add(node.at, "SD211", "'_retry' as a mapping needs 'limit'", _FORMS)
        return None
    limit = _number("limit", values["limit"], problems, None, tries)
    interval = _number("interval", values["interval"], problems, 0, seconds) if "interval" in values else 0
    most = _number("max_interval", values["max_interval"], problems, 0, seconds) if "max_interval" in values else None
    exponential = _is_exponential(values.get("interval_type"), problems)
    return Retry(limit, interval or 0, most, exponential, node.at) if _some(limit) else None


def _some(limit: Number | None) -> TypeGuard[Number]:
    """Return whether a limit is more than none; what a template gives is known later."""
    return isinstance(limit, Scalar) or (limit is not None and limit > 0)


def timeout(node: Node, problems: Problems) -> int | None:
    """Return `_timeout` in seconds: a duration such as `30m`, or a number of seconds; None after noting a mistake."""
    value = node.value if isinstance(node, Scalar) else None
    seconds = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str):
        seconds = duration(value)
    if seconds is None or seconds < 1:
        hint = "'${...}' is not evaluated here" if is_template(node) else "write it like 90s, 30m or 1h 30m"
        _add(problems, node, "SD254", f"'_timeout' must be a duration, not {shown(node)}", hint)
        return None
    if seconds > limits.TIMEOUT_SECONDS:
        text = f"'_timeout' is {seconds:,} s; Step Functions takes {limits.TIMEOUT_SECONDS:,} at most"
        _add(problems, node, "SD254", text, "")
        return None
    return seconds


def duration(text: str) -> int | None:
    """Return the seconds of a Digdag duration such as `1h 30m`, or None when it is none."""
    if not re.fullmatch(r"\s*(\d{1,9}\s*[dhms]\s*)+", text):
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)\s*([dhms])", text))


def after(node: Node, problems: Problems) -> tuple[After, ...]:
    """Return the names of `_after`; whether there are such siblings is for the group to say."""
    if not isinstance(node, Sequence):
        _add(problems, node, "SD251", f"'_after' must be a list, not {shown(node)}", "such as _after: [+load]")
        return ()
    found = []
    for item in node.items:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            found.append(After(item.value, item.at))
        else:
            _add(problems, item, "SD251", f"'_after' lists names of tasks, not {shown(item)}", "such as [+load]")
    return tuple(found)


_FORMS = "write a number, or {limit: 3, interval: 10, interval_type: exponential}"


def integer(node: Node) -> int | None:
    """Return a number, or a text that is one, as Java's int: what follows the point is cut."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def is_template(node: Node) -> bool:
    """Return whether the node is a text with `${`."""
    return isinstance(node, Scalar) and isinstance(node.value, str) and _TEMPLATE in node.value


def shown(node: Node) -> str:
    """Return a value as a message quotes it, in JSON and cut."""
    if not isinstance(node, Scalar):
        return "a mapping" if isinstance(node, Mapping) else "a list"
    text = json.dumps(plain(node), ensure_ascii=False)
    return "empty" if text == "null" else text if len(text) <= 40 else text[:37] + "..."


def _evaluated(node: Node, group: bool, problems: Problems) -> bool:
    """Note a `${}` in the `_retry` of a group, which nobody evaluates, and return whether there is one."""
    if not group or not is_template(node):
        return False
    text = "'${...}' in the '_retry' of a group is not evaluated: Digdag would not retry"
    _add(problems, node, "SD211", text, "write the number")
    return True


def _number(name: str, node: Node, problems: Problems, least: int | None, most: int, hint: str = "") -> Number | None:
    """Return an integer or its template, or None after noting that it is none or that AWS takes no such number."""
    if isinstance(node, Scalar) and is_template(node):
        return node
    found = integer(node)
    if found is None or (least is not None and found < least):
        what = "an integer" if least is None else f"an integer of {least} or more"
        _add(problems, node, "SD211", f"'{name}' must be {what}, not {shown(node)}", hint)
        return None
    if found is not None and found > most:
        _add(problems, node, "SD211", f"'{name}' is {found:,}; Step Functions takes {most:,} at most", "")
        return None
    return found


def _is_exponential(node: Node | None, problems: Problems) -> bool:
    if node is None:
        return False
    kind = node.value if isinstance(node, Scalar) else None
    known = ("constant", "exponential")
    if not isinstance(kind, str) or kind.lower() not in known:
        hint = (did_you_mean(kind, known) if isinstance(kind, str) else "") or "constant or exponential"
        _add(problems, node, "SD211", f"unknown interval_type {shown(node)}", hint)
        return False
    return kind.lower() == "exponential"


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _unknown_keys(node: Mapping, name: str, known: tuple[str, ...], problems: Problems) -> None:
    for key, _ in node:
        if key.value not in known:
            hint = did_you_mean(str(key.value), known) or f"known: {', '.join(known)}"
            problems.add(key.at, "SD212", f"unknown key '{key.value}' in '{name}'", hint, key.length)


def _add(problems: Problems, node: Node, code: str, text: str, hint: str) -> None:
    at: Position = node.at
    problems.add(at, code, text, hint, node.length)
