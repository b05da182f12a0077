"""Digdag's session variables: as JSONata from the run object, and as values for the task runner.

Page: https://docs.digdag.io/workflow_definition.html#using-variables. The run object holds `session_time` (ISO 8601 with
offset), `attempt_id`, `session_uuid` and `params`.
"""

from typing import Any, Callable, Dict, Optional, Tuple

from stepdig.expressions import clock
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.moment_parse import iso, offset_minutes
from stepdig.expressions.shapes import Code, Zone


def _coded(code: str, kind: str) -> Callable[[str], Code]:
    """Return what makes a session variable's code from the run object's."""
    return lambda run: Code(code % f"{run}.session_time", kind)


_PARTS: Dict[str, Tuple[str, str]] = {
    "time": ("%s", "iso"),
    "date": ("$substring(%s,0,10)", "date"),
    "date_compact": ("$replace($substring(%s,0,10),'-','')", "ymd"),
    "local_time": ("$replace($substring(%s,0,19),'T',' ')", "lt"),
    "tz_offset": ("$replace($substring(%s,19),':','')", "str"),
    "unixtime": ("($toMillis(%s) / 1000)", "num"),
}
_CODES: Dict[str, Callable[[str], Code]] = {
    **{f"session_{part}": _coded(code, kind) for part, (code, kind) in _PARTS.items()},
    "session_id": lambda run: Code(f"($toMillis({run}.session_time) / 1000)", "num"),
    "session_uuid": lambda run: Code(f"{run}.session_uuid", "str"),
    "attempt_id": lambda run: Code(f"{run}.attempt_id", "num"),
    "project_id": lambda run: Code("1", "num"),
    "last_executed_session_time": lambda run: Code("''", "str"),
    "last_executed_session_date": lambda run: Code("''", "str"),
    "last_executed_session_date_compact": lambda run: Code("''", "str"),
    "last_executed_session_local_time": lambda run: Code("''", "str"),
    "last_executed_session_tz_offset": lambda run: Code("'+0000'", "str"),
    "last_executed_session_unixtime": lambda run: Code("''", "str"),
}
NAMES = (*_CODES, "timezone")
# What a schedule gives, by the name of the time in the run object.
SCHEDULED = {f"{kind}_session_{part}": f"{kind}_session_time" for kind in ("last", "next") for part in _PARTS}
_EXECUTED = "last_executed_session_"
WEAKEST = ("project_name", "workflow_name")  # not Digdag's: anything a user defines is stronger


def session_variable(name: str, zone: Zone, timezone: str = "") -> Optional[Code]:
    """Return a session variable as code over the run object, or None when the name is not one.

    `timezone` is the workflow's, given by the compiler; without it that variable is None too.
    """
    if name == "timezone":
        return Code(f"'{timezone}'", "str") if timezone else None
    make = _CODES.get(name)
    return make(zone.run) if make else None


def scheduled(name: str, zone: Zone) -> Optional[Code]:
    """Return a variable of a workflow with a schedule; those of a last or next session may be missing."""
    if name in SCHEDULED:
        code, kind = _PARTS[name.partition("_session_")[2]]
        return Code(code % f"{zone.run}.{SCHEDULED[name]}", kind, may_be_missing=True)
    if name.startswith(_EXECUTED) and name in _CODES:
        time, none = f"{zone.run}.{_EXECUTED}time", _CODES[name](zone.run).text
        code, _ = _PARTS[name[len(_EXECUTED) :]]
        return Code(f"($exists({time})?{code % time}:{none})", "any" if name.endswith("unixtime") else "str")
    return None


def session_values(run: Dict[str, Any], timezone: str) -> Dict[str, Any]:
    """Return all session variables of a run for the task runner; raise EvaluationError for a bad `session_time`."""
    time = str(run.get("session_time", ""))
    utc_ms = iso(time, None)
    if utc_ms is None or utc_ms != utc_ms:  # noqa: PLR0124  # NaN
        raise EvaluationError(f"session_time '{time}' is not an ISO 8601 time")
    values = {"timezone": timezone, "project_id": 1, "attempt_id": run.get("attempt_id", 1)}
    values.update({"session_id": int(utc_ms // 1000), "session_uuid": run.get("session_uuid", "")})
    values.update(
        {f"last_executed_session_{name}": "" for name in ("time", "date", "date_compact", "local_time", "unixtime")}
    )
    values["last_executed_session_tz_offset"] = "+0000"
    values.update(times("session_", utc_ms, offset_minutes(time[19:])))
    for kind in ("last", "next", "last_executed"):
        given = run.get(f"{kind}_session_time")
        at = iso(str(given), None) if given else None
        if at is not None:
            values.update(times(f"{kind}_session_", at, offset_minutes(str(given)[19:])))
    return values


def times(prefix: str, utc_ms: float, offset: int) -> Dict[str, Any]:
    """Return `<prefix>time`, `date`, `date_compact`, `local_time`, `tz_offset`, `unixtime` of an instant.

    `offset` is in minutes.
    """
    now = clock.read(utc_ms + offset * 60_000)
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    date = f"{now.year:04d}-{now.month + 1:02d}-{now.day:02d}"
    local = f"{now.hour:02d}:{now.minute:02d}:{now.second:02d}"
    return {
        f"{prefix}time": f"{date}T{local}{sign}{hours:02d}:{minutes:02d}",
        f"{prefix}date": date,
        f"{prefix}date_compact": date.replace("-", ""),
        f"{prefix}local_time": f"{date} {local}",
        f"{prefix}tz_offset": f"{sign}{hours:02d}{minutes:02d}",
        f"{prefix}unixtime": int(utc_ms // 1000),
    }
