"""`jobs/<name>/job.yml` -> Job: what `job_keys` declares is held against the file, then what only a whole job can get wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from typing import Any

from stepdig import limits
from stepdig.language.conform import Codes, conform
from stepdig.language.directives import duration
from stepdig.language.fargate import KINDS, no_pair, no_such, number
from stepdig.language.job import Job
from stepdig.language.job_iam import statements
from stepdig.language.job_keys import FILLED, JOB, KEYS
from stepdig.problem import Position, Problem, Problems, did_you_mean
from stepdig.source import secrets
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain, template_texts
from stepdig.source.tree import Read, load_any

FILE = "job.yml"
WORKSPACE = "/workspace"
MOVED = "keep it in Parameter Store, and name it under secrets: {NAME: /path/of/parameter}"

_AS_WRITTEN = ("image", "architecture", "capacity", "log_retention", "task_definition", "container")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_CODES = Codes(key="SD611", value="SD612")
_FILLS = re.compile(r"\$\{([^}]*)\}?")
_TAKEN = ("/bin", "/dev", "/etc", "/lib", "/opt/stepdig", "/proc", "/sys", "/tmp", "/usr")  # noqa: S108 - none is used
_SOUNDS_SECRET = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|WEBHOOK(_URL)?)\Z"
)
# Keys that mean nothing for an image that is run as it is, and for a task definition that is not ours.
_OF_OURS: tuple[str, ...] = ("state", "secret_keys", "linger")
_OF_A_DEFINITION = (
    "image", "architecture", "ephemeral_storage", "workspace", "secrets", "secret_keys", "environment", "iam",
    "log_retention", "stop_grace", "linger", "state",
)  # fmt: skip


def load(name: str, text: bytes | None, path: str, read: Read, problems: Problems) -> Job:
    """Return the job of a folder; `text` is its job.yml, None without one, `path` how that is called.

    A file with mistakes, which are noted, gives the job with all the defaults.
    """
    if not _NAME.match(name):
        what = f"a job's name has letters, digits, - and _, 64 at most, not '{name}'"
        problems.add(Position(path, 1, 1), "SD613", what, "rename the folder")
        return Job(name)
    found = Problems()
    top = load_any(text, path, read, found) if text is not None else None
    job = Job(name)
    if isinstance(top, Mapping):
        job = _job(name, top, _well_formed(top, found), found)
    elif top is not None:
        conform(top, JOB, FILE, _CODES, found)
    if top is not None:
        _find_secrets(top, found)
    problems.found += found.found
    return Job(name) if len(found) else job


def _well_formed(top: Mapping, problems: Problems) -> Mapping:
    """Return the entries whose shape is right, noting what is wrong with the others."""
    each = [(entry, Mapping(top.at, (entry,))) for entry in top]
    return Mapping(top.at, tuple(entry for entry, alone in each if conform(alone, JOB, FILE, _CODES, problems)))


def _job(name: str, whole: Mapping, top: Mapping, problems: Problems) -> Job:
    """Return the job of a file; `top` is as much of it as has the right shape, the rest being told already."""
    given: dict[str, Any] = {str(key.value): plain(value) for key, value in top if not _is_null(value)}
    _check_fills(whole, problems)
    _check_together(whole, {str(key.value): plain(value) for key, value in whole if not _is_null(value)}, problems)
    _check_names(whole, problems)
    rest: dict[str, Any] = {key: given[key] for key in _AS_WRITTEN if key in given}
    rest |= {key: _seconds(top, key, problems) for key in ("stop_grace", "linger", "timeout") if key in given}
    secret = given.get("secrets", {})
    return Job(
        name,
        plain=bool(given.get("plain")) or "task_definition" in given,
        workspace=_workspace(top, given.get("workspace"), problems),
        secrets={variable: it for variable, it in secret.items() if isinstance(it, str)},
        secret_files={variable: it["file"] for variable, it in secret.items() if isinstance(it, dict)},
        secret_keys=given.get("secret_keys", {}),
        environment={variable: _printed(it) for variable, it in given.get("environment", {}).items()},
        statements=statements(whole.get("iam"), problems),
        state=_state(top, problems),
        pass_roles=tuple(given.get("pass_roles", ())),
        python=_text(top.get("python")),
        **_sizes(top, problems),
        **rest,
    )


def _text(node: Node | None) -> str:
    """Return a scalar as the file has it: 3.10 is no number."""
    return node.text if isinstance(node, Scalar) and node.value is not None else ""


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _printed(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _sizes(top: Mapping, problems: Problems) -> dict[str, Any]:
    """Return the sizes in the units of the API, noting what Fargate does not have; of one alone, the least that goes with it."""
    found: dict[str, int] = {}
    before = len(problems)
    for name, kind in KINDS.items():
        node = top.get(name)
        text = str(node.value).strip() if isinstance(node, Scalar) else ""
        size = number(kind, text) if text else None
        if text and (size is None or not kind.allowed(size)):
            assert node is not None
            problems.add(node.at, "SD231", *no_such(name, text), node.length)
        elif size is not None:
            found[name] = size
    if len(problems) > before:
        return {}
    if "cpu" in found and "memory" not in found:
        found["memory"] = limits.FARGATE_MIB[found["cpu"]][0]
    elif "memory" in found and "cpu" not in found:
        found["cpu"] = next(cpu for cpu, row in limits.FARGATE_MIB.items() if found["memory"] in row)
    node, wrong = top.get("memory"), no_pair(found["cpu"], found["memory"]) if "cpu" in found else None
    if wrong is not None and node is not None:
        problems.add(node.at, "SD232", *wrong, node.length)
    return found


def _seconds(top: Mapping, key: str, problems: Problems) -> int:
    """Return seconds or a duration; one that is written with a unit is held against the bounds of its key."""
    node = top.get(key)
    assert isinstance(node, Scalar)
    text = str(node.value).strip()
    found = int(text) if text.isdigit() else duration(text) or 0
    bounds = next(it.schema for it in KEYS if it.name == key)
    least, most = bounds["minimum"], bounds["maximum"]
    assert isinstance(least, int)
    assert isinstance(most, int)
    if not least <= found <= most:
        problems.add(node.at, "SD612", f"'{key}' is {found:,} s; it may have {least:,} to {most:,} s", "", node.length)
    return found


def _workspace(top: Mapping, given: object, problems: Problems) -> str:
    if given is True:
        return WORKSPACE
    if not isinstance(given, str):
        return ""
    node = top.get("workspace")
    if node is not None and any(given == taken or given.startswith(f"{taken}/") for taken in _TAKEN):
        text = f"the workspace cannot be mounted over {given}"
        problems.add(node.at, "SD612", text, f"such as {WORKSPACE}", node.length)
    return given


def _state(top: Mapping, problems: Problems) -> tuple[str, ...]:
    """Return the files of `state:`, each once."""
    found: dict[str, None] = {}
    node = top.get("state")
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar) and item.value in found:
            problems.add(item.at, "SD612", f"'{item.value}' stands twice in 'state'", "", item.length)
        elif isinstance(item, Scalar):
            found[str(item.value)] = None
    return tuple(found)


def _check_together(top: Mapping, given: MappingOf[str, object], problems: Problems) -> None:
    """Note keys that do not go together."""
    wrong: tuple[str, ...]
    if "task_definition" in given:
        wrong, why = _OF_A_DEFINITION, "a task definition that is there already says this itself"
        if "container" not in given and not any("'container'" in it.hint for it in problems):
            text = "'task_definition' needs 'container': which of its containers is given the command"
            problems.add(top.at, "SD618", text, "such as container: app")
    elif given.get("plain"):
        wrong, why = _OF_OURS, "an image that is run as it is (plain) has no task runner, which would do this"
    else:
        wrong, why = (), ""
    for key, what in (("container", "a container"), ("pass_roles", "the roles")):
        if key in given and "task_definition" not in given:
            _note_key(top, key, f"it names {what} of 'task_definition', which is not there", problems)
    for key in wrong:
        if key in given:
            _note_key(top, key, why, problems)
    secrets_of = top.get("secrets")
    for name, value in secrets_of if given.get("plain") and isinstance(secrets_of, Mapping) else ():
        if isinstance(value, Mapping):
            text = f"'{name.value}': a plain image is given secrets in variables, not in files"
            problems.add(value.at, "SD618", text, "write its name alone", value.length)


def _note_key(top: Mapping, key: str, why: str, problems: Problems) -> None:
    name = next(it for it, _ in top if it.value == key)
    problems.add(name.at, "SD618", f"'{key}' cannot stand here: {why}", "leave it out", name.length)


def _check_names(top: Mapping, problems: Problems) -> None:
    """Note a variable that both `environment` and `secrets` set."""
    own, secret = top.get("environment"), top.get("secrets")
    if isinstance(own, Mapping) and isinstance(secret, Mapping):
        for name, _ in own:
            if secret.get(str(name.value)) is not None:
                text = f"'{name.value}' is set by 'secrets', too"
                problems.add(name.at, "SD617", text, "leave one of the two out", name.length)


def _check_fills(top: Mapping, problems: Problems) -> None:
    """Note `${words}` that no deployment fills in, but in values that are told already."""
    told = {it.at for it in problems}
    for scalar in (it for it in template_texts(top) if it.at not in told):
        for found in _FILLS.finditer(str(scalar.value)):
            if found[1] not in FILLED:
                hint = did_you_mean(found[1], FILLED) or "a deployment fills in " + ", ".join(
                    f"${{{it}}}" for it in FILLED
                )
                at = scalar.position(found.start())
                problems.add(at, "SD616", f"'{found[0]}' means nothing in job.yml", hint, len(found[0]))


def _find_secrets(top: Node, problems: Problems) -> None:
    """Note secrets that are written out, by their looks or by the name of their variable."""
    secrets.find(top, problems, MOVED)
    told = {it.at.line for it in problems if it.secret}
    own = top.get("environment") if isinstance(top, Mapping) else None
    for name, value in own if isinstance(own, Mapping) else ():
        if not isinstance(value, Scalar) or not isinstance(value.value, str) or value.at.line in told:
            continue
        if len(value.value) >= 6 and _SOUNDS_SECRET.search(str(name.value).upper()) and "/" not in value.value:
            text = f"'{name.value}' is a secret by its name, and written out here"
            problems.found.append(Problem(value.at, "SD410", text, MOVED, value.length, secret=True))
