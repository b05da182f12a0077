"""Rights for queries of Athena and for what they leave in S3: by the SQL's first words, and by what its expression says.

Rights of each statement on the catalog:
https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepdig.iam import arns
from stepdig.iam.calls import Call
from stepdig.iam.needs import Around, needs
from stepdig.iam.shared import with_key
from stepdig.iam.statement import Statement

_LISTS = re.compile(r"\$(data|into|databases):=\[((?:'[^']*',?)*)\];")
# What stands before the text in an expression.
_BEFORE = re.compile(r"^([\s(]|\$replace\(|\$j_\w+:=function\([^)]*\)\{[^}]*\};)*'?")
_COMMENTS = re.compile(r"\s+|--[^\n]*?(\n|\\n|\Z)|/\*.*?\*/|\\n|\\t|\(", re.DOTALL)
_OF_RUN = re.compile(r"\{% 's3://\$\{Bucket\}/'&\$(states\.input\.)?run\.prefix\b")
_READ = (
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
)
_ADD = ("glue:CreatePartition", "glue:BatchCreatePartition", "glue:UpdatePartition")
_TAKE = ("glue:DeletePartition", "glue:BatchDeletePartition")
# The first words of SQL: sid and reason of the rights to change the catalog, the rights, and what is done to data.
_KINDS: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    (r"(SELECT|WITH|VALUES|TABLE|EXPLAIN)\b", "", "", (), "reads"),
    (r"(SHOW|DESCRIBE|DESC)\b", "", "", (), ""),
    (r"UNLOAD\b", "", "", (), "writes"),
    (r"INSERT\b", "AddPartitions", "partitions that queries write", _ADD, "writes"),
    (r"MSCK\b", "AddPartitions", "partitions that queries add", _ADD, "lists"),
    (r"ALTER\s+TABLE\b[^(]*?\bADD\s+(IF|PARTITION)\b", "AddPartitions", "partitions that queries add", _ADD, ""),
    (r"ALTER\s+TABLE\b[^(]*?\bDROP\s+(IF|PARTITION)\b", "DropPartitions", "partitions that queries drop", _TAKE, ""),
    (r"CREATE\s+(DATABASE|SCHEMA)\b", "CreateDatabases", "databases that queries make", ("glue:CreateDatabase",), ""),
    (r"CREATE\s+EXTERNAL\b", "CreateTables", "tables that queries make", ("glue:CreateTable",), ""),
    (r"CREATE\s+(OR\s+REPLACE\s+)?VIEW\b", "MakeViews", "views that queries make", ("glue:CreateTable", "glue:UpdateTable"), ""),
    (r"CREATE\s+TABLE\b", "MakeTables", "tables that queries make and fill", ("glue:CreateTable", *_ADD), "writes"),
    (r"DROP\s+(TABLE|VIEW)\b", "DropTables", "tables that queries drop", ("glue:DeleteTable",), ""),
)  # fmt: skip
_ANY = (
    *("glue:CreateDatabase", "glue:UpdateDatabase", "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"),
    *(*_ADD, *_TAKE),
)


@needs("athena:startQueryExecution")
def start_query(call: Call, around: Around) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html: `.sync` polls, without a rule."""
    text, held = _sql(call.arguments.get("QueryString"))
    _, sid, reason, changes, does = _kind(text)
    context = call.arguments.get("QueryExecutionContext", {})
    group = around.named(_one(call, WorkGroup=call.arguments.get("WorkGroup", "primary")), "WorkGroup")
    catalog = around.named(_one(call, Catalog=context.get("Catalog", "AwsDataCatalog")), "Catalog")
    databases = _databases(call, around, context, held.get("databases", []))
    if group is None or catalog is None or databases is None:
        return
    groups, data = (arns.of("athena", f"workgroup/{group}"),), (arns.of("athena", f"datacatalog/{catalog}"),)
    yield Statement(
        "StartQueries", ("athena:StartQueryExecution",), groups, {}, "the workgroup of the workflow's queries"
    )
    yield Statement(
        "ReadCatalogs", ("athena:GetDataCatalog",), data, {}, "the catalog that queries name their tables in"
    )
    tables = (arns.of("glue", "catalog"), *(it for name in databases for it in _of_database(name)))
    yield Statement("ReadTables", _READ, tables, {}, "what the catalog knows of the tables of the query's database")
    if changes:
        yield Statement(sid, changes, tables, {}, reason)
    yield from _results(call, around)
    yield from _data(call, around, does, text, held)
    if call.pattern.startswith("sync"):
        follow = ("athena:GetQueryExecution", "athena:StopQueryExecution")
        yield Statement("FollowQueries", follow, groups, {}, "queries are looked at, and stopped with the execution")


@needs("aws-sdk:s3:listObjectsV2")
def list_objects(call: Call, around: Around) -> Iterator[Statement]:
    """Objects below a location: of a bucket that the workflow names."""
    bucket = around.named(call, "Bucket")
    if bucket is not None:
        yield _list([bucket])


