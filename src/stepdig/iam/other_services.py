"""Rights for services that a workflow may call by themselves: queries, jobs, messages, tables, events.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

from collections.abc import Iterator

from stepdig.iam import arns
from stepdig.iam.calls import Call
from stepdig.iam.needs import Around, needs
from stepdig.iam.shared import managed_rule
from stepdig.iam.statement import Statement


def _named_arn(service: str, kind: str, name: str) -> str:
    """Return an ARN of a name, which may be one itself."""
    return name if name.startswith("arn:") else arns.of(service, kind + name)


@needs("sns:publish", "aws-sdk:sns:publish")
def publish(call: Call, around: Around) -> Iterator[Statement]:
    """A message to a topic."""
    topic = around.named(call, "TopicArn")
    if topic is not None:
        yield Statement("PublishMessages", ("sns:Publish",), (topic,), {}, "the topics that the workflow writes to")


@needs("sqs:sendMessage", "aws-sdk:sqs:sendMessage")
def send_message(call: Call, around: Around) -> Iterator[Statement]:
    """A message to a queue: https://sqs.<region>.amazonaws.com/<account>/<name>."""
    url = around.named(call, "QueueUrl")
    if url is None:
        return
    parts = url.split("/")
    region = (
        parts[2].split(".")[1]
        if url.startswith("https://sqs.") and len(parts) == len(["https:", "", "h", "a", "q"])
        else ""
    )
    if not region:
        around.refuse(call, "SD663", f"{url} is no URL of a queue", "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
        return
    arn = f"arn:${{AWS::Partition}}:sqs:{region}:{parts[3]}:{parts[4]}"
    yield Statement("SendMessages", ("sqs:SendMessage",), (arn,), {}, "the queues that the workflow writes to")


_ITEMS = {
    "getItem": ("ReadItems", "dynamodb:GetItem", "the tables that the workflow reads"),
    "putItem": ("PutItems", "dynamodb:PutItem", "the tables that the workflow writes"),
    "updateItem": ("UpdateItems", "dynamodb:UpdateItem", "the tables that the workflow changes"),
    "deleteItem": ("DeleteItems", "dynamodb:DeleteItem", "the tables that the workflow deletes from"),
}


@needs(*(f"{prefix}dynamodb:{action}" for prefix in ("", "aws-sdk:") for action in _ITEMS))
def item(call: Call, around: Around) -> Iterator[Statement]:
    """An item of a table."""
    table = around.named(call, "TableName")
    if table is not None:
        sid, action, reason = _ITEMS[call.service.rpartition(":")[2]]
        yield Statement(sid, (action,), (_named_arn("dynamodb", "table/", table),), {}, reason)


@needs("events:putEvents")
def put_events(call: Call, around: Around) -> Iterator[Statement]:
    """Events for buses of EventBridge."""
    entries = call.arguments.get("Entries")
    if not isinstance(entries, list):
        around.refuse(call, "SD662", "only the run knows the buses of its events", "write the entries out")
        return
    for entry in entries:
        one = Call(call.service, "", {"EventBusName": "default", **entry}, call.state, call.at)
        bus = around.named(one, "EventBusName")
        if bus is not None:
            arn = _named_arn("events", "event-bus/", bus)
            yield Statement("PutEvents", ("events:PutEvents",), (arn,), {}, "the buses that the workflow tells")


@needs("glue:startJobRun")
def start_job_run(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html: `.sync` polls, without a rule."""
    name = around.named(call, "JobName")
    if name is None:
        return
    job = (arns.of("glue", f"job/{name}"),)
    yield Statement("StartGlueJobs", ("glue:StartJobRun",), job, {}, "the Glue jobs that the workflow starts")
    if call.pattern.startswith("sync"):
        follow = ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun")
        yield Statement("FollowGlueJobs", follow, job, {}, "Glue jobs are looked at, and stopped with the execution")


@needs("batch:submitJob")
def submit_job(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html ."""
    queue, definition = around.named(call, "JobQueue"), around.named(call, "JobDefinition")
    if queue is None or definition is None:
        return
    made = _named_arn("batch", "job-definition/", definition)
    targets = (_named_arn("batch", "job-queue/", queue), made if made.rpartition("/")[2].count(":") else f"{made}:*")
    yield Statement("SubmitJobs", ("batch:SubmitJob",), targets, {}, "the Batch jobs that the workflow submits")
    if call.pattern.startswith("sync"):
        yield Statement(
            "DescribeJobs", ("batch:DescribeJobs",), ("*",), {}, "Batch jobs are looked at; this knows no resources"
        )
        stop = (arns.of("batch", "job/*"),)
        yield Statement(
            "StopJobs", ("batch:TerminateJob",), stop, {}, "Batch jobs, whose ids AWS makes, end with the execution"
        )
        yield managed_rule("EventsOfBatchJobs", "StepFunctionsGetEventsForBatchJobsRule", "the end of a Batch job")


@needs("s3:getObject", "s3:listObjectsV2")
def read_items(call: Call, around: Around) -> Iterator[Statement]:
    """The list of a distributed Map, read from S3."""
    bucket = around.named(call, "Bucket")
    if bucket is None:
        return
    listing = call.service.endswith("listObjectsV2")
    name = call.arguments.get("Prefix" if listing else "Key", "")
    arn = f"{arns.S3}{bucket}"
    if listing:
        yield Statement(
            "ListItems", ("s3:ListBucket",), (arn,), {}, "lists of distributed Maps that are keys of a bucket"
        )
    else:
        key = name if isinstance(name, str) and not name.startswith("{%") else "*"
        yield Statement(
            "ReadItemsOfMaps", ("s3:GetObject",), (f"{arn}/{key}",), {}, "lists of distributed Maps that lie in S3"
        )


@needs("map-results")
def write_results(call: Call, around: Around) -> Iterator[Statement]:
    """Results of a distributed Map: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html ."""
    bucket, prefix = around.named(call, "Bucket"), around.named(call, "Prefix")
    if bucket is not None and prefix is not None:
        actions = ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
        arn = f"{arns.S3}{bucket}/{prefix}*"
        yield Statement("WriteResultsOfMaps", actions, (arn,), {}, "results of distributed Maps")
