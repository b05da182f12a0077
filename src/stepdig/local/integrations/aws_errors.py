"""How Step Functions names and words the errors of AWS services.

An `aws-sdk` call reports `<Service>.<Exception of its model>`, or `<Service>.<Service>Exception` for a code the model does
not know; the optimised integrations each have their own way. Both were recorded on AWS.
"""

from __future__ import annotations

from typing import Any

from stepdig.local.errors import StateError

_SDK_NAMES = {
    "DynamoDB": "DynamoDb",
    "SFN": "Sfn",
    "ECS": "Ecs",
    "SQS": "Sqs",
    "SNS": "Sns",
    "SSM": "Ssm",
    "ECR": "Ecr",
}
# A HEAD has no body to tell its error; the SDK that Step Functions uses names it after the operation.
# https://github.com/aws/aws-sdk-java-v2/issues/544
_HEADS = {"HeadObject": "NoSuchKey", "HeadBucket": "NoSuchBucket"}
_OWN_NAMES = {"DynamoDB": "DynamoDB", "SFN": "StepFunctions", "EventBridge": "EventBridge"}
_WIRE_NAMES = {"DynamoDB": "AmazonDynamoDBv2", "SNS": "AmazonSNS", "SFN": "AWSStepFunctions", "Lambda": "AWSLambda"}


def state_error(error: Any, service_id: str, *, sdk: bool) -> StateError:  # noqa: ANN401 - botocore has no types
    """Return the failure for a botocore ClientError; `service_id` is the serviceId of botocore's model."""
    service = service_id.replace(" ", "")
    code = str(error.response["Error"].get("Code", "")).rsplit(".", 1)[-1].rsplit("#", 1)[-1]
    text = error.response["Error"].get("Message", "")
    told = error.response.get("ResponseMetadata", {})
    status, request = told.get("HTTPStatusCode", 400), told.get("RequestId", "")
    if sdk:
        name = _SDK_NAMES.get(service, service)
        known = _HEADS.get(error.operation_name, "ClientError") if code == "404" else type(error).__name__
        exception = _ending(name if known == "ClientError" else known)
        return StateError(
            f"{name}.{exception}", f"{text} (Service: {name}, Status Code: {status}, Request ID: {request})"
        )
    if service == "SQS":
        return StateError("SQS.SdkClientException", text)
    wire = _WIRE_NAMES.get(service, f"Amazon{service}")
    cause = f"{text} (Service: {wire}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null)"
    return StateError(f"{_OWN_NAMES.get(service, service)}.{_ending(code)}", cause)


def _ending(name: str) -> str:
    return name if name.endswith("Exception") else f"{name}Exception"
