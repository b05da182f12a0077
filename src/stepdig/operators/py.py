"""`py>: module.function` calls a Python function in a container."""

from stepdig.language.declared import TEXT, Option, list_of, matching
from stepdig.language.keys import COMMAND
from stepdig.language.model import Task
from stepdig.operators import _python
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.source.tree import Node, Scalar

_FUNCTION = {**matching(r"\.|\$", "module.function", template=False), "type": ["string", "null"]}


@operator(
    "py",
    argument=_FUNCTION,
    options=(
        Option(
            "python",
            list_of(TEXT, alone=True),
            'the program, `["python3", "-O"]`; that of the job without it; `_export: {py: {python: ...}}` for many',
        ),
        Option("script", TEXT, "Python text that runs in place of a function"),
        *COMMAND,
    ),
    stores=True,
)
def py(task: Task, place: Place) -> Step:
    """Call a Python function or method: `py>: tasks.sales.summarize`."""
    if task.argument is None and "script" in task.options:
        return place.command(task, stores=True)
    argument = place.required(task)
    if argument is None or not _is_callable(argument, place):
        return nothing(place)
    return place.command(task, stores=True)


def _is_callable(argument: Node, place: Place) -> bool:
    """Return whether the argument may name a function, noting a mistake when it certainly does not."""
    if not isinstance(argument, Scalar) or "$" in str(argument.value):
        return True
    command = str(argument.value)
    if "." not in command:
        hint = "write the file's name, a dot and the function: tasks.main"
        place.problem(argument.at, "SD411", f"py> needs module.function, not '{command}'", hint, argument.length)
        return False
    wrong = _python.missing(command, place.read)
    if wrong is not None:
        place.problem(argument.at, "SD412", wrong[0], wrong[1], argument.length)
    return wrong is None
