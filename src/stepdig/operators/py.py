"""`py>: module.function` calls a Python function in a container."""

from stepdig.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.tree import Scalar


@operator("py", stores=True)
def py(task: Task, place: Place) -> Step:
    """Call a Python function or method: `py>: tasks.sales.summarize`."""
    argument = place.required(task)
    if argument is None:
        return nothing(place)
    if isinstance(argument, Scalar) and "." not in str(argument.value) and "$" not in str(argument.value):
        place.problem(
            argument.at,
            "SD411",
            f"py> needs module.function, not '{argument.value}'",
            "write the file's name, a dot and the function: tasks.main",
            argument.length,
        )
        return nothing(place)
    return place.command(task, stores=True)
