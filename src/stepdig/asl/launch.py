"""Where a container is launched, and the Catch that looks into why it failed: the user's command, or the launch?

All of it arrives as `States.TaskFailed` with the task as JSON in the Cause, which a Retry cannot look into. So a Catch leads
to one Choice a scope, which tells the kinds apart (`launched`). Success passes none of it.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
"""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.place import INPUT, Site, State, note
from stepdig.jsonata_text import literal

# Faults of the RunTask call itself: throttling, capacity, server. `ECS.*` is no wildcard, so each is named.
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
FAULTS = ["ECS.AmazonECSException", "ECS.ThrottlingException", "ECS.ServerException", "AmazonECS.Unknown"]
ASKED, WAITS, BACK = " launch?", " launch wait", " launch again"  # the ends of the names of the states of `launched`
SPOT_TRIES = 2  # times that Spot may refuse or take a task before it runs on demand
SPOT_FAULTS = 3  # tries of RunTask on Spot before that counts as one of them


def provider(step: plan.Command, site: Site) -> State:
    """Return what RunTask is told of where to launch: LaunchType, or a capacity provider; it takes one of the two."""
    if step.capacity == "on_demand":
        return {"LaunchType": "FARGATE"}
    chosen = "FARGATE_SPOT"
    if step.capacity == "spot_then_on_demand":
        known = site.read(site.variable("launches"), "{}")
        here = f"$l.of={literal(step.name)}&$string($states.input)"
        chosen = f"{{% ($l:={known};{here} and $l.spot>={SPOT_TRIES}?'FARGATE':'FARGATE_SPOT') %}}"
    return {"CapacityProviderStrategy": [{"CapacityProvider": chosen, "Weight": 1}]}


def faults(step: plan.Command) -> State:
    """Return the Retry for what RunTask itself refuses."""
    tries = min(step.launches, SPOT_FAULTS) if step.capacity == "spot_then_on_demand" else step.launches
    return {
        "ErrorEquals": FAULTS,
        "IntervalSeconds": 2,
        "MaxAttempts": tries,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }


def counted(step: plan.Command) -> bool:
    """Return whether `_retry` is counted beside the launches, not by a Retry, which would count Spot's failures, too."""
    return step.capacity != "on_demand"


def catch_command(step: plan.Command, site: Site, late: str) -> list[State]:
    """Return the Catch of a command; `late` stands in for the cause of a time-out.

    The failure of a handler changes nothing, and is not looked into.
    """
    failure = site.on_failure
    caught = site.catch(step.name, late)
    if failure is not None and not failure.note:
        return caught
    target = failure.state if failure is not None else ""
    site.launches.setdefault(target, []).append(step)
    asked = names(site, target)[0]
    if failure is not None:  # a redrive begins with all of them
        failure.counters[site.variable("launches")] = {}
    if caught:
        return [{**caught[0], "Next": asked}]
    errors = ["States.TaskFailed", *(FAULTS if step.capacity == "spot_then_on_demand" else ())]
    if counted(step) and step.retry is not None and isinstance(step.timeout, int):
        errors.append("States.Timeout")
    noted = {site.variable("failure"): note("$states.errorOutput", step.name, site)}
    return [{"ErrorEquals": errors, "Assign": noted, "Output": INPUT, "Next": asked}]


def names(site: Site, target: str) -> tuple[str, str, str]:
    """Return the names of the three states that follow failures which lead to `target`, the end of the run if empty."""
    first = site.launches[target][0].name
    base = site.machine.comment.rpartition(" ")[2] if site.frame == 0 and not target else first
    return base + ASKED, base + WAITS, base + BACK
