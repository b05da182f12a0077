"""`wait>: duration` lets time pass; nothing runs and nothing is billed meanwhile."""

from stepdig import limits
from stepdig.language.declared import DURATION, FLAG, Option
from stepdig.language.directives import duration
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Constant, Step, Wait


@operator(
    "wait",
    argument=DURATION,
    options=(
        Option("blocking", FLAG, "without meaning here: no worker is held"),
        Option("poll_interval", DURATION, "without meaning here: nothing polls"),
    ),
)
def wait(task: Task, place: Place) -> Step:
    """Wait: `wait>: 10m` (d, h, m and s, also together: `1h 30m`)."""
    argument = place.required(task)
    value = None if argument is None else place.constant(argument, "the duration of wait>")
    if argument is None or value is None:
        return nothing(place)
    seconds = duration(value) if isinstance(value, str) else None
    if seconds is None:
        hint = f"did you mean {value}s?" if isinstance(value, int) else "write it like 90s, 10m or 1h 30m"
        place.problem(argument.at, "SD431", f"'{value}' is not a duration", hint, argument.length)
    elif seconds > limits.WAIT_SECONDS:
        text = f"a wait of {seconds} s is longer than Step Functions allows, {limits.WAIT_SECONDS} s"
        place.problem(argument.at, "SD501", text, "", argument.length)
    else:
        return Wait(place.name, place.comment, Constant(seconds))
    return nothing(place)
