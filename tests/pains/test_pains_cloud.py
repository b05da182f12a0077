"""P4, P5, P10, P14, P24, P26, P27: what is deployed, and what it may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import policies
import pytest
import root
from pains_cloud import Cloud, cloud
from pains_project import Project
from template_stack import GIVEN, HERE

WEBHOOK = "https://hooks.slack.com/services/" + "T012AB3CD/B012AB3CD/" + "a1B2c3D4e5F6g7H8i9J0k1L2"
PASSWORD = "correct-horse-battery-staple"
FILES = {
    "workflows/shop/nightly.dig": """
        timezone: Asia/Tokyo
        params:
          days: {type: integer, default: 1}
        _export: {ecs: {job: load}}
        +write: {sh>: 'pwd > here.txt; test ! -e before.txt; echo "written by one" > "$STEPDIG_WORKSPACE/part"; touch before.txt'}
        +read: {sh>: 'test ! -e before.txt; echo "read by the next: $(cat "$STEPDIG_WORKSPACE/part")"'}
        +tables:
          for_each>: {t: {file: tables.json}}
          _parallel: true
          _do:
            +load:
              sh>: |
                echo "load ${t.table} of ${days} with ${secret:mysql.password}" > out
                echo "$(wc -c < out) ${t.table}"
        +tell:
          http>: https://example.com/done
          method: POST
          _disable: true
    """,
    "workflows/shop/tables.json": '[{"table": "users"}, {"table": "orders"}, {"table": "items"}]',
    "workflows/shop/weekly.dig": """
        +report: {sh>: 'true', ecs: {job: report}}
        +ask: {http>: 'https://example.com/done', method: POST}
    """,
    "jobs/load/job.yml": """
        workspace: true
        iam:
          - {Action: [s3:GetObject], Resource: ["arn:aws:s3:::shop-exports/*"]}
    """,
    "jobs/report/job.yml": """
        iam:
          - {Action: [ses:SendEmail], Resource: ["arn:aws:ses:*:*:identity/shop.example"]}
    """,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    Project(folder / "repository").write(FILES)
    secrets = {f"arn:aws:ssm:{HERE}:parameter/stepdig/{GIVEN['Stack']}/secrets/mysql.password": PASSWORD}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with cloud(folder / "repository", folder, secrets) as made:
            yield made


def test_p04_no_url_of_the_source_code_can_leak(shop: Cloud) -> None:
    """WealthNavi: a pre-signed URL that leaked would have shown the source code to whoever held it.

    No such URL exists: a container is told keys of the bucket, and reads them by its role. Should a role's credentials leak, the
    bucket still refuses them from outside the network, to everybody else in the account, and without TLS.
    """
    execution = shop.start("shop-nightly", {})
    assert execution.status == "SUCCEEDED", shop.said
    for environment in shop.environments:
        text = json.dumps(environment)
        assert "archives/shop-" in text
        assert "http" not in text
        assert "Signature" not in text

    arn = "arn:aws:iam::123456789012:role"
    tls = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
    task = f"{arn}/stepdig/shop-dev/tasks/NightlyLoadRole"
    inside = {**tls, "aws:SourceVpc": "vpc-0f"}
    assert not _refused(task, inside)
    assert _refused(task, tls), "outside of the network"
    assert _refused(task, {**inside, "aws:SecureTransport": "false"})
    assert _refused(f"{arn}/Administrator", inside)


def _refused(principal: str, context: dict[str, str]) -> bool:
    """Return whether the bucket's policy refuses to hand out an archive of source code."""
    given = {"VpcId": "vpc-0f"}
    properties = root.template()["Resources"]["BucketPolicy"]["Properties"]
    statements = root.resolved(properties["PolicyDocument"], given)["Statement"]
    key = f"{root.resolved({'Fn::GetAtt': ['Bucket', 'Arn']}, given)}/archives/shop-0123456789abcdef.zip"
    request = policies.Request("s3:GetObject", key, {"aws:PrincipalArn": principal, **context})
    return any(policies.applies(it, request) for it in statements)


