"""Small projects beside the template that they become; what SAM and cfn-lint say to every one."""

from __future__ import annotations

import json
from pathlib import Path

import cfnlint.api
import pytest
import yaml
from cfnlint.config import ManualArgs
from template_stack import ROOT, parsed, rendered, transformed, units

from stepdig.asl.tokens import job_token
from stepdig.packing import runner_zip
from stepdig.template.containers import RUNNER
from stepdig.template.layout import block, layout
from stepdig.template.parameters import NAMES
from stepdig.template.render import render

PROJECTS = sorted(path for path in (Path(__file__).parent / "projects").iterdir() if path.is_dir())
EXAMPLES = [*PROJECTS, ROOT, *sorted(it.parent for it in ROOT.glob("examples/*/workflows") if it.is_dir())]
NAMED = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_a_project_becomes_its_template(folder: Path, request: pytest.FixtureRequest) -> None:
    made = rendered(folder)
    assert sorted(made) == ["iam.md", "template.yaml"]
    for name, text in made.items():
        golden = folder / f"expected.{name}"
        if request.config.getoption("--update-golden"):
            golden.write_text(text)
        assert text == golden.read_text()


@NAMED
def test_sam_translates_it_and_cfn_lint_finds_nothing(folder: Path) -> None:
    """Both in the template as it is written, and in what CloudFormation is given after the transform."""
    for name, text in rendered(folder).items():
        if name.endswith(".yaml"):
            for template in (text, json.dumps(transformed(text))):
                found = cfnlint.api.lint(template, config=ManualArgs(regions=["ap-northeast-1"]))
                assert [f"{it.rule.id} {it.message} {it.path}" for it in found] == []


@NAMED
def test_every_name_of_a_definition_is_filled_in_and_no_other(folder: Path) -> None:
    resources = parsed(rendered(folder)["template.yaml"])["Resources"]
    machines = {it["Properties"]["DefinitionUri"]: it["Properties"] for it in resources.values() if _is_machine(it)}
    for unit in units(folder):
        given = machines[f"{unit.machine}.asl.json"]["DefinitionSubstitutions"]
        assert sorted(given) == sorted(unit.compiled.substitutions)
        for job in unit.own_jobs:
            target = resources[given[job_token(job)]["Ref"]]
            assert target["Type"] == "AWS::ECS::TaskDefinition"


def _is_machine(resource: dict[str, object]) -> bool:
    return resource["Type"] == "AWS::Serverless::StateMachine"


@NAMED
def test_the_text_is_yaml_that_everyone_reads_alike(folder: Path) -> None:
    for name, text in rendered(folder).items():
        if name.endswith(".yaml"):
            loaded = yaml.safe_load(text)
            assert loaded == parsed(text)
            sections = {key: it for key, it in loaded.items() if key != "Resources"}
            head = text.splitlines()[0].removeprefix("# ")
            blocks = [block({key: it}) for key, it in loaded["Resources"].items()]
            assert layout(sections, blocks, head) == text


def test_template_yaml_gives_what_the_generated_one_takes() -> None:
    root = parsed((ROOT / "template.yaml").read_text())
    nested = [it["Properties"] for it in root["Resources"].values() if it["Type"] == "AWS::Serverless::Application"]
    given = next(it["Parameters"] for it in nested if it["Location"] == "statemachines/template.yaml")
    assert sorted(given) == sorted(NAMES)


def test_the_runner_lies_where_containers_look_for_it() -> None:
    assert runner_zip.PLACE == RUNNER


def test_what_cfn_lint_is_asked_it_answers() -> None:
    """A checker that cannot fail proves nothing."""
    text = rendered(PROJECTS[0])["template.yaml"].replace("Cpu: ", "Cpus: ", 1)
    found = cfnlint.api.lint(text, config=ManualArgs(regions=["ap-northeast-1"]))
    assert {it.rule.id for it in found} >= {"E3002"}


def test_nothing_to_deploy_is_a_template_all_the_same() -> None:
    text = render([], {}, "statemachines")["template.yaml"]
    assert cfnlint.api.lint(text, config=ManualArgs(regions=["ap-northeast-1"])) == []
    assert list(transformed(text)["Resources"]) == ["Nothing"]
