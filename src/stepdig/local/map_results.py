"""ResultWriter: the outcomes of a Map Run as files in S3, beside a manifest.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

from stepdig.local.call import Call, resource_of
from stepdig.local.errors import WRITER_FAILED, StateError
from stepdig.local.execution import Execution
from stepdig.local.frame import Frame
from stepdig.local.jsonata import Variables
from stepdig.local.machine import State
from stepdig.local.payload import Json, encode

_KINDS = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "ABORTED": "FAILED", "TIMED_OUT": "FAILED"}


async def write_results(run: Execution, state: State, frame: Frame, variables: Variables) -> dict[str, Json]:
    """Write SUCCEEDED_0.json, FAILED_0.json and manifest.json; return where they are.

    Raises StateError States.ResultWriterFailed.
    """
    work, progress = state.work, frame.inside
    place = work.writer.evaluate(variables) if work.writer is not None else {}
    prefix = str(place.get("Prefix", "")).rstrip("/")
    folder = f"{prefix}/{progress.run.rsplit(':', 1)[1]}" if prefix else progress.run.rsplit(":", 1)[1]
    files: dict[str, list[dict[str, str]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    put = Call(run, state, resource_of("arn:aws:states:::s3:putObject"), frame.entered, lambda _: None)

    async def write(name: str, value: Json) -> dict[str, Json]:
        text = encode(value)
        arguments = {"Bucket": place["Bucket"], "Key": f"{folder}/{name}", "Body": text}
        try:
            await run.services.integration(put, arguments)
        except StateError as e:
            raise StateError(WRITER_FAILED, e.cause or e.error) from None
        return {"Key": arguments["Key"], "Size": len(text.encode())}

    for kind, rows in _outcomes(run, state, frame).items():
        if rows:
            files[kind] = [await write(f"{kind}_0.json", rows)]
    manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": progress.run, "ResultFiles": files}
    key = (await write("manifest.json", manifest))["Key"]
    return {"MapRunArn": progress.run, "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": key}}


def _outcomes(run: Execution, state: State, frame: Frame) -> dict[str, list[Json]]:
    """Return the rows of the result files by kind; `Transformation` COMPACT or FLATTEN gives the outputs alone."""
    work, progress = state.work, frame.inside
    machine = f"{run.arn.rsplit(':', 1)[0].replace(':execution:', ':stateMachine:')}/{work.label}"
    found: dict[str, list[Json]] = {"SUCCEEDED": [], "FAILED": []}
    for i, row in enumerate(progress.rows):
        child = progress.children[i]
        status = "SUCCEEDED" if i in progress.done else child.get("status", "FAILED")
        outcome: Json = {
            "ExecutionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{child['name']}",
            "Input": encode(row),
            "InputDetails": {"Included": True},
            "Name": child["name"],
            "RedriveCount": child["redrives"],
            "StateMachineArn": machine,
            "Status": status,
        }
        if status == "SUCCEEDED":
            outcome |= {"Output": encode(progress.done[i]), "OutputDetails": {"Included": True}}
            if work.transformation != "NONE":
                outcome = progress.done[i]
        else:
            outcome |= {"Error": child.get("error"), "Cause": child.get("cause")}
        flat = work.transformation == "FLATTEN" and status == "SUCCEEDED" and isinstance(outcome, list)
        found[_KINDS[status]] += outcome if flat else [outcome]
    return found