@needs("aws-sdk:s3:deleteObjects")
def delete_objects(call: Call, around: Around) -> Iterator[Statement]:
    """Objects below the static part of a location, which the expression names."""
    _, held = _sql(call.arguments.get("Delete"))
    bucket = around.named(call, "Bucket")
    if bucket is None:
        return
    if not held.get("into"):
        around.refuse(call, "SD663", "objects of no location are deleted", "this is a mistake of stepdig")
        return
    objects = tuple(f"{arns.S3}{place}*" for place in held["into"])
    yield Statement(
        "EmptyLocations", ("s3:DeleteObject",), objects, {}, "locations that are emptied before they are filled"
    )


def _sql(given: object) -> tuple[str, dict[str, list[str]]]:
    """Return the beginning of the SQL, and the lists that stand with it in its expression."""
    text, held = str(given), {}
    if text.startswith("{%"):
        head, _, text = text.partition("$sql:=")
        held = {name: re.findall(r"'([^']*)'", listed) for name, listed in _LISTS.findall(head)}
        text = _BEFORE.sub("", text)
    while (found := _COMMENTS.match(text)) and found[0]:
        text = text[found.end() :]
    return text, held


def _kind(text: str) -> tuple[str, str, str, tuple[str, ...], str]:
    for row in _KINDS:
        if re.match(row[0], text, re.IGNORECASE):
            return row
    return "", "ChangeCatalog", "what queries that the run makes up may change", _ANY, "changes"


def _databases(call: Call, around: Around, context: object, more: list[str]) -> list[str] | None:
    given = context.get("Database") if isinstance(context, dict) else None
    if given is None and more:
        return more
    if given is None:
        hint = "database: name, or databases: [a, b] where the SQL names them itself"
        around.refuse(call, "SD664", "no right can be given for tables of a database that is not named", hint)
        return None
    name = around.named(_one(call, Database=given), "Database")
    return None if name is None else [name, *more]


def _results(call: Call, around: Around) -> Iterator[Statement]:
    """Yield the rights to leave results: at `s3://bucket/prefix`, in the run's folder; none for the workgroup's own place."""
    configuration = call.arguments.get("ResultConfiguration")
    if configuration is None and "WorkGroup" in call.arguments:
        return
    given = configuration.get("OutputLocation") if isinstance(configuration, dict) else None
    if isinstance(given, str) and _OF_RUN.match(given):
        place = f"${{Bucket}}/runs/{around.machine}/*"
        reason = "objects of runs are encrypted by the stack's key"
        yield with_key("DecryptRuns", "kms:Decrypt", reason)
        yield with_key("EncryptRuns", "kms:GenerateDataKey", reason)
    else:
        output = around.named(_one(call, OutputLocation=given), "OutputLocation")
        if output is None:
            return
        bucket, _, prefix = output.removeprefix("s3://").partition("/")
        place = f"{bucket}/{prefix}*"
    look = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
    yield Statement(
        "FindResults", look, (arns.S3 + place.partition("/")[0],), {}, "the bucket that queries leave their results in"
    )
    keep = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    yield Statement("KeepResults", keep, (arns.S3 + place,), {}, "results of queries")


def _data(call: Call, around: Around, does: str, text: str, held: dict[str, list[str]]) -> Iterator[Statement]:
    """Yield the rights on the data of tables: which buckets hold it stands in no SQL."""
    read, written = held.get("data"), held.get("into", [])
    if read is None and does in ("reads", "writes") and not re.search(r"\b(FROM|JOIN|INTO)\b", text, re.IGNORECASE):
        read = []
    if read is None and does:
        hint = (
            "athena: {buckets: [my-bucket]} in _export, or buckets: of the task; [] if another service guards the data"
        )
        around.refuse(call, "SD664", "which buckets hold the data of a query's tables is not known", hint)
        return
    if does and read:
        yield _list(read)
        yield Statement(
            "FindData", ("s3:GetBucketLocation",), _buckets(read), {}, "buckets that hold the data of tables"
        )
        yield Statement("ReadData", ("s3:GetObject",), _below(read), {}, "data of tables that queries read")
    below_results = re.match(r"CREATE\s+TABLE\b", text, re.IGNORECASE) and "external_location" not in text.lower()
    target = written or (read or [] if does in ("writes", "changes") and not below_results else [])
    if does in ("writes", "changes") and target:
        yield _list(target)
        find = ("s3:GetBucketLocation", "s3:ListBucketMultipartUploads")
        yield Statement("FindTargets", find, _buckets(target), {}, "buckets that queries write data to")
        keep = ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
        yield Statement("WriteData", keep, _below(target), {}, "data of tables that queries write")
    if does == "changes" and target:
        yield Statement("DeleteData", ("s3:DeleteObject",), _below(target), {}, "data of tables that queries change")


def _list(places: list[str]) -> Statement:
    return Statement(
        "ListLocations", ("s3:ListBucket",), _buckets(places), {}, "what lies below the locations of tables"
    )


def _buckets(places: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arns.S3 + it.partition("/")[0] for it in places))


def _below(places: list[str]) -> tuple[str, ...]:
    return tuple(f"{arns.S3}{it}*" for it in places)


def _of_database(name: str) -> tuple[str, str]:
    return arns.of("glue", f"database/{name}"), arns.of("glue", f"table/{name}/*")


def _one(call: Call, **arguments: object) -> Call:
    return Call(call.service, "", arguments, call.state, call.at)