def test_p05_files_of_one_task_are_there_for_the_next(shop: Cloud) -> None:
    """WealthNavi: what one process wrote the next did not find, as each container has a disk of its own; they added EFS by hand.

    The containers of this test do not see each other's folders. `workspace: true` in job.yml mounts the stack's file system into
    those of that job, and of no other.
    """
    shop.said.clear()
    assert shop.start("shop-nightly", {"params": {"only": {"tables": ["users"]}}}).status == "SUCCEEDED", shop.said
    assert "read by the next: written by one" in shop.said

    definitions = shop.account.client("ecs")
    families = definitions.list_task_definition_families()["families"]
    mounted = {}
    for family in families:
        (container,) = definitions.describe_task_definition(taskDefinition=family)["taskDefinition"][
            "containerDefinitions"
        ]
        mounted[family.rpartition("-")[2]] = bool(container.get("mountPoints"))
    assert mounted == {"load": True, "report": False}


def test_p10_one_table_now_needs_no_shell_in_a_container(shop: Cloud, project: Project) -> None:
    """Lancers: "sync this table now" meant a shell inside the server's container.

    It is an input, in the console or by the API, and an option of the command line; a name that is none is refused before
    anything runs.
    """
    shop.said.clear()
    assert shop.start("shop-nightly", {"params": {"only": {"tables": ["users"]}, "days": 3}}).status == "SUCCEEDED", (
        shop.said
    )
    assert [line for line in shop.said if line.endswith(("users", "orders", "items"))] == [
        f"{_length('users', 3)} users"
    ]

    project.write(FILES).stepdig("secrets", "--local", "--set", f"mysql.password={PASSWORD}")
    run = project.run("workflows/shop/nightly.dig", "+tables", "-p", "only=users,items", "-p", "days=3")
    assert run.code == 0, run.text
    assert sorted(run.lines) == [f"{_length('users', 3)} items", f"{_length('users', 3)} users"]
    wrong = project.run("workflows/shop/nightly.dig", "-p", "only=user")
    assert wrong.code != 0
    assert "did you mean 'users'?" in wrong.text


def _length(table: str, days: int) -> int:
    return len(f"load {table} of {days} with {PASSWORD}\n")


def test_p14_secrets_are_references(shop: Cloud, project: Project) -> None:
    """Lancers: secrets lay in files on the image, or were copied from S3.

    A secret that stands in a workflow, a table list or a job.yml is a mistake, which no message repeats. What a task needs is
    named, and AWS hands it to that container alone: it is in no definition, archive, override, history or log.
    """
    planted = {
        "workflows/shop/nightly.dig": f"+load: {{sh>: load.sh, _env: {{DB_PASSWORD: '{PASSWORD}'}}}}\n",
        "workflows/shop/other.dig": "_export: {key: AKIA" + "Q3EGRSV7WXYZ2345}\n+a: {echo>: hello}\n",
        "jobs/load/job.yml": f"environment: {{DB_PASSWORD: {PASSWORD}}}\n",
    }
    refused = project.write(planted).stepdig("check")
    assert refused.code == 1
    for path in planted:
        assert f"{path}:" in refused.text
    assert refused.text.count("SD410") >= 3
    assert PASSWORD not in refused.text
    assert "Q3EGRSV7WXYZ2345" not in refused.text

    shop.said.clear()
    execution = shop.start("shop-nightly", {})
    assert execution.status == "SUCCEEDED", shop.said
    assert f"{_length('users', 1)} users" in shop.said, "the command had it"
    everywhere = [
        path.read_bytes() for path in shop.folder.rglob("*") if path.is_file() and "containers" not in path.parts
    ]
    assert len(everywhere) > 10
    assert not [text for text in everywhere if PASSWORD.encode() in text]
    assert PASSWORD not in json.dumps([execution.events, shop.environments, shop.said])


