"""The examples of docs/: every YAML block with a task compiles, and an editor underlines nothing in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from stepdig import schema
from stepdig.language import job_files
from stepdig.language.job import Job, named
from stepdig.pipeline import compile_workflow
from stepdig.problem import Problems, ProblemsFound, show
from stepdig.source.nodes import plain
from stepdig.source.tree import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("**/*.md")), ROOT / "README.md"]
JOBS = {**named(("default", "load", "load-small", "report")), "tool": Job("tool", image="shop/tool:3", plain=True)}
VALIDATOR = Draft7Validator(schema.document())
# What the pages name and do not show.
FILES = {
    "source_table/shop.json": '[{"table": "users", "memory": "2 GB"}, {"table": "orders", "memory": "4 GB"}]',
    "common/load.dig": "+common: {echo>: x}",
    "load/users.dig": "+users: {echo>: x}",
    "tasks/common.dig": "+common: {echo>: x}",
    "config/mysql.dig": "host: db",
    "import_orders.dig": "+orders: {echo>: x}",
    "embulk/load.yml": "in: {type: file}",
    "mails/loaded.txt": "loaded ${session_date}",
    "slack/succeeded.yml": "text: done",
    "slack/failed.yml": "text: failed",
}
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.\w+)\n")


def _blocks(page: Path) -> list[tuple[int, str]]:
    """Return line and text of each YAML block."""
    text = page.read_text()
    return [(text.count("\n", 0, match.start()) + 2, match[1]) for match in _BLOCK.finditer(text)]


EXAMPLES = [
    pytest.param(page, text, id=f"{page.stem}:{line}")
    for page in PAGES
    for line, text in _blocks(page)
    if re.search(r'^"?\+', text, re.MULTILINE)
]


JOB_FILES = [
    pytest.param(text, id=f"{page.stem}:{line}")
    for page in PAGES
    for line, text in _blocks(page)
    if re.match(r"# jobs/\S+/job.yml\n", text)
]


@pytest.mark.parametrize("text", JOB_FILES)
def test_an_example_of_a_job_is_one(text):
    problems = Problems()
    job = job_files.load("example", text.encode(), "job.yml", lambda _path: None, problems)
    assert not list(problems)
    assert job != Job("example")


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_an_example_compiles(page, text):
    """A block that begins with a file's name is that file for the other blocks of its page."""
    beside = {match[1]: block for _, block in _blocks(page) if (match := _FILE.match(block))}
    files = {**FILES, **beside, "example.dig": text}

    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    try:
        compile_workflow(
            read, "example.dig", display=str, project="docs", workflow="example", jobs=JOBS, files=lambda: list(files)
        )
    except ProblemsFound as wrong:
        pytest.fail("\n".join(show(it, text) for it in wrong.problems))
    tree = load(text, "example.dig", read, Problems(), lambda: list(files))
    assert [it.message for it in VALIDATOR.iter_errors(plain(tree))] == []


def test_there_are_examples():
    assert len(EXAMPLES) > 30
