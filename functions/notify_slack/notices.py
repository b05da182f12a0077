"""What comes on the alarm topic -> a message: CloudWatch's alarms, and whatever else somebody publishes there.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html, and for the event
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import links
from message import plain
from objects import object_in
from redact import redact

COLOURS = {"ALARM": "danger", "OK": "good"}
SAID = {"ALARM": "is in alarm", "OK": "is fine again", "INSUFFICIENT_DATA": "has no data"}
TEXT_CHARS = 2_500


def payloads(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the message of each record of an event of SNS."""
    for record in event["Records"]:
        given = record.get("Sns") if isinstance(record, dict) else None
        sns: Mapping[str, Any] = given if isinstance(given, dict) else {}
        told = object_in(sns.get("Message"))
        yield _alarm(told) if "AlarmName" in told and "NewStateValue" in told else _other(sns)


def _alarm(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of an alarm that changed its state."""
    name, state, arn = str(alarm["AlarmName"]), str(alarm["NewStateValue"]), str(alarm.get("AlarmArn") or "")
    said = [_safe(str(alarm.get("AlarmDescription") or "")), f"> {_safe(_reason(alarm))}"]
    text = {"type": "section", "text": _markdown("\n".join(filter(None, said)))}
    small = " · ".join(filter(None, [_measured(alarm.get("Trigger")), plain(str(alarm.get("StateChangeTime") or ""))]))
    page = [f"<{links.alarm(arn, name)}|Alarm>"] if arn.count(":") >= 6 else []
    context = {"type": "context", "elements": [_markdown(" · ".join([*page, small]))]}
    headline = f"Alarm *{plain(name)}* {SAID.get(state, 'is ' + plain(state))}"
    return {"text": headline, "attachments": [{"color": COLOURS.get(state, "warning"), "blocks": [text, context]}]}


def _reason(alarm: Mapping[str, Any]) -> str:
    return " ".join(str(alarm.get("NewStateReason") or "CloudWatch gives no reason").split())


def _measured(trigger: object) -> str:
    """Return what an alarm watches: `AWS/States ExecutionsFailed, StateMachineArn=...`."""
    if not isinstance(trigger, dict) or not trigger.get("MetricName"):
        return ""
    listed = trigger.get("Dimensions")
    dimensions = [it for it in listed if isinstance(it, dict)] if isinstance(listed, list) else []
    named = [f"{it.get('name')}={str(it.get('value')).rpartition(':')[2]}" for it in dimensions]
    return plain(", ".join([f"{trigger.get('Namespace')} {trigger['MetricName']}", *named]))


def _other(sns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of anything else: its subject, and its text as it is."""
    subject, text = str(sns.get("Subject") or ""), str(sns.get("Message") or "")
    topic = str(sns.get("TopicArn") or "").rpartition(":")[2]
    told = object_in(text)
    shown = f"```\n{_safe(json.dumps(told, indent=1, ensure_ascii=False))[:TEXT_CHARS]}\n```" if told else _safe(text)
    headline = f"*{_safe(subject)}*" if subject else f"A notice on {plain(topic)}"
    return {"text": "\n".join(filter(None, [headline, shown]))}


def _safe(text: str) -> str:
    return plain(redact(text)).replace("```", "'''")


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}