def test_p24_a_webhook_in_clear_text_is_refused(project: Project) -> None:
    """Vega: the webhook's URL stood in the .dig, for everybody who could read the repository.

    As the article prints it, it is a mistake with its place and the way out; as a secret it works.
    """
    night = "+load: {{echo>: loaded}}\n_export:\n  webhook_url: {}\n+tell: {{sh>: 'curl -d hi $webhook_url'}}\n"
    refused = project.write({"sync.dig": night.format(WEBHOOK)}).stepdig("check", "sync.dig")
    assert refused.code == 1
    assert "sync.dig:3:" in refused.text
    assert "SD410" in refused.text
    assert WEBHOOK[-12:] not in refused.text

    there = '+tell: {sh>: \'test "${secret:slack.webhook}" = "$expected"\', expected: given}\n'
    project.write({"sync.dig": there}).stepdig("secrets", "--local", "--set", "slack.webhook=given")
    assert project.run("sync.dig").code == 0


def test_p26_starting_needs_only_a_name(shop: Cloud) -> None:
    """CrowdWorks: RunTask wants cluster, subnets and security groups each time; by hand, "an accident will happen".

    Nobody types them here: an execution starts with `{}`, and each RunTask of it has those of the stack.
    """
    execution = shop.start("shop-nightly", {})
    assert execution.status == "SUCCEEDED", shop.said
    asked = [
        json.loads(it["taskScheduledEventDetails"]["parameters"])
        for it in execution.events
        if it["type"] == "TaskScheduled" and it["taskScheduledEventDetails"]["resourceType"] == "ecs"
    ]
    assert len(asked) == 5
    for it in asked:
        network = it["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert it["Cluster"] == GIVEN["Cluster"]
        assert network["Subnets"] == GIVEN["SubnetIds"].split(",")
        assert network["SecurityGroups"] == GIVEN["SecurityGroupIds"].split(",")
        assert network["AssignPublicIp"] == "DISABLED"


def test_p27_each_job_has_a_role_with_reasons(shop: Cloud) -> None:
    """CrowdWorks: the least rights of each batch had to be worked out by hand.

    Each job has a role of its own for each workflow: what its job.yml asks for, and what was derived, each statement with its
    reason on a page. Of two jobs neither may do what the other may.
    """
    iam = shop.account.client("iam")
    texts = {}
    for role in iam.list_roles()["Roles"]:
        names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        found = [iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"] for name in names]
        texts[role["RoleName"], role["Path"]] = json.dumps(found)
    tasks = {name: text for (name, path), text in texts.items() if path.endswith("/tasks/")}
    assert len(tasks) == 2
    (load,) = (text for text in tasks.values() if "shop-exports" in text)
    (report,) = (text for text in tasks.values() if "ses:SendEmail" in text)
    assert "ses:SendEmail" not in load
    assert "shop-exports" not in report
    calls = {name: "HttpRequest" in text for (name, path), text in texts.items() if not path.endswith("/tasks/")}
    assert sum(calls.values()) == 1, "only the workflow that asks may call"

    page = (shop.folder / "repository/statemachines/iam.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|") and "---" not in line]
    reasons = {line.split("|")[1].strip(): line.rstrip(" |").rpartition("|")[2].strip() for line in rows}
    assert all(reasons.values()), "a statement without a reason"
    statements = {it["Sid"] for text in texts.values() for policy in json.loads(text) for it in policy["Statement"]}
    assert statements <= reasons.keys()


def test_the_page_of_secrets_is_about_this_folder(shop: Cloud) -> None:
    """The search of P14 would find a secret: of the same files it finds what is in them."""
    texts = [path.read_bytes() for path in Path(shop.folder).rglob("*.json") if path.is_file()]
    assert any(b"mysql.password" in text for text in texts)
