"""What a Task's Resource does on this machine, one service a file; `Integrations` finds the right one.

Resources: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepdig.local.call import Call
from stepdig.local.errors import RUNTIME, StateError
from stepdig.local.integrations import ecs, lambda_, s3, states
from stepdig.local.integrations.aws import AwsServices
from stepdig.local.integrations.ecs import TaskLauncher
from stepdig.local.integrations.lambda_ import Function
from stepdig.local.integrations.s3 import LocalS3
from stepdig.local.payload import Json

Handler = Callable[[Call, Any], Awaitable[Any]]


@dataclass(eq=False)
class Integrations:
    """The services of one engine.

    `tasks` runs ECS tasks, `functions` are Lambda functions by name or ARN, `s3` holds buckets as folders, `aws`
    stands in for every other service and starts only when one is called. `more` maps Resources (the part after `:::`, without
    `.sync` and the like) to handlers of one's own.
    """

    tasks: TaskLauncher | None = None
    functions: Mapping[str, Function] = field(default_factory=dict)
    s3: LocalS3 | None = None
    aws: AwsServices = field(default_factory=AwsServices)
    more: Mapping[str, Handler] = field(default_factory=dict)

    async def call(self, call: Call, arguments: Json) -> Json:
        """Do what the call's Resource says and return its result; raises StateError."""
        resource = call.resource
        if not isinstance(arguments, dict) and not resource.function:
            raise StateError(RUNTIME, f"The Arguments of '{resource.text}' must be an object.")
        own = self.more.get(f"{resource.service}:{resource.action}")
        if own is not None:
            return await own(call, arguments)
        if resource.service == "ecs" and resource.action == "runTask" and self.tasks is not None:
            return await ecs.run_task(call, arguments, self.tasks)
        if resource.function or (resource.service == "lambda" and resource.action == "invoke"):
            return await lambda_.invoke(call, arguments, self.functions)
        if resource.service == "states" and resource.action == "startExecution":
            return await states.start_execution(call, arguments)
        if resource.service == "aws-sdk:sfn" and resource.action == "describeExecution":
            return await states.describe_execution(call, arguments)
        if (
            resource.service in ("s3", "aws-sdk:s3")
            and self.s3 is not None
            and s3.serves(resource.action, self.s3, arguments)
        ):
            return await s3.call(call, arguments, self.s3)
        if not resource.service:
            raise StateError(RUNTIME, f"The resource '{resource.text}' is none this engine knows.")
        return await self.aws.call(call, arguments)

    def close(self) -> None:
        """End the stand-ins for AWS services."""
        self.aws.close()
