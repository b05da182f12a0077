"""`sh>: command` runs a shell command in a container."""

from stepdig.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step


@operator("sh")
def sh(task: Task, place: Place) -> Step:
    """Run a shell command: `sh>: tasks/load.sh ${table}`."""
    return place.command(task, stores=False) if place.required(task) is not None else nothing(place)
