"""Laws: what a workflow becomes depends on it alone, and it stays in the template that has it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from template_stack import transformed, units

from stepdig import limits
from stepdig.problem import ProblemsFound
from stepdig.template import shards
from stepdig.template.ids import KINDS, logical_id
from stepdig.template.layout import block, layout
from stepdig.template.render import file_of, number_of, render
from stepdig.template.shards import Weight
from stepdig.template.unit import Unit

SHOP = Path(__file__).parent / "projects" / "shop"
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,3}([_-][A-Za-z0-9]{1,3}){0,2}", fullmatch=True)
PAIRS = st.tuples(NAMES, NAMES).filter(lambda it: len("-".join(it)) <= limits.MACHINE_CHARS)


@cache
def _sample(name: str) -> Unit:
    return next(it for it in units(SHOP) if it.workflow == name)


def _unit(project: str, workflow: str, like: str = "nightly") -> Unit:
    """Return a workflow of another name that is made like one of the project shop; it requires nothing."""
    sample = _sample(like)
    definition = _sample("import_orders").compiled.definition
    made = replace(sample.compiled, requires=(), substitutions=(), definition=definition)
    if like == "nightly":
        made = replace(made, jobs={**made.jobs, "default": _sample("import_orders").compiled.jobs["default"]})
    return Unit(project, workflow, f"workflows/{project}/{workflow}.dig", made)


def _templates(made: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in made.items() if number_of(name)}


def _blocks(text: str) -> dict[str, str]:
    """Return the resources of a template as it writes them; YAML itself would take seconds to read one."""
    parts = re.split(r"^  ([A-Za-z0-9]+):\n", text.partition("\nResources:\n")[2], flags=re.MULTILINE)
    return {key: it.rstrip() for key, it in zip(parts[1::2], parts[2::2], strict=True)}


def _own(made: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return all resources that are not shared, with the template that each is in."""
    found: dict[str, tuple[str, str]] = {}
    for name, text in _templates(made).items():
        for key, it in _blocks(text).items():
            shared = re.match(r" +Type: (Custom::ProjectArchive|Custom::JobImage|AWS::Serverless::Application)", it)
            if not shared and "JobLog" not in key and key != "Nothing":
                assert key not in found
                found[key] = (name, it)
    return found


def _built(pairs: list[tuple[str, str]], committed: Mapping[str, str] | None = None) -> dict[str, str]:
    return render([_unit(*pair) for pair in pairs], committed or {}, "statemachines")


