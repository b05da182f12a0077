"""docs/reference/ says what the code does: its tables are those of the declarations, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tables import parts, renewed

from stepdig.operators import TABLE

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "reference").glob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_tables_are_those_of_the_declarations(path, request):
    """`pytest tests/docs --update-golden` rewrites them."""
    page = path.read_text()
    made = renewed(page)
    if request.config.getoption("--update-golden"):
        path.write_text(made)
        page = made
    assert page == made, "run pytest tests/docs --update-golden"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_operator_has_its_table(name):
    assert f"{name}>" in parts((DOCS / "reference" / f"{name}.md").read_text())


def test_the_page_of_the_language_has_all_common_keys():
    shown = parts((DOCS / "reference/language.md").read_text())
    assert {"keys of tasks", "keys of commands", "keys of loops", "keys of groups", "keys of workflows"} <= set(shown)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", [*PAGES, *DOCS.glob("*.md"), DOCS.parent / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file) if file else path
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            assert anchor in {_anchor(it) for it in headings}, target


def test_each_page_is_in_the_index():
    index = (DOCS / "README.md").read_text()
    for path in [*PAGES, *(it for it in DOCS.glob("*.md") if it.name != "README.md")]:
        assert f"({path.relative_to(DOCS)})" in index, path.name
