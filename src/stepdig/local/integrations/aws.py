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
from stepdig.local.integrations.aws_errors import state_error
from stepdig.local.integrations.moto_server import MotoServer
from stepdig.local.integrations.shapes import from_service, snake, to_service
from stepdig.local.payload import Json, encode

_MODULES = {"sfn": "stepfunctions", "states": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}
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
        sdk = name != resource.service
        if (name, resource.action, sdk) == ("events", "putEvents", False):
            arguments = _with_origin(arguments, call)
        answer = await call.in_thread(lambda: _asked(self.client, name, resource.action, arguments, sdk=sdk))
        if resource.pattern == "":
            return answer
        call.submitted(answer)
        if call.waiting is not None:
            return await call.token_result()
        if (name, resource.action) == ("athena", "startQueryExecution"):
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

    module = _module(service)
    if module is None:
        raise StateError(RUNTIME, f"There is no AWS service '{service}'")
    client = client_of(module)
    operation = client.meta.method_to_api_mapping.get(snake(action))
    if operation is None:
        raise StateError(RUNTIME, f"AWS service '{service}' has no action '{action}'")
    model = client.meta.service_model.operation_model(operation)
    try:
        answer = getattr(client, snake(action))(**to_service(arguments, model.input_shape))
    except boto.ClientError as e:
        raise state_error(e, client.meta.service_model.service_id, sdk=sdk) from None
    except (boto.ParamValidationError, boto.EndpointConnectionError, boto.HTTPClientError) as e:
        raise StateError(RUNTIME, f"{type(e).__name__}: {e}") from None
    answer.pop("ResponseMetadata", None)
    if answer.get("FailedEntryCount") and not sdk:
        raise StateError("EventBridge.FailedEntry", encode(from_service(answer, model.output_shape)))
    return from_service(answer, model.output_shape)


@functools.lru_cache(maxsize=256)
def _module(service: str) -> str | None:
    """Return botocore's name of a service that Step Functions names by its serviceId in small letters, without blanks."""
    import botocore.session  # heavy, and an extra

    session = botocore.session.get_session()
    names = session.get_available_services()
    name = _MODULES.get(service, service)
    if name in names:
        return name
    found = (
        known for known in names if str(session.get_service_model(known).service_id).replace(" ", "").lower() == name
    )
    return next(found, None)


def _with_origin(arguments: Json, call: Call) -> Json:
    """Return the arguments of putEvents with the ARNs of machine and execution in Resources, as Step Functions adds them."""
    context = call.run.context()
    origin = [context["StateMachine"]["Id"], context["Execution"]["Id"]]
    entries = [{**entry, "Resources": [*entry.get("Resources", ()), *origin]} for entry in arguments.get("Entries", ())]
    return {**arguments, "Entries": entries}
