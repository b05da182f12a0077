"""Nights as AWS tells of them: real runs of the engine, their histories with the names that a stack gives, the events."""

import json
import re
import textwrap
from datetime import datetime

from stepdig.cli import main

STACK = "prod"
ACCOUNT = "123456789012"
REGION = "us-east-1"  # the engine's


class Night:
    """A run of workflow `nightly_sync` of project `shop`: its execution's ARN, history, description, event."""

    def __init__(self, folder, dig, *arguments, status=None):
        project = folder / "shop"
        project.mkdir(parents=True, exist_ok=True)
        (project / "nightly_sync.dig").write_text(textwrap.dedent(dig), encoding="utf-8")
        main(["run", str(project / "nightly_sync.dig"), "--plain", "--session", "2026-11-20", *arguments])
        [history] = folder.rglob("*nightly_sync/*/history.jsonl")
        self.machine = f"{STACK}-shop-nightly_sync"
        text = history.read_text("utf-8").replace(
            "task-definition/JobDefault", f"task-definition/{self.machine}-default:7"
        )
        text = re.sub(r'(\\"archive\\":\\")[^"]*\\"', r'\1archives/shop-0f1e2d3c.zip\\"', text)
        self.events = [json.loads(line) for line in text.splitlines()]
        self.name = "20261119T150000Z-1"
        self.arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{self.machine}:{self.name}"
        self.status = (
            status or {"ExecutionFailed": "FAILED", "ExecutionSucceeded": "SUCCEEDED"}[self.events[-1]["type"]]
        )

    @property
    def ended(self):
        """The error and cause of the run."""
        last = self.events[-1]
        return next((value for key, value in last.items() if key.endswith("EventDetails")), {})

    def ecs_tasks(self):
        """The ids of the ECS tasks that were started, by the value of the loop around them ("" outside)."""
        found, entered = {}, {}
        for event in self.events:
            details = event.get("stateEnteredEventDetails")
            entered[event["id"]] = details["input"] if details else entered.get(event["previousEventId"], "{}")
            submitted = event.get("taskSubmittedEventDetails") or {}
            if submitted.get("resourceType") == "ecs":
                arn = json.loads(submitted["output"])["Tasks"][0]["TaskArn"]
                value = json.loads(entered[event["id"]])
                found[next(iter(value.values()), "")] = arn.rpartition("/")[2]
        return found

    def description(self, **more):
        """What DescribeExecution answers."""
        at = [datetime.fromisoformat(self.events[number]["timestamp"]).timestamp() for number in (0, -1)]
        told = {key: self.ended[key] for key in ("error", "cause") if key in self.ended}
        return {
            "executionArn": self.arn, "stateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.machine}",
            "name": self.name, "status": self.status, "startDate": at[0], "stopDate": at[1], "input": "{}",
            "inputDetails": {"included": True}, "redriveCount": 0, "redriveStatus": "REDRIVABLE", **told, **more,
        }  # fmt: skip

    def event(self, **more):
        """The event of EventBridge, as AWS documents it: without error and cause, times in milliseconds."""
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.machine}"
        return {
            "version": "0", "id": "315c1398-40ff-a850-213b-158f73e60175",
            "detail-type": "Step Functions Execution Status Change", "source": "aws.states", "account": ACCOUNT,
            "time": "2026-11-19T16:03:21Z", "region": REGION, "resources": [self.arn],
            "detail": {
                "executionArn": self.arn, "stateMachineArn": machine, "stateMachineVersionArn": f"{machine}:3",
                "stateMachineAliasArn": f"{machine}:live", "name": self.name, "status": self.status,
                "startDate": 1795100401847, "stopDate": 1795104201881, "input": "{}", "output": None,
                "inputDetails": {"included": True}, "outputDetails": None, "error": None, "cause": None,
                "redriveCount": 0, "redriveDate": None, "redriveStatus": "REDRIVABLE", "redriveStatusReason": None, **more,
            },
        }  # fmt: skip


def drawn(payload):
    """A payload as a person reads it: the headline, then each block, an attachment's behind a bar."""
    lines = [block["text"]["text"] for block in payload.get("blocks", []) if block["type"] == "section"]
    for attachment in payload.get("attachments", []):
        for block in attachment.get("blocks", []):
            texts = [block["text"]] if "text" in block else block["elements"]
            for text in texts:
                lines += [f"| {line}" for line in text["text"].split("\n")] + ["|"]
    return "\n".join(lines)
