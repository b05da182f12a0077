"""What is known of a run -> the message of it, for somebody who was just woken by it.

From the top: what ended and how, which task and why, what to do, the last lines of its log, where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import links
from reason import Reason
from redact import redact
from status import Part, Run, cut_lines, zone_of

COLOURS = {"SUCCEEDED": "good", "FAILED": "danger", "TIMED_OUT": "danger", "ABORTED": "warning"}
SAID = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "was stopped"}
LISTED_CHARS = 2_400  # of lines that tell of one item each; their section ends at 3,000
LINE_CHARS = 200
LOG_CHARS = 2_000
INPUT_CHARS = 500


def payload(run: Run, environment: str = "") -> dict[str, Any]:
    """Return the payload of a message, for blocks.render."""
    blocks = [_section(text) for text in _texts(run) if text]
    blocks.append({"type": "context", "elements": [_markdown(_small_print(run, environment))]})
    return {"text": _headline(run), "attachments": [{"color": COLOURS[run.status], "blocks": blocks}]}


def _headline(run: Run) -> str:
    of = f" ({plain(run.project)})" if run.project else ""
    session = f", session {_spoken(run.session, run.session)}" if run.session is not None else ""
    return f"*{plain(run.workflow)}*{of} {SAID[run.status]}{session}"


def _texts(run: Run) -> Iterator[str]:
    """Yield the paragraphs of a message."""
    if run.status != "SUCCEEDED":
        yield from _why(run)
        yield _log(run)
        yield _next(run)
    yield _pages(run)


def _why(run: Run) -> Iterator[str]:
    """Yield what failed and why; of several, each in a line."""
    if run.status != "FAILED":
        if run.reason is not None:
            yield _reason(run.reason)
        if run.parts:
            yield "\n".join(["It was running:", *_fitting(f"• {_named(part)}{_log_of(part)}" for part in run.parts)])
    elif run.total > 1:
        yield _several(run)
    elif run.parts:
        yield f"{_named(run.parts[0])}\n{_reason(run.parts[0].reason)}"
    elif run.reason is not None:
        yield _reason(run.reason)


def _several(run: Run) -> str:
    """Return a line for each of several that failed, as many as there is room for, and what to do."""
    tasks = {part.task for part in run.parts}
    where = f" in `{_code(tasks.pop())}`" if len(tasks) == 1 else ""
    told = _fitting(_line(part, with_task=not where) for part in run.parts)
    if (
        not told and run.reason is not None
    ):  # the history tells of none, as of a list that runs as executions of its own
        words = run.reason.words.removeprefix(f"{run.total} failed: ")
        told, rest = [f"> {_safe(words)}"], 0
    else:
        rest = run.total - len(told)
    more = [f"... and {rest:,} more; the execution's page has them all."] if rest > 0 else []
    todo = next((part.reason.todo for part in run.parts if part.reason.todo), "")
    return "\n".join(filter(None, [f"{run.total:,} failed{where}:", *told, *more, _safe(todo)]))


def _line(part: Part, *, with_task: bool) -> str:
    named = _named(part) if with_task or not part.item else _safe(part.item)
    return f"• {named}: {_safe(cut_lines([part.reason.says], LINE_CHARS)[0])}{_log_of(part)}"


def _log_of(part: Part) -> str:
    return f" <{part.log}|log>" if part.log else ""


def _fitting(lines: Iterable[str]) -> list[str]:
    """Return the first lines, as many as a section has room for."""
    found: list[str] = []
    room = LISTED_CHARS
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        found.append(line)
    return found


def _named(part: Part) -> str:
    task = f"`{_code(part.task)}`" if part.task else "a task"
    return f"{task} {plain(redact(part.item))}".rstrip()


def _reason(reason: Reason) -> str:
    """Return the sentence, AWS's own words when they say more, and what to do."""
    words = f"\n> {_safe(reason.words)}".replace("\n", "\n> ").removeprefix("\n> ") if reason.words else ""
    page = f" <{reason.page}|More>" if reason.page else ""
    return "\n".join(filter(None, [_safe(reason.says), words, f"{_safe(reason.todo)}{page}".strip()]))


