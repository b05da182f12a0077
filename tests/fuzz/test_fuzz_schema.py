"""What compiles is not underlined in an editor: the schema against mutated workflow files that the compiler takes."""

from __future__ import annotations

from contextlib import suppress

from fuzz_cases import JOBS, Case, case, corpus
from jsonschema import Draft7Validator, ValidationError

from stepdig import schema
from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound
from stepdig.source.nodes import plain
from stepdig.source.tree import load

SEED = 11
COUNT = 1_000
# Of another kind than the task runner takes there: the task fails when it runs. Nothing reads `schedule` yet.
FAILS_LATER = {
    "sh>",
    "py>",
    "rb>",
    "shell",
    "python",
    "ruby",
    "require",
    "_secrets",
    "_env",
    "ecs",
    "params",
    "session_time",
}


def _compiles(project: Case) -> bool:
    names = [name for name in project.files if name.endswith((".dig", ".dig.yml"))]
    try:
        compile_workflow(
            project.files.get,
            project.entry,
            display=str,
            project="fuzz",
            workflow="main",
            jobs=JOBS,
            files=lambda: names,
        )
    except ProblemsFound:
        return False
    return True


def _is_excused(error: ValidationError) -> bool:
    """Return whether the mistake shows when it runs, or never: behind `if>: false`, in the `_error` of what cannot fail."""
    path = [str(step) for step in error.absolute_path]
    body = any(step in ("_do", "_else_do", "_error") for step in path)
    never_made = body and (error.validator is None or path[-1] == "echo>")
    return never_made or "schedule" in path or any(it in FAILS_LATER for it in path)


def test_what_compiles_is_not_underlined():
    validator = Draft7Validator(schema.document())
    projects = corpus()
    compiled, underlined = 0, []
    for number in range(COUNT):
        project = case(SEED, number, projects)
        skipped = b"_disable" in project.files[project.entry]  # what is left out may hold anything
        if skipped or max(map(len, project.files.values())) > 20_000 or not _compiles(project):
            continue
        compiled += 1
        tree = load(project.files[project.entry], project.entry, project.files.get, Problems())
        with suppress(RecursionError):  # jsonschema's own, where groups are nested by the hundred
            errors = list(validator.iter_errors(plain(tree)))
            underlined += [(number, list(it.absolute_path), it.message) for it in errors if not _is_excused(it)]

    assert compiled > COUNT / 10
    assert underlined == []
