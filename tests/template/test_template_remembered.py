"""What build remembers changes nothing but the time it takes: the files are those that a first build would write."""

from __future__ import annotations

import ast
import inspect
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.cli import main
from stepdig.commands import _compile, _remembered
from stepdig.project import Project

SHOP = Path(__file__).parent / "projects" / "shop"
Counted = Callable[[], list[str]]


def _files(folder: Path) -> dict[str, str]:
    return {it.name: it.read_text() for it in (folder / "statemachines").iterdir()}


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The workflows that were compiled, by name."""
    names: list[str] = []
    real = _compile.pipeline.compile_workflow

    def counting(*args: object, **more: object) -> object:
        names.append(str(more["workflow"]))
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(_compile.pipeline, "compile_workflow", counting)
    return names


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop")
    assert main(["build", str(tmp_path / "shop")]) == 0
    return tmp_path / "shop"


def _edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_nothing_is_compiled_when_nothing_changed(shop: Path, compiled: list[str]) -> None:
    assert main(["build", str(shop)]) == 0
    assert compiled == []


@pytest.mark.parametrize(
    ("name", "old", "new", "again"),
    [
        (
            "workflows/shop/import_orders.dig",
            "imported",
            "done",
            {"import_orders", "nightly"},
        ),  # one requires the other
        ("workflows/shop/nightly.dig", "users, items", "users", {"nightly"}),
        ("workflows/shop/slack/failed.yml", "failed", "it failed", {"nightly"}),
        ("jobs/load/job.yml", "4 GB", "5 GB", {"import_orders", "nightly"}),
    ],
)
def test_what_changed_is_compiled_again(
    shop: Path, compiled: list[str], name: str, old: str, new: str, again: set[str]
) -> None:
    _edit(shop, name, old, new)
    assert main(["build", str(shop)]) == 0
    assert set(compiled) == again
    assert _files(shop) == _fresh(shop)


def _fresh(folder: Path) -> dict[str, str]:
    """Return what a first build of a copy writes, next to the templates that are there."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".stepdig"))
    assert main(["build", str(copy)]) == 0
    found = _files(copy)
    shutil.rmtree(copy)
    return found


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"version": "other"}', "null"])
def test_a_damaged_memory_is_none(shop: Path, compiled: list[str], broken: str) -> None:
    (shop / ".stepdig/build/index.json").write_text(broken)
    assert main(["build", str(shop)]) == 0
    assert sorted(compiled) == ["import_orders", "nightly"]
    assert _files(shop) == _fresh(shop)


def test_a_remembered_workflow_that_was_tampered_with_is_not_believed(shop: Path, compiled: list[str]) -> None:
    _edit(shop, ".stepdig/build/shop-nightly.json", "echo", "rm")
    _edit(shop, "workflows/shop/import_orders.dig", "imported", "done")
    assert main(["build", str(shop)]) == 0
    assert sorted(compiled) == ["import_orders", "nightly"]
    assert _files(shop) == _fresh(shop)


def test_another_compiler_remembers_nothing(shop: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_remembered, "_version", lambda: "another")
    assert main(["build", str(shop)]) == 0
    assert sorted(compiled) == ["import_orders", "nightly"]


def test_a_generated_file_that_was_edited_or_lost_is_written_again(shop: Path, compiled: list[str]) -> None:
    before = _files(shop)
    (shop / "statemachines/shop-nightly.asl.json").write_text("{}")
    (shop / "statemachines/iam.md").unlink()
    assert main(["build", str(shop)]) == 0
    assert (_files(shop), compiled) == (before, [])


def test_check_asks_no_memory(shop: Path, compiled: list[str]) -> None:
    assert main(["build", "--check", str(shop)]) == 0
    assert sorted(compiled) == ["import_orders", "nightly"]


def test_everything_that_a_compile_asks_of_a_project_is_noted() -> None:
    """A new question that nobody notes would leave a workflow uncompiled after its answer has changed."""
    tree = ast.parse(inspect.getsource(_compile.compile_one) + "\n" + inspect.getsource(_compile.known_jobs))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("project", "workflow.project")
    }
    questions = {"read", "files", "names", "outside", "jobs"}
    noted = set(vars(_remembered.Watched)) & questions
    assert noted == questions
    assert asked - noted == {"display", "name", "root"}, "made of the paths alone"
    assert {it for it in vars(Project) if not it.startswith("_")} - noted <= {
        *("display", "name", "root", "folder", "workflows"),
    }


CHANGES = st.lists(
    st.sampled_from(
        [
            ("workflows/shop/import_orders.dig", "+import:\n  sh>: echo two\n"),
            ("workflows/shop/import_orders.dig", "+import:\n  sh>: echo three\n  ecs: {job: load}\n"),
            ("workflows/shop/more.dig", "+a:\n  call>: part\n"),
            ("workflows/shop/part.dig", "+b:\n  echo>: b\n"),
            ("workflows/shop/more.dig", None),
            ("workflows/shop/slack/failed.yml", "text: other\n"),
            ("jobs/load/job.yml", "memory: 1 GB\n"),
            ("jobs/more/job.yml", "cpu: 512\n"),
            ("statemachines/shop-nightly.asl.json", "{}"),
            ("statemachines/iam.md", None),
        ]
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_building_again_is_building_afresh(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[str, str | None]]]
) -> None:
    folder = tmp_path_factory.mktemp("law") / "shop"
    shutil.copytree(SHOP, folder)
    for changes in rounds:
        for name, text in changes:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                (folder / name).unlink(missing_ok=True)
            else:
                (folder / name).write_text(text)
        code = main(["build", str(folder)])
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".stepdig"))
        assert main(["build", str(copy)]) == code
        if code == 0:
            assert _files(copy) == _files(folder)
        shutil.rmtree(copy)


def test_a_folder_that_cannot_be_written_stops_no_build(tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path / "shop")
    (tmp_path / "shop/.stepdig").mkdir()
    (tmp_path / "shop/.stepdig/build").write_text("a file where the folder would be")
    assert main(["build", str(tmp_path / "shop")]) == 0
    assert _files(tmp_path / "shop") == _fresh(tmp_path / "shop")
