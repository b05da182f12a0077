"""`ecs_task.run>` runs an image as it is: its command, its environment, its exit code.

The options are those of digdag-operator-ecs_task that mean something where cluster, network and roles belong to the stack.
https://github.com/civitaspo/digdag-operator-ecs_task#configuration-for-ecs_taskrun-operator
"""

from __future__ import annotations

from stepdig.language.declared import ANY, ARGV, TEXT, Option, list_of, mapping, mapping_of
from stepdig.language.fargate import KINDS, no_pair, no_such, number
from stepdig.language.job import Job, definition_job, image_job
from stepdig.language.keys import COMMAND
from stepdig.language.model import Task
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.problem import did_you_mean
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

# What a stack decides for all of its tasks, and what a log driver or a launch type would be: read by nobody here.
_STACKS = (
    "cluster", "launch_type", "network_configuration", "platform_version", "group", "started_by",
    "placement_constraints", "placement_strategy", "timeout",
)  # fmt: skip
_DEFINITION = ("container_definitions", "cpu", "memory")
_DEFINITION_IDLE = ("family", "network_mode", "requires_compatibilities", "execution_role_arn", "tags")
_CONTAINER = ("name", "image", "command", "environment")
_CONTAINER_IDLE = ("essential", "cpu", "memory", "memory_reservation", "log_configuration")

_OVERRIDE = mapping(
    Option("name", TEXT, "the container"),
    Option("command", ARGV, "its command"),
    Option("environment", mapping_of(TEXT), "variables over those of the image"),
    others=True,
)
_OVERRIDES = mapping(Option("container_overrides", list_of(_OVERRIDE), "one container"), others=True)


@operator(
    "ecs_task.run",
    argument={"type": ["null", "object"], "additionalProperties": False},
    options=(
        Option("command", ARGV, "the command, word by word; without it that of the image"),
        Option("environment", mapping_of(TEXT), "variables over the parameters and `_env`"),
        Option("task_definition", TEXT, "the ARN of a task definition that is there already; with `container`"),
        Option("container", TEXT, "the container of it that is given the command"),
        Option(
            "def", mapping_of(ANY), "a task definition with one container: its image, command, environment and size"
        ),
        Option("overrides", _OVERRIDES, "of the one container: name, command, environment"),
        Option("count", TEXT, "1: a task of a workflow is one container"),
        *(Option(name, ANY, "read by nobody here: the stack decides") for name in _STACKS),
        *COMMAND,
    ),
)
def ecs_task_run(task: Task, place: Place) -> Step:
    """Run an image as it is, with a command and an environment; its exit code is all there is."""
    if not _is_one(task, place):
        return nothing(place)
    override = _override(task, place)
    job, inner = _job(task, override, place)
    if job is None and ("def" in task.options or "task_definition" in task.options):
        return nothing(place)
    command = _words(task.options.get("command"), place) or _words(_of(override, "command"), place)
    command = command or _words(_of(inner, "command"), place)
    own = (_variables(inner), _of(override, "environment"), task.options.get("environment"))
    merged = _merged([it for it in own if isinstance(it, Mapping)])
    return place.image(task, job, command, merged) or nothing(place)


def _is_one(task: Task, place: Place) -> bool:
    """Return whether nothing is asked that a plain task cannot do, noting what is."""
    count, result = task.options.get("count"), task.options.get("result_s3_uri")
    if count is not None and place.constant(count, "'count' of ecs_task.run>") not in (1, "1"):
        place.problem(count.at, "SD624", "ecs_task.run> runs one container", "use for_each> or loop>", count.length)
        return False
    if result is not None:
        what = "ecs_task.run> stores nothing: its exit code is all there is"
        place.problem(
            result.at, "SD624", what, "use sh> with store:, or py>, in a job that is not plain", result.length
        )
        return False
    return True


def _override(task: Task, place: Place) -> Mapping | None:
    """Return the override of the one container."""
    given = task.options.get("overrides")
    listed = given.get("container_overrides") if isinstance(given, Mapping) else None
    if isinstance(given, Mapping):
        _known(given, ("container_overrides",), (), "overrides", place)
    return _one(listed, "container_overrides", place) if listed is not None else None


