"""`param_set>:` keeps values for later runs, by a small function on the Parameter Store."""

from __future__ import annotations

from stepdig.language.declared import VALUE
from stepdig.language.model import Task
from stepdig.operators._options import printed
from stepdig.operators._params import call, keys
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.source.tree import Scalar


@operator("param_set", argument={"type": "null"}, others=VALUE)
def param_set(task: Task, place: Place) -> Step:
    """Keep values for later runs: each key is a name, its value the text that `param_get>` reads."""
    values: dict[str, object] = {}
    guards: list[tuple[str, str]] = []
    for key, node in keys(task, place):
        if not isinstance(node, Scalar):
            place.problem(node.at, "SD488", f"'{key}' of param_set> must be a text", "", node.length)
            continue
        value, more = place.structure(node)
        values[key] = printed(value)
        guards += more
    if not values:
        return nothing(place)
    return place.invoke(task, call(place, {"set": values}, guards=tuple(guards)))
