"""`sam validate`, `sam build`, `sam package` and `sam deploy` of this repository, against the cloud on loopback.

What arrived is then looked at: the same bytes of the definitions, packages that run, archives and images in their places.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from containers import Fargate, run
from deploying import ROOT, STACK, Cloud, Project, called, deploy

FUNCTIONS = {
    "notify_slack": "NotifySlackFunction",
    "fail_run": "FailRunFunction",
    "http_request": "HttpRequestFunction",
    "send_mail": "SendMailFunction",
    "params_store": "ParamsStoreFunction",
    "start_session": "StartSessionFunction",
    "publish": "PublishFunction",
}


def definitions(root: Path) -> dict[str, str]:
    return {
        path.name.removesuffix(".asl.json"): path.read_text()
        for path in sorted((root / "statemachines").glob("*.asl.json"))
    }


@pytest.mark.parametrize("template", ["template.yaml", "statemachines/template.yaml"])
def test_sam_validates(sam: Path, project: Project, template: str) -> None:
    said = project.sam("validate", "--lint", "--template", template, AWS_DEFAULT_REGION="ap-northeast-1")
    assert "is a valid SAM Template" in said.stdout


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_a_package_has_what_its_function_imports(built: Project, folder: str) -> None:
    """In a process that finds the package, boto3 and urllib3, as in Lambda, and nothing else of this repository's."""
    package = built.root / ".aws-sam" / "build" / FUNCTIONS[folder]
    own = {path.name for path in (built.root / "functions" / folder).glob("*.py")}
    assert own <= {path.name for path in package.iterdir()}
    code = (
        "import sys, app\n"
        "from pathlib import Path\n"
        "here = Path.cwd()\n"
        "assert callable(app.handler)\n"
        "own = sys.modules.get('aws_lambda_powertools')\n"
        "assert own is None or here in Path(own.__file__).parents, own\n"
        "assert not any(it.partition('.')[0] == 'stepdig' for it in sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(package), "AWS_DEFAULT_REGION": "ap-northeast-1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_packages_fit_the_processor_and_have_no_leftovers(built: Project) -> None:
    names = [path.name for path in (built.root / ".aws-sam" / "build").rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith(".pyc")]
    assert not [name for name in names if name.endswith(".so") and "aarch64" not in name]


def test_publish_carries_the_archives_and_build_contexts(built: Project) -> None:
    package = built.root / ".aws-sam" / "build" / FUNCTIONS["publish"]
    archives = {path.stem for path in (package / "archives").glob("*.zip")}
    assert archives == {path.name for path in (built.root / "workflows").iterdir() if path.is_dir()}
    for machine in definitions(built.root):
        project = machine.partition("-")[0]
        names = zipfile.ZipFile(package / "archives" / f"{project}.zip").namelist()
        assert f".stepdig/{machine}.json" in names
        assert any(name.endswith(".dig") for name in names)
    for path in (package / "images").glob("*.zip"):
        assert path.with_suffix(".json").is_file()
        assert "Dockerfile" in {name.rpartition("/")[2] for name in zipfile.ZipFile(path).namelist()}
    assert list((package / "images").glob("*.zip"))


def machines(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """Return the state machines that were deployed, by `<project>-<workflow>`, each as DescribeStateMachine tells it."""
    client = cloud.client("stepfunctions")
    found = {}
    for one in client.list_state_machines()["stateMachines"]:
        found[one["name"].removeprefix(f"{STACK}-")] = client.describe_state_machine(
            stateMachineArn=one["stateMachineArn"]
        )
    return found


def test_definitions_arrive_as_they_were_committed(built: Project, deployed: Cloud) -> None:
    """The objects in S3 have the committed bytes; the machines have them with every substitution filled in."""
    s3 = deployed.client("s3")
    committed = definitions(built.root)
    assert set(machines(deployed)) == set(committed)
    for one in deployed.kept("AWS::StepFunctions::StateMachine"):
        given = one["Properties"]
        machine = given["StateMachineName"].removeprefix(f"{STACK}-")
        place = given["DefinitionS3Location"]
        assert s3.get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read().decode() == committed[machine]
        arrived = machines(deployed)[machine]["definition"]
        assert "${" not in arrived
        filled = committed[machine]
        for name, value in given["DefinitionSubstitutions"].items():
            assert f"${{{name}}}" in filled, f"{name} is given to {machine}, which does not use it"
            filled = filled.replace(f"${{{name}}}", value)
        assert json.loads(arrived) == json.loads(filled)


def test_archives_are_where_the_machines_look_for_them(built: Project, deployed: Cloud) -> None:
    package = built.root / ".aws-sam" / "build" / FUNCTIONS["publish"]
    s3 = deployed.client("s3")
    bucket = deployed.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="Bucket")
    name = bucket["StackResourceDetail"]["PhysicalResourceId"]
    for one in deployed.kept("AWS::StepFunctions::StateMachine"):
        key = one["Properties"]["DefinitionSubstitutions"]["Archive"]
        project = one["Properties"]["StateMachineName"].removeprefix(f"{STACK}-").partition("-")[0]
        carried = (package / "archives" / f"{project}.zip").read_bytes()
        assert s3.get_object(Bucket=name, Key=key)["Body"].read() == carried


def test_task_definitions_run_images_that_are_there(deployed: Cloud) -> None:
    """The image that CodeBuild left is the one that is named, and the requests of builds are forgotten."""
    ecr = deployed.client("ecr")
    repository = ecr.describe_repositories()["repositories"][0]
    tags = {it["imageTag"] for it in ecr.list_images(repositoryName=repository["repositoryName"])["imageIds"]}
    definitions = deployed.kept("AWS::ECS::TaskDefinition")
    assert definitions
    for one in definitions:
        image = one["Properties"]["ContainerDefinitions"][0]["Image"]
        assert image.rpartition(":")[0] == repository["repositoryUri"]
        assert image.rpartition(":")[2] in tags
    bucket = next(it for it in deployed.client("s3").list_buckets()["Buckets"] if it["Name"] != "packages")["Name"]
    kept = deployed.client("s3").list_objects_v2(Bucket=bucket, Prefix="builds/").get("Contents", [])
    assert not [it["Key"] for it in kept if "/waiting/" in it["Key"]]


def test_functions_arrive_as_they_were_built(built: Project, deployed: Cloud) -> None:
    arrived = {it["id"]: it["Properties"]["Code"] for it in deployed.kept("AWS::Lambda::Function")}
    assert set(arrived) == set(FUNCTIONS.values())
    for logical, place in arrived.items():
        data = deployed.client("s3").get_object(Bucket=place["S3Bucket"], Key=place["S3Key"])["Body"].read()
        package = built.root / ".aws-sam" / "build" / logical
        sent = {str(it.relative_to(package)): it.read_bytes() for it in package.rglob("*") if it.is_file()}
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            assert {name: file.read(name) for name in file.namelist()} == sent


def test_a_schedule_arrives(deployed: Cloud) -> None:
    """In the stack's group, under the name of its machine, for the stack's role and queue; enabled, as start_session says."""
    (one,) = deployed.kept("AWS::Scheduler::Schedule")
    given = one["Properties"]
    (queue,) = (it for it in deployed.kept("AWS::SQS::Queue") if it["id"] == "DeadLetters")
    (role,) = (it for it in deployed.client("iam").list_roles()["Roles"] if "-ScheduleRole-" in it["RoleName"])
    assert given["GroupName"] == STACK
    assert given["Name"] == f"{STACK}-hello-morning"
    assert given["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert given["Target"]["Arn"].endswith(f":function:{STACK}-start_session")
    assert given["Target"]["RoleArn"] == role["Arn"]
    assert given["Target"]["DeadLetterConfig"]["Arn"].endswith(f":{queue['Properties']['QueueName']}")
    assert given["State"] == "ENABLED"
    machine = json.loads(given["Target"]["Input"])["machine"]
    assert machine.endswith(f":stateMachine:{STACK}-hello-morning:live")


PARLIAMENT = ROOT / "tests" / "iam" / ".venv" / "bin" / "python"


def test_roles_as_they_arrive_pass_parliament(deployed: Cloud) -> None:
    """No unknown action, resource or condition; "*" only where IAM has no more."""
    if not PARLIAMENT.exists():
        pytest.skip(
            "needs: python3 -m venv tests/iam/.venv && tests/iam/.venv/bin/pip install -r tests/iam/requirements.txt"
        )
    policies = {}
    for role in deployed.kept("AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", ()):
            found = [listed(one) for one in policy["PolicyDocument"]["Statement"]]
            policies[f"{role['id']} {policy['PolicyName']}"] = {"Version": "2012-10-17", "Statement": found}
    assert len(policies) >= 12
    checker = ROOT / "tests" / "iam" / "check_policies.py"
    done = subprocess.run([PARLIAMENT, checker], input=json.dumps(policies), capture_output=True, text=True, check=True)
    assert {name: found for name, found in json.loads(done.stdout).items() if found} == {}


def listed(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement whose actions and resources are lists, as the checker takes it."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in statement.items()}
    return {**statement, **{key: lists[key] for key in ("Action", "Resource")}}


def keys(project: Project, cloud: Cloud, build: str, names: Iterable[str] = FUNCTIONS.values()) -> dict[str, str]:
    """Package a build; return the places in S3 of functions and of the nested template."""
    given = ["--template-file", f"{build}/template.yaml", "--output-template-file", f"{build}/packaged.yaml"]
    project.sam("package", "--s3-bucket", "packages", "--no-resolve-s3", *given, **cloud.variables)
    packaged = yaml.safe_load((project.root / build / "packaged.yaml").read_text())["Resources"]
    found = {name: packaged[name]["Properties"]["CodeUri"] for name in names}
    return {**found, "Workflows": packaged["Workflows"]["Properties"]["Location"]}


def test_the_same_is_not_deployed_again(built: Project, cloud: Cloud) -> None:
    """Another build of the same sources has the same places in S3, so CloudFormation finds nothing to do."""
    built.sam("build", "--build-dir", "again")
    assert keys(built, cloud, "again") == keys(built, cloud, ".aws-sam/build")


def test_another_query_is_a_new_version_of_publish_and_no_definition(built: Project, cloud: Cloud) -> None:
    before = keys(built, cloud, ".aws-sam/build", ["PublishFunction"])
    sql = next((built.root / "workflows").rglob("*.sql"))
    text = sql.read_text()
    sql.write_text(text + "-- changed\n")
    try:
        built.sam("build", "PublishFunction", "--build-dir", "changed")
    finally:
        sql.write_text(text)
    package = built.root / "changed" / "PublishFunction"
    told = [path.read_text() for path in sorted((package / "archives").glob("*.json"))]
    first = built.root / ".aws-sam" / "build" / "PublishFunction"
    assert told != [path.read_text() for path in sorted((first / "archives").glob("*.json"))]
    images = {path.name: path.read_bytes() for path in (package / "images").iterdir()}
    assert images == {path.name: path.read_bytes() for path in (first / "images").iterdir()}
    assert keys(built, cloud, "changed", ["PublishFunction"])["PublishFunction"] != before["PublishFunction"]


def test_a_stale_definition_stops_the_build(sam: Path, built: Project) -> None:
    """A bundle must never part from the definition that names its tasks."""
    path = built.root / "statemachines" / "hello-hello.asl.json"
    text = path.read_text()
    path.write_text(text.replace("hello", "hallo", 1))
    try:
        with pytest.raises(AssertionError, match="this definition is stale"):
            built.sam("build", "PublishFunction", "--build-dir", "stale")
    finally:
        path.write_text(text)


def test_another_environment_into_a_network_that_is_there(built: Project, another_cloud: Cloud) -> None:
    """`--config-env prod`, with every choice of the template made the other way."""
    ec2 = another_cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for block in ("10.0.1.0/24", "10.0.2.0/24")
    ]
    given = [
        "Environment=prod",
        f"VpcId={vpc}",
        f"SubnetIds={','.join(subnets)}",
        "SlackWebhookSecret=shop/slack",
        "NotifyExcept=hello-hello:SUCCEEDED",
        "PermissionsBoundaryArn=arn:aws:iam::123456789012:policy/bound",
        "BucketReaderArns=arn:aws:iam::123456789012:role/people",
        "BucketOnlyFromNetwork=false",
        "ReserveConcurrency=true",
    ]
    deploy(built, another_cloud, given, "prod")
    stack = "stepdig-prod"
    kinds = {one["Type"] for one in another_cloud.kept()}
    assert not kinds & {
        "AWS::EC2::VPC",
        "AWS::EC2::NatGateway",
        "AWS::EFS::FileSystem",
        "AWS::SNS::Subscription::email",
    }
    roles = another_cloud.kept("AWS::IAM::Role")
    assert {one["Properties"].get("PermissionsBoundary") for one in roles} == {given[5].partition("=")[2]}
    (policy,) = another_cloud.kept("AWS::S3::BucketPolicy")
    denied = {one["Sid"]: one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one}
    assert "ContainersFromInsideOnly" not in denied
    readers = denied["OnlyOurRolesRead"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert readers == [f"arn:aws:iam::123456789012:role/stepdig/{stack}/*", "arn:aws:iam::123456789012:role/people"]
    functions = {one["id"]: one["Properties"] for one in another_cloud.kept("AWS::Lambda::Function")}
    told = functions["NotifySlackFunction"]["Environment"]["Variables"]
    assert told["SLACK_WEBHOOK_SECRET"] == "shop/slack"
    assert "SLACK_WEBHOOK_PARAMETER" not in told
    assert (told["ENVIRONMENT"], told["STACK"]) == ("prod", stack)
    assert functions["NotifySlackFunction"]["ReservedConcurrentExecutions"] == 2
    (workflows,) = another_cloud.kept("AWS::CloudFormation::Stack")
    assert workflows["Properties"]["Parameters"]["SubnetIds"] == ",".join(subnets)


@pytest.fixture
def fargate(built: Project, deployed: Cloud, tmp_path: Path) -> Fargate:
    return Fargate(deployed, built.root / ".aws-sam" / "build" / "PublishFunction" / "images", tmp_path)


def test_a_run_from_the_console(deployed: Cloud, fargate: Fargate) -> None:
    execution = run(deployed, fargate, f"{STACK}-hello-hello", {}, "by-hand")
    assert execution.status == "SUCCEEDED", fargate.said
    assert "hello-hello +bye" in fargate.ran
    assert sorted(fargate.said) == ["Bye, world.", "I like apple.", "I like orange.", "I like 桃."]


def test_a_session_of_a_schedule(built: Project, deployed: Cloud, fargate: Fargate) -> None:
    """start_session, out of its package, starts what a schedule fires, once."""
    (schedule,) = deployed.kept("AWS::Scheduler::Schedule")
    event = json.loads(schedule["Properties"]["Target"]["Input"])
    event["scheduled_time"] = "2026-11-19T22:00:00Z"
    event["schedule_arn"] = f"arn:aws:scheduler:ap-northeast-1:123456789012:schedule/{STACK}/{STACK}-hello-morning"
    event["machine"] = event["machine"].removesuffix(":live")  # moto knows no aliases
    package = built.root / ".aws-sam" / "build" / "StartSessionFunction"
    called(package, event, deployed)
    called(package, event, deployed)  # delivered twice
    (started,) = deployed.client("stepfunctions").list_executions(stateMachineArn=event["machine"])["executions"]
    assert started["name"] == "20261119T150000Z-1"
    found = deployed.client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    execution = run(deployed, fargate, f"{STACK}-hello-morning", json.loads(found["input"]), started["name"])
    assert execution.status == "SUCCEEDED", fargate.said
    assert fargate.said == ["good morning"]
