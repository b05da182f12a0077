"""`fail>: message` fails the workflow."""

from stepdig.language.declared import VALUE
from stepdig.language.model import Task
from stepdig.operators._registry import EMPTY, Place, operator
from stepdig.plan import Fail, Step


@operator("fail", argument=VALUE)
def fail(task: Task, place: Place) -> Step:
    """Fail with a message: `fail>: no rows for ${session_date}`."""
    return Fail(place.name, place.comment, EMPTY if task.argument is None else place.text(task.argument))
