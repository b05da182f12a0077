"""`embulk>: load.yml` runs an Embulk configuration in a container."""

from stepdig.language.declared import ANY, VALUE, Option, mapping_of
from stepdig.language.keys import COMMAND
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Constant, Step
from stepdig.source.tree import Mapping, Node, Scalar


@operator(
    "embulk",
    argument={**VALUE, **mapping_of(ANY), "type": ["string", "object", "null"]},
    options=(Option("config", mapping_of(ANY), "the configuration, in place of the value"), *COMMAND),
)
def embulk(task: Task, place: Place) -> Step:
    """Run an Embulk configuration, a file of the project or a mapping: `embulk>: embulk/load.yml`."""
    argument = task.argument if task.argument is not None else task.options.get("config")
    if argument is None:
        place.required(task)
        return nothing(place)
    if isinstance(argument, Mapping):
        return place.command(task, stores=False)
    if not isinstance(argument, Scalar) or argument is not task.argument:
        place.problem(argument.at, "SD415", "embulk> needs a file or a mapping", "such as embulk>: embulk/load.yml")
        return nothing(place)
    found = _file(argument, place)
    return nothing(place) if found is None else place.command(task, stores=False, filled=found)


def _file(argument: Scalar, place: Place) -> tuple[Node, ...] | None:
    """Return the file's text where it is known, for the secrets in it; None after noting that it is not there."""
    path = place.text(argument)
    if not isinstance(path, Constant):
        return ()
    if str(path.value).endswith(".liquid"):
        if place.read(str(path.value)) is None:
            place.no_file(argument, str(path.value))
            return None
        return ()
    text = place.template(argument, str(path.value))
    return None if text is None else (text,)