def _job(task: Task, override: Mapping | None, place: Place) -> tuple[Job | None, Mapping | None]:
    """Return the job that the task describes itself, with the container of a `def:`; None where it picks one."""
    arn, definition = task.options.get("task_definition"), task.options.get("def")
    if arn is not None:
        name = task.options.get("container") or _of(override, "name")
        return _there(arn, name, place), None
    if not isinstance(definition, Mapping):
        return None, None
    _known(definition, _DEFINITION, _DEFINITION_IDLE, "def", place)
    listed = definition.get("container_definitions")
    container = _one(listed, "container_definitions", place) if listed is not None else None
    image = _of(container, "image")
    if container is None or image is None:
        hint = "container_definitions: [{image: ...}]"
        place.problem(definition.at, "SD624", "'def' needs one container with its image", hint)
        return None, None
    _known(container, _CONTAINER, _CONTAINER_IDLE, "container_definitions", place)
    text = place.constant(image, "the image of a task")
    return (None if text is None else image_job(str(text), plain=True, **_sizes(definition, place))), container


def _there(arn: Node, container: Node | None, place: Place) -> Job | None:
    text = place.constant(arn, "the task definition of a task")
    name = None if container is None else place.constant(container, "the container of a task")
    if text is None:
        return None
    if not str(text).startswith("arn:") or ":task-definition/" not in str(text):
        hint = "such as arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:7"
        place.problem(arn.at, "SD623", f"this is not the ARN of a task definition: '{text}'", hint, arn.length)
        return None
    if name is None:
        what = "a task definition is run by the name of its container, which 'container' must tell"
        place.problem(arn.at, "SD623", what, "container: app", arn.length)
        return None
    return definition_job(str(text), str(name))


def _sizes(definition: Mapping, place: Place) -> dict[str, int]:
    """Return the sizes of a `def:` as Fargate has them; without both, those of jobs."""
    found: dict[str, int] = {}
    for name in ("cpu", "memory"):
        node = definition.get(name)
        text = "" if node is None else str(place.constant(node, f"'{name}' of def")).strip()
        size = number(KINDS[name], text)
        if node is not None and (size is None or not KINDS[name].allowed(size)):
            what, hint = no_such(name, text)
            place.problem(node.at, "SD231", what, hint, node.length)
        elif size is not None:
            found[name] = size
    both = {"cpu": 256, "memory": 512, **found}
    wrong = no_pair(both["cpu"], both["memory"]) if found else None
    if wrong is not None:
        place.problem(definition.at, "SD232", *wrong, definition.length)
    return both if wrong is None else {}


def _known(node: Mapping, known: tuple[str, ...], idle: tuple[str, ...], name: str, place: Place) -> None:
    """Note keys that change what runs and are not done here."""
    for key, _ in node:
        text = str(key.value)
        if text not in known and text not in idle:
            hint = did_you_mean(text, known) or "describe it in jobs/<name>/job.yml: image, plain, iam, secrets"
            place.problem(key.at, "SD624", f"'{text}' in '{name}' is not done here", hint, key.length)


def _one(node: Node, name: str, place: Place) -> Mapping | None:
    items = node.items if isinstance(node, Sequence) else ()
    if len(items) == 1 and isinstance(items[0], Mapping):
        return items[0]
    place.problem(
        node.at, "SD624", f"'{name}' lists one container", "a task of a workflow is one container", node.length
    )
    return None


def _words(node: Node | None, place: Place) -> tuple[Node, ...]:
    """Return the words of a command; a text alone is no list of words, as for ECS."""
    if isinstance(node, Sequence):
        return node.items
    if node is not None and not (isinstance(node, Scalar) and node.value is None):
        place.problem(
            node.at, "SD624", "'command' is a list of words", 'such as ["sh", "-c", "load.sh a"]', node.length
        )
    return ()


def _of(node: Mapping | None, name: str) -> Node | None:
    return node.get(name) if node is not None else None


def _variables(container: Mapping | None) -> Node | None:
    """Return the environment of a container as a mapping; ECS has a list of names and values."""
    node = _of(container, "environment")
    if not isinstance(node, Sequence):
        return node
    found: list[tuple[Scalar, Node]] = []
    for item in node.items:
        name, value = (item.get("name"), item.get("value")) if isinstance(item, Mapping) else (None, None)
        if isinstance(name, Scalar) and value is not None:
            found.append((name, value))
    return Mapping(node.at, tuple(found))


def _merged(mappings: list[Mapping]) -> Mapping | None:
    entries = {str(key.value): (key, value) for mapping_ in mappings for key, value in mapping_}
    return Mapping(mappings[0].at, tuple(entries.values())) if mappings else None
