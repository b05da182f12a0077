"""`echo>: text` shows one line."""

from stepdig.language.declared import TEXT
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Log, Step


@operator("echo", argument=TEXT)
def echo(task: Task, place: Place) -> Step:
    """Show a line of text: `echo>: loading ${table}`."""
    argument = place.required(task)
    return nothing(place) if argument is None else Log(place.name, place.comment, place.text(argument))
