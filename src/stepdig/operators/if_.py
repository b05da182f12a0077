"""`if>: condition` runs `_do` or `_else_do`."""

from stepdig.language.declared import BODY, TEXT, Option
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Choose, Step


@operator(
    "if",
    argument=TEXT,
    children=True,
    options=(
        Option("_do", BODY, "what runs when it is `true`"),
        Option("_else_do", BODY, "what runs when it is not"),
    ),
)
def if_(task: Task, place: Place) -> Step:
    """Run `_do` when the value is true, else `_else_do`: `if>: ${enabled}`."""
    argument = place.required(task)
    if not task.bodies:
        place.problem(task.at, "SD421", "if> has neither _do nor _else_do", "add _do: with the tasks to run")
        return nothing(place)
    condition = None if argument is None else place.condition(argument)
    if condition is None:
        return nothing(place)
    if condition.true in {"true", "false"}:
        return place.body(task, "_do" if condition.true == "true" else "_else_do")
    return Choose(place.name, place.comment, condition, place.body(task, "_do"), place.body(task, "_else_do"))
