"""`call>: other.dig` runs another file of the project in this scope."""

from stepdig.language.declared import TEXT
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step


@operator("call", argument=TEXT, children=True)
def call(task: Task, place: Place) -> Step:
    """Run the tasks of another file of the project here: `call>: common/load.dig`."""
    argument = place.required(task)
    return nothing(place) if argument is None else place.called(argument)
