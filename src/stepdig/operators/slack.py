"""`slack>: template.yml` posts to Slack: the templates of the digdag-slack plug-in, rendered by the machine."""

from stepdig.language.declared import ANY, TEXT, mapping_of
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Notify, Step
from stepdig.problem import did_you_mean
from stepdig.source.tree import Mapping, Scalar

_SHOWN = ("text", "attachments", "blocks")  # a webhook refuses what has none of them


@operator("slack", argument={**TEXT, **mapping_of(ANY), "type": ["string", "object"]})
def slack(task: Task, place: Place) -> Step:
    """Post a message to Slack, from a YAML template of the project: `slack>: slack/done.yml`."""
    argument = place.required(task)
    if argument is None:
        return nothing(place)
    template = argument
    if isinstance(argument, Scalar):
        path = place.constant(argument, "the template of slack>")
        loaded = place.load(argument, str(path)) if path is not None else None
        if loaded is None:
            return nothing(place)
        template = loaded
    if not isinstance(template, Mapping):
        place.problem(template.at, "SD441", "a message for Slack is a mapping", "for example: text: loaded ${table}")
        return nothing(place)
    keys = [str(name.value) for name, _ in template]
    if not any(name in keys for name in _SHOWN):
        text = f"a message for Slack has one of {', '.join(_SHOWN)}"
        hint = next(
            (it for it in (did_you_mean(name, _SHOWN) for name in keys) if it), "such as text: loaded ${session_date}"
        )
        place.problem(template.at, "SD441", text, hint, template.entries[0][0].length if keys else 2)
        return nothing(place)
    message, guards = place.structure(template)
    return Notify(place.name, place.comment, message, guards)
