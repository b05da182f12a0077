"""engine_worker.py stepdig|moto chain|map|processes: print the states, or processes, a second of one engine.

The start of the process is not counted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

STEPS, ITEMS, RUNS = 200, 1000, 5
ADD = {"Type": "Pass", "Output": "{% $states.input + 1 %}"}
ROLE = "arn:aws:iam::123456789012:role/bench"


def chain() -> dict[str, Any]:
    """Return 200 states that each add one."""
    steps = {f"S{n}": {**ADD, "Next": f"S{n + 1}"} for n in range(STEPS - 1)}
    return {"QueryLanguage": "JSONata", "StartAt": "S0", "States": {**steps, f"S{STEPS - 1}": {**ADD, "End": True}}}


def fan_out() -> dict[str, Any]:
    """Return a Map over 1,000 numbers, ten at a time."""
    processor = {"StartAt": "Add", "States": {"Add": {**ADD, "End": True}}}
    items = {"Type": "Map", "Items": "{% [1..1000] %}", "MaxConcurrency": 10, "ItemProcessor": processor, "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": items}}


def processes() -> dict[str, Any]:
    """Return a Map over 1,000 tasks that run the command `true`, ten at a time."""
    arguments = {"TaskDefinition": "t", "Overrides": {"ContainerOverrides": [{"Name": "c", "Command": ["true"]}]}}
    resource = "arn:aws:states:::ecs:runTask.sync"
    task = {"Type": "Task", "Resource": resource, "Arguments": arguments, "Output": 0, "End": True}
    processor = {"StartAt": "True", "States": {"True": task}}
    items = {"Type": "Map", "Items": "{% [1..1000] %}", "MaxConcurrency": 10, "ItemProcessor": processor, "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": items}}


SHAPES = {
    "chain": (chain, STEPS, STEPS),
    "map": (fan_out, list(range(2, ITEMS + 2)), ITEMS),
    "processes": (processes, [0] * ITEMS, ITEMS),
}


def on_stepdig(definition: dict[str, Any]) -> Callable[[], Any]:
    """Return a run of the definition on our engine."""
    from stepdig.local.engine import Engine
    from stepdig.local.integrations import Integrations
    from stepdig.local.integrations.ecs import SimpleLauncher

    engine = Engine(integrations=Integrations(tasks=SimpleLauncher()))
    names = itertools.count()

    async def run() -> Any:
        execution = engine.start(definition, 0, f"bench{next(names)}", "bench")
        await execution.wait()
        return execution.output

    loop = asyncio.new_event_loop()
    return lambda: loop.run_until_complete(run())


def on_moto(definition: dict[str, Any]) -> Callable[[], Any]:
    """Return a run of the definition on moto's interpreter."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
    import boto3
    import moto.stepfunctions.parser.asl.jsonata.jsonata as plug
    from jsonata import Jsonata
    from moto import mock_aws

    plug._eval_jsonata = lambda text: Jsonata(text).evaluate(None)
    mock_aws(config={"stepfunctions": {"execute_state_machine": True}}).start()
    client = boto3.client("stepfunctions")
    made = client.create_state_machine(name="bench", definition=json.dumps(definition), roleArn=ROLE)

    names = itertools.count()

    def run() -> Any:
        name = f"bench{next(names)}"
        arn = client.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input="0")["executionArn"]
        while (seen := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.005)
        return json.loads(seen["output"])

    return run


def main() -> None:
    """Run once for warmth and the result, then for the figure."""
    who, shape = sys.argv[1:]
    build, expected, count = SHAPES[shape]
    run = (on_stepdig if who == "stepdig" else on_moto)(build())
    found = run()
    if found != expected:
        sys.exit(f"{who} gave {str(found)[:200]}")
    print(count / statistics.median(seconds(run) for _ in range(RUNS)))


def seconds(run: Callable[[], Any]) -> float:
    """Return how long a run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
