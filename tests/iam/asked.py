"""What the calls of a definition ask of IAM, written from AWS's pages and botocore's models, not from the derivation.

Pages: docs.aws.amazon.com/step-functions/latest/dg/ ecs-iam, lambda-iam, stepfunctions-iam, iam-policies-eg-dist-map, cw-logs,
xray-iam; the Service Authorization Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from policies import HERE, VALUES, Request, value

CLUSTER = f"arn:aws:ecs:{HERE}:cluster/{VALUES['Cluster']}"
TASK = f"arn:aws:ecs:{HERE}:task/{VALUES['Cluster']}/0123456789abcdef0123456789abcdef"
EVENTS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
# S3's operations whose right has another name. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
S3_RIGHTS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}


def requests(definition: Mapping[str, Any], substitutions: Mapping[str, str], machine: str, execution_role: str,
             task_roles: Mapping[str, str]) -> Iterator[Request]:  # fmt: skip
    """Yield each request that an execution may make.

    machine        full name of the state machine
    task_roles     ARN of a task definition -> ARN of its task role
    """
    for text, arguments, place in _integrations(definition):
        filled = _fill(arguments, substitutions)
        service, _, pattern = text.removeprefix("arn:aws:states:::").partition(".")
        make = {
            "ecs:runTask": _run_task,
            "lambda:invoke": _invoke,
            "states:startExecution": _start,
            "aws-sdk:sfn:describeExecution": _describe,
        }.get(service)
        if make is None:
            if service == "athena:startQueryExecution":
                yield from _query(filled, machine)
                continue
            assert service.startswith("aws-sdk:s3:"), f"{place}: what {service} asks of IAM is to be written down here"
            yield from _s3(service.rpartition(":")[2], filled, machine)
        elif make is _run_task:
            yield from _run_task(filled, pattern, execution_role, task_roles)
        else:
            yield from make(filled, pattern)
    if _distributed(definition):
        own, run = f"arn:aws:states:{HERE}:stateMachine:{machine}", f"arn:aws:states:{HERE}:execution:{machine}"
        yield Request("states:StartExecution", own)
        yield Request("states:DescribeExecution", f"{run}:0f1e")
        yield Request("states:StopExecution", f"{run}:0f1e")
        yield Request("states:RedriveExecution", f"{run}/each:0f1e")
    for action in ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
                   "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"):  # fmt: skip
        yield Request(f"logs:{action}", "*")
    for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"):
        yield Request(f"xray:{action}", "*")


def _integrations(node: Any, place: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield every Resource of a definition, wherever it stands."""
    if isinstance(node, list):
        for item in node:
            yield from _integrations(item, place)
    elif isinstance(node, dict):
        if isinstance(node.get("Resource"), str):
            yield node["Resource"], node.get("Arguments", {}), place
        for key, inner in node.items():
            if key != "Arguments":
                yield from _integrations(inner, f"{place}/{key}")


def _distributed(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_distributed, node))
    return isinstance(node, dict) and (node.get("Mode") == "DISTRIBUTED" or any(map(_distributed, node.values())))


def _fill(node: Any, substitutions: Mapping[str, str]) -> Any:
    """Return arguments as CloudFormation leaves them."""
    if isinstance(node, dict):
        return {key: _fill(inner, substitutions) for key, inner in node.items()}
    if isinstance(node, list):
        return [_fill(item, substitutions) for item in node]
    if not isinstance(node, str):
        return node
    return re.sub(r"\$\{([A-Za-z0-9]+)\}", lambda it: substitutions[it[1]], node)