def _log(run: Run) -> str:
    lines = [_code(redact(line)) for line in cut_lines(run.log_lines, LINE_CHARS)]
    while lines and sum(map(len, lines)) + len(lines) > LOG_CHARS:
        lines.pop(0)
    if not lines:
        return ""
    of = f" of {_named(run.parts[0])}" if run.total > 1 else ""
    return f"The last lines of the log{of}:\n```\n" + "\n".join(lines) + "\n```"


def _next(run: Run) -> str:
    """Return what to do now. A redrive has the definition, the job and the files that the run began with."""
    if run.not_redrivable:
        return f"*Next:* it cannot be redriven: {_safe(run.not_redrivable)} Start the session anew:\n{_anew(run)}"
    command = f"aws stepfunctions redrive-execution --execution-arn {run.arn}"
    return (
        f"*Next:* press Redrive on the execution's page, or run\n`{command}`\n"
        f"That goes on with what was deployed when the run began. After a change, start the session anew:\n{_anew(run)}"
    )


def _anew(run: Run) -> str:
    """Return the command that starts the session of a run once more; an input with secrets or a long one is left out."""
    name, given = run.again
    named = f" --name {name}" if name else ""
    shown = given if len(given) <= INPUT_CHARS and redact(given) == given and "'" not in given else "..."
    return f"`aws stepfunctions start-execution --state-machine-arn {run.machine}{named} --input '{_code(shown)}'`"


def _pages(run: Run) -> str:
    pages = [f"<{links.execution(run.arn)}|Execution>"]
    if run.status != "SUCCEEDED" and run.parts:
        first = run.parts[0]
        pages += [f"<{first.ecs_task}|ECS task>"] if first.ecs_task else []
        pages += [f"<{first.log}|Log>"] if first.log else []
    return " · ".join(pages)


def _small_print(run: Run, environment: str) -> str:
    """Return what matters less: how long it took, when it ran, how often it was redriven, where, its name."""
    told = [plain(environment)] if environment else []
    if run.started is not None and run.stopped is not None:
        told.append(f"took {duration(run.stopped - run.started)}")
        told.append(f"{_spoken(run.started, run.session)} to {_spoken(run.stopped, run.session, run.started)}")
    if run.redrives:
        told.append(f"redriven {run.redrives} time{'s' if run.redrives > 1 else ''}")
    return " · ".join([*told, plain(run.name)])


def duration(time: timedelta) -> str:
    """Return a length of time as people say it: `4 s`, `3 min 20 s`, `1 h 5 min`, `2 d 3 h`."""
    seconds = max(0, round(time.total_seconds()))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for place, (unit, size) in enumerate(units):
        if seconds >= size:
            below = seconds % size // units[place + 1][1] if unit != "s" else 0
            return f"{seconds // size} {unit}" + (f" {below} {units[place + 1][0]}" if below else "")
    return "less than 1 s"


def _spoken(time: datetime, session: datetime | None, after: datetime | None = None) -> str:
    """Return a time in the zone of the session; only the time of day if it is of the same day as `after`."""
    zone = zone_of(session)
    here = time.astimezone(zone)
    if after is not None and after.astimezone(zone).date() == here.date():
        return f"{here:%H:%M:%S}"
    if after is None and session is time:
        return f"{here:%Y-%m-%d %H:%M}{f':{here:%S}' if here.second else ''} {_offset(here)}"
    return f"{here:%Y-%m-%d %H:%M:%S}"


def _offset(time: datetime) -> str:
    text = f"{time:%z}"
    return f"{text[:3]}:{text[3:5]}" if text not in ("", "+0000") else "UTC"


def _safe(text: str) -> str:
    return plain(redact(text))


def plain(text: str) -> str:
    """Return a text of others so that nothing in it is Slack's: no mention, no link, no formatting of ours broken."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Return a text as it may stand between back-ticks."""
    return plain(text).replace("`", "'")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _markdown(text)}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}
