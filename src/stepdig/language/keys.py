"""The keys that tasks, groups and workflows have whatever the operator, as `declared` has them. `parse` reads them."""

from __future__ import annotations

from stepdig.language.declared import (
    ANY,
    ARGV,
    BODY,
    DURATION,
    FLAG,
    NUMBER,
    SWITCH,
    TEXT,
    TIME_LIMIT,
    VALUE,
    WHOLE,
    Option,
    Schema,
    list_of,
    mapping,
    mapping_of,
    matching,
    without,
    word,
)
from stepdig.language.input_types import TYPES


def _or(scalar: Schema, options: Schema) -> Schema:
    """Return a schema of a scalar or a mapping; one level, so that an editor can say what is wrong."""
    kinds = scalar["type"]
    assert isinstance(kinds, list)
    return {**scalar, **options, "type": [*kinds, "object"]}


def _retry(number: Schema) -> Schema:
    options = mapping(
        Option("limit", number, "how often it runs again; N retries are N + 1 runs", required=True),
        Option("interval", number, "seconds before the first retry"),
        Option("max_interval", number, "seconds that lie between retries at most, with exponential"),
        Option("interval_type", word("constant", "exponential"), "exponential doubles the interval each time"),
    )
    return _or(number, options)


def _parallel(switch: Schema, number: Schema) -> Schema:
    return _or(switch, mapping(Option("limit", number, "how many run at the same time", required=True)))


_SCHEDULE = mapping(
    Option("hourly>", matching(r"^\s*\d+:\d+\s*$", "MM:SS", template=False), "every hour at MM:SS"),
    Option("daily>", matching(r"^\s*\d+:\d+:\d+\s*$", "HH:MM:SS", template=False), "every day at HH:MM:SS"),
    Option("weekly>", {"type": "string"}, "on days of the week at a time: Mon,07:00:00"),
    Option("monthly>", {"type": "string"}, "on a day of the month at a time: 1,07:00:00"),
    Option("minutes_interval>", NUMBER, "every that many minutes of the hour"),
    Option("seconds_interval>", NUMBER, "every that many seconds, 60 or more"),
    Option("cron>", {"type": "string"}, "five fields: minute, hour, day, month, day of the week"),
    Option("at", {"type": "string"}, "the time, in place of the value of hourly>, daily>, weekly> or monthly>"),
    Option("delay", NUMBER, "seconds from the session's time to the run, for cron> and intervals"),
    Option("skip_on_overtime", SWITCH, "leave a session out while the one before still runs"),
    Option("skip_delayed_by", DURATION, "leave a session out that is late by this: 1h"),
    Option("start", {"type": "string"}, "the first day, YYYY-MM-DD"),
    Option("end", {"type": "string"}, "the last day, YYYY-MM-DD"),
    Option(
        "catch_up",
        {"enum": ["all", "last", "none"]},
        "what starts after an outage: all that was missed, the last, none",
    ),
    Option("catch_up_limit", NUMBER, "how many missed sessions start at most: 24"),
)
_INPUT = mapping(
    Option("type", {"enum": list(TYPES)}, "the type; without it that of the default"),
    Option("default", ANY, "the value when none is given; without it one must be given"),
    Option("values", {"type": "array", "minItems": 1}, "the allowed values"),
    Option("description", TEXT, "what it is for; run WORKFLOW --help shows it"),
    Option("required", {"type": "boolean"}, "whether it must be given"),
)
# A default by itself, or a mapping that says more.
_INPUTS = {
    **mapping_of({**_INPUT, "type": ["string", "number", "boolean", "null", "array", "object"]}),
    "allOf": [without("^(?![A-Za-z][A-Za-z0-9_]*$)", "a parameter's name has letters, digits and _, a letter first")],
}

