"""Athena on this machine: `athena:startQueryExecution.sync` runs the SQL on DuckDB, over files in the folders of buckets.

Shape of the answer: https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecution.html
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
import uuid
from pathlib import Path
from typing import Any

from stepdig.local.call import Call
from stepdig.local.errors import RUNTIME, TASK_FAILED, StateError
from stepdig.local.integrations.athena_catalog import DEFAULT, Catalog, QueryFailed
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.payload import Json, encode

_NEEDED = "athena:startQueryExecution needs sqlglot and DuckDB on this machine: pip install 'stepdig[athena]'"
_REFUSED = "Athena.InvalidRequestException"


class LocalAthena:
    """Queries over the buckets of one project; its catalog is `catalog.json` in a folder."""

    def __init__(self, s3: LocalS3, folder: Path) -> None:
        self._s3 = s3
        self._folder = folder

    async def start_query(self, call: Call, arguments: Json) -> Json:
        """Run a query to its end and return what `.sync` does; raises StateError, `States.TaskFailed` with the query as JSON."""
        if importlib.util.find_spec("duckdb") is None or importlib.util.find_spec("sqlglot") is None:
            raise StateError(RUNTIME, _NEEDED)
        from stepdig.local.integrations.athena_sql import Running  # heavy, and an extra

        told = self._told(arguments)
        if call.resource.pattern == "sync":
            call.submitted({"QueryExecutionId": told["QueryExecutionId"]})
        running = Running(Catalog(self._folder / "catalog.json"), self._s3, told["QueryExecutionContext"]["Database"])
        try:
            await call.in_thread(lambda: _run(running, told))
        except asyncio.CancelledError:
            running.interrupt()
            raise
        if told["Status"]["State"] != "SUCCEEDED":
            raise StateError(TASK_FAILED, encode(told))
        return {"QueryExecution": told} if call.resource.pattern else {"QueryExecutionId": told["QueryExecutionId"]}

    def _told(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the query as Athena tells of it when it starts; raises StateError for what Athena would not start."""
        sql = arguments.get("QueryString")
        if not isinstance(sql, str) or not sql.strip():
            raise StateError(_REFUSED, "QueryString must not be empty")
        group = arguments.get("WorkGroup", "primary")
        output = arguments.get("ResultConfiguration", {}).get("OutputLocation") or self._of_group(str(group))
        if not isinstance(output, str) or not output.startswith("s3://"):
            raise StateError(_REFUSED, f"outputLocation is not a valid S3 path: {output}")
        bucket, _, prefix = output.removeprefix("s3://").partition("/")
        if self._s3.folder(bucket) is None:
            raise StateError(_REFUSED, f"Unable to verify/create output bucket {bucket}")
        context = {"Catalog": "awsdatacatalog", "Database": DEFAULT, **arguments.get("QueryExecutionContext", {})}
        prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
        return {
            "QueryExecutionId": str(uuid.uuid4()),
            "Query": sql,
            "StatementType": "DML",
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/{prefix}"},
            "QueryExecutionContext": {**context, "Database": str(context["Database"]).lower()},
            "Status": {"State": "RUNNING", "SubmissionDateTime": int(time.time() * 1000)},
            "Statistics": {},
            "WorkGroup": group,
        }

    def _of_group(self, group: str) -> str:
        """Return where a workgroup leaves its results: here a bucket of its name."""
        bucket = f"athena-{group.lower().replace('_', '-')}"
        self._s3.made(bucket)
        return f"s3://{bucket}/"


def _run(running: Any, told: dict[str, Any]) -> None:  # noqa: ANN401 - its module needs the extra
    """Run the query on a thread and note how it ended."""
    began = time.monotonic()
    status, place = told["Status"], told["ResultConfiguration"]
    try:
        end = running.run(told["Query"], place["OutputLocation"], told["QueryExecutionId"])
        told["StatementType"] = end.kind
        place["OutputLocation"] = end.output
        status["State"] = "SUCCEEDED"
        scanned = end.scanned
    except QueryFailed as failed:
        status |= {"State": "FAILED", "StateChangeReason": str(failed)}
        scanned = 0
    spent = int((time.monotonic() - began) * 1000)
    told["Statistics"] = {
        "DataScannedInBytes": scanned,
        "EngineExecutionTimeInMillis": spent,
        "TotalExecutionTimeInMillis": spent,
    }
    status["CompletionDateTime"] = int(time.time() * 1000)
