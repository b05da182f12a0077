"""Golden pairs: each tests/golden/<topic>/<case>.dig compiles to <case>.asl.json, or is refused with <case>.problems.txt.

Other files of a topic's folder are the project that the case may read. `pytest tests/test_golden.py --update-golden`
rewrites the expected files; review the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stepdig.language.job import Job, named
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound, show

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path for path in GOLDEN.glob("*/*.dig"))
JOBS = {
    **named(("default", "load", "load-small")),
    "tool": Job("tool", image="ghcr.io/shop/tool:3", plain=True, timeout=600),
    "incremental": Job("incremental", state=("diff.yml",), timeout=1800, capacity="on_demand"),
}


def _compile(case: Path) -> tuple[str, str]:
    """Return the kind of the expected file and what it should hold."""

    def read(path: str) -> bytes | None:
        file = case.parent / path
        return file.read_bytes() if file.is_file() else None

    try:
        made = compile_workflow(
            read,
            case.name,
            display=lambda path: path,
            project="golden",
            workflow=case.stem,
            jobs=JOBS,
            files=lambda: sorted(path.relative_to(case.parent).as_posix() for path in case.parent.rglob("*.dig")),
        )
    except ProblemsFound as found:
        shown = [
            show(it, text.decode(errors="replace") if (text := read(it.at.path)) is not None else None)
            for it in found.problems
        ]
        return ".problems.txt", "\n".join(shown) + "\n"
    return ".asl.json", made.definition_text


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden(case: Path, request: pytest.FixtureRequest) -> None:
    """The compiler's answer to each case is the one that was reviewed."""
    kind, actual = _compile(case)
    expected = case.with_suffix(kind)
    other = case.with_suffix(".problems.txt" if kind == ".asl.json" else ".asl.json")
    if request.config.getoption("--update-golden"):
        expected.write_text(actual)
        other.unlink(missing_ok=True)

    assert not other.exists(), f"{other.name} was expected"
    assert actual == expected.read_text()


def test_compile_is_deterministic() -> None:
    """The same text gives the same bytes."""
    for case in CASES[:10]:
        assert _compile(case) == _compile(case)
