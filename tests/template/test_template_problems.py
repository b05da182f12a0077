"""What cannot be deployed is told when building, at its place; what a person wrote is left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from template_stack import parsed, rendered

from stepdig import limits
from stepdig.cli import main
from stepdig.iam import Statement
from stepdig.template import roles, shards
from stepdig.template.roles import Role

FINE = "+a:\n  sh>: echo a\n"
Build = Callable[..., tuple[int, str]]


@pytest.fixture
def build(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a function that writes files into a folder, builds it, and returns the exit code and what was said."""
    monkeypatch.chdir(tmp_path)

    def run(files: dict[str, str], *words: str) -> tuple[int, str]:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        code = main(["build", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {f"workflows/{'p' * 30}/{'w' * 30}.dig": FINE},
            f"workflows/{'p' * 30}/{'w' * 30}.dig:1:1: SD640 the state machine '{'p' * 30}-{'w' * 30}' has 61 characters",
        ),
        (
            {"workflows/shop.v2/main.dig": FINE},
            "workflows/shop.v2/main.dig:1:1: SD641 the state machine 'shop.v2-main' cannot be deployed: its name holds '.'",
        ),
        (
            {"workflows/a/b.dig": FINE + "  ecs: {job: load.it}\n"},
            "workflows/a/b.dig:1:1: SD641 the job 'load.it' cannot be deployed",
        ),
        (
            {
                "workflows/a/b.dig": "+x:\n  sh>: 'true'\n  ecs: {job: load-it}\n+y:\n  sh>: 'true'\n  ecs: {job: load_it}\n",
            },
            "workflows/a/b.dig:1:1: SD642 the job 'load_it' and the job 'load-it' have one name in the definition: ${JobLoadIt}",
        ),
        (
            {"workflows/a/b.dig": "+x:\n  sh>: 'true'\n  _env: {A: '${secret:db.key}', B: '${secret:db_key}'}\n"},
            "would be one variable of the job 'default': STEPDIG_SECRET_DB_KEY",
        ),
        (
            {"workflows/a-b/c.dig": FINE, "workflows/a/b-c.dig": FINE},
            "SD004 workflows/a/b-c.dig has the name 'a-b-c' already",
        ),
        (
            {"workflows/a/b.dig": FINE, "statemachines/template.yaml": "Resources: {}\n"},
            "statemachines/template.yaml:1:1: SD646 was not written by stepdig, which would write it",
        ),
        (
            {"workflows/a/b.dig": FINE, "statemachines/iam.md": "# Who may what\n"},
            "statemachines/iam.md:1:1: SD646 was not written by stepdig, which would write it",
        ),
    ],
)
def test_a_name_that_cannot_be_deployed_is_told(build: Build, files: dict[str, str], said: str) -> None:
    code, out = build(files)
    assert code == 1
    assert said in out
    assert not list(Path("statemachines").glob("*.asl.json"))
    for name, text in files.items():
        assert Path(name).read_text() == text


def test_all_of_them_are_told_at_once(build: Build) -> None:
    code, out = build({"workflows/a.b/c.dig": FINE, f"workflows/a/{'w' * 60}.dig": FINE})
    assert (code, sorted(set(re.findall("SD[0-9]+", out)))) == (1, ["SD640", "SD641"])


def test_templates_that_are_left_over_go_and_others_stay(build: Build) -> None:
    build({"workflows/a/b.dig": FINE})
    ours = Path("statemachines/template.yaml").read_text()
    left = ours.replace("[a-b]", "[a-gone]")
    code, out = build({"statemachines/template-3.yaml": left, "statemachines/template-own.yaml": "Resources: {}\n"})
    assert code == 0
    assert "removed   statemachines/template-3.yaml" in out
    assert sorted(it.name for it in Path("statemachines").iterdir()) == [
        "a-b.asl.json",
        "iam.md",
        "template-own.yaml",
        "template.yaml",
    ]