def _unique(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Two pairs of one machine are a mistake that is found before."""
    return list({"-".join(pair): pair for pair in pairs}.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(PAIRS, min_size=1, max_size=6), PAIRS)
def test_a_workflow_that_comes_or_goes_changes_only_its_own_resources(
    pairs: list[tuple[str, str]], more: tuple[str, str]
) -> None:
    pairs = [it for it in _unique(pairs) if "-".join(it) != "-".join(more)]
    before = _built(pairs)
    after = _built([*pairs, more], _templates(before))
    own, all_of = _own(before), _own(after)
    assert {key: all_of.get(key) for key in own} == own
    assert _own(_built(pairs, _templates(after))) == own


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), PAIRS), max_size=12, unique=True))
def test_logical_ids_tell_names_apart(named: list[tuple[str, tuple[str, str]]]) -> None:
    ids = [logical_id(kind, *pair) for kind, pair in named]
    assert len(set(ids)) == len(ids)
    assert all(it.isascii() and it.isalnum() and len(it) <= 255 for it in ids)


def test_ids_that_read_alike_are_told_apart() -> None:
    alike = [("a", "b_c"), ("a_b", "c"), ("a-b", "c"), ("a", "bC"), ("A", "b_c")]
    assert len({logical_id("Schedule", *it) for it in alike}) == len(alike)
    assert logical_id("Schedule", "a", "b_c") == "ABCSchedule"
    kinds = [(kind, other) for kind in KINDS for other in KINDS if kind != other]
    assert not [it for it in kinds if it[0].endswith(it[1])], "else names before them could not be told apart"


WEIGHTS = st.builds(Weight, st.integers(1, 80), st.integers(1, 90_000), st.frozensets(st.sampled_from("abcdef")))
WORLDS = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=3), WEIGHTS, max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORLDS, min_size=1, max_size=5))
def test_no_workflow_ever_moves_and_new_ones_find_room(worlds: list[dict[str, Weight]]) -> None:
    before: dict[str, int] = {}
    for world in worlds:
        placed = shards.place(world, before)
        assert placed.keys() == world.keys()
        assert {name: placed[name] for name in before.keys() & world.keys()} == {
            name: before[name] for name in before.keys() & world.keys()
        }
        for number in set(placed.values()):
            here = [name for name, it in placed.items() if it == number]
            fresh = [name for name in here if name not in before]
            shared = frozenset[str]().union(*(world[name].shared for name in here))
            if fresh and len(here) > 1:
                total = sum(world[name].resources for name in here) + len(shared)
                assert total <= limits.TEMPLATE_FILLED_RESOURCES
        before = placed


def _count(text: str) -> int:
    """Return the resources of a template once SAM has added the versions and aliases of its machines."""
    return len(_blocks(text)) + 2 * text.count("Type: AWS::Serverless::StateMachine")


def test_500_workflows_are_deployable() -> None:
    pairs = [(f"team_{number % 20}", f"flow_{number}") for number in range(500)]
    made = _built(pairs)
    files = _templates(made)
    assert _own(_built(pairs, files)) == _own(made)
    locations = re.findall(r"Location: (template-[0-9]+[.]yaml)", files["template.yaml"])
    assert set(locations) == set(files) - {"template.yaml"}
    assert files.keys() == {file_of(number) for number in range(1, len(files) + 1)}
    for text in files.values():
        assert len(text.encode()) < 1_000_000
    resources = transformed(files["template-2.yaml"])["Resources"]
    machines = [it for it in resources.values() if it["Type"] == "AWS::StepFunctions::StateMachine"]
    assert (len(resources), len(machines)) == (_count(files["template-2.yaml"]), len(machines))
    assert max(map(_count, files.values())) <= limits.TEMPLATE_FILLED_RESOURCES
    again = _built(pairs[1:], files)
    unchanged = [name for name in files if again.get(name) == files[name]]
    assert len(unchanged) == len(files) - 1


def test_a_template_that_does_not_say_what_it_holds_stops_the_build() -> None:
    made = _built([("a", "b")])
    broken = made["template.yaml"].replace("    Workflows: [a-b]", "<<<<<<< HEAD\n    Workflows: [a-b]")
    for text in (broken, "", made["template.yaml"].replace("Workflows:", "Workflow:")):
        with pytest.raises(ProblemsFound) as found:
            _built([("a", "b")], {"template.yaml": text})
        assert [(it.code, str(it.at)) for it in found.value.problems] == [("SD644", "statemachines/template.yaml:1:1")]


def test_a_list_of_workflows_that_is_none_stops_the_build() -> None:
    made = _built([("a", "b")])
    for list_ in ("{a-b: 1}", "[[a-b]]", "a-b", "[" * 5_000):
        text = made["template.yaml"].replace("[a-b]", list_)
        with pytest.raises(ProblemsFound) as found:
            _built([("a", "b")], {"template.yaml": text})
        assert [it.code for it in found.value.problems] == ["SD644"], list_


def _where(made: Mapping[str, str]) -> dict[str, str]:
    return {key: file for key, (file, _) in _own(made).items()}


def _merged(sides: Sequence[Mapping[str, str]], folder: Path, *words: str) -> dict[str, str]:
    """Return the templates as `git merge` leaves them, of ours, the base and theirs."""
    merged = {}
    for name in sides[0].keys() | sides[2].keys():
        paths = [folder / side for side in ("ours", "base", "theirs")]
        for path, texts in zip(paths, sides, strict=True):
            path.write_text(texts.get(name, ""))
        command = ["git", "merge-file", "-p", *words, *paths]
        merged[name] = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return merged


@pytest.mark.skipif(shutil.which("git") is None, reason="no git: apt-get install git")
@pytest.mark.parametrize("words", [(), ("--diff3",)])
def test_two_branches_that_each_add_a_workflow_are_merged_by_a_build(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Their templates conflict in the list of workflows: what either says holds, and each workflow stays in its place."""
    pairs = [(f"team_{number % 20}", f"flow_{number}") for number in range(60)]
    base = _templates(_built(pairs))
    ours = _templates(_built([*pairs, ("a", "ours"), ("z", "ours")], base))
    theirs = _templates(_built([*pairs, ("a", "theirs"), ("z", "theirs")], base))
    merged = _merged((ours, base, theirs), tmp_path, *words)
    assert any("<<<<<<<" in text for text in merged.values())
    both = _built([*pairs, ("a", "ours"), ("z", "ours"), ("a", "theirs"), ("z", "theirs")], merged)
    where = _where(both)
    for side in (ours, theirs):
        assert _where(side).items() <= where.items()
    assert not any("<<<<<<<" in text for text in both.values())


TREES = st.recursive(
    st.one_of(st.text(max_size=12), st.booleans(), st.integers(-5, 10**6), st.sampled_from(["null", "1e3", "~", "a: b", "-"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.from_regex("[A-Z][A-Za-z0-9]{0,5}", fullmatch=True), TREES, min_size=1, max_size=3))
def test_what_is_laid_out_is_read_back(tree: dict[str, Any]) -> None:
    sections = {key: it for key, it in tree.items() if key != "Resources"}
    text = layout(sections, [block({"R": tree})], "one\ntwo")
    assert yaml.safe_load(text) == {**sections, "Resources": {"R": tree}}
