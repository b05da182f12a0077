"""Where a distributed Map gets its items: the input, or a file or listing in S3; and how items become batches.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import csv
import io

from stepdig.limits import PAYLOAD_BYTES
from stepdig.local.call import Call
from stepdig.local.errors import READER_FAILED, StateError, query_error
from stepdig.local.jsonata import Variables
from stepdig.local.machine import Batcher, Reader
from stepdig.local.payload import Json, decode, encode, size
from stepdig.local.template import typed

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


async def read_items(call: Call, reader: Reader, variables: Variables) -> list[Json]:
    """Return the items an ItemReader yields; raises StateError States.ItemReaderFailed."""
    arguments = reader.arguments.evaluate(variables)
    limit = int(typed(reader.limit, variables, "number")) if reader.limit is not None else 0
    try:
        answer = await call.run.services.integration(call, arguments)
    except StateError as e:
        raise StateError(READER_FAILED, e.cause or e.error) from None
    if reader.resource == "s3:listObjectsV2":
        rows: Json = answer.get("Contents", [])
    else:
        rows = parsed(answer["Body"], reader)
    if not isinstance(rows, list):
        raise StateError(READER_FAILED, "Attempting to map over non-iterable node.")
    return rows[:limit] if limit else rows


def parsed(text: str, reader: Reader) -> Json:
    """Return the content of a JSON, JSONL or CSV file; raises StateError States.ItemReaderFailed."""
    try:
        if reader.kind == "JSON":
            return decode(text)
        if reader.kind == "JSONL":
            return [decode(line) for line in text.splitlines() if line.strip()]
    except ValueError as e:
        raise StateError(READER_FAILED, f"The file is no valid {reader.kind}: {e}") from None
    if reader.kind == "CSV":
        return _csv(text, reader)
    raise StateError(READER_FAILED, f"InputType {reader.kind} is not supported on this machine")


def _csv(text: str, reader: Reader) -> list[dict[str, str]]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=_DELIMITERS[reader.delimiter])
    columns = list(reader.columns) if reader.header == "GIVEN" else next(rows, [])
    if len(set(columns)) < len(columns):
        raise StateError(READER_FAILED, "CSV headers cannot contain duplicates.")
    return [{name: row[i] if i < len(row) else "" for i, name in enumerate(columns)} for row in rows if row]


def batches(items: list[Json], batcher: Batcher, variables: Variables) -> list[dict[str, Json]]:
    """Return the inputs of the child executions: `{"BatchInput", "Items"}`, filled up to the batcher's limits."""
    most = int(typed(batcher.items, variables, "number")) if batcher.items is not None else 0
    room = int(typed(batcher.size, variables, "number")) if batcher.size is not None else PAYLOAD_BYTES
    if batcher.items is None and batcher.size is None:
        raise query_error("ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch", "ItemBatcher")
    common = {"BatchInput": batcher.common.evaluate(variables)} if batcher.common is not None else {}
    base = size(encode({**common, "Items": []}))
    made: list[dict[str, Json]] = []
    used = 0
    for item in items:
        length = size(encode(item)) + 1
        if not made or (most and len(made[-1]["Items"]) >= most) or used + length > min(room, PAYLOAD_BYTES):
            made.append({**common, "Items": []})
            used = base
        made[-1]["Items"].append(item)
        used += length
    return made
