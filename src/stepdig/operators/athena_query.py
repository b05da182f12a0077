"""`athena.query>: query.sql` runs SQL on Athena; the state machine waits for its end, no container does."""

from __future__ import annotations

from stepdig.language.declared import ANY, VALUE, Option
from stepdig.language.model import Task
from stepdig.operators._athena import SHARED, Queries, options, sql
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Step
from stepdig.source.tree import Scalar

SHOWN_CHARS = 1_000  # of the SQL and of the reason that are stored
_FIELDS = (
    ("id", "$q.QueryExecutionId"),
    ("database", "$q.QueryExecutionContext.Database"),
    ("workgroup", "$q.WorkGroup"),
    ("query", f"$substring($q.Query,0,{SHOWN_CHARS})"),
    ("output", "$q.ResultConfiguration.OutputLocation"),
    ("scan_bytes", "$q.Statistics.DataScannedInBytes"),
    ("exec_millis", "$q.Statistics.EngineExecutionTimeInMillis"),
    ("state", "$q.Status.State"),
    ("state_change_reason", f"$substring($q.Status.StateChangeReason,0,{SHOWN_CHARS})"),
    ("submitted_at", "$t($q.Status.SubmissionDateTime)"),
    ("completed_at", "$t($q.Status.CompletionDateTime)"),
)
# Times come as texts or, from some integrations, as milliseconds or seconds; the plug-in stores seconds.
_SECONDS = "$t:=function($v){$type($v)='string'?$floor($toMillis($v)/1000):$v>100000000000?$floor($v/1000):$floor($v)};"
_STORED = ",".join(f"'{name}':{code}" for name, code in _FIELDS)
STORES = f"($q:=$states.result.QueryExecution;{_SECONDS}{{'athena':{{'last_query':{{{_STORED}}}}}}})"
ANSWER_BYTES = 6 * (2 * SHOWN_CHARS + 256 + 128) + 1_024 + 500  # texts of 6 bytes a character, a place in S3, numbers


@operator(
    "athena.query",
    argument=VALUE,
    options=(*SHARED, Option("preview", ANY, "without meaning here: read the result, it is a CSV file")),
    stores=True,
)
def athena_query(task: Task, place: Place) -> Step:
    """Run SQL on Athena, written here or in a file of the project: `athena.query>: queries/clicks.sql`."""
    found = options(task, place)
    node = place.required(task)
    if not isinstance(node, Scalar):
        return nothing(place)
    text = sql(found, node)
    if text is None:
        return nothing(place)
    queries = Queries(found)
    call = queries.call(place.name, text, stores=STORES, answer=ANSWER_BYTES)
    return queries.placed(call, tuple(f"athena.last_query.{name}" for name, _ in _FIELDS))
