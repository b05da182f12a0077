"""`lambda:invoke`, with and without a task token, and functions named as a Resource: handlers called in threads.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepdig.local.call import Call
from stepdig.local.errors import StateError
from stepdig.local.execution import ACCOUNT, REGION
from stepdig.local.payload import Json, decode, encode
from stepdig.local.tokens import Tokens

Function = Callable[[Any, Any], Any]
_TIME_LIMIT_SECONDS = 900.0


@dataclass(eq=False)
class LambdaContext:
    """What a handler gets as its second argument; `step_functions` answers task tokens as boto3's client would."""

    function_name: str
    step_functions: Tokens
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    log_group_name: str = ""
    log_stream_name: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + _TIME_LIMIT_SECONDS)

    @property
    def invoked_function_arn(self) -> str:
        """Return the function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until AWS would end the function."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


async def invoke(call: Call, arguments: Json, functions: Mapping[str, Function]) -> Json:
    """Call a function and return what AWS would: the result itself for a function's ARN, else `{"Payload", ...}`."""
    if call.resource.function:
        return await _called(call, call.resource.function, arguments, functions)
    payload = _payload(arguments.get("Payload", {}))
    if arguments.get("InvocationType") == "Event":
        raise StateError(
            "Lambda.InvalidParameterValueException", "InvocationType Event is not supported on this machine"
        )
    result = await _called(call, str(arguments.get("FunctionName")), payload, functions)
    answer = {
        "ExecutedVersion": "$LATEST",
        "Payload": result,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": str(uuid.uuid4())},
        "StatusCode": 200,
    }
    if call.waiting is None:
        return answer
    call.submitted(answer)
    return await call.token_result()


def _payload(value: Json) -> Json:
    """Return the event of a Payload: JSON in a text is taken as JSON, as AWS takes it."""
    if isinstance(value, str):
        try:
            return decode(value)
        except ValueError:
            return value
    return {} if value is None else value


async def _called(call: Call, name: str, payload: Json, functions: Mapping[str, Function]) -> Json:
    short = name.rpartition("function:")[2].split(":")[0]
    function = functions.get(name) or functions.get(short)
    if function is None:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{short}"
        raise StateError("Lambda.ResourceNotFoundException", f"Function not found: {arn}")
    context = LambdaContext(short, call.run.services.tokens)
    event = decode(encode(payload))  # the handler may change its event; the state's data must not change with it

    def work() -> Json:
        return decode(encode(function(event, context)))  # what is not JSON fails, as in Lambda

    try:
        return await call.in_thread(work)
    except StateError:
        raise
    except Exception as e:
        raise StateError(type(e).__name__, encode(_told(e, context))) from None


def _told(error: Exception, context: LambdaContext) -> dict[str, Json]:
    """Return an exception as the Lambda runtime for Python reports it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if Path(frame.filename).parts[-2:] not in (("local", "call.py"), ("integrations", "lambda_.py"))
    ]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": context.aws_request_id,
        "stackTrace": traceback.format_list(own),
    }
