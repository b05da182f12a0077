"""The same definitions with moto's S3 and Parameter Store in place of folders: names and shapes as AWS has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepdig.local.engine import Engine
from stepdig.local.functions import Modules
from stepdig.local.integrations import Integrations
from stepdig.local.integrations.aws import AwsServices
from stepdig.local.substitutions import substitute
from stepdig.pipeline import compile_workflow

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServices]:
    pytest.importorskip("moto")
    services = AwsServices()
    services.start()
    yield services
    services.close()


@pytest.fixture
def execute(aws: AwsServices, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Compile a workflow and run it with real boto3 calls; return what its states assigned and its status."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(aws.endpoint))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")

    def go(dig: str) -> tuple[str, dict[str, Any]]:
        compiled = compile_workflow(
            {"w.dig": dig.encode()}.get, "w.dig", display=str, project="shop", workflow="w", jobs=None
        )
        values = {name: "stepdig-bucket" if name == "Bucket" else name for name in compiled.substitutions}
        definition = json.loads(substitute(compiled.definition_text, values))
        handler = Modules(FUNCTIONS / "params_store").load("app").handler
        assigned: dict[str, Any] = {}

        class Listener:
            def on_event(self, _execution: Any, event: Any) -> None:
                for name, value in event.get("stateExitedEventDetails", {}).get("assignedVariables", {}).items():
                    assigned[name] = json.loads(value)

            def on_output(self, *_: Any) -> None:
                pass

        async def all_of_it() -> str:
            integrations = Integrations(functions={"ParamsStoreFunction": handler}, aws=AwsServices(aws.endpoint))
            async with Engine(integrations=integrations, listener=Listener()) as engine:
                execution = engine.start(definition, {}, "n", "w")
                await execution.wait()
                return execution.status

        return asyncio.run(all_of_it()), assigned

    return go


def test_s3_wait_tells_of_an_object_as_digdag_does(aws: AwsServices, execute: Any) -> None:
    s3 = aws.client("s3")
    for bucket in ("in-bucket", "stepdig-bucket"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="in-bucket", Key="a b/c", Body=b"abc", ContentType="text/csv", Metadata={"who": "me"})
    head = s3.head_object(Bucket="in-bucket", Key="a b/c")

    status, assigned = execute("+w:\n  s3_wait>: in-bucket/a b/c\n+e:\n  echo>: ${s3.last_object.result}\n")

    assert status == "SUCCEEDED"
    found = assigned["o1"]["s3"]["last_object"]
    assert found["user_metadata"] == {"who": "me"}
    assert found["metadata"]["Content-Length"] == 3
    assert found["metadata"]["Content-Type"] == "text/csv"
    assert found["metadata"]["ETag"] == head["ETag"].strip('"')
    assert found["metadata"]["Last-Modified"] == int(head["LastModified"].timestamp() * 1000)
    assert assigned["echo"] == "true"


def test_s3_wait_ends_when_there_is_nothing(execute: Any) -> None:
    dig = "+w:\n  s3_wait>: no-such-bucket/x\n  timeout: 1s\n  continue_on_timeout: true\n"

    status, assigned = execute(f"{dig}+e:\n  echo>: ${{s3.last_object.result}}\n")

    assert (status, assigned["echo"]) == ("SUCCEEDED", "false")


def test_params_are_in_the_parameter_store(aws: AwsServices, execute: Any) -> None:
    dig = "+set:\n  param_set>:\n  a: 1\n  b: ''\n+get:\n  param_get>:\n  a: x\n  b: y\n+e:\n  echo>: '[${x}] [${y}]'\n"

    assert execute(dig)[1]["echo"] == "[1] []"
    assert aws.client("ssm").get_parameter(Name="/stepdig/Stack/params/shop/a")["Parameter"]["Value"] == "1"