EXPORT = Option("_export", mapping_of(ANY), "parameters of this place and everything below it")
ERROR = Option("_error", BODY, "tasks that run when it failed; `error.message` says why")
AFTER = Option(
    "_after", list_of({"type": "string", "pattern": r"^\+"}), "earlier siblings of a parallel group that come first"
)
BACKGROUND = Option("_background", SWITCH, "start with the group, beside the tasks before it")
DISABLE = Option("_disable", SWITCH, "leave it out")
TIMEOUT = Option("_timeout", TIME_LIMIT, "its time limit: 90s, 30m, 1h 30m; a number is seconds")
IGNORE = Option("_ignore_failure", SWITCH, "go on when it failed")
ENV = Option("_env", mapping_of(TEXT), "environment variables of its commands")
SECRETS = Option("_secrets", mapping_of(ANY), "other names for secrets: `{password: mysql.password}`")

_ECS = mapping(
    Option("job", TEXT, "the folder below jobs/; default without it"),
    Option("cpu", TEXT, "1024, or 1 vCPU"),
    Option("memory", TEXT, "2048 (MiB), or 2 GB"),
    Option("ephemeral_storage", TEXT, "disk, GiB"),
    Option("state", ARGV, "files that it finds again as its last successful run left them; in place of the job's"),
    Option("task_definition_arn", TEXT, "in place of a job: a task definition that is there already, run as it is"),
    Option("container", TEXT, "its container that is given the command"),
    others=True,
)
_DOCKER = mapping(Option("image", TEXT, "an image that has Python 3.8 or newer, in place of a job"), others=True)

# Of a task with any operator.
TASK = (
    EXPORT,
    Option("_retry", _retry(WHOLE), "run again when it failed: 3, or `{limit: 3, interval: 10}`"),
    ERROR,
    Option("_check", BODY, "tasks that must succeed after it for it to succeed"),
    BACKGROUND,
    AFTER,
    TIMEOUT,
    IGNORE,
    DISABLE,
)
# Of an operator that starts a container.
COMMAND = (
    Option("ecs", _ECS, "the job it runs in, and sizes over the job's: `{job: load, memory: 4 GB}`"),
    Option("docker", _DOCKER, "the image it runs in, in place of a job: `{image: python:3.13-slim}`"),
    ENV,
    SECRETS,
)
# Of a loop.
LOOP = (
    Option("_do", BODY, "the tasks of one iteration", required=True),
    Option("_parallel", _parallel(FLAG, WHOLE), "run the iterations at the same time: `true`, or `{limit: 4}`"),
)
_GROUP_RETRY = Option("_retry", _retry(NUMBER), "run all of it again when it failed: 3, or `{limit: 3, interval: 10}`")
_GROUP_PARALLEL = Option(
    "_parallel", _parallel(SWITCH, NUMBER), "run its tasks at the same time: `true`, or `{limit: 4}`"
)
_TIMEZONE = Option("timezone", VALUE, "an IANA name or an offset: Asia/Tokyo, +09:00; UTC without it")
_TIMES = (
    Option("schedule", _SCHEDULE, "when it starts by itself: `{daily>: 07:00:00}`"),
    Option("sla", mapping_of(ANY), "what happens when it is not done by a time"),
)
GROUP = (
    EXPORT,
    _GROUP_PARALLEL,
    _GROUP_RETRY,
    ERROR,
    BACKGROUND,
    AFTER,
    TIMEOUT,
    IGNORE,
    DISABLE,
    ENV,
    SECRETS,
)
# Accepted and without effect, as in Digdag.
GROUP_IDLE = tuple(
    Option(name, ANY, "without effect here, as in Digdag") for name in ("timezone", "schedule", "sla", "_check")
)
TOP = (
    _TIMEZONE,
    *_TIMES,
    Option(
        "params",
        {**_INPUTS, "type": ["object", "null"]},
        "what it takes from outside, with types and defaults",
    ),
    EXPORT,
    _GROUP_PARALLEL,
    _GROUP_RETRY,
    ERROR,
    TIMEOUT,
    ENV,
)
TOP_IDLE = (Option("_check", ANY, "without effect here, as in Digdag"),)
