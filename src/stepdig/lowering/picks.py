"""Which job a command task runs in: `ecs: {job}`, `ecs: {task_definition_arn}`, `docker: {image}`, its own or an export's.

Without any it is "default". What no folder describes becomes a job of its own, named after the image or the task definition.
https://docs.digdag.io/command_executor.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stepdig.language.directives import is_template, shown
from stepdig.language.job import Job, definition_job, image_job
from stepdig.language.job_keys import KEYS
from stepdig.lowering.values import Values
from stepdig.problem import did_you_mean
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

_SCHEMA = {it.name: it.schema for it in KEYS}
# Of Digdag's `docker:` what would change the image or its surroundings; the rest (pull_always, docker) has no meaning here.
_REFUSED = {
    "build": "describe the image in jobs/<name>/Dockerfile, and pick it with ecs: {job: NAME}",
    "run_options": "job.yml has environment, workspace and sizes in their place",
}
_KNOWN = {
    "ecs": ("job", "cpu", "memory", "ephemeral_storage", "state", "task_definition_arn", "container"),
    "docker": ("image", *_REFUSED, "pull_always", "docker"),
}
_SHORT = 5  # letters, of which one makes much of a difference


def pick(values: Values, *, plain: bool = False) -> str:
    """Return the name of a task's job; `plain`: of an image that is run as it is."""
    ecs, docker = values.task.options.get("ecs"), values.task.options.get("docker")
    for name in _KNOWN:
        for given in (values.task.options.get(name), values.names.exported((name,))):
            _check_keys(values, name, given)
    for found in (
        _of_ecs(values, lambda name: ecs.get(name) if isinstance(ecs, Mapping) else None),
        _of_docker(values, docker, plain=plain),
        _of_ecs(values, lambda name: values.names.exported(("ecs", name))),
        _of_docker(values, values.names.exported(("docker",)), plain=plain),
    ):
        if found is not None:
            return found
    return "default"


def _check_keys(values: Values, name: str, node: Node | None) -> None:
    """Note an `ecs:` or `docker:` that is no mapping, and keys in it that are known ones but for a letter or two."""
    known = _KNOWN[name]
    if isinstance(node, Mapping):
        for key, _ in node:
            text = str(key.value)
            near = "" if text in known else did_you_mean(text, known, 0.6 if len(text) < _SHORT else 0.75)
            if near:
                values.problem(key.at, "SD781", f"unknown key '{text}' in '{name}'", near, key.length)
    elif node is not None and not is_template(node) and not (isinstance(node, Scalar) and node.value is None):
        value = node.text if isinstance(node, Scalar) else "..."
        text = f"'{name}' must be a mapping, not {shown(node)}"
        values.problem(node.at, "SD781", text, f"such as {name}: {{{known[0]}: {value}}}", node.length)


def state(values: Values, job: Job) -> list[str]:
    """Return the files that a task finds again: `ecs: {state: [...]}`, its own or an export's, else those of its job."""
    own = values.task.options.get("ecs")
    node = own.get("state") if isinstance(own, Mapping) else None
    if node is None and not job.plain:
        node = values.names.exported(("ecs", "state"))
    if node is None:
        return list(job.state)
    found = []
    items = _SCHEMA["state"]["items"]
    assert isinstance(items, dict)
    for item in node.items if isinstance(node, Sequence) else (node,):
        text = values.constant(item, "a file of state:") if isinstance(item, Scalar) and node is not item else None
        if not isinstance(text, str) or not re.search(str(items["pattern"]), text):
            what = "'state' lists files below the project's folder"
            values.problem(item.at, "SD626", what, "such as state: [diff.yml]", item.length)
        elif job.plain:
            what = f"job '{job.name}' runs its image as it is (plain), without the task runner, which keeps files"
            values.problem(item.at, "SD626", what, "leave state out", item.length)
        else:
            found.append(text)
    return found


def _of_ecs(values: Values, get: Callable[[str], Node | None]) -> str | None:
    """Return the job that an `ecs:` names or describes, None where it does neither."""
    node = get("job")
    if node is not None:
        return _known(values, node)
    arn = get("task_definition_arn")
    if arn is None:
        return None
    text = values.constant(arn, "the task definition of a task")
    pattern = str(_SCHEMA["task_definition"]["pattern"])
    if text is None:
        return "default"
    if not isinstance(text, str) or not re.search(pattern, text):
        what = f"this is not the ARN of a task definition: '{text}'"
        values.problem(arn.at, "SD623", what, "such as arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:7", arn.length)
        return "default"
    named = get("container")
    container = None if named is None else values.constant(named, "the container of a task")
    if container is None:
        hint = "such as ecs: {task_definition_arn: ..., container: app}"
        what = "a task definition is run by the name of its container, which 'container' must tell"
        values.problem(arn.at, "SD623", what, hint, arn.length)
        return "default"
    return values.scope.draft.imply(definition_job(text, str(container)))


def _known(values: Values, node: Node) -> str:
    """Return the job that has a folder, noting where there is none of the name."""
    name = values.constant(node, "the job of a task")
    if name is None:
        return "default"
    known = values.scope.draft.jobs
    if known is not None and name != "default" and name not in known:
        hint = did_you_mean(str(name), known) or f"known jobs: {', '.join(sorted(known)) or 'none'}"
        values.problem(node.at, "SD406", f"there is no job '{name}' in jobs/", hint, node.length)
    return str(name)


def _of_docker(values: Values, docker: Node | None, *, plain: bool) -> str | None:
    """Return the job of `docker: {image}`, None where there is none."""
    if not isinstance(docker, Mapping):
        return None
    for name, hint in _REFUSED.items():
        node = docker.get(name)
        if node is not None and (not isinstance(node, Sequence) or node.items):
            values.problem(node.at, "SD620", f"'{name}' of docker: is not done here", hint, node.length)
    node = docker.get("image")
    image = None if node is None else values.constant(node, "the image of a task")
    if node is None or image is None:
        return None
    if not re.search(str(_SCHEMA["image"]["pattern"]), str(image)) or "${" in str(image):
        what = f"this is not the name of an image: '{image}'"
        values.problem(node.at, "SD620", what, "such as docker: {image: python:3.13-slim}", node.length)
        return None
    return values.scope.draft.imply(image_job(str(image), plain=plain))