def test_without_a_workflow_there_is_still_a_template_to_deploy(build: Build) -> None:
    Path("workflows").mkdir()
    assert build({})[0] == 0
    assert parsed(Path("statemachines/template.yaml").read_text())["Resources"] == {
        "Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    }


def test_a_template_that_has_outgrown_cloudformation_is_told(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEMPLATE_RESOURCES", 8)
    code, out = build({"workflows/a/b.dig": FINE})
    assert code == 1
    assert "statemachines/template.yaml:1:1: SD645 13 resources, where CloudFormation takes 8" in out


def _statement(count: int, **more: Any) -> Statement:
    resources = tuple(f"arn:${{AWS::Partition}}:s3:::${{Bucket}}/{number:040}" for number in range(count))
    return replace(Statement("Read", ("s3:GetObject",), resources), **more)


def _made(*statements: Statement) -> dict[str, Any] | None:
    return roles.resources(Role("R", "states.amazonaws.com", "/stepdig/${Stack}/", "a role", statements))


def test_a_role_without_room_gets_managed_policies_that_say_the_same() -> None:
    small, large = _made(_statement(20)), _made(_statement(200))
    assert small is not None
    assert large is not None
    assert list(small) == ["R"]
    assert "Policies" in small["R"]["Properties"]
    policies = [
        it["Properties"]["PolicyDocument"]["Statement"] for it in large.values() if it["Type"].endswith("ManagedPolicy")
    ]
    assert len(policies) > 1
    assert large["R"]["Properties"]["ManagedPolicyArns"] == [{"Ref": name} for name in list(large)[1:]]
    said = [resource["Fn::Sub"] for policy in policies for it in policy for resource in it["Resource"]]
    assert said == list(_statement(200).resources)
    for policy in policies:
        assert len(json.dumps(policy, separators=(",", ":"))) <= limits.MANAGED_POLICY_CHARS
        assert len({it["Sid"] for it in policy}) == len(policy)


def test_a_role_beyond_all_policies_is_told() -> None:
    assert _made(_statement(2000)) is None
    assert _made(_statement(200, but_resources=True)) is None, "every resource but these cannot be said in parts"


def test_a_large_role_stops_the_build_at_its_workflow(build: Build) -> None:
    actions = [f"s3:Get{number:0>400}" for number in range(200)]
    statement = json.dumps({"Action": actions, "Resource": ["arn:aws:s3:::a"]})
    files = {"workflows/a/b.dig": FINE + "  ecs: {job: big}\n", "jobs/big/job.yml": f"iam: [{statement}]\n"}
    code, out = build(files)
    assert code == 1
    assert "workflows/a/b.dig:1:1: SD643 containers of the job big of a-b: its" in out


def test_a_shard_is_filled_by_what_workflows_bring_and_share() -> None:
    weights = {
        f"w{number:02}": shards.Weight(30, 1000, frozenset({"archive", f"job {number}"})) for number in range(30)
    }
    placed = shards.place(weights, {})
    assert [list(placed.values()).count(number) for number in (1, 2, 3)] == [9, 14, 7]


def test_an_image_with_a_name_of_its_own_and_another_architecture(tmp_path: Path) -> None:
    """Digests and tags of plain images stay as they are written."""
    (tmp_path / "workflows/a").mkdir(parents=True)
    (tmp_path / "workflows/a/b.dig").write_text(FINE + "  ecs: {job: dump}\n")
    (tmp_path / "jobs/dump").mkdir(parents=True)
    (tmp_path / "jobs/dump/job.yml").write_text(
        "image: postgres:17\nplain: true\narchitecture: arm64\nenvironment: {A: b}\n"
    )
    template = rendered(tmp_path)["template.yaml"]
    resources = parsed(template)["Resources"]
    assert "Custom::JobImage" not in template
    properties = resources["ABDumpTaskDefinition"]["Properties"]
    (container,) = properties["ContainerDefinitions"]
    assert properties["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert container["Image"] == "postgres:17"
    assert container["Environment"] == [{"Name": "A", "Value": "b"}]
    assert "EntryPoint" not in container
