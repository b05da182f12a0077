"""The roles of state machines: enough for each call that a definition makes, and tight: nothing can be taken away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asked import EVENTS, TASK, requests
from golden_machines import FILES, ROOT, Deployed, compiled, deployed
from policies import HERE, VALUES, Request, allows, applies, resolved

from stepdig.iam import Roles, document, machine_statements
from stepdig.language.job import Job, named
from stepdig.problem import ProblemsFound

# `s3_wait>: ${session_uuid}` looks in a bucket that only the run knows: refused, see below.
UNKNOWN = ROOT / "tests/golden/calls/s3_wait.dig"
DERIVED = [path for path in FILES if path != UNKNOWN]


def _requests(machine: Deployed) -> list[Request]:
    role = f"arn:aws:iam::123456789012:role/{machine.roles.execution}"
    return list(requests(machine.definition, machine.substitutions, machine.name, role, machine.task_roles))


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_a_role_is_enough(path: Path) -> None:
    """Each request that a definition's calls make is allowed."""
    machine = deployed(path)
    policy = machine.policy()
    assert [it for it in _requests(machine) if not allows(policy, it)] == []


def _without(policy: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the policy less one action or one resource of a statement, in every way."""
    made = []
    for number, statement in enumerate(policy):
        for field in ("Action", "Resource"):
            for gone in statement[field]:
                rest = {**statement, field: [it for it in statement[field] if it != gone]}
                made.append((f"{statement['Sid']} {gone}", [*policy[:number], rest, *policy[number + 1 :]]))
    return made


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_a_role_is_tight(path: Path) -> None:
    """Without any one action or resource of any statement, some request is refused."""
    machine = deployed(path)
    asked = set(map(repr, _requests(machine)))
    assert asked
    once = list({repr(it): it for it in _requests(machine)}.values())
    idle = [what for what, less in _without(machine.policy()) if all(allows(less, it) for it in once)]
    if any(job.task_definition for job in machine.jobs.values()):  # whose roles are not known: then any may be passed
        idle = [what for what in idle if not what.startswith("PassRoles")]
    assert idle == []


ADMINISTRATOR = Request(
    "iam:PassRole", "arn:aws:iam::123456789012:role/Administrator", {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
)
# What no role of a machine may do: its neighbours' things, other services' ways to the same things.
FORBIDDEN = (
    Request("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/shop-dev-other-load:1",
            {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/shop-dev-cluster"}),
    ADMINISTRATOR,
    Request("iam:PassRole", "arn:aws:iam::123456789012:role/ExecutionRole", {"iam:PassedToService": "lambda.amazonaws.com"}),
    Request("ecs:StopTask", TASK.replace("shop-dev-cluster", "other"), {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/other"}),
    Request("s3:GetObject", "arn:aws:s3:::shop-dev-runs/runs/other-workflow/1/+a/output.json"),
    Request("s3:PutObject", "arn:aws:s3:::shop-dev-runs/archives/golden/0123.zip"),
    Request("s3:DeleteObject", "arn:aws:s3:::shop-dev-runs/runs/golden-a/1/+a/output.json"),
    Request("kms:Decrypt", VALUES["KeyArn"], {"kms:ViaService": "ssm.ap-northeast-1.amazonaws.com"}),
    Request("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:other"),
    Request("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:other"),
    Request("events:PutTargets", f"arn:aws:events:{HERE}:rule/other"),
)  # fmt: skip


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_a_role_reaches_nothing_else(path: Path) -> None:
    machine = deployed(path)
    policy = machine.policy()
    foreign = any(job.task_definition for job in machine.jobs.values())  # their roles are not known
    assert [it for it in FORBIDDEN if allows(policy, it) and not (foreign and it is ADMINISTRATOR)] == []
    for job in machine.jobs.values():  # its own task definitions, in another cluster
        other = {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/other"}
        assert not allows(policy, Request("ecs:RunTask", machine.task_definition(job), other))


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_every_condition_of_a_role_counts(path: Path) -> None:
    """What is allowed in a cluster, to a service, by a service is not allowed elsewhere, nor where nothing is told of it."""
    machine = deployed(path)
    policy = machine.policy()
    conditions = {key for it in policy for keys in it.get("Condition", {}).values() for key in keys}
    asked = {repr(it): it for it in _requests(machine) if it.context}.values()
    assert conditions == {key for it in asked for key in it.context}
    for request in asked:
        for key in request.context:
            rest = {name: value for name, value in request.context.items() if name != key}
            assert not allows(policy, replace(request, context=rest)), (request, key)
            assert not allows(policy, replace(request, context={**rest, key: "other"})), (request, key)


def test_every_kind_of_call_is_among_the_definitions() -> None:
    """The simulator sees each integration that the compiler can emit, so that none is derived unseen."""
    emitted = set()
    for source in (ROOT / "src/stepdig").rglob("*.py"):
        if not {"local", "iam"} & set(source.parts):
            text = source.read_text()
            emitted |= set(re.findall(r"arn:aws:states:::([a-z0-9:-]+:[a-zA-Z0-9]+)", text))
            emitted |= set(re.findall(r'(?:service=|SERVICE = )"([a-z0-9:-]+:[a-zA-Z0-9]+)', text))
    seen = {
        it
        for path in FILES
        for it in re.findall(r'"Resource": "arn:aws:states:::([^".]+)', compiled(path).definition_text)
    }
    assert "ecs:runTask" in emitted
    assert "aws-sdk:s3:headObject" in emitted
    assert emitted == seen


JOBS = named(("default", "load"))
ROLES = Roles("ExecutionRole", {"default": "DefaultRole", "load": "LoadRole"})
WORKFLOWS = {"other": "golden-other"}


def _derived(state: Mapping[str, Any], requires: Mapping[str, str] = WORKFLOWS) -> list[dict[str, Any]]:
    """Return the policy of a definition of one state, without what every machine has."""
    one = {"Comment": "shop.dig:3 +shop+a", **state}
    found = machine_statements({"States": {"+a": one}}, "shop-a", JOBS, roles=ROLES, requires=requires)
    policy: list[dict[str, Any]] = resolved(document(found))["Statement"]
    return [it for it in policy if it["Sid"] not in ("DeliverLogs", "WriteTraces")]


def _task(service: str, **arguments: object) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{service}", "Arguments": arguments}


RUN = {"Cluster": "${Cluster}", "TaskDefinition": "${JobLoad}"}
REFUSED = {
    "unknown call": (_task("aws-sdk:ec2:runInstances"), "SD660", "which rights aws-sdk:ec2:runInstances needs is not known"),
    "unknown bucket": (_task("aws-sdk:s3:headObject", Bucket="{% $x %}", Key="a"), "SD661", "only the run knows the bucket"),
    "unknown function": (_task("lambda:invoke", FunctionName="{% $f %}"), "SD662", "only the run knows FunctionName"),
    "unknown workflow": (_task("states:startExecution", StateMachineArn="{% $m %}"), "SD662", "only the run knows"),
    "unknown definition": (_task("ecs:runTask.sync", **{**RUN, "TaskDefinition": "{% $d %}"}), "SD662", "only the run knows"),
    "all an expression": (
        {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": "{% $x %}"}, "SD662", "only the run knows"
    ),
    "no such job": (_task("ecs:runTask.sync", **{**RUN, "TaskDefinition": "${JobNone}"}), "SD663", "no job is meant"),
    "other cluster": (_task("ecs:runTask.sync", **{**RUN, "Cluster": "other"}), "SD663", "in another cluster"),
    "no such workflow": (_task("states:startExecution", StateMachineArn="${StateMachineNone}"), "SD663", "no workflow"),
    "no workflow's run": (_task("aws-sdk:sfn:describeExecution", ExecutionArn="{% $x %}"), "SD663", "no workflow is meant"),
    "another run": (_task("aws-sdk:s3:getObject", Bucket="${Bucket}", Key="runs/other/1/a"), "SD663", "outside of its run"),
    "another bucket": (_task("aws-sdk:s3:putObject", Bucket="other", Key="a"), "SD663", "not the stack's"),
    "a function's name": (_task("lambda:invoke", FunctionName="other"), "SD663", "not the stack's"),
    "a query of no database": (_task("athena:startQueryExecution.sync", QueryString="SELECT 1"), "SD664", "not named"),
    "a query of unknown data": (
        _task("athena:startQueryExecution.sync", QueryString="-- all\nselect * from t", QueryExecutionContext={"Database": "a"},
              ResultConfiguration={"OutputLocation": "s3://results/"}), "SD664", "which buckets hold the data"
    ),
    "a location of no part": (_task("aws-sdk:s3:deleteObjects", Bucket="a", Delete="{% $x %}"), "SD663", "of no location"),
    "no queue": (_task("sqs:sendMessage", QueueUrl="https://example.com/a"), "SD663", "no URL of a queue"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_derived_is_a_mistake_at_its_line(name: str) -> None:
    state, code, text = REFUSED[name]
    with pytest.raises(ProblemsFound) as found:
        _derived(state)
    [problem] = found.value.problems
    assert (problem.code, str(problem.at)) == (code, "shop.dig:3:1")
    assert text in problem.text
    assert problem.hint


def test_a_bucket_that_only_the_run_knows_is_refused_where_it_stands() -> None:
    with pytest.raises(ProblemsFound) as found:
        deployed(UNKNOWN).statements()
    assert [(it.code, str(it.at)) for it in found.value.problems] == [("SD661", "s3_wait.dig:17:1")]


def test_all_mistakes_are_told_at_once() -> None:
    states = {name: {"Comment": "a.dig:1", **state} for name, (state, _, _) in REFUSED.items()}
    with pytest.raises(ProblemsFound) as found:
        machine_statements({"States": states}, "shop-a", JOBS, roles=ROLES, requires={})
    assert len(found.value.problems) == len(REFUSED)


def test_buckets_that_the_workflow_names_or_lists_are_the_only_ones() -> None:
    made = deployed(UNKNOWN)
    rest = {name: state for name, state in made.definition["States"].items() if name != "+whole"}
    machine = replace(made, definition={"States": rest})
    buckets = {it.resource for it in _requests(machine) if it.action == "s3:ListBucket"}
    assert buckets == {"arn:aws:s3:::shop-data", "arn:aws:s3:::shop-in"}
    policy = machine.policy()
    assert [it for it in _requests(machine) if not allows(policy, it)] == []
    [listed] = [it for it in policy if it["Sid"] == "ListBuckets"]
    assert listed["Resource"] == [f"arn:aws:s3:::shop-{name}" for name in ("data", "in", "late")]


def test_a_list_of_buckets_gives_rights_to_each() -> None:
    [objects, buckets] = _derived(
        _task("aws-sdk:s3:headObject", Bucket="{% ($b:=$x;$b in ['in-a','in-b']?$b:$error('no')) %}", Key="{% $k %}")
    )
    assert objects["Resource"] == ["arn:aws:s3:::in-a/*", "arn:aws:s3:::in-b/*"]
    assert buckets["Resource"] == ["arn:aws:s3:::in-a", "arn:aws:s3:::in-b"]


def test_a_key_with_signs_of_patterns_means_itself() -> None:
    [objects, _] = _derived(_task("aws-sdk:s3:headObject", Bucket="in", Key="a*b?.csv"))
    assert applies(objects, Request("s3:GetObject", "arn:aws:s3:::in/a*b?.csv"))
    assert not applies(objects, Request("s3:GetObject", "arn:aws:s3:::in/axb1.csv"))


@pytest.mark.parametrize(
    "tags",
    [{"PropagateTags": "TASK_DEFINITION"}, {"Tags": [{"Key": "a", "Value": "b"}]}, {"EnableECSManagedTags": True}],
)
def test_tags_need_a_right_of_their_own(tags: dict[str, Any]) -> None:
    plain, tagged = (_derived(_task("ecs:runTask.sync", **RUN, **more)) for more in ({}, tags))
    request = Request("ecs:TagResource", TASK, {"ecs:CreateAction": "RunTask"})
    assert not allows(plain, request)
    assert allows(tagged, request)


def test_without_sync_nothing_is_followed() -> None:
    assert [it["Sid"] for it in _derived(_task("ecs:runTask", **RUN))] == ["RunTasks", "PassRoles"]


def test_a_task_definition_from_elsewhere_runs_with_roles_that_are_not_known() -> None:
    arn = f"arn:aws:ecs:{HERE}:task-definition/theirs"
    policy = _derived(_task("ecs:runTask", **{**RUN, "TaskDefinition": f"{arn}:3"}))
    assert [it["Resource"] for it in policy] == [[f"{arn}:3"], ["arn:aws:iam::123456789012:role/*"]]
    assert policy[1]["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    theirs = Job("theirs", task_definition=arn, pass_roles=(f"{arn}-role",))
    definition = {"States": {"+a": _task("ecs:runTask", **{**RUN, "TaskDefinition": "${JobTheirs}"})}}
    [_, passed, *_] = machine_statements(definition, "shop-a", {"theirs": theirs}, roles=ROLES, requires={})
    assert (passed.sid, passed.resources) == ("PassGivenRoles", (f"{arn}-role",))
    [run, _] = _derived(_task("ecs:runTask", **{**RUN, "TaskDefinition": arn}))
    assert run["Resource"] == [f"{arn}:*"]


WORKGROUP, CATALOG = f"arn:aws:athena:{HERE}:workgroup/primary", f"arn:aws:athena:{HERE}:datacatalog/AwsDataCatalog"
QUERY = _task("athena:startQueryExecution.sync", QueryString="SELECT 1", QueryExecutionContext={"Database": "sales"},
              ResultConfiguration={"OutputLocation": "s3://results/queries/"})  # fmt: skip
SUBMIT = _task("batch:submitJob.sync", JobName="a", JobQueue="night", JobDefinition="load")
GLUE = f"arn:aws:glue:{HERE}:job/clean"
TABLE = f"arn:aws:dynamodb:{HERE}:table/state"
ITEMS = {"getItem": "GetItem", "putItem": "PutItem", "updateItem": "UpdateItem", "deleteItem": "DeleteItem"}
LOOKS = ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")
# service -> state, and each request by the pages of Step Functions that the derivation names
OTHERS: dict[str, tuple[dict[str, Any], list[Request]]] = {
    "sns": (
        _task("sns:publish", TopicArn=f"arn:aws:sns:{HERE}:news", Message="a"),
        [Request("sns:Publish", f"arn:aws:sns:{HERE}:news")],
    ),
    "sqs": (
        _task("sqs:sendMessage", QueueUrl="https://sqs.ap-northeast-1.amazonaws.com/123456789012/todo", MessageBody="a"),
        [Request("sqs:SendMessage", f"arn:aws:sqs:{HERE}:todo")],
    ),
    **{
        f"dynamodb {call}": (_task(f"dynamodb:{call}", TableName="state"), [Request(f"dynamodb:{action}", TABLE)])
        for call, action in ITEMS.items()
    },
    "events": (
        _task("events:putEvents", Entries=[{"Detail": {}}, {"EventBusName": "shop"}]),
        [Request("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/{bus}") for bus in ("default", "shop")],
    ),
    "glue": (_task("glue:startJobRun", JobName="clean"), [Request("glue:StartJobRun", GLUE)]),
    "glue sync": (
        _task("glue:startJobRun.sync", JobName="clean"),
        [Request(f"glue:{action}", GLUE) for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")],
    ),
    "batch sync": (
        SUBMIT,
        [
            Request("batch:SubmitJob", f"arn:aws:batch:{HERE}:job-queue/night"),
            Request("batch:SubmitJob", f"arn:aws:batch:{HERE}:job-definition/load:4"),
            Request("batch:DescribeJobs", "*"),
            Request("batch:TerminateJob", f"arn:aws:batch:{HERE}:job/0f1e"),
            *(Request(it, f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForBatchJobsRule") for it in EVENTS),
        ],
    ),
    "athena sync": (
        QUERY,
        [
            *(Request(f"athena:{it}", WORKGROUP) for it in ("StartQueryExecution", "StopQueryExecution", "GetQueryExecution")),
            Request("athena:GetDataCatalog", CATALOG),
            *(
                Request(f"glue:{action}", f"arn:aws:glue:{HERE}:{thing}")
                for action in ("GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition")
                for thing in ("catalog", "database/sales", "table/sales/orders")
            ),
            *(Request(f"s3:{it}", "arn:aws:s3:::results") for it in LOOKS),
            *(
                Request(f"s3:{it}", "arn:aws:s3:::results/queries/0f1e.csv")
                for it in ("GetObject", "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")
            ),
        ],
    ),
    "a Map over a file": (
        {"Type": "Map", "ItemProcessor": {"States": {}},
         "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "in", "Key": "list.json"}},
         "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "out", "Prefix": "map/"}}},
        [
            Request("s3:GetObject", "arn:aws:s3:::in/list.json"),
            *(
                Request(f"s3:{it}", "arn:aws:s3:::out/map/0f1e/manifest.json")
                for it in ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")
            ),
        ],
    ),
    "a Map over keys": (
        {"Type": "Map", "ItemProcessor": {"States": {}},
         "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Arguments": {"Bucket": "in", "Prefix": "day/"}}},
        [Request("s3:ListBucket", "arn:aws:s3:::in")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_services_get_what_they_need_and_no_more(name: str) -> None:
    state, needed = OTHERS[name]
    policy = _derived(state)
    assert [it for it in needed if not allows(policy, it)] == []
    assert [what for what, less in _without(policy) if all(allows(less, it) for it in needed)] == []


CHANGES = [
    ("select 1", set()),
    ("/* a */ WITH q AS (SELECT 1) SELECT * FROM q", set()),
    ("SHOW PARTITIONS t", set()),
    ("insert into t select 1", {"AddPartitions"}),
    ("{% ($data:=['a/'];$sql:=('-- day\\nINSERT INTO t SELECT ' & $run.x)) %}", {"AddPartitions"}),
    ("MSCK REPAIR TABLE t", {"AddPartitions"}),
    ("ALTER TABLE t ADD IF NOT EXISTS PARTITION (d='DROP PARTITION')", {"AddPartitions"}),
    ("ALTER TABLE t DROP PARTITION (d='ADD PARTITION')", {"DropPartitions"}),
    ("CREATE TABLE t AS SELECT 1 AS a", {"MakeTables"}),
    ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://a/b/'", {"CreateTables"}),
    ("CREATE OR REPLACE VIEW v AS SELECT 1", {"MakeViews"}),
    ("CREATE DATABASE d", {"CreateDatabases"}),
    ("drop table t", {"DropTables"}),
    ("VACUUM t", {"ChangeCatalog"}),
    ("{% ($data:=['a/'];$sql:=$run.params.sql) %}", {"ChangeCatalog"}),
]


@pytest.mark.parametrize(("sql", "sids"), CHANGES)
def test_a_query_may_change_what_its_first_words_say(sql: str, sids: set[str]) -> None:
    text = sql if sql.startswith("{%") else "{% ($data:=['a/'];$sql:='" + sql.replace("'", "\\u0027") + "') %}"
    state = _task("athena:startQueryExecution.sync", QueryString=text, QueryExecutionContext={"Database": "sales"},
                  ResultConfiguration={"OutputLocation": "s3://results/"})  # fmt: skip
    catalog = {it["Sid"] for it in _derived(state) if any(action.startswith("glue:") for action in it["Action"])}
    assert catalog - {"ReadTables"} == sids
