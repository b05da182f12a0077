"""Outputs of tasks: their keys, which of them a task sees and in what order, and how a task leaves its own.

`output.json` keeps the contract of digdag-operator-ecs_task: `subtask_config`, `export_params`, `store_params`,
`error`.
"""

from __future__ import annotations

import json
from typing import Dict, Iterator, List, Mapping, Sequence

from stepdig.runner import loops
from stepdig.runner.shapes import Json, TaskRun
from stepdig.runner.storage import Storage

STORES_BYTES = 200_000  # what the machine may fetch of a task; a state's payload ends at 262,144
TEXT_CHARS = 8_000  # of message and stack trace in error.json


class OutputError(ValueError):
    """Outputs that cannot be read, or that are too large for the machine to fetch."""


def task_prefix(at: TaskRun) -> str:
    """Return where this iteration's outputs of a task lie, `runs/wf/name/+sync+load/3/`. Raises LoopError."""
    return "/".join([at.run["prefix"], at.key, *_indexes(at, at.task["loops"])]) + "/"


def visible_stores(at: TaskRun, entries: Sequence[Mapping[str, Json]], storage: Storage) -> Iterator[Dict[str, Json]]:
    """Yield the `store_params` that a `stores` layer stands for, weakest first. Raises OutputError and LoopError."""
    for entry in entries:
        for key in _output_keys(at, entry, storage):
            body = storage.get(key)
            if body is not None:
                yield _store_params(key, body)


def write_output(
    storage: Storage, prefix: str, output: Mapping[str, Json], fetch: Sequence[str] = (), room: int = STORES_BYTES
) -> None:
    """Write `output.json`, and `stores.json` beside it for a task with `fetch`.

    Raises OutputError when what the machine is to fetch is larger than the `room` for it in bytes; nothing is written
    then. S3 hands it to the machine as a text in JSON, so a quote in it counts as two bytes.
    """
    stores = output.get("store_params") or {}
    fetched = {name: stores[name] for name in fetch if name in stores}
    body = _dump(fetched)
    size = len(_dump(body.decode("utf-8")))
    if fetched and size > room:
        raise OutputError(
            f"{', '.join(fetched)}: the state machine itself reads what is stored here, and it has room for "
            f"{room:,} bytes, not for {size:,}. Store where the data is in place of the data"
        )
    storage.put(prefix + "output.json", _dump(output))
    if fetch:
        storage.put(prefix + "stores.json", body)


def write_error(storage: Storage, prefix: str, error: Mapping[str, Json], message: str, stacktrace: str = "") -> None:
    """Write the `output.json` of a task that failed, over that of an earlier try, and `error.json` beside it.

    error    `class`, `message` and `backtrace` of what a py> raised; empty for any other failure
    message  Digdag's message of the failure
    """
    nothing: Dict[str, Json] = {"subtask_config": {}, "export_params": {}, "store_params": {}}
    given = dict(error) or {"class": "", "message": message, "backtrace": []}
    storage.put(prefix + "output.json", _dump({**nothing, "error": given}))
    storage.put(prefix + "error.json", _dump({"message": shorten(message), "stacktrace": shorten(stacktrace)}))


def shorten(text: str, limit: int = TEXT_CHARS) -> str:
    """Cut a long text in its middle: how it begins and how it ends say more than what lies between."""
    if len(text) <= limit:
        return text
    mark = f"\n... {len(text) - limit:,} more characters ...\n"
    head = (limit - len(mark)) // 2
    return text[:head] + mark + text[len(text) - (limit - len(mark) - head) :]


def _output_keys(at: TaskRun, entry: Mapping[str, Json], storage: Storage) -> List[str]:
    """Return the keys of the outputs one entry of a `stores` layer stands for, in the order of the iterations."""
    writer: str = entry["task"]
    depth = len(at.bundle["tasks"][writer]["loops"])
    same = _indexes(at, at.task["loops"][: entry.get("shared", 0)])
    earlier = entry.get("when", "all") == "earlier"
    if not earlier and len(same) == depth:
        return ["/".join([at.run["prefix"], writer, *same, "output.json"])]
    fixed = same[:-1] if earlier else same
    prefix = "/".join([at.run["prefix"], writer, *fixed]) + "/"
    found = []
    for key in storage.list(prefix):
        *places, name = key[len(prefix) :].split("/")
        if name == "output.json" and len(places) == depth - len(fixed):
            found.append(([int(place) for place in places], key))
    return [key for places, key in sorted(found) if not earlier or places[0] < int(same[-1])]


def _indexes(at: TaskRun, loop_keys: Sequence[str]) -> List[str]:
    return [str(loops.index(at.bundle["loops"][key], at.loop_input)) for key in loop_keys]


def _store_params(key: str, body: bytes) -> Dict[str, Json]:
    try:
        stores = json.loads(body.decode("utf-8"))["store_params"]
    except (ValueError, LookupError, TypeError):
        stores = None
    if not isinstance(stores, dict):
        raise OutputError(f"{key} is not what a task leaves: a JSON object with store_params")
    return stores


def _dump(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