def _run_task(given: Any, pattern: str, execution_role: str, task_roles: Mapping[str, str]) -> Iterator[Request]:
    cluster = {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/{given['Cluster']}"}
    # Without a revision the latest is run, and IAM is asked about that one: https://github.com/aws/aws-cdk/issues/31714
    definition = given["TaskDefinition"]
    yield Request(
        "ecs:RunTask", definition if definition.rpartition("/")[2].count(":") else f"{definition}:12", cluster
    )
    for role in (execution_role, task_roles[given["TaskDefinition"]]):
        yield Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    assert pattern == "sync"
    yield Request("ecs:StopTask", TASK, cluster)
    yield Request("ecs:DescribeTasks", TASK, cluster)
    for action in EVENTS:
        yield Request(action, f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForECSTaskRule")
    if {"Tags", "PropagateTags", "EnableECSManagedTags"} & set(given):
        yield Request("ecs:TagResource", TASK, {"ecs:CreateAction": "RunTask"})


def _invoke(given: Any, _pattern: str) -> Iterator[Request]:
    yield Request("lambda:InvokeFunction", given["FunctionName"])


def _start(given: Any, pattern: str) -> Iterator[Request]:
    machine = given["StateMachineArn"]
    yield Request("states:StartExecution", machine)
    run = machine.replace(":stateMachine:", ":execution:") + ":20261120T000000Z-1"
    assert pattern == "sync:2"
    yield Request("states:DescribeExecution", run)
    yield Request("states:StopExecution", run)
    for action in EVENTS:
        yield Request(action, f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")


def _describe(given: Any, _pattern: str) -> Iterator[Request]:
    machine = re.search(r"arn:aws:states:[^']*", given["ExecutionArn"])[0]  # type: ignore[index]
    yield Request("states:DescribeExecution", machine.replace(":stateMachine:", ":execution:") + ":20261120T000000Z-2")


@cache
def _operations(service: str) -> dict[str, str]:
    """Return the operations of a service of botocore, by the names that Step Functions gives them."""
    model = botocore.session.get_session().get_service_model(service)
    return {name[0].lower() + name[1:]: name for name in model.operation_names}


# What a statement does to the catalog beside reading it. Athena's page "Configure access to databases and tables in the AWS Glue
# Data Catalog" has a table of them.
ADD = ["CreatePartition", "BatchCreatePartition", "UpdatePartition"]
TAKE = ["DeletePartition", "BatchDeletePartition"]
DONE = {"INSERT": ADD, "CREATE TABLE": ["CreateTable", *ADD], "CREATE EXTERNAL": ["CreateTable"], "ALTER ADD": ADD,
        "ALTER DROP": TAKE, "DROP": ["DeleteTable"], "MSCK": ADD, "SELECT": [], "SHOW": [], "WITH": []}  # fmt: skip
SEE = ["GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"]
UPLOAD = ["PutObject", "GetObject", "AbortMultipartUpload", "ListMultipartUploadParts"]  # large objects come in parts
LOOK = ["GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"]


def _query(given: Any, machine: str) -> Iterator[Request]:
    """What the pages connect-athena and fine-grained-access-to-glue-resources name, of a query of a golden."""
    group = f"arn:aws:athena:{HERE}:workgroup/{given.get('WorkGroup', 'primary')}"
    for action in ("StartQueryExecution", "GetQueryExecution", "StopQueryExecution"):
        yield Request(f"athena:{action}", group)
    catalog = given["QueryExecutionContext"].get("Catalog", "AwsDataCatalog")
    yield Request("athena:GetDataCatalog", f"arn:aws:athena:{HERE}:datacatalog/{catalog}")
    text = given["QueryString"]
    sql = re.sub(r"(?s)--[^\n]*?(\\n|\n)", "", re.split(r"\$sql:=", text)[-1]).lstrip("({%$replac' ")
    words = re.match(r"(\w+)\s+(\w+)(?:\s+\S+\s+(\w+))?", sql)
    assert words, sql
    first, second, fourth = (str(it).upper() for it in words.groups())
    kind = next(it for it in (f"{first} {second}", f"{first} {fourth}", first) if it in DONE)
    database = given["QueryExecutionContext"]["Database"]
    names = [database, *re.findall(r"\$databases:=\['([^']*)'", text)]
    for thing in ("catalog", *(it for name in names for it in (f"database/{name}", f"table/{name}/clicks"))):
        for action in (*SEE, *DONE[kind]):
            yield Request(f"glue:{action}", f"arn:aws:glue:{HERE}:{thing}")
    output = given.get("ResultConfiguration", {}).get("OutputLocation")
    if output is not None:
        own = output.startswith("{%")
        place = (
            f"{VALUES['Bucket']}/runs/{machine.removeprefix(VALUES['Stack'] + '-')}/2026-1/athena/"
            if own
            else output[5:]
        )
        yield from (Request(f"s3:{it}", f"arn:aws:s3:::{place.partition('/')[0]}") for it in LOOK)
        yield from (Request(f"s3:{it}", f"arn:aws:s3:::{place}0f1e.csv") for it in UPLOAD)
        for action in ("GenerateDataKey", "Decrypt") if own else ():
            yield Request(f"kms:{action}", value("KeyArn"), {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"})
    read, written = (re.findall(rf"\${name}:=\['([^']*)'", text) for name in ("data", "into"))
    if kind in ("SELECT", "WITH", "INSERT", "CREATE TABLE"):
        yield from (Request("s3:GetObject", f"arn:aws:s3:::{it}dt=2026/a.parquet") for it in read)
        yield from (Request(f"s3:{right}", f"arn:aws:s3:::{it.partition('/')[0]}") for right in LOOK[:2] for it in read)
    if kind == "INSERT" or (kind == "CREATE TABLE" and "external_location" in text):  # else it lies below the results
        yield from (
            Request(f"s3:{right}", f"arn:aws:s3:::{it.partition('/')[0]}") for right in LOOK for it in written or read
        )
        yield from (Request(f"s3:{right}", f"arn:aws:s3:::{it}a.parquet") for right in UPLOAD for it in written or read)


def _s3(called: str, given: Any, machine: str) -> Iterator[Request]:
    operation = _operations("s3")[called]
    if operation == "ListObjectsV2":
        yield Request("s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}")
        return
    if operation == "DeleteObjects":
        [place] = re.findall(r"\$into:=\['([^']*)'", given["Delete"])
        assert place.startswith(given["Bucket"] + "/")
        yield Request("s3:DeleteObject", f"arn:aws:s3:::{place}a.parquet")
        return
    bucket, key = given["Bucket"], given["Key"]
    own = bucket == VALUES["Bucket"]
    if own:  # below the prefix of the run, which the first state makes
        assert re.match(r"\{% \(?\$(states\.input\.)?run\.prefix\b", key), key
        key = f"runs/{machine.removeprefix(VALUES['Stack'] + '-')}/20261120T000000Z-1/+a/output.json"
    elif key.startswith("{%"):
        key = "in/2026-11-20.csv"
    if bucket.startswith("{%"):
        allowed = re.search(r"\$b in \['([^']*)'", bucket)
        assert allowed, bucket
        bucket = allowed[1]
    right = "s3:" + S3_RIGHTS.get(operation, operation) + ("Version" if "VersionId" in given else "")
    yield Request(right, f"arn:aws:s3:::{bucket}/{key}")
    if operation == "HeadObject":  # a missing object is told as such, which s3_wait> waits for
        yield Request("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    if own:
        key_right = {"GetObject": "kms:Decrypt", "PutObject": "kms:GenerateDataKey"}[operation]
        yield Request(key_right, value("KeyArn"), {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"})
