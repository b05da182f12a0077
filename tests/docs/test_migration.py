"""The pages for those who come from elsewhere: what they are told to write compiles, is a command, is a call of AWS."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from test_examples import FILES, JOBS

from stepdig import cli
from stepdig.language import job_files
from stepdig.language.job import named
from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound, show

DOCS = Path(__file__).resolve().parents[2] / "docs"
BESIDE = {
    **FILES,
    "other.dig": "+o: {echo>: o}",
    "load.dig": "+o: {echo>: o}",
    "tables.json": '[{"table": "users"}]',
    "load.yml": "in: {type: file}",
    "slack/done.yml": "text: done",
    "config/prod.dig": "host: db",
    "tasks.py": "def load(): pass\ndef query(sql): pass\n",
}
_ROW = re.compile(r"^\| (?!you had|---)(.*) \|$", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_YAML = re.compile(r'"?(\+|_|!)|(timezone|schedule|sla|params):')


def _rows() -> list[object]:
    found = []
    for page in sorted(DOCS.glob("from-*.md")):
        text = page.read_text()
        for match in _ROW.finditer(text):
            had, now = re.split(r"(?<!\\)\|", match[1])[:2]
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(had if now.strip() == "the same" else now, id=f"{page.stem}:{line}"))
    return found


@pytest.mark.parametrize("cell", _rows())
def test_what_to_write_instead_is_right(cell: str) -> None:
    spans = _SPAN.findall(cell)
    lines = [it for it in spans if _YAML.match(it)]
    commands = [it for it in spans if it.split()[0] in ("stepdig", "aws", "sam")]
    files = [it for it in spans if re.fullmatch(r"[\w/]+\.(dig|yml)", it)]
    rest = [it for it in spans if it not in lines + commands + files]

    assert spans or cell.strip() in ("nothing", "IAM") or "the console" in cell
    if lines:
        _compiles(lines)
    if rest:
        assert "job.yml" in cell, f"neither YAML of a workflow nor a command: {rest}"
        _is_a_job(rest)
    for command in commands:
        for part in command.split("&&"):
            _is_a_command(shlex.split(part))


def test_there_are_rows() -> None:
    assert len(_rows()) > 60


def _compiles(lines: list[str]) -> None:
    tasks = [] if any(it[0] == "+" for it in lines) else ["+t: {echo>: done}"]
    text = "\n".join([*lines, *tasks]) + "\n"
    files = {**BESIDE, "w.dig": text}
    jobs = {**JOBS, **named(("embulk", "heavy"))}
    try:
        compile_workflow(
            lambda path: files[path].encode() if path in files else None,
            "w.dig",
            display=str,
            project="p",
            workflow="w",
            jobs=jobs,
            files=lambda: [it for it in files if it.endswith(".dig")],
        )
    except ProblemsFound as wrong:
        pytest.fail("\n".join(show(it, text) for it in wrong.problems))


def _is_a_job(lines: list[str]) -> None:
    problems = Problems()
    text = "\n".join(lines) + "\n"
    job_files.load("load", text.encode(), "job.yml", lambda _: None, problems)
    assert [it.text for it in problems] == []


def _is_a_command(words: list[str]) -> None:
    """A command of ours by its own parser, one of AWS's by botocore's models; `sam` has two that matter."""
    if words[0] == "sam":
        assert words[1] in ("build", "deploy")
    elif words[0] == "stepdig":
        from importlib import import_module

        parser = cli._parser(words[1], import_module(f"stepdig.commands.{words[1]}"))
        parser.parse_intermixed_args(words[2:])
    elif words[1] not in ("s3", "logs"):  # customizations of the command line, not calls
        model = botocore.session.get_session().get_service_model(words[1])
        operation = model.operation_model("".join(part.capitalize() for part in words[2].split("-")))
        options = [it[2:] for it in words if it.startswith("--")]
        known = {re.sub(r"(?<!^)(?=[A-Z])", "-", it).lower() for it in operation.input_shape.members}
        assert set(options) <= known
