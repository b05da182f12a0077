"""`http_call>: uri` would run a workflow that an HTTP server answers with; a state machine cannot grow at run time."""

from __future__ import annotations

from stepdig.language.declared import refused
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step


@operator("http_call", argument=refused("http_call> cannot run: a state machine is complete before it starts"))
def http_call(task: Task, place: Place) -> Step:
    """Not supported: Step Functions runs what was compiled; `call>` runs another file of the project."""
    at = task.operator_at or task.at
    text = "a workflow from an HTTP server cannot be run: a state machine is complete before it starts"
    hint = "call> a file of the project; loop over what only the server knows: http>, then for_each>: {x: ${http.last_content}}"
    place.problem(at, "SD486", text, hint, len("http_call>"))
    return nothing(place)
