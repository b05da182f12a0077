"""`require>: workflow` makes sure that another workflow of the project has run for a session, and waits for its end."""

from __future__ import annotations

import re
from dataclasses import replace

from stepdig.jsonata_text import literal
from stepdig.language.declared import FLAG, TEXT, Option, mapping_of, refused, word
from stepdig.language.model import Task
from stepdig.operators._options import Options
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Computed, Constant, Step

RERUN = ("none", "failed", "all")
# A time with its offset, as `${session_time}` is. The name of an execution is made of it, so nothing is guessed.
_INSTANT = r"^[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](\.[0-9]+)?(Z|[+-][0-9][0-9]:[0-9][0-9])$"

_OTHER = refused("require> runs workflows of its own project")


@operator(
    "require",
    argument=TEXT,
    options=(
        Option("session_time", TEXT, "the session to run it for; without, the session of this run"),
        Option("params", mapping_of({}), "attempt parameters for it, if this task starts it"),
        Option("rerun_on", word(*RERUN), "run it again when it has ended already: none, failed, all"),
        Option("ignore_failure", FLAG, "whether to go on when it fails"),
        Option("project_name", _OTHER, "another project: not here"),
        Option("project_id", _OTHER, "another project: not here"),
    ),
)
def require(task: Task, place: Place) -> Step:
    """Wait for another workflow of the project, started if it has not run for this session: `require>: import_orders`."""
    argument = place.required(task)
    name = None if argument is None else place.constant(argument, "the workflow of require>")
    options = Options(task, place, ("require",))
    for key in ("project_name", "project_id"):
        node = task.options.get(key)
        if node is not None:
            text = "require> runs workflows of its own project"
            place.problem(node.at, "SD474", text, f"remove {key}, or move the workflow into this project", node.length)
    if argument is None or name is None:
        return nothing(place)
    step = place.workflow(argument, str(name), same_session="session_time" not in task.options)
    if step is None:
        return nothing(place)
    given = task.options.get("params")
    params, guards = ({}, ()) if given is None else place.structure(given)
    session = _session(options)
    return replace(
        step,
        session_time=None if session is None else session.code,
        params=params,
        rerun=options.word("rerun_on", RERUN, "none"),
        ignored=options.flag("ignore_failure", False),
        guards=(*guards, *(() if session is None else session.guards)),
    )


def _session(options: Options) -> Computed | None:
    """Return the session time; None for that of the run."""
    node = options.node("session_time")
    if node is None:
        return None
    value = options.place.text(node)
    hint = "write it with its offset: 2026-01-30T00:00:00+09:00, or ${moment(session_time).add(-1, 'days').format()}"
    if isinstance(value, Constant):
        if not re.match(_INSTANT, str(value.value)):
            options.place.problem(node.at, "SD475", f"'{value.value}' is no session time", hint, node.length)
        return Computed(literal(str(value.value)))
    test = f"$contains({value.code},/{_INSTANT}/)"
    return Computed(f"({value.code})", (*value.guards, (test, "session_time of require> needs a time with its offset")))
