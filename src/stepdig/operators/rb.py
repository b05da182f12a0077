"""`rb>: Class.method` calls a Ruby method in a container."""

import re

from stepdig.language.declared import TEXT, VALUE, Option, list_of
from stepdig.language.keys import COMMAND
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.source.tree import Scalar

_METHOD = re.compile(r"((::)?[A-Z]\w*(::[A-Z]\w*)*\.)?[A-Za-z_]\w*[?!]?\Z")


@operator(
    "rb",
    argument=VALUE,
    options=(
        Option(
            "require",
            TEXT,
            "the file that defines the method, with or without .rb; `_export: {rb: {require: ...}}` for many",
        ),
        Option("ruby", list_of(TEXT, alone=True), 'the program, `["ruby", "-W0"]`; ruby without it'),
        Option("script", TEXT, "Ruby text that runs in place of a method"),
        *COMMAND,
    ),
    stores=True,
)
def rb(task: Task, place: Place) -> Step:
    """Call a Ruby method: `rb>: Sales::Report.summarize`, with `require: tasks/sales`."""
    if task.argument is None and "script" in task.options:
        return place.command(task, stores=True)
    argument = place.required(task)
    if argument is None:
        return nothing(place)
    command = str(argument.value) if isinstance(argument, Scalar) else ""
    if "$" not in command and not _METHOD.match(command):
        text = f"rb> needs Class.method, not '{command}'" if command else "rb> needs the name of a method"
        hint = "a class, a dot and the method: Sales::Report.summarize"
        place.problem(argument.at, "SD414", text, hint, argument.length)
        return nothing(place)
    return place.command(task, stores=True)
