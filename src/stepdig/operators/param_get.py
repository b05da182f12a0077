"""`param_get>:` reads values that earlier runs kept, by a small function on the Parameter Store."""

from __future__ import annotations

from stepdig.jsonata_text import literal
from stepdig.language.declared import VALUE
from stepdig.language.model import Task
from stepdig.operators._params import call, keys
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step

VALUE_BYTES = 8_600  # of a value of the Parameter Store, 8,192, and its name
ANSWER_BYTES = 200_000  # of all of a task, as JSON; the function keeps to it


@operator("param_get", argument={"type": "null"}, others=VALUE, stores=True)
def param_get(task: Task, place: Place) -> Step:
    """Read kept values: each key is the name it was kept under, its value the parameter it becomes."""
    names: dict[str, str] = {}
    for key, node in keys(task, place):
        value = place.constant(node, "the parameter that param_get> sets")
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
            names[key] = str(value)
        elif value is not None:
            place.problem(
                node.at, "SD488", "param_get> needs the name of a parameter here", f"{key}: {key}", node.length
            )
    if not names:
        return nothing(place)
    fields = ",".join(f"{literal(to)}:$lookup($p,{literal(key)})" for key, to in names.items())
    stores = f"($p:=$states.result.Payload.params;{{{fields}}})"
    answer = min(ANSWER_BYTES, len(names) * VALUE_BYTES)
    return place.invoke(task, call(place, {"get": list(names)}, stores=stores, answer=answer), names.values())
