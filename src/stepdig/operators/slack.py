"""`slack>: template.yml` posts to Slack: the templates of the digdag-slack plug-in, rendered by the machine."""

from stepdig.language.declared import ANY, TEXT, mapping_of
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Notify, Step
from stepdig.source.tree import Mapping, Scalar


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
    message, guards = place.structure(template)
    return Notify(place.name, place.comment, message, guards)
