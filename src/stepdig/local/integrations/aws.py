"""Every other AWS service: boto3 against a moto server on loopback that starts when the first call is made.

Resources `aws-sdk:<service>:<action>` and the optimised ones whose parameters are the service's own (`sqs:sendMessage`,
`sns:publish`, `dynamodb:*`, `events:putEvents`, `athena:*` ...). Parameters arrive in PascalCase and answers leave in it, as
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html says; botocore's models know the names.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable
from typing import Any

from stepdig.local.call import Call
from stepdig.local.errors import RUNTIME, TASK_FAILED, StateError
from stepdig.local.execution import REGION
from stepdig.local.integrations.moto_server import MotoServer
from stepdig.local.integrations.shapes import from_service, snake, to_service
from stepdig.local.payload import Json, encode

_MODULES = {"sfn": "stepfunctions", "states": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}
_PREFIXES = {"DynamoDB": "DynamoDb", "SFN": "Sfn", "ECS": "Ecs", "SQS": "Sqs", "SNS": "Sns", "SSM": "Ssm", "ECR": "Ecr"}
_OPTIMISED = {"DynamoDB": "DynamoDB", "SFN": "StepFunctions", "EventBridge": "EventBridge"}
_POLL_SECONDS = 0.2
_ATHENA_ENDS = {"SUCCEEDED", "FAILED", "CANCELLED"}


class AwsServices:
    """boto3 clients of one engine; `endpoint` is a server to use instead of a moto server of our own."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint
        self._server: MotoServer | None = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str | None:
        """Return the address of the server once it runs, for processes that shall see the same AWS."""
        return self._endpoint or (self._server.address if self._server else None)

    def start(self) -> str:
        """Start the server, unless it runs, and return its address; blocks for a second."""
        with self._lock:
            if self._endpoint is None and self._server is None:
                self._server = MotoServer()
            return self.endpoint or ""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients have no types
        """Return the boto3 client of a service on the server."""
        import boto3  # heavy, and an extra
        from botocore.config import Config

        address = self.start()
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    endpoint_url=address,
                    region_name=REGION,
                    aws_access_key_id="local",
                    aws_secret_access_key="local",  # noqa: S106 - a moto server takes any
                    config=Config(retries={"total_max_attempts": 1}),
                )
            return self._clients[service]

    async def call(self, call: Call, arguments: Json) -> Json:
        """Call the action of a Resource and return its answer; raises StateError with AWS's name for the error."""
        if importlib.util.find_spec("boto3") is None or importlib.util.find_spec("moto") is None:
            raise StateError(RUNTIME, f"{call.resource.text} needs moto: pip install 'stepdig[local,aws]'")
        resource = call.resource
        name = resource.service.removeprefix("aws-sdk:")
        service = _MODULES.get(name, name)
        sdk = resource.service.startswith("aws-sdk:")
        answer = await call.in_thread(lambda: _asked(self.client, service, resource.action, arguments, sdk=sdk))
        if resource.pattern == "":
            return answer
        call.submitted(answer)
        if call.waiting is not None:
            return await call.token_result()
        if (service, resource.action) == ("athena", "startQueryExecution"):
            return await self._query_ended(call, answer["QueryExecutionId"])
        raise StateError(RUNTIME, f"{resource.text} is not supported on this machine: nothing to wait for")

    def close(self) -> None:
        """End the server."""
        with self._lock:
            server, self._server = self._server, None
            for client in self._clients.values():
                client.close()
            self._clients.clear()
        if server is not None:
            server.close()

    async def _query_ended(self, call: Call, id_: str) -> Json:
        """Wait for an Athena query as `.sync` does."""
        while True:
            told = {"QueryExecutionId": id_}
            ask = functools.partial(_asked, self.client, "athena", "getQueryExecution", told, sdk=False)
            answer = await call.in_thread(ask)
            state = answer["QueryExecution"]["Status"]["State"]
            if state in _ATHENA_ENDS:
                break
            await call.run.services.clock.sleep(_POLL_SECONDS)
        if state != "SUCCEEDED":
            raise StateError(TASK_FAILED, encode(answer["QueryExecution"]))
        return answer


def _asked(client_of: Callable[[str], Any], service: str, action: str, arguments: Json, *, sdk: bool) -> Json:
    """Make the call, on a thread; raises StateError."""
    import botocore.exceptions as boto

    try:
        client = client_of(service)
    except (boto.UnknownServiceError, boto.DataNotFoundError):
        raise StateError(RUNTIME, f"There is no AWS service '{service}'") from None
    operation = client.meta.method_to_api_mapping.get(snake(action))
    if operation is None:
        raise StateError(RUNTIME, f"AWS service '{service}' has no action '{action}'")
    model = client.meta.service_model.operation_model(operation)
    try:
        answer = getattr(client, snake(action))(**to_service(arguments, model.input_shape))
    except boto.ClientError as e:
        raise StateError(_error_name(e, client.meta.service_model.service_id, sdk=sdk), _error_text(e)) from None
    except (boto.ParamValidationError, boto.EndpointConnectionError, boto.HTTPClientError) as e:
        raise StateError(RUNTIME, f"{type(e).__name__}: {e}") from None
    answer.pop("ResponseMetadata", None)
    return from_service(answer, model.output_shape)


def _error_name(error: Any, service_id: str, *, sdk: bool) -> str:  # noqa: ANN401 - botocore has no types
    """Return AWS's name of an error: `<Service>.<Code>Exception`, e.g. S3.NoSuchKeyException."""
    plain = service_id.replace(" ", "")
    prefix = (
        _PREFIXES.get(plain, plain)
        if sdk
        else _OPTIMISED.get(plain, f"Amazon{plain}" if plain in ("SQS", "SNS") else plain)
    )
    code = str(error.response["Error"]["Code"]).rsplit(".", 1)[-1].rsplit("#", 1)[-1]
    return f"{prefix}.{code if code.endswith('Exception') else code + 'Exception'}"


def _error_text(error: Any) -> str:  # noqa: ANN401 - botocore has no types
    told = error.response
    service = told.get("ResponseMetadata", {})
    return f"{told['Error'].get('Message', '')} (Status Code: {service.get('HTTPStatusCode', 400)})"
